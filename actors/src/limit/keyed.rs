//! What a limit keeps for each key, without keeping it forever.

use std::collections::BTreeMap;

/// With more keys than this, those in their initial state are dropped before another is added.
const SWEEP: usize = 256;

/// Values by key. A value in its initial state need not be kept.
#[derive(Debug)]
pub(super) struct Keyed<T> {
    all: BTreeMap<String, T>,
    sweep_at: usize,
}

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Self { all: BTreeMap::new(), sweep_at: SWEEP }
    }
}

impl<T> Keyed<T> {
    /// The value of a key, created if missing. If there are many keys, those in their initial state are dropped before
    /// that: the cost of looking at all of them is spread over as many insertions.
    pub(super) fn entry(
        &mut self,
        key: &str,
        is_new: impl FnMut(&mut T) -> bool,
        make: impl FnOnce() -> T,
    ) -> &mut T {
        if !self.all.contains_key(key) {
            if self.all.len() >= self.sweep_at {
                let mut is_new = is_new;
                self.all.retain(|_, value| !is_new(value));
                self.sweep_at = (self.all.len() * 2).max(SWEEP);
            }
            self.all.insert(key.to_owned(), make());
        }
        self.all.get_mut(key).expect("it was there, or is now")
    }

    pub(super) fn get(&mut self, key: &str) -> Option<&mut T> {
        self.all.get_mut(key)
    }

    pub(super) fn iter(&mut self) -> impl Iterator<Item = (&String, &mut T)> {
        self.all.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_say_nothing_are_let_go_of_and_those_that_do_are_kept() {
        let mut keyed = Keyed::<u32>::default();
        for number in 0..10_000 {
            let value = keyed.entry(&number.to_string(), |value| *value == 0, || 0);
            *value = u32::from(number % 1_000 == 0);
        }
        let kept = keyed.iter().filter(|(_, value)| **value == 1).count();
        assert_eq!(kept, 10);
        assert!(keyed.iter().count() < 2 * SWEEP);
    }
}
