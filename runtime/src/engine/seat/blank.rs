//! A seat that has no place yet.

use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;

use super::body::Body;
use super::family::Family;
use super::line::Line;
use super::polls::Polls;
use crate::engine::Engine;
use crate::engine::seat::meter::Meter;
use crate::engine::seat::resources::Resources;
use crate::engine::seat::rights::Rights;
use crate::engine::seat::{Gate, Seat};
use crate::engine::turn::Listener;
use crate::env::signal::Signal;
use crate::env::theirs::Home;
use crate::words::event::Role;
use crate::words::policies::Policies;

/// What is said of a seat before it is made; all the rest begins empty. Its id is its meter's.
pub(crate) struct Blank<'a> {
    pub(crate) number: u32,
    pub(crate) name: &'a str,
    pub(crate) role: Role,
    /// Its spec stays when it has ended.
    pub(crate) keeps_spec: bool,
    pub(crate) of_task: Option<Box<Weak<dyn Listener>>>,
    pub(crate) policies: Arc<Policies>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) home: Arc<Home>,
    /// Of its parent, and of the turn that spawns it: its own ceiling comes on top.
    pub(crate) rights: Rights,
    /// What the same are granted, unless its own spec says otherwise.
    pub(crate) grants: Rights,
    pub(crate) resources: Option<Box<Resources>>,
    pub(crate) family: Option<Box<Family>>,
}

impl Blank<'_> {
    /// The seat, under its parent, or at the root of its swarm.
    pub(crate) fn seat<B: Body>(
        self,
        engine: &Arc<Engine>,
        parent: Option<&Arc<Seat>>,
        body: B,
    ) -> Arc<Seat> {
        // Nothing begins at an agent before its start does, whoever finds it by its name.
        let line = if body.has_behaviour() { Line::default() } else { Line::bare() };
        let rights = self.rights.under(self.meter.id(), self.policies.ceiling.as_ref());
        let grants = match &self.policies.grants {
            None => self.grants,
            own => Rights::ALL.under(self.meter.id(), own.as_ref()),
        };
        Arc::new(Seat {
            key: engine.number(),
            number: self.number,
            id: self.meter.id().clone(),
            name: self.name.into(),
            role: self.role,
            part: OnceLock::new(),
            of_task: self.of_task,
            parent: parent.map(Arc::clone),
            engine: Arc::clone(engine),
            policies: self.policies,
            meter: self.meter,
            rights,
            grants,
            resources: self.resources,
            gate: Mutex::new(Gate { family: self.family, ..Gate::default() }),
            line: Mutex::new(line),
            control: Mutex::default(),
            live: Mutex::default(),
            vacant: Signal::default(),
            incarnation: 0.into(),
            life: 0.into(),
            keeps_spec: self.keeps_spec,
            adoption: Mutex::default(),
            home: self.home,
            holdings: Mutex::default(),
            allowance: Mutex::default(),
            polls: Polls::default(),
            held: 0.into(),
            awaiting: 0.into(),
            stood: 0.into(),
            body,
        })
    }
}
