//! Whether an agent that lives is the one that a spec describes.

use super::AgentSpec;
use crate::agent::Agent;
use crate::agent::typed::Typed;
use crate::engine::seat::Seat;
use crate::words::child::ChildPolicy;
use crate::words::policies::Policies;
use crate::words::policy::Restart;

impl<A: Agent> AgentSpec<A> {
    /// Whether it is of this type and all that can be compared holds for it: of what holds for a child, that which its
    /// supervisor's table says now, whatever its own spec said. `place` is what a child there is by default.
    pub(crate) fn describes(&self, seat: &Seat, held: &ChildPolicy, place: Restart) -> bool {
        let typed = seat.body.as_any().downcast_ref::<Typed<A>>();
        let ChildPolicy { dynamic, counted, .. } = *held;
        typed.is_some_and(|typed| typed.is_job == self.is_job)
            && self.policies.equal_but_as_a_child(&seat.policies)
            && ChildPolicy { counted, ..self.child_policy(place, dynamic, counted) } == *held
    }
}

impl Policies {
    /// Whether what is no supervisor's affair is equal.
    fn equal_but_as_a_child(&self, other: &Self) -> bool {
        // Taken apart, so that a field that is new has to say on which side it is.
        let Self {
            restart: _,
            shutdown: _,
            backoff: _,
            limit: _,
            significant: _,
            is_supervisor: _,
            restart_mode,
            start_within,
            attempts,
            mailbox,
            heartbeat,
            stale_after,
            on_stale,
            orphans,
            budget,
            ceiling,
            grants,
            fingerprint,
            stop_allowance,
            strategy,
            intensity,
            auto_shutdown,
            dynamic,
            max_children,
        } = self;
        *restart_mode == other.restart_mode
            && *start_within == other.start_within
            && *attempts == other.attempts
            && *mailbox == other.mailbox
            && *heartbeat == other.heartbeat
            && *stale_after == other.stale_after
            && *on_stale == other.on_stale
            && *orphans == other.orphans
            && *budget == other.budget
            && *ceiling == other.ceiling
            && *grants == other.grants
            && *fingerprint == other.fingerprint
            && *stop_allowance == other.stop_allowance
            && *strategy == other.strategy
            && *intensity == other.intensity
            && *auto_shutdown == other.auto_shutdown
            && *dynamic == other.dynamic
            && *max_children == other.max_children
    }
}
