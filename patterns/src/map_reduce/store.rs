//! What was mapped and reduced so far, until it is a value.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{Kept, Unmapped};
use crate::parts::Parts;

/// What there is, by the place of its first item. It goes back into the report when this is dropped, and so also when a run is
/// dropped in the middle.
pub(super) struct Store<'r, M> {
    outputs: BTreeMap<usize, Kept<M>>,
    kept: &'r mut Vec<Kept<M>>,
}

impl<'r, M> Store<'r, M> {
    /// What a report of so many items has. The value is of all items that have not failed.
    pub(super) fn of<I>(
        value: &mut Option<M>,
        failed: &[Unmapped<I>],
        kept: &'r mut Vec<Kept<M>>,
        parts: &Parts,
        items: usize,
    ) -> Self {
        let mut outputs: BTreeMap<_, _> = std::mem::take(kept).into_iter().filter_map(keyed).collect();
        if let Some(output) = value.take() {
            let failed: BTreeSet<_> = failed.iter().map(|failed| failed.at).collect();
            let items = (0..items).filter(|at| !failed.contains(at)).collect();
            let part = parts.parts.iter().rposition(|part| part.failure.is_none()).unwrap_or_default();
            outputs.extend(keyed(Kept { items, part, output }));
        }
        Self { outputs, kept }
    }

    /// What is reduced, in order: an output by its first item, and each of so many items that has none.
    pub(super) fn leaves(&self, items: usize) -> Vec<usize> {
        let later = self.outputs.values().flat_map(|kept| kept.items.iter().skip(1));
        let later: BTreeSet<_> = later.copied().collect();
        (0..items).filter(|at| !later.contains(at)).collect()
    }

    pub(super) fn has(&self, first: usize) -> bool {
        self.outputs.contains_key(&first)
    }

    pub(super) fn get(&self, first: usize) -> Option<&M> {
        self.outputs.get(&first).map(|kept| &kept.output)
    }

    pub(super) fn part_of(&self, first: usize) -> Option<usize> {
        self.outputs.get(&first).map(|kept| kept.part)
    }

    pub(super) fn put(&mut self, kept: Kept<M>) {
        self.outputs.extend(keyed(kept));
    }

    pub(super) fn take(&mut self, first: usize) -> Option<M> {
        self.outputs.remove(&first).map(|kept| kept.output)
    }

    /// Lends some outputs, in this order. They come back also if whoever gets them panics.
    pub(super) fn lend<W>(&mut self, firsts: &[usize], to: impl FnOnce(&[M]) -> W) -> W {
        let lent = firsts.iter().filter_map(|first| self.outputs.remove(first));
        let (known, outputs): (Vec<_>, Vec<_>) =
            lent.map(|Kept { items, part, output }| ((items, part), output)).unzip();
        let back = Back { outputs, known, store: self };
        to(&back.outputs)
    }

    /// Some outputs were reduced to one.
    pub(super) fn reduced(&mut self, firsts: &[usize], part: usize, output: M) {
        let inputs = firsts.iter().filter_map(|first| self.outputs.remove(first));
        let items = inputs.flat_map(|input| input.items).collect();
        self.put(Kept { items, part, output });
    }
}

/// Outputs that are lent.
struct Back<'s, 'r, M> {
    outputs: Vec<M>,
    known: Vec<(Vec<usize>, usize)>,
    store: &'s mut Store<'r, M>,
}

impl<M> Drop for Back<'_, '_, M> {
    fn drop(&mut self) {
        for ((items, part), output) in self.known.drain(..).zip(self.outputs.drain(..)) {
            self.store.put(Kept { items, part, output });
        }
    }
}

impl<M> Drop for Store<'_, M> {
    fn drop(&mut self) {
        *self.kept = std::mem::take(&mut self.outputs).into_values().collect();
    }
}

fn keyed<M>(kept: Kept<M>) -> Option<(usize, Kept<M>)> {
    Some((*kept.items.first()?, kept))
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn what_is_lent_comes_back_from_a_panic_and_all_goes_back_into_the_report() {
        let kept = |at: usize| Kept { items: vec![at], part: at, output: at };
        let mut report = vec![kept(0), kept(1), kept(2)];
        let mut store = Store::of::<()>(&mut None, &[], &mut report, &Parts::default(), 3);
        let panics = || store.lend(&[0, 2], |outputs| panic!("{outputs:?}"));
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert_eq!(store.lend(&[2, 0], <[usize]>::to_vec), [2, 0], "in the order that is asked for");
        drop(store);
        assert_eq!(report, [kept(0), kept(1), kept(2)]);
    }
}
