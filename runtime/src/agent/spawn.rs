//! How an agent gets its place: entered under the parent's gate, built and started in place.
//!
//! The start is polled once where the spawn is called. One that is ready opens neither cell nor runner, so an idle agent
//! costs its seat; one that is pending moves to a runner, under the start's deadline.

mod enter;
mod starting;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

pub(crate) use self::starting::{begin, spawn};
use crate::agent::Agent;
use crate::agent::mailbox::Mailbox;
use crate::agent::spec::AgentSpec;
use crate::agent::typed::Typed;
use crate::decide::supervision::{Event, Started};
use crate::engine::Engine;
use crate::engine::chain::allowance::refused_allowance;
use crate::engine::seat::blank::Blank;
use crate::engine::seat::body::Bare;
use crate::engine::seat::family::Family;
use crate::engine::seat::meter::Meter;
use crate::engine::seat::rights::Rights;
use crate::engine::seat::{PartOf, Seat};
use crate::engine::turn::{self, Listener, Turn};
use crate::env::theirs::Home;
use crate::journal::Entry;
use crate::words::budget::Budget;
use crate::words::error::SpawnError;
use crate::words::event::{Role, What};
use crate::words::id::{AgentId, Seq};
use crate::words::limits::Limits;
use crate::words::naming;
use crate::words::policies::Policies;
use crate::words::policy::Restart;
use crate::words::refusal::Refusal;
use crate::words::room::Crew;
use crate::words::supervisor::Policy;

/// Where a new agent goes.
pub(crate) struct SpawnPlace<'a> {
    pub(crate) parent: &'a Arc<Seat>,
    pub(crate) role: Role,
    /// The turn whose child it is, which must still be open.
    turn: Option<&'a Arc<Turn>>,
    /// The turn that spawns it, wherever it is put.
    by: Option<Arc<Turn>>,
    /// The path of branches and scopes in that turn.
    branch: Option<Arc<str>>,
    pub(crate) naming: Naming,
}

/// What a name means that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// The living agent, if it has the same type and policies.
    KnownOrNew,
    /// Always a new agent: a name that is taken gets a number.
    New,
    /// Always a new child, whose spec stays when it ends: OTP's `start_child`.
    Child,
}

impl<'a> SpawnPlace<'a> {
    /// Under a parent, for the turn that is being polled, if one is.
    pub(crate) fn under(parent: &'a Arc<Seat>, role: Role, naming: Naming) -> Self {
        Self { parent, role, turn: None, by: turn::current(), branch: None, naming }
    }

    /// As a child of this turn.
    pub(crate) fn in_turn(self, turn: &'a Arc<Turn>) -> Self {
        Self { turn: Some(turn), by: Some(Arc::clone(turn)), ..self }
    }

    /// For this turn, wherever it is polled.
    pub(crate) fn by(self, turn: Option<Arc<Turn>>) -> Self {
        Self { by: turn, ..self }
    }

    /// In this branch or scope of the turn which spawns.
    pub(crate) fn in_branch(self, branch: Option<Arc<str>>) -> Self {
        Self { branch, ..self }
    }

    /// What an agent of this name is to the turn which spawns it.
    fn part(&self, name: &str) -> Option<Box<PartOf>> {
        let by = self.by.as_ref()?;
        let (task, path) = (by.task.clone()?, by.paths.lock().agent(self.branch.as_ref(), name));
        Some(Box::new(PartOf { task, path }))
    }

    /// The task which what begins here belongs to, and costs.
    fn of_task(&self) -> Option<Box<Weak<dyn Listener>>> {
        let turn = self.turn.filter(|_| matches!(self.role, Role::Task(_)))?;
        Some(Box::new(Arc::downgrade(turn.listener()?)))
    }

    /// The event that began the turn which spawns.
    fn cause(&self) -> Option<Seq> {
        self.by.as_ref().and_then(|turn| turn.begun())
    }

    /// What the turn which spawns may do, for an agent can do no more for having been put elsewhere.
    fn rights(&self) -> Rights {
        turn::rights(self.by.as_deref())
    }

    /// What its agent is granted.
    fn grants(&self) -> Rights {
        self.by.as_ref().map_or(Rights::ALL, |turn| turn.seat.grants.clone())
    }

    /// How a child in this place is supervised unless its spec says otherwise: restart, without a spec of its own, counted.
    fn defaults(&self) -> (Restart, bool, bool) {
        match self.role {
            Role::Root | Role::Static => (Restart::Permanent, false, true),
            Role::Dynamic => (Restart::Permanent, true, true),
            Role::Task(_) | Role::Scope => (Restart::Transient, true, false),
        }
    }
}

