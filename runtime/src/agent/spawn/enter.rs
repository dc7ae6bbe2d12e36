//! Entering a new agent at its place, or finding the one that stands there.
//!
//! What a name means that is taken depends on who asks. A first start is shared: whoever spawns the same agent meanwhile waits
//! for its end and gets what came of it.

use std::sync::Arc;

use super::{Blueprint, Naming, SpawnPlace, announce, bad_child, may_begin, next_number};
use crate::agent::Agent;
use crate::agent::plant::{plant_below, take_apart};
use crate::agent::spec::AgentSpec;
use crate::decide::supervision::ChildState;
use crate::engine::seat::Seat;
use crate::engine::seat::family::Family;
use crate::engine::supervise::first_start::FirstStart;
use crate::env::signal::Signal;
use crate::words::error::SpawnError;
use crate::words::event::Role;
use crate::words::room::Crew;

/// What came of entering an agent.
pub(super) enum EnteredAgent {
    New(Arc<Seat>),
    Known(Arc<Seat>),
    /// It stands there, and has never been up.
    Starting(Starting),
    /// A pause holds the parent until this is raised.
    Held(Arc<Signal>),
}

/// An agent whose start another has begun.
pub(super) struct Starting {
    pub(super) seat: Arc<Seat>,
    pub(super) start: Arc<FirstStart>,
    /// Whose start has to be over before it can be up: its own, that of one before it, or its parent's.
    pub(super) behind: Arc<Seat>,
}

/// Enters a new agent at its place, or finds the one that stands there.
pub(super) fn enter<A: Agent>(
    place: &SpawnPlace<'_>,
    spec: &mut AgentSpec<A>,
) -> Result<EnteredAgent, SpawnError> {
    spec.belongs_to(Some(place.parent))?;
    let limits = spec.policies.check(&spec.name)?;
    let (restart, dynamic, counted) = place.defaults();
    let parent = place.parent;
    spec.check_in_place(restart, dynamic, parent.supervisor_policy().auto_shutdown)?;
    let given = spec.name.clone();
    let mut gate = parent.gate.lock();
    may_begin(place)?;
    if let Some(hold) = &gate.hold {
        return Ok(EnteredAgent::Held(Arc::clone(&hold.over)));
    }
    let family = gate.family.get_or_insert_with(|| Box::new(Family::new(parent.policies.supervision())));
    if place.naming != Naming::Child {
        family.let_go_of_ended(&spec.name);
    }
    if let Some(taken) = family.number(&spec.name) {
        match place.naming {
            Naming::KnownOrNew => return known(place, family, taken, spec),
            Naming::Child => return child(place, family, taken),
            Naming::New => spec.name = family.free_name(&spec.name),
        }
    }
    if !spec.below.is_empty() {
        // Before anything of it is made.
        let Crew { agents, levels } = spec.below.crew();
        let crew = Crew { agents: agents.saturating_add(1), levels: levels.saturating_add(1) };
        parent.meter.admit_spawn(crew)?;
    }
    let number = next_number(parent, family)?;
    let keeps_spec = place.naming == Naming::Child && place.role == Role::Static;
    let (role, rights, grants) = (place.role.clone(), place.rights(), place.grants());
    let seat = Blueprint { role, keeps_spec, number, limits, of_task: place.of_task(), rights, grants }
        .build(parent, family, spec);
    if let Some(part) = place.part(&given) {
        seat.part.set(part).ok();
    }
    let policy = spec.child_policy(restart, dynamic, counted);
    policy.check(family.core.supervisor().auto_shutdown).map_err(|error| bad_child(&spec.name, &error))?;
    let announced = plant_below(&seat, spec).and_then(|()| announce(parent, &seat, place.cause()));
    announced.inspect_err(|_| take_apart(&seat))?;
    family.core.insert(number, policy).map_err(|error| bad_child(&spec.name, &error))?;
    family.enter(Arc::clone(&seat));
    Ok(EnteredAgent::New(seat))
}

/// The living agent of a name, if it is the one that the spec describes.
fn known<A: Agent>(
    place: &SpawnPlace<'_>,
    family: &Family,
    number: u32,
    spec: &AgentSpec<A>,
) -> Result<EnteredAgent, SpawnError> {
    let seat = &family.seats[&number];
    let (restart, ..) = place.defaults();
    let policy = family.core.policy(number).filter(|_| !seat.is_stopped() && seat.role == place.role);
    if policy.is_none_or(|held| !spec.describes(seat, &held, restart)) {
        return Err(SpawnError::NameTaken { parent: place.parent.id.clone(), name: spec.name.clone() });
    }
    Ok(match starting(place, family, number) {
        Some(starting) => EnteredAgent::Starting(starting),
        None => EnteredAgent::Known(Arc::clone(seat)),
    })
}

/// OTP's answer for a child of a name that is taken.
fn child(place: &SpawnPlace<'_>, family: &Family, number: u32) -> Result<EnteredAgent, SpawnError> {
    if let Some(starting) = starting(place, family, number) {
        return Ok(EnteredAgent::Starting(starting));
    }
    let seat = &family.seats[&number];
    let (agent, name) = (seat.id.clone(), seat.name.to_string());
    Err(match family.core.state(number) {
        Some(ChildState::Running) => SpawnError::AlreadyStarted { agent, name },
        // In an attempt to restart it as well: it may fail, and what is known of it is its spec.
        _ => SpawnError::AlreadyPresent { agent, name },
    })
}

/// The start of a child that is not up, where it is one that has an end: not an attempt to restart it.
fn starting(place: &SpawnPlace<'_>, family: &Family, number: u32) -> Option<Starting> {
    let seat = &family.seats[&number];
    let behind = if family.core.is_starting(number) {
        seat
    } else if seat.incarnation() == 0 && family.core.state(number) == Some(ChildState::Nothing) {
        // Declared, and its turn has not come.
        family.core.waits_for().and_then(|before| family.seats.get(&before)).unwrap_or(place.parent)
    } else {
        return None;
    };
    let start = seat.line.lock().first_start();
    // Whoever ends it says so before they look for those who wait: so one of both sees the other.
    (!seat.is_stopped()).then(|| Starting { seat: Arc::clone(seat), start, behind: Arc::clone(behind) })
}
