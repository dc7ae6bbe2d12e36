//! A change that was made to a copy of a policy, taken into the policy as it is by then: what somebody else has changed
//! meanwhile stays, but for the fields that both have changed, of which the later holds.
//!
//! A change is a user's code, so it is made under no lock.

use super::{ChildPolicy, Policy};

impl Policy {
    /// This policy with what `after` has changed of `before`.
    pub(crate) fn changed(self, before: &Self, after: &Self) -> Self {
        Self {
            strategy: pick(self.strategy, &before.strategy, after.strategy),
            intensity: pick(self.intensity, &before.intensity, after.intensity),
            auto_shutdown: pick(self.auto_shutdown, &before.auto_shutdown, after.auto_shutdown),
            each_child_alone: pick(self.each_child_alone, &before.each_child_alone, after.each_child_alone),
        }
    }
}

impl ChildPolicy {
    /// This policy with what `after` has changed of `before`.
    pub(crate) fn changed(self, before: &Self, after: Self) -> Self {
        Self {
            restart: pick(self.restart, &before.restart, after.restart),
            shutdown: pick(self.shutdown, &before.shutdown, after.shutdown),
            supervisor: pick(self.supervisor, &before.supervisor, after.supervisor),
            significant: pick(self.significant, &before.significant, after.significant),
            backoff: pick(self.backoff, &before.backoff, after.backoff),
            limit: pick(self.limit, &before.limit, after.limit),
            dynamic: pick(self.dynamic, &before.dynamic, after.dynamic),
            counted: pick(self.counted, &before.counted, after.counted),
            on_failure: pick(self.on_failure, &before.on_failure, after.on_failure),
        }
    }
}

fn pick<T: PartialEq>(now: T, before: &T, after: T) -> T {
    if after == *before { now } else { after }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::policy::Restart;

    #[test]
    fn what_another_has_changed_meanwhile_stays() {
        let before = ChildPolicy::default();
        let theirs = ChildPolicy { significant: true, restart: Restart::Temporary, ..before.clone() };
        let mine = ChildPolicy { restart: Restart::Transient, ..before.clone() };
        let both = theirs.changed(&before, mine);
        assert_eq!(both, ChildPolicy { significant: true, restart: Restart::Transient, ..before });
    }
}
