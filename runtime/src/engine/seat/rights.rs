//! What a seat, a task or a turn may do, as the ceilings on its way here allow.
//!
//! # Invariants
//! 1. Rights are made when a seat, a task or a turn is, and never lose a limit. Whatever is made from them has all of them.
//! 2. So nothing that a bounded turn begins through skep is bounded by less than the turn is.
//! 3. A limit is looked at under the journal's lock when an effect begins, and narrowed under it: no effect begins after the event
//!    that would forbid it.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::words::ceiling::{Beyond, Ceiling};
use crate::words::effect::Tier;
use crate::words::id::AgentId;
use crate::words::reach::Reach;

/// The limit that one agent's ceiling is to itself and to whatever is below it or works for it.
#[derive(Debug)]
struct Limit {
    of: AgentId,
    /// That of its spec, and those that it was narrowed by since.
    ceilings: RwLock<Vec<Ceiling>>,
}

/// What a seat, a task or a turn may do: what every one of these limits allows. Most have none, and cost a word.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rights(Option<Arc<Vec<Arc<Limit>>>>);

impl Rights {
    /// Those of whoever nothing bounds.
    pub(crate) const ALL: Self = Self(None);

    /// These, and no more than an agent's ceiling allows.
    #[must_use]
    pub(crate) fn under(&self, of: &AgentId, ceiling: Option<&Ceiling>) -> Self {
        let Some(ceiling) = ceiling else { return self.clone() };
        let limit = Arc::new(Limit { of: of.clone(), ceilings: RwLock::new(vec![ceiling.clone()]) });
        Self(Some(Arc::new(self.limits().iter().cloned().chain([limit]).collect())))
    }

    /// What both allow.
    #[must_use]
    pub(crate) fn and(&self, other: &Self) -> Self {
        let is_ours = |limit: &Arc<Limit>| self.limits().iter().any(|ours| Arc::ptr_eq(ours, limit));
        let more: Vec<_> = other.limits().iter().filter(|limit| !is_ours(limit)).cloned().collect();
        match (more.len(), self.limits().len()) {
            (0, _) => self.clone(),
            (_, 0) => other.clone(),
            _ => Self(Some(Arc::new(self.limits().iter().cloned().chain(more).collect()))),
        }
    }

    /// What forbids an effect; the first limit in the order in which they came to be.
    pub(crate) fn forbids(&self, kind: &str, reach: &Reach, tier: Tier) -> Option<(&AgentId, Beyond)> {
        self.limits().iter().find_map(|limit| {
            let ceilings = limit.ceilings.read();
            let forbids =
                |ceiling: &Ceiling| ceiling.covers(kind, reach).and(ceiling.covers_tier(tier)).err();
            let beyond = ceilings.iter().find_map(forbids);
            beyond.map(|beyond| (&limit.of, beyond))
        })
    }

    /// Bounds whatever has the limit of this agent by one more ceiling. False if none of these limits is that agent's.
    pub(crate) fn narrow(&self, of: &AgentId, ceiling: &Ceiling) -> bool {
        let own = self.limits().iter().find(|limit| limit.of == *of);
        own.is_some_and(|limit| {
            let mut ceilings = limit.ceilings.write();
            // Said twice it bounds no more, and a list that grows would be looked at for each effect.
            if !ceilings.contains(ceiling) {
                ceilings.push(ceiling.clone());
            }
            true
        })
    }

    /// Whether nothing bounds them.
    #[must_use]
    pub(crate) const fn are_all(&self) -> bool {
        self.0.is_none()
    }

    fn limits(&self) -> &[Arc<Limit>] {
        self.0.as_ref().map_or(&[], |limits| limits)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    /// One step in the making of rights from others.
    #[derive(Clone, Debug)]
    enum Step {
        Under(Ceiling),
        And(usize),
        Narrow(Ceiling),
    }

    fn kinds() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec("[ab]{1,2}\\*?", 0..3)
    }

