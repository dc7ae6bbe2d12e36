//! Orphans: who lives without a living parent, what runs where nothing should, and what is to be done about each.
//!
//! By construction there should be none, so a finding is also an alarm. What is seen once may be on its way: a runner returns
//! a moment after its agent's end, a cell is opened a moment after its first item. So a sweep looks twice, and deals with
//! what both looks have seen.
//!
//! | found | dealt with |
//! |---|---|
//! | an agent that lives, and its supervisor has ended without a stop | by its policy: stopped, adopted, or adopted until its task is done |
//! | the same, and it is between two lives, or nobody above lives | stopped: there is nothing that could go on |
//! | work that runs under an ended seat, and was not named as stuck | told to end |
//! | items for a cell where there is none | a cell is opened |
//! | holdings of an ended seat | released |

use crate::words::id::AgentId;
pub use crate::words::orphan::{Dealt, Found, Swept};
use crate::words::policy::Orphans;

/// A seat as a look sees it.
#[derive(Clone, Debug)]
pub(crate) struct SeatFacts {
    pub(crate) is_live: bool,
    /// Its incarnation is up: it could go on under another supervisor.
    pub(crate) is_up: bool,
    /// Who supervised it, if that one has ended and no stop is under way that ends both.
    pub(crate) lost: Option<AgentId>,
    /// Somebody above it lives and may take it.
    pub(crate) has_heir: bool,
    pub(crate) policy: Orphans,
    /// A runner is there that a stop has not given up.
    pub(crate) has_runner: bool,
    /// Something is to be served by a cell, and there is none.
    pub(crate) lacks_cell: bool,
    pub(crate) holds: bool,
}

/// What is wrong with a seat, if something is, and what is to be done about it.
pub(crate) fn judge(facts: &SeatFacts) -> Option<(Found, Dealt)> {
    if !facts.is_live {
        return match facts {
            SeatFacts { has_runner: true, .. } => Some((Found::Remnant, Dealt::Ended)),
            SeatFacts { holds: true, .. } => Some((Found::Holdings, Dealt::Released)),
            _ => None,
        };
    }
    if let Some(of) = &facts.lost {
        let dealt = dealt(facts.policy, facts.is_up && facts.has_heir);
        return Some((Found::Orphan { of: of.clone() }, dealt));
    }
    facts.lacks_cell.then_some((Found::LostCell, Dealt::Served))
}

/// What a policy comes to for an orphan that can or cannot go on.
pub(crate) const fn dealt(policy: Orphans, can_go_on: bool) -> Dealt {
    match policy {
        Orphans::Adopt if can_go_on => Dealt::Adopted,
        Orphans::UntilDone if can_go_on => Dealt::AdoptedUntilDone,
        Orphans::Stop | Orphans::Adopt | Orphans::UntilDone => Dealt::Stopped,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn facts() -> impl Strategy<Value = SeatFacts> {
        let flags = prop::array::uniform7(any::<bool>());
        let policy = prop::sample::select(vec![Orphans::Stop, Orphans::Adopt, Orphans::UntilDone]);
        (flags, policy).prop_map(
            |([is_live, is_up, lost, has_heir, has_runner, lacks_cell, holds], policy)| SeatFacts {
                is_live,
                is_up,
                lost: lost.then(|| AgentId::root("s").child(1)),
                has_heir,
                policy,
                has_runner,
                lacks_cell,
                holds,
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn whoever_lives_without_a_supervisor_is_found_and_dealt_with(facts in facts()) {
            let verdict = judge(&facts);
            let is_orphan = matches!(verdict, Some((Found::Orphan { .. }, _)));
            prop_assert_eq!(is_orphan, facts.is_live && facts.lost.is_some());
            if let Some((Found::Orphan { .. }, dealt)) = verdict {
                let goes_on = facts.is_up && facts.has_heir && facts.policy != Orphans::Stop;
                prop_assert_eq!(dealt != Dealt::Stopped, goes_on);
            }
        }

        #[test]
        fn a_sound_seat_is_left_alone(facts in facts()) {
            let sound = SeatFacts { lost: None, lacks_cell: false, is_live: true, ..facts };
            prop_assert_eq!(judge(&sound), None);
            let ended = SeatFacts { is_live: false, has_runner: false, holds: false, ..sound };
            prop_assert_eq!(judge(&ended), None);
        }

        #[test]
        fn nothing_that_has_ended_is_adopted_or_stopped(facts in facts()) {
            let ended = SeatFacts { is_live: false, ..facts };
            let dealt = judge(&ended).map(|(_, dealt)| dealt);
            prop_assert!(matches!(dealt, None | Some(Dealt::Ended | Dealt::Released)), "{dealt:?}");
            prop_assert_eq!(dealt.is_some(), ended.has_runner || ended.holds);
        }
    }
}
