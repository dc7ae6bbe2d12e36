//! What others ask of a supervisor: OTP's interface. Questions are read from its table, under the gate; what changes
//! something goes through the control queue, so that it is answered between restarts and in the order in which it came.

use std::sync::Arc;

use super::cell::Item;
use crate::decide::supervision::{ChildState, Counts, Event};
use crate::engine::seat::Seat;
use crate::engine::seat::family::{Family, InterfaceReply};
use crate::env::known;
use crate::words::child::{BadChild, ChildKey, ChildPolicy};
use crate::words::child_interface::{Answer, InterfaceError};
use crate::words::child_report::{ChildReport, Report};
use crate::words::event::{Role, What};
use crate::words::policy::AutoShutdown;
use crate::words::supervisor::{BadPolicy, Policy};
use crate::words::written::ChildSpec;

/// A child as its supervisor knows it.
pub(crate) struct Known {
    pub(crate) seat: Arc<Seat>,
    pub(crate) state: ChildState,
    pub(crate) is_supervisor: bool,
}

impl Known {
    fn of(family: &Family, key: ChildKey) -> Option<Self> {
        let (seat, state) = (Arc::clone(family.seats.get(&key)?), family.core.state(key)?);
        Some(Self { seat, state, is_supervisor: family.core.policy(key)?.supervisor })
    }
}

impl Seat {
    /// How it supervises now.
    pub(crate) fn supervisor_policy(&self) -> Policy {
        let gate = self.gate.lock();
        gate.family.as_ref().map_or_else(|| self.policies.supervision(), |family| family.core.supervisor())
    }

    /// What an agent is to it that is its own child, and no task's.
    pub(crate) fn role_of_own_child(&self) -> Role {
        if self.policies.dynamic { Role::Dynamic } else { Role::Static }
    }

    /// Asks for a change of a child and waits for the answer. A supervisor that ends meanwhile gives none.
    pub(crate) async fn ask_about(
        self: &Arc<Self>,
        child: &str,
        event: fn(ChildKey, u64) -> Event,
    ) -> Result<Answer, InterfaceError> {
        let number = self.read_family(|family| family.number(child)).flatten();
        let number = number.ok_or(InterfaceError::NotFound)?;
        let ticket = self.engine.number();
        let (reply, answer) = InterfaceReply::new();
        self.push(Item::Asked { ticket, event: event(number, ticket), reply });
        known(answer).await.unwrap_or(Err(InterfaceError::Ending))
    }

    /// Serves one call of the interface.
    pub(in crate::engine) fn asked(self: &Arc<Self>, ticket: u64, event: Event, reply: InterfaceReply) {
        {
            let mut gate = self.gate.lock();
            let is_open = self.is_up();
            match gate.family.as_mut().filter(|_| is_open) {
                Some(family) => family.replies.insert(ticket, reply),
                None => return,
            };
        }
        self.decide(event);
    }

    /// The children, the newest first.
    pub(crate) fn which_children(&self) -> Vec<Known> {
        self.read_family(|family| {
            let all = family.core.which_children().into_iter();
            all.filter_map(|(key, _)| Known::of(family, key)).collect()
        })
        .unwrap_or_default()
    }

    /// One child, by its name.
    pub(crate) fn which_child(&self, name: &str) -> Option<Known> {
        self.read_family(|family| Known::of(family, family.number(name)?)).flatten()
    }

    /// How many children there are. The template of a dynamic supervisor is one spec.
    pub(crate) fn count_children(&self) -> Counts {
        let mut counts = self.read_family(|family| family.core.counts()).unwrap_or_default();
        counts.specs += usize::from(self.policies.dynamic);
        counts
    }

    /// A child's policy as it holds now.
    pub(crate) fn child_policy(&self, name: &str) -> Option<ChildPolicy> {
        self.read_family(|family| family.core.policy(family.number(name)?)).flatten()
    }

    /// Has it supervise in another way from now on. None if it has ended.
    pub(crate) fn change_policy(&self, change: impl FnOnce(&mut Policy)) -> Option<Result<(), BadPolicy>> {
        let before = self.supervisor_policy();
        let mut after = before;
        change(&mut after);
        let mut gate = self.gate.lock();
        if self.is_stopped() {
            return None;
        }
        let family = gate.family.get_or_insert_with(|| Box::new(Family::new(self.policies.supervision())));
        let policy = family.core.supervisor().changed(&before, &after);
        if self.policies.dynamic && policy.auto_shutdown != AutoShutdown::Never {
            return Some(Err(BadPolicy::AutoShutdownDynamic));
        }
        let changed = family.core.change(policy);
        if changed.is_ok() {
            self.note(What::PolicyChanged(Box::new(policy)));
        }
        Some(changed)
    }

    /// Has it treat a child in another way from now on. None if there is no such child.
    pub(crate) fn change_child(
        &self,
        name: &str,
        change: impl FnOnce(&mut ChildPolicy),
    ) -> Option<Result<(), BadChild>> {
        let before = self.child_policy(name)?;
        let mut after = before.clone();
        change(&mut after);
        let mut gate = self.gate.lock();
        let family = gate.family.as_mut()?;
        let number = family.number(name)?;
        // One that has ended for good is only not taken out yet.
        if family.seats.get(&number)?.is_gone() {
            return None;
        }
        let policy = family.core.policy(number)?.changed(&before, after);
        if let Err(error) = family.core.change_child(number, policy.clone()) {
            return Some(Err(error));
        }
        let child = family.seats.get(&number)?;
        child.note(What::ChildPolicyChanged(Box::new(policy)));
        Some(Ok(()))
    }

    /// What holds for it as a child, which stands in its supervisor's table and nowhere else; none for the root, and for one
    /// that its supervisor has let go. Takes the supervisor's gate.
    pub(crate) fn as_child(&self) -> Option<ChildPolicy> {
        loop {
            let (supervisor, number) = self.supervisor()?;
            let policy = supervisor.read_family(|family| family.core.policy(number)).flatten();
            let is_still = || self.supervisor().is_some_and(|(now, _)| Arc::ptr_eq(&now, &supervisor));
            // Where it was adopted meanwhile, that one's table has it.
            if is_still() {
                return policy;
            }
        }
    }

    /// Its one task has its outcome: after the end that comes it is not started again, however it ends.
    pub(crate) fn has_had_its_task(&self) {
        if let Some((supervisor, number)) = self.supervisor()
            && let Some(family) = supervisor.gate.lock().family.as_mut()
        {
            family.core.expect_end(number);
        }
    }

    /// What a report of its supervision says, with the child's id and its spec as it held then.
    pub(in crate::engine) fn report_of(&self, report: Report) -> Option<ChildReport> {
        let Report { context, child, policy, reason } = report;
        let child = self.read_family(|family| family.seats.get(&child).cloned()).flatten()?;
        let spec = ChildSpec::of(&child.name, &policy);
        Some(ChildReport { context, child: child.id.clone(), spec, reason })
    }

    fn read_family<T>(&self, read: impl FnOnce(&Family) -> T) -> Option<T> {
        self.gate.lock().family.as_deref().map(read)
    }
}