    fn ceiling() -> impl Strategy<Value = Ceiling> {
        let made = |(only, never): (Option<Vec<String>>, Vec<String>)| {
            only.map_or_else(Ceiling::new, Ceiling::only).never(never)
        };
        (proptest::option::of(kinds()), kinds()).prop_map(made)
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            ceiling().prop_map(Step::Under),
            (0_usize..100).prop_map(Step::And),
            ceiling().prop_map(Step::Narrow)
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_made_of_rights_allows_what_all_of_them_allow_and_nothing_else(
            steps in proptest::collection::vec((0_usize..100, step()), 1..24),
        ) {
            let all: Vec<String> = ["", "a", "b"].iter().flat_map(|x| ["a", "b", "ab"].map(|y| format!("{x}{y}"))).collect();
            // Beside each, whose ceilings bound it, by sets alone; and what each of these allows.
            let mut made: Vec<(Rights, BTreeSet<u32>)> = vec![(Rights::default(), BTreeSet::new())];
            let mut allowed: BTreeMap<u32, Vec<String>> = BTreeMap::new();
            let left = |of: &[String], ceiling: &Ceiling| -> Vec<String> {
                of.iter().filter(|kind| ceiling.allows(kind)).cloned().collect()
            };
            for (number, (from, step)) in (1_u32..).zip(steps) {
                let (rights, whose) = &made[from % made.len()];
                let next = match step {
                    Step::Under(ceiling) => {
                        allowed.insert(number, left(&all, &ceiling));
                        let whose = whose.iter().copied().chain([number]).collect();
                        (rights.under(&AgentId::root("s").child(number), Some(&ceiling)), whose)
                    }
                    Step::And(other) => {
                        let (others, theirs) = &made[other % made.len()];
                        (rights.and(others), whose | theirs)
                    }
                    Step::Narrow(ceiling) => {
                        let Some(last) = whose.last() else { continue };
                        prop_assert!(rights.narrow(&AgentId::root("s").child(*last), &ceiling));
                        let kinds = left(&allowed[last], &ceiling);
                        allowed.insert(*last, kinds);
                        continue;
                    }
                };
                made.push(next);
            }
            for (rights, whose) in &made {
                for kind in &all {
                    let may = whose.iter().all(|limit| allowed[limit].contains(kind));
                    let may_now = rights.forbids(kind, &Reach::Unknown, Tier::Safe).is_none();
                    prop_assert_eq!(may_now, may, "{} {:?}", kind, rights);
                }
                prop_assert_eq!(rights.limits().len(), whose.len());
                prop_assert!(!rights.narrow(&AgentId::root("s"), &Ceiling::new()), "nobody's limit");
            }
        }
    }

    #[test]
    fn what_can_do_more_harm_than_a_tier_is_beyond_it_whatever_its_kind() {
        let ceiling = Ceiling::only(["files.*"]).at_most(Tier::Reads);
        let rights = Rights::default().under(&AgentId::root("s"), Some(&ceiling));
        let why = |kind, tier| rights.forbids(kind, &Reach::NOTHING, tier).map(|(_, why)| why);
        assert_eq!(why("files.read", Tier::Reads), None);
        assert_eq!(why("files.write", Tier::Writes), Some(Beyond::Tier(Tier::Writes)));
        assert_eq!(why("command", Tier::Dangerous), Some(Beyond::Kind));
        let text = serde_json::to_string(&ceiling).unwrap();
        assert_eq!(text, r#"{"only":["files.*"],"tier":"reads"}"#);
        assert_eq!(serde_json::from_str::<Ceiling>(&text).unwrap(), ceiling);
    }

    #[test]
    fn rights_without_a_ceiling_cost_a_word() {
        let none = Rights::default();
        assert!(none.and(&none).are_all() && none.under(&AgentId::root("s"), None).are_all());
        assert!(!none.under(&AgentId::root("s"), Some(&Ceiling::new())).are_all());
        assert_eq!(size_of::<Rights>(), size_of::<usize>());
    }
}
