//! The declared children of a new agent, entered before it is announced: how deep they are nested costs no stack.

use std::sync::Arc;

use super::spawn::{Blueprint, bad_child, next_number};
use crate::agent::Agent;
use crate::agent::spec::{AgentSpec, Below};
use crate::engine::seat::Seat;
use crate::engine::seat::family::Family;
use crate::engine::seat::rights::Rights;
use crate::words::error::SpawnError;
use crate::words::event::Role;
use crate::words::policies::Policies;
use crate::words::policy::{AutoShutdown, Restart};

/// A spec whose type the parent need not know.
pub(crate) trait Plant: Send + Sync {
    fn name(&self) -> &str;

    fn policies(&self) -> &Policies;

    /// What it declares in turn.
    fn below(&self) -> &Below;

    fn below_mut(&mut self) -> &mut Below;

    /// Checks it alone, as a child of a supervisor of this kind.
    fn check(&self, is_dynamic: bool, auto_shutdown: AutoShutdown) -> Result<(), SpawnError>;

    /// Makes its seat, with nothing running and nothing below it yet. It is the caller's to enter.
    fn plant(&self, parent: &Arc<Seat>, family: &mut Family) -> Result<Arc<Seat>, SpawnError>;
}

/// A spec as a declared child.
pub(crate) struct Planted<A: Agent>(pub(crate) AgentSpec<A>);

impl<A: Agent> Plant for Planted<A> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn policies(&self) -> &Policies {
        &self.0.policies
    }

    fn below(&self) -> &Below {
        &self.0.below
    }

    fn below_mut(&mut self) -> &mut Below {
        &mut self.0.below
    }

    fn check(&self, is_dynamic: bool, auto_shutdown: AutoShutdown) -> Result<(), SpawnError> {
        self.0.belongs_to(None)?;
        self.0.check_alone(Restart::Permanent, is_dynamic, auto_shutdown)
    }

    /// The parent's supervision starts it.
    fn plant(&self, parent: &Arc<Seat>, family: &mut Family) -> Result<Arc<Seat>, SpawnError> {
        self.0.belongs_to(None)?;
        let limits = self.0.policies.check(&self.0.name)?;
        if family.names.contains_key(self.0.name.as_str()) {
            return Err(SpawnError::NameTaken { parent: parent.id.clone(), name: self.0.name.clone() });
        }
        let number = next_number(parent, family)?;
        let policy = self.0.child_policy(Restart::Permanent, false, true);
        family.core.declare(number, policy).map_err(|error| bad_child(&self.0.name, &error))?;
        let (role, rights, grants) = (Role::Static, Rights::ALL, Rights::ALL);
        let blueprint = Blueprint { role, keeps_spec: true, number, limits, of_task: None, rights, grants };
        Ok(blueprint.build(parent, family, &self.0))
    }
}

/// A seat whose declared children are being entered.
struct Planting<'a> {
    seat: Arc<Seat>,
    family: Box<Family>,
    left: std::slice::Iter<'a, Arc<dyn Plant>>,
}

impl<'a> Planting<'a> {
    fn of(seat: Arc<Seat>, policies: &Policies, below: &'a Below) -> Self {
        Self { seat, family: Box::new(Family::new(policies.supervision())), left: below.iter() }
    }
}

/// Enters all that a new seat's spec declares, each seat before what is below it, with a stack of its own.
pub(super) fn plant_below<A: Agent>(seat: &Arc<Seat>, spec: &AgentSpec<A>) -> Result<(), SpawnError> {
    if spec.below.is_empty() {
        return Ok(());
    }
    let mut open = vec![Planting::of(Arc::clone(seat), &spec.policies, &spec.below)];
    while let Some(top) = open.last_mut() {
        if let Some(child) = top.left.next() {
            let below = child.plant(&top.seat, &mut top.family)?;
            if child.below().is_empty() {
                top.family.enter(below);
            } else {
                open.push(Planting::of(below, child.policies(), child.below()));
            }
            continue;
        }
        let Some(Planting { seat, family, .. }) = open.pop() else { break };
        seat.gate.lock().family = Some(family);
        if let Some(above) = open.last_mut() {
            above.family.enter(seat);
        }
    }
    Ok(())
}

/// Takes a seat apart that has come to nothing: its children hold it, so it must not hold them.
pub(super) fn take_apart(seat: &Arc<Seat>) {
    let mut open = vec![Arc::clone(seat)];
    while let Some(seat) = open.pop() {
        let family = seat.gate.lock().family.take();
        open.extend(
            family.into_iter().flat_map(|mut family| std::mem::take(&mut family.seats).into_values()),
        );
    }
}