pub(super) fn next_number(parent: &Seat, family: &mut Family) -> Result<u32, SpawnError> {
    family.next_number().ok_or_else(|| SpawnError::NumbersUsedUp { parent: parent.id.clone() })
}

fn entry(seat: &Seat) -> Entry<'_, Seat> {
    Entry { seat, incarnation: 0, task: None, cause: None }
}

pub(crate) fn bad_child(name: &str, error: &crate::words::child::BadChild) -> SpawnError {
    let text = error.to_string();
    let (field, message) = text.split_once(": ").unwrap_or(("spec", &text));
    SpawnError::BadSpec { name: naming::shown(name), field: field.to_owned(), message: message.to_owned() }
}

/// Writes down that a seat and its declared children have their places, parents first. Until then nothing is known of
/// them, so that a spec that cannot be leaves no trace. A declared child whose allowance does not fit does without.
fn announce(parent: &Arc<Seat>, seat: &Arc<Seat>, cause: Option<Seq>) -> Result<(), SpawnError> {
    let crew = crew_of(seat)?;
    let _announcing = parent.engine.announcing.lock();
    seat.note_spawned::<SpawnError>(seat.spawned(), cause, || Ok(parent.meter.admit_spawn(crew)?))?;
    seat.engine.registry.enter(seat);
    if !seat.has_family() {
        return Ok(());
    }
    for below in seat.subtree().iter().skip(1) {
        if let Err(refusal) = below.note_spawned::<Refusal>(below.spawned(), cause, || Ok(())) {
            below.engine.journal.append(&entry(below), below.spawned());
            below.note(refused_allowance(&refusal));
        }
        below.engine.registry.enter(below);
    }
    Ok(())
}

/// A new agent with its declared children, which have to fit the bounds of their own specs.
fn crew_of(seat: &Arc<Seat>) -> Result<Crew, SpawnError> {
    if !seat.has_family() {
        return Ok(Crew { agents: 1, levels: 1 });
    }
    let all = seat.subtree();
    let crew_of = |top: &Arc<Seat>, all: &[Arc<Seat>]| Crew {
        agents: u32::try_from(all.len()).unwrap_or(u32::MAX),
        levels: all.iter().map(|below| below.meter.depth() - top.meter.depth() + 1).max().unwrap_or(1),
    };
    if all.len() > 1 {
        for bounding in all.iter().filter(|seat| seat.meter.limits().is_some()) {
            let Crew { agents, levels } = crew_of(bounding, &bounding.subtree());
            let below = Crew { agents: agents - 1, levels: levels - 1 };
            let children = u32::try_from(bounding.children().len()).unwrap_or(u32::MAX);
            bounding.meter.admit_declared(below, children)?;
        }
    }
    Ok(crew_of(seat, &all))
}

/// What a new seat is, besides its spec.
pub(super) struct Blueprint {
    pub(super) role: Role,
    pub(super) keeps_spec: bool,
    pub(super) number: u32,
    pub(super) limits: Limits,
    pub(super) of_task: Option<Box<Weak<dyn Listener>>>,
    /// Of whoever spawns it; its parent's come on top.
    pub(super) rights: Rights,
    pub(super) grants: Rights,
}

impl Blueprint {
    pub(super) fn build<A: Agent>(
        self,
        parent: &Arc<Seat>,
        family: &Family,
        spec: &AgentSpec<A>,
    ) -> Arc<Seat> {
        let Self { role, keeps_spec, number, limits, of_task, rights, grants } = self;
        let meter = Meter::child(&parent.meter, parent.id.child(number), limits);
        let home = Home::new(parent.engine.env.aside(), meter.id());
        let body = Typed::<A> {
            factory: home.keep_if(spec.factory.has_drop, spec.factory.clone()),
            mailbox: Mailbox::new(spec.policies.mailbox),
            dormant: Mutex::new(None),
            is_job: spec.is_job,
        };
        let policies = family.policies(&spec.policies);
        let (rights, grants) = (parent.rights.and(&rights), parent.grants.and(&grants));
        let resources = spec.resources.as_ref().map(|resources| Box::new(resources.kept_at(&home)));
        let (name, family) = (&*spec.name, None);
        let blank = Blank {
            number,
            name,
            role,
            keeps_spec,
            of_task,
            policies,
            meter,
            home,
            rights,
            grants,
            resources,
            family,
        };
        blank.seat(&parent.engine, Some(parent), body)
    }
}

