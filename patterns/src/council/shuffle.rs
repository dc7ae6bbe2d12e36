//! Orders that look like chance and are the same in each attempt of the owner's task: pure.
//!
//! The environment's chance would give another order in each attempt, by which no ranking that was paid for could be found
//! again. So the order comes from what is asked and who is asked.

use serde::Serialize;

/// A stream of numbers that its beginning fixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order(u64);

impl Order {
    /// Of a question and the members. A question that cannot be written as JSON is none, and its members alone decide.
    pub(super) fn of(question: &impl Serialize, members: &[String]) -> Self {
        let question = serde_json::to_value(question).unwrap_or_default();
        let text = serde_json::json!([question, members]).to_string();
        // FNV-1a: in all releases the same, which the standard library's hasher is not.
        let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(text.bytes().fold(0xcbf2_9ce4_8422_2325, hash))
    }

    /// Another for each member.
    pub(super) const fn of_member(self, at: usize) -> Self {
        let mut own = Self(self.0 ^ (at as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let next = own.next();
        Self(next)
    }

    /// `SplitMix64` (Steele, Lea and Flood, 2014).
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Shuffles them, by Fisher and Yates.
    pub(super) fn shuffle<T>(mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            let with = usize::try_from(self.next() % (at as u64 + 1)).unwrap_or_default();
            all.swap(at, with);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_the_same_for_the_same_question_and_members() {
        let members = ["a".to_owned(), "b".to_owned()];
        let order = |question: &str| {
            let mut all: Vec<_> = (0..20).collect();
            Order::of(&question, &members).shuffle(&mut all);
            all
        };
        assert_eq!(order("x"), order("x"));
        assert_ne!(order("x"), order("y"));
        let mut sorted = order("x");
        assert_ne!(sorted, (0..20).collect::<Vec<_>>());
        sorted.sort_unstable();
        assert_eq!(sorted, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn every_place_is_as_likely_for_the_first() {
        let mut places = [0_u32; 4];
        for question in 0..4_000 {
            for member in 0..2 {
                let mut all = [true, false, false, false];
                Order::of(&question, &[]).of_member(member).shuffle(&mut all);
                places[all.iter().position(|is_first| *is_first).unwrap()] += 1;
            }
        }
        assert!(places.iter().all(|count| (1_800..2_200).contains(count)), "{places:?}");
    }
}
