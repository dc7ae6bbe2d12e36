//! What others ask of a supervisor: OTP's interface. Questions are read from its table, under the gate; what changes
//! something goes through the control queue, so that it is answered between restarts and in the order in which it came.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::cell::Item;
use super::family::{Family, Reply};
use super::seat::{Changed, Fence, Seat};
use crate::event::{Role, What};
use crate::policy::{AutoShutdown, Restart};
use crate::supervision::{
    Answer, BadChild, BadPolicy, ChildKey, ChildPolicy, ChildReport, ChildSpec, ChildState, ChildType,
    Counts, Event, InterfaceError, Policy, Report,
};

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
        let (reply, answer) = oneshot::channel();
        self.push(Item::Asked { ticket, event: event(number, ticket), reply });
        answer.await.unwrap_or(Err(InterfaceError::Ending))
    }

    /// Serves one call of the interface.
    pub(super) fn asked(self: &Arc<Self>, ticket: u64, event: Event, reply: Reply) {
        {
            let mut gate = self.gate.lock();
            let is_open = gate.fence == Fence::Open;
            match gate.family.as_mut().filter(|_| is_open) {
                Some(family) => family.replies.insert(ticket, reply),
                None => return,
            };
        }
        self.decide(event);
    }

    /// The children, the newest first.
    pub(crate) fn which_children(&self) -> Vec<(Arc<Self>, ChildState)> {
        self.read_family(|family| {
            let all = family.core.which_children().into_iter();
            all.filter_map(|(key, state)| Some((Arc::clone(family.seats.get(&key)?), state))).collect()
        })
        .unwrap_or_default()
    }

    /// One child, by its name.
    pub(crate) fn which_child(&self, name: &str) -> Option<(Arc<Self>, ChildState)> {
        self.read_family(|family| {
            let number = family.number(name)?;
            Some((Arc::clone(family.seats.get(&number)?), family.core.state(number)?))
        })
        .flatten()
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

    /// Has it supervise in another way from now on.
    pub(crate) fn change_policy(&self, change: impl FnOnce(&mut Policy)) -> Result<(), BadPolicy> {
        let mut gate = self.gate.lock();
        let family = gate.family.get_or_insert_with(|| Box::new(Family::new(self.policies.supervision())));
        let mut policy = family.core.supervisor();
        change(&mut policy);
        if self.policies.dynamic && policy.auto_shutdown != AutoShutdown::Never {
            return Err(BadPolicy::AutoShutdownDynamic);
        }
        family.core.change(policy)?;
        self.note(What::PolicyChanged(Box::new(policy)));
        Ok(())
    }

    /// Has it treat a child in another way from now on. None if there is no such child.
    pub(crate) fn change_child(
        &self,
        name: &str,
        change: impl FnOnce(&mut ChildPolicy),
    ) -> Option<Result<(), BadChild>> {
        let mut gate = self.gate.lock();
        let family = gate.family.as_mut()?;
        let number = family.number(name)?;
        let mut policy = family.core.policy(number)?;
        change(&mut policy);
        let changed =
            Changed { restart: policy.restart, shutdown: policy.shutdown, significant: policy.significant };
        if let Err(error) = family.core.change_child(number, policy.clone()) {
            return Some(Err(error));
        }
        let child = family.seats.get(&number)?;
        // The child's gate comes after its parent's: whoever stops it reads there what holds.
        child.gate.lock().changed = Some(Box::new(changed));
        child.note(What::ChildPolicyChanged(Box::new(policy)));
        Some(Ok(()))
    }

    /// When its supervisor starts it again.
    pub(crate) fn restart_policy(&self) -> Restart {
        if let Some(changed) = &self.gate.lock().changed {
            return changed.restart;
        }
        let place = match self.role {
            Role::Task(_) | Role::Scope => Restart::Transient,
            Role::Root | Role::Static | Role::Dynamic => Restart::Permanent,
        };
        if self.ends_with_its_task() { Restart::Temporary } else { self.policies.restart.unwrap_or(place) }
    }

    /// What a report of its supervision says with the child's spec.
    pub(super) fn report_of(&self, report: Report) -> Option<ChildReport> {
        let child = self.read_family(|family| family.seats.get(&report.child).cloned()).flatten()?;
        let spec = child.written_spec();
        Some(ChildReport { context: report.context, child: child.id.clone(), spec, reason: report.reason })
    }

    /// What holds for it, as it would be written down.
    fn written_spec(&self) -> ChildSpec {
        let (shutdown, significant) = {
            let gate = self.gate.lock();
            let changed = gate.changed.as_ref().map(|changed| changed.significant);
            (gate.shutdown(&self.policies), changed.unwrap_or(self.policies.significant))
        };
        ChildSpec {
            id: self.name.to_string(),
            restart: self.restart_policy(),
            significant,
            shutdown: Some(shutdown),
            kind: if self.policies.is_supervisor { ChildType::Supervisor } else { ChildType::Worker },
        }
    }

    fn read_family<T>(&self, read: impl FnOnce(&Family) -> T) -> Option<T> {
        self.gate.lock().family.as_deref().map(read)
    }
}