/// The root of a new session.
pub(crate) fn root(engine: &Arc<Engine>, policies: Policies, policy: Policy, limits: Limits) -> Arc<Seat> {
    let meter = Meter::root(AgentId::root(&engine.session), limits);
    let home = Home::new(engine.env.aside(), meter.id());
    let blank = Blank {
        number: 0,
        name: &engine.session,
        role: Role::Root,
        keeps_spec: false,
        of_task: None,
        policies: Arc::new(policies),
        meter,
        home,
        rights: Rights::ALL,
        grants: Rights::ALL,
        resources: None,
        family: Some(Box::new(Family::new(policy))),
    };
    let seat = blank.seat(engine, None, Bare { agent_type: "root" });
    seat.incarnation.store(1, Ordering::Release);
    engine.set_root(&seat);
    let unix_ms = engine.env.unix_ms();
    engine.journal.append(&entry(&seat), What::SessionBegan { name: engine.session.clone(), unix_ms });
    engine.journal.append(&entry(&seat), seat.spawned());
    engine.registry.enter(&seat);
    seat.note(What::AgentStarted);
    seat
}

/// Checks that something may begin at a parent; the caller holds the gate.
fn may_begin(place: &SpawnPlace<'_>) -> Result<(), SpawnError> {
    if let Some(turn) = place.turn {
        if !turn.is_open() {
            return Err(SpawnError::StaleTurn { agent: place.parent.id.clone() });
        }
        turn.set_has_children();
    }
    // By whatever handle: a turn that was given up begins nothing.
    if crate::engine::turn::current().is_some_and(|turn| !turn.is_open()) {
        return Err(SpawnError::StaleTurn { agent: place.parent.id.clone() });
    }
    if place.parent.is_up() {
        return Ok(());
    }
    Err(SpawnError::Fenced { parent: place.parent.id.clone(), state: place.parent.state() })
}

/// Opens a seat that only holds children, and bounds them.
pub(crate) fn scope(
    place: &SpawnPlace<'_>,
    name: &str,
    budget: Option<&Budget>,
) -> Result<Arc<Seat>, SpawnError> {
    naming::check(name).map_err(|message| SpawnError::BadSpec {
        name: naming::shown(name),
        field: "name".to_owned(),
        message,
    })?;
    let policies = Policies { budget: budget.cloned(), ..Policies::default() };
    let limits = policies.check(name)?;
    let mut gate = place.parent.gate.lock();
    may_begin(place)?;
    let parent = place.parent;
    let family = gate.family.get_or_insert_with(|| Box::new(Family::new(parent.policies.supervision())));
    // Scopes of one name may stand side by side: a name is for people, and nobody asks a scope.
    let name = if family.names.contains_key(name) { family.free_name(name) } else { name.to_owned() };
    let number = next_number(parent, family)?;
    let each_alone = Policy { each_child_alone: true, ..Policy::default() };
    let blank = Blank {
        number,
        name: &name,
        role: place.role.clone(),
        keeps_spec: false,
        of_task: place.of_task(),
        policies: if budget.is_some() { Arc::new(policies) } else { Arc::default() },
        meter: Meter::scope(&parent.meter, parent.id.child(number), limits),
        home: Arc::clone(&parent.home),
        rights: parent.rights.and(&place.rights()),
        grants: parent.grants.and(&place.grants()),
        resources: None,
        family: Some(Box::new(Family::new(each_alone))),
    };
    let seat = blank.seat(&parent.engine, Some(parent), Bare { agent_type: "scope" });
    let policy = crate::words::child::ChildPolicy {
        restart: Restart::Temporary,
        dynamic: true,
        counted: false,
        supervisor: true,
        ..Default::default()
    };
    family.core.insert(number, policy).map_err(|error| bad_child(&name, &error))?;
    parent.engine.journal.append(&entry(&seat), seat.spawned());
    parent.engine.registry.enter(&seat);
    seat.incarnation.store(1, Ordering::Release);
    seat.note(What::AgentStarted);
    family.enter(Arc::clone(&seat));
    let above = gate.grip();
    seat.hold_as_parent(&mut seat.gate.lock(), above);
    seat.rest_if_quiet();
    drop(gate);
    parent.decide(Event::Started { key: number, result: Started::Ok });
    Ok(seat)
}
