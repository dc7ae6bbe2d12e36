//! Known results, limited by weight and age, and which results are being fetched: pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use skep_runtime::{Reach, Target, Time};

/// What a result belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Wanted {
    pub(super) digest: [u8; 16],
    pub(super) kind: String,
    pub(super) subject: Option<String>,
    pub(super) reach: Reach,
}

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShelfTerms {
    pub(super) entries: usize,
    /// In bytes.
    pub(super) weight: usize,
    pub(super) ttl: Duration,
}

/// What a caller that wants a result finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum There<W> {
    Result(Arc<[u8]>),
    /// Nobody is fetching it: this caller does, under this number, and reports the outcome at the end.
    Go(u64),
    /// Another caller is fetching it: this is woken when that one is back.
    Wait(W),
}

/// What waiting callers get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Back {
    Result(Arc<[u8]>),
    /// There is no result, or others may not have it: they ask again.
    Nothing,
}

#[derive(Debug)]
pub(super) struct Shelf<W> {
    kept: HashMap<Wanted, Kept>,
    /// The entries by when they were last used.
    order: BTreeMap<u64, Wanted>,
    out: HashMap<Wanted, Out<W>>,
    weight: usize,
    number: u64,
    hits: u64,
    misses: u64,
}

#[derive(Debug)]
struct Kept {
    result: Arc<[u8]>,
    until: Time,
    used: u64,
}

#[derive(Debug)]
struct Out<W> {
    number: u64,
    /// Its target was changed while it was being fetched.
    is_void: bool,
    waiting: Vec<W>,
}

/// What an entry takes besides its result and its key.
const AROUND: usize = 256;

/// The key is kept twice, and may be longer than the result.
fn weight(wanted: &Wanted, result: &[u8]) -> usize {
    let bytes = |target: &Target| match target {
        Target::Command(words) => words.iter().map(String::len).sum(),
        other => other.to_string().len(),
    };
    let reach: usize = wanted.reach.targets().unwrap_or_default().iter().map(bytes).sum();
    let name = wanted.kind.len() + wanted.subject.as_ref().map_or(0, String::len) + reach;
    result.len().saturating_add(AROUND + 2 * name)
}

impl<W> Default for Shelf<W> {
    fn default() -> Self {
        let (kept, order, out) = (HashMap::new(), BTreeMap::new(), HashMap::new());
        Self { kept, order, out, weight: 0, number: 0, hits: 0, misses: 0 }
    }
}

impl<W: Clone> Shelf<W> {
    /// Asks for a result; `waker` is kept if the caller has to wait.
    pub(super) fn ask(&mut self, wanted: &Wanted, waker: impl FnOnce() -> W, now: Time) -> There<W> {
        self.number += 1;
        if let Some(kept) = self.kept.get_mut(wanted) {
            if kept.until > now {
                self.order.remove(&kept.used);
                kept.used = self.number;
                self.order.insert(kept.used, wanted.clone());
                self.hits += 1;
                return There::Result(Arc::clone(&kept.result));
            }
            self.drop_one(&wanted.clone());
        }
        match self.out.get_mut(wanted) {
            // The result being fetched may be outdated already, and this caller needs the current one.
            Some(out) if !out.is_void => {
                let waker = waker();
                out.waiting.push(waker.clone());
                There::Wait(waker)
            }
            _ => {
                self.misses += 1;
                let out = Out { number: self.number, is_void: false, waiting: Vec::new() };
                // The new fetch takes over those that wait for the previous one.
                if let Some(before) = self.out.insert(wanted.clone(), out)
                    && let Some(out) = self.out.get_mut(wanted)
                {
                    out.waiting = before.waiting;
                }
                There::Go(self.number)
            }
        }
    }

    /// A caller is back, with or without a result. Returns those who waited, and what they get.
    pub(super) fn back(
        &mut self,
        wanted: &Wanted,
        number: u64,
        result: Option<&[u8]>,
        terms: &ShelfTerms,
        now: Time,
    ) -> (Vec<W>, Back) {
        let is_this = self.out.get(wanted).is_some_and(|out| out.number == number);
        let Some(out) = is_this.then(|| self.out.remove(wanted)).flatten() else {
            return (Vec::new(), Back::Nothing);
        };
        let Some(result) = result.filter(|_| !out.is_void) else { return (out.waiting, Back::Nothing) };
        let result: Arc<[u8]> = result.into();
        self.hits += out.waiting.len() as u64;
        self.keep(wanted, &result, terms, now);
        (out.waiting, Back::Result(result))
    }

    fn keep(&mut self, wanted: &Wanted, result: &Arc<[u8]>, terms: &ShelfTerms, now: Time) {
        let weight = weight(wanted, result);
        if terms.entries == 0 || weight > terms.weight || terms.ttl.is_zero() {
            return;
        }
        self.drop_one(wanted);
        while self.kept.len() >= terms.entries || self.weight + weight > terms.weight {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.drop_one(&oldest);
        }
        self.number += 1;
        let kept = Kept { result: Arc::clone(result), until: now + terms.ttl, used: self.number };
        self.order.insert(kept.used, wanted.clone());
        self.weight += weight;
        self.kept.insert(wanted.clone(), kept);
    }

    /// `is_this` has waited long enough: the caller that fetches may be held by a pause. What it brings will not be
    /// shared. Returns the others who waited; they ask again.
    pub(super) fn overtake(&mut self, wanted: &Wanted, is_this: impl Fn(&W) -> bool) -> Vec<W> {
        let Some(out) = self.out.get_mut(wanted).filter(|out| out.waiting.iter().any(&is_this)) else {
            return Vec::new();
        };
        out.is_void = true;
        let mut waiting = std::mem::take(&mut out.waiting);
        waiting.retain(|waker| !is_this(waker));
        waiting
    }

    /// Stops waiting.
    pub(super) fn leave(&mut self, wanted: &Wanted, is_this: impl Fn(&W) -> bool) {
        if let Some(out) = self.out.get_mut(wanted) {
            out.waiting.retain(|waker| !is_this(waker));
        }
    }

    /// Forgets the results that match, and marks matching fetches as void.
    pub(super) fn void(&mut self, fits: impl Fn(&Wanted) -> bool) {
        let gone: Vec<Wanted> = self.kept.keys().filter(|wanted| fits(wanted)).cloned().collect();
        gone.iter().for_each(|wanted| self.drop_one(wanted));
        for (wanted, out) in &mut self.out {
            out.is_void |= fits(wanted);
        }
    }

    fn drop_one(&mut self, wanted: &Wanted) {
        if let Some(kept) = self.kept.remove(wanted) {
            self.order.remove(&kept.used);
            self.weight -= weight(wanted, &kept.result);
        }
    }

    /// The number of entries, their weight, hits and misses.
    pub(super) fn state(&self) -> (usize, usize, u64, u64) {
        (self.kept.len(), self.weight, self.hits, self.misses)
    }
}

/// Whether a change to one target may affect what is known of the other.
pub(super) fn touches(changed: &Reach, known: &Reach) -> bool {
    let Some(known) = known.targets() else { return true };
    // A result that depends on nothing but its input stays valid.
    if known.is_empty() {
        return false;
    }
    let Some(changed) = changed.targets() else { return true };
    changed.iter().any(|changed| match changed {
        // A program may change anything.
        Target::Command(_) => true,
        Target::Path(path) => known.iter().any(|known| match known {
            Target::Path(known) => is_within(path, known) || is_within(known, path),
            _ => false,
        }),
        other => known.contains(other),
    })
}

fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || folder.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TERMS: ShelfTerms =
        ShelfTerms { entries: 3, weight: 4 * (AROUND + 50), ttl: Duration::from_secs(10) };

    fn of(digest: u8, path: &str) -> Wanted {
        Wanted { digest: [digest; 16], kind: "files.read".into(), subject: None, reach: Reach::path(path) }
    }

    const fn at(secs: u64) -> Time {
        Time::from_nanos(secs * 1_000_000_000)
    }

    fn fill(shelf: &mut Shelf<u8>, wanted: &Wanted, text: &[u8], now: Time) {
        let There::Go(number) = shelf.ask(wanted, || 0, now) else { panic!("it is there") };
        assert_eq!(shelf.back(wanted, number, Some(text), &TERMS, now), (vec![], Back::Result(text.into())));
    }

    fn has(shelf: &mut Shelf<u8>, wanted: &Wanted, now: Time) -> bool {
        match shelf.ask(wanted, || 0, now) {
            There::Result(_) => true,
            There::Go(number) => {
                shelf.back(wanted, number, None, &TERMS, now);
                false
            }
            There::Wait(_) => panic!("nobody is out"),
        }
    }

    #[test]
    fn one_goes_and_the_others_wait_for_it() {
        let (mut shelf, wanted) = (Shelf::default(), of(1, "/a"));
        let There::Go(number) = shelf.ask(&wanted, || 0, at(0)) else { panic!() };
        assert_eq!(shelf.ask(&wanted, || 1, at(0)), There::Wait(1));
        assert_eq!(shelf.ask(&wanted, || 2, at(0)), There::Wait(2));
        shelf.leave(&wanted, |waker| *waker == 1);
        assert_eq!(shelf.back(&wanted, number, None, &TERMS, at(0)), (vec![2], Back::Nothing));
        let There::Go(number) = shelf.ask(&wanted, || 2, at(0)) else { panic!("the next goes") };
        assert_eq!(
            shelf.back(&wanted, number, Some(b"x"), &TERMS, at(0)),
            (vec![], Back::Result((*b"x").into()))
        );
        assert!(has(&mut shelf, &wanted, at(9)) && !has(&mut shelf, &wanted, at(10)), "it is of an age");
    }

    #[test]
    fn what_was_used_last_stays_and_what_is_too_heavy_is_not_kept() {
        let mut shelf = Shelf::default();
        let all: Vec<Wanted> = (0..4).map(|digest| of(digest, "/a")).collect();
        for wanted in &all[..3] {
            fill(&mut shelf, wanted, b"x", at(0));
        }
        assert!(has(&mut shelf, &all[0], at(1)));
        fill(&mut shelf, &all[3], b"x", at(1));
        let there: Vec<bool> = all.iter().map(|wanted| has(&mut shelf, wanted, at(2))).collect();
        assert_eq!(there, [true, false, true, true]);
        fill(&mut shelf, &of(9, "/a"), &[0; 10_000], at(2));
        assert!(!has(&mut shelf, &of(9, "/a"), at(2)) && has(&mut shelf, &all[0], at(2)));
    }

    #[test]
    fn what_is_changed_is_forgotten_also_on_its_way() {
        let mut shelf = Shelf::default();
        let (read, other) = (of(1, "/repo/a"), of(2, "/repo/b"));
        fill(&mut shelf, &other, b"x", at(0));
        let There::Go(number) = shelf.ask(&read, || 0, at(0)) else { panic!() };
        assert_eq!(shelf.ask(&read, || 7, at(0)), There::Wait(7));
        shelf.void(|wanted| touches(&Reach::path("/repo/a"), &wanted.reach));
        let There::Go(second) = shelf.ask(&read, || 8, at(0)) else { panic!("what is out is old") };
        assert_eq!(shelf.back(&read, number, Some(b"old"), &TERMS, at(0)), (vec![], Back::Nothing));
        assert_eq!(
            shelf.back(&read, second, Some(b"new"), &TERMS, at(0)),
            (vec![7], Back::Result((*b"new").into()))
        );
        assert!(has(&mut shelf, &other, at(0)));
    }

    #[test]
    fn who_has_waited_long_enough_goes_and_the_others_wait_for_them() {
        let (mut shelf, wanted) = (Shelf::default(), of(1, "/a"));
        let There::Go(first) = shelf.ask(&wanted, || 0, at(0)) else { panic!() };
        for waiter in 1..4 {
            assert_eq!(shelf.ask(&wanted, || waiter, at(0)), There::Wait(waiter));
        }
        assert_eq!(shelf.overtake(&wanted, |waker| *waker == 2), [1, 3]);
        let There::Go(second) = shelf.ask(&wanted, || 2, at(1)) else { panic!("it goes") };
        assert_eq!(shelf.ask(&wanted, || 1, at(1)), There::Wait(1));
        assert_eq!(shelf.overtake(&wanted, |waker| *waker == 3), [0_u8; 0], "it waits for nobody");
        assert_eq!(shelf.back(&wanted, first, Some(b"late"), &TERMS, at(2)).0, [0_u8; 0]);
        assert_eq!(
            shelf.back(&wanted, second, Some(b"x"), &TERMS, at(2)),
            (vec![1], Back::Result((*b"x").into()))
        );
    }

    #[test]
    fn a_name_that_is_longer_than_its_result_has_its_weight() {
        let mut shelf = Shelf::default();
        let long = of(1, &format!("/{}", "a".repeat(4_000)));
        fill(&mut shelf, &long, b"x", at(0));
        assert!(!has(&mut shelf, &long, at(0)), "it is heavier than all may be");
    }

    #[test]
    fn a_change_touches_what_lies_above_and_below_it_and_a_program_touches_all_but_what_reaches_nothing() {
        let touches = |changed: Reach, known: &str| touches(&changed, &Reach::path(known));
        assert!(touches(Reach::path("/a/b"), "/a") && touches(Reach::path("/a"), "/a/b"));
        assert!(touches(Reach::path("/a"), "/") && !touches(Reach::path("/a/b"), "/a/bc"));
        assert!(touches(Reach::Unknown, "/a") && touches(Reach::command(["make"]), "/a"));
        assert!(
            !touches(Reach::host("example.com"), "/a") && !super::touches(&Reach::Unknown, &Reach::NOTHING)
        );
        assert!(super::touches(&Reach::NOTHING, &Reach::Unknown));
        assert!(super::touches(&Reach::host("a"), &Reach::host("a")));
    }

    proptest! {
        /// Compared with a plain list of what was stored: nothing is found that was not stored or is too old, and the
        /// bounds hold.
        #[test]
        fn what_is_found_was_put_there_and_no_more_is_kept_than_may_be(
            steps in prop::collection::vec((0_u8..6, 0_usize..12, 0_u64..4, any::<bool>()), 1..60),
        ) {
            let mut shelf = Shelf::<u8>::default();
            let mut put: HashMap<u8, (Vec<u8>, Time)> = HashMap::new();
            let mut now = at(0);
            for (digest, size, pause, voids) in steps {
                now = now + Duration::from_secs(pause);
                let wanted = of(digest, "/a");
                if voids && digest == 0 {
                    shelf.void(|_| true);
                    put.clear();
                    continue;
                }
                match shelf.ask(&wanted, || 0, now) {
                    There::Result(found) => {
                        let (text, until) = &put[&digest];
                        prop_assert!(&*found == text.as_slice() && *until > now);
                    }
                    There::Go(number) => {
                        let text = vec![digest; size];
                        shelf.back(&wanted, number, Some(&text), &TERMS, now);
                        put.insert(digest, (text, now + TERMS.ttl));
                    }
                    There::Wait(_) => prop_assert!(false, "nobody is out"),
                }
                let (entries, weight, ..) = shelf.state();
                prop_assert!(entries <= TERMS.entries && weight <= TERMS.weight);
                prop_assert_eq!(shelf.order.len(), entries);
                let weighed: usize = shelf.kept.iter().map(|(wanted, kept)| super::weight(wanted, &kept.result)).sum();
                prop_assert_eq!(weighed, weight);
            }
        }
    }
}
