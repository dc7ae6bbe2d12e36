//! A seat's children: the table, their names, and the core that decides about them.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::FixedState;
use foldhash::quality::RandomState;

use crate::decide::supervision::{Action, Core};
use crate::engine::seat::Seat;
use crate::env::Timer;
use crate::env::theirs;
use crate::words::child_interface::{Answer, InterfaceError};
use crate::words::event::Role;
use crate::words::id::TaskId;
use crate::words::policies::Policies;
use crate::words::supervisor::Policy;

pub(crate) type InterfaceReply = theirs::Reply<Result<Answer, InterfaceError>>;

/// Made with the first child, since most agents have none.
pub(crate) struct Family {
    pub(crate) core: Core,
    /// By number, which is start order.
    pub(crate) seats: BTreeMap<u32, Arc<Seat>>,
    pub(crate) names: HashMap<Arc<str>, u32, RandomState>,
    pub(crate) pauses: HashMap<u32, Timer, FixedState>,
    pub(crate) replies: BTreeMap<u64, InterfaceReply>,
    /// What is decided and not yet performed.
    actions: VecDeque<Action>,
    /// Somebody performs them, in their order, whoever brought them about.
    is_performing: bool,
    /// The children of each task, so that its end need not look at all the others.
    of_tasks: HashMap<TaskId, BTreeSet<u32>>,
    /// Those that others have spawned, so that a stop of one child need not look at all the others.
    adopted: BTreeSet<u32>,
    next: u32,
}

impl Family {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            core: Core::new(policy),
            seats: BTreeMap::new(),
            names: HashMap::default(),
            pauses: HashMap::default(),
            replies: BTreeMap::new(),
            actions: VecDeque::new(),
            is_performing: false,
            of_tasks: HashMap::new(),
            adopted: BTreeSet::new(),
            next: 0,
        }
    }

    /// Adds what was decided. True if the caller is to perform it, one by one; else another does.
    pub(crate) fn add(&mut self, actions: Vec<Action>) -> bool {
        self.actions.extend(actions);
        !std::mem::replace(&mut self.is_performing, true)
    }

    /// What is to be performed next; with nothing left, whoever decides next performs.
    pub(crate) fn next_action(&mut self) -> Option<Action> {
        let next = self.actions.pop_front();
        self.is_performing = next.is_some();
        next
    }

    /// The number of the child with a name.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.names.get(name).copied()
    }

    /// The next child's number; a number is never given twice, and one day there is none left.
    pub(crate) fn next_number(&mut self) -> Option<u32> {
        self.next = self.next.checked_add(1)?;
        Some(self.next)
    }

    pub(crate) const fn peek_number(&self) -> u32 {
        self.next.saturating_add(1)
    }

    /// A name that no child has: this one with the number of the next child, or with one after it.
    pub(crate) fn free_name(&self, base: &str) -> String {
        let mut numbers = self.peek_number()..;
        let names = numbers.by_ref().map(|number| format!("{base}-{number}"));
        names
            .into_iter()
            .find(|name| !self.names.contains_key(name.as_str()))
            .expect("there are more numbers than children")
    }

    /// These policies for one more child: siblings are mostly alike, and share them then.
    pub(crate) fn policies(&self, policies: &Arc<Policies>) -> Arc<Policies> {
        match self.seats.last_key_value() {
            Some((_, last)) if last.policies == *policies => Arc::clone(&last.policies),
            _ => Arc::clone(policies),
        }
    }

    pub(crate) fn enter(&mut self, seat: Arc<Seat>) {
        self.names.insert(seat.name.clone(), seat.number);
        if let Role::Task(task) = &seat.role {
            self.of_tasks.entry(task.clone()).or_default().insert(seat.number);
        }
        self.seats.insert(seat.number, seat);
    }

    /// Enters a seat under another number than its own. Its name stays whose it is here.
    pub(crate) fn adopt(&mut self, number: u32, seat: Arc<Seat>) {
        self.names.entry(seat.name.clone()).or_insert(number);
        self.adopted.insert(number);
        self.seats.insert(number, seat);
    }

    /// Frees the name of a child that has ended and whose spec alone still stands.
    pub(crate) fn let_go_of_ended(&mut self, name: &str) {
        let Some(number) = self.names.get(name).copied() else { return };
        if self.seats[&number].is_stopped() && self.core.remove(number) {
            self.seats[&number].note_spec_dropped();
            self.leave(number);
        }
    }

    /// The supervision begins anew with the specs that stand. Whoever waits for a reply learns that there is none. Gives
    /// the replies, and those that have ended for good, to be dropped outside the gate.
    #[must_use]
    pub(crate) fn reset(&mut self) -> (BTreeMap<u64, InterfaceReply>, Vec<Arc<Seat>>) {
        self.core.reset();
        self.pauses.clear();
        let has_ended = |seat: &Arc<Seat>| seat.is_gone();
        let ended: Vec<u32> =
            self.seats.iter().filter(|(_, seat)| has_ended(seat)).map(|(number, _)| *number).collect();
        let ended = ended.into_iter().filter_map(|number| self.leave(number)).collect();
        (std::mem::take(&mut self.replies), ended)
    }

    /// The entries of each table but the seats.
    #[cfg(feature = "lab")]
    pub(in crate::engine) fn entries(&self) -> [(&'static str, usize); 6] {
        [
            ("names", self.names.len()),
            ("supervised", self.core.len()),
            ("pauses", self.pauses.len()),
            ("replies", self.replies.len()),
            ("children of tasks", self.of_tasks.len()),
            ("adopted", self.adopted.len()),
        ]
    }

    /// Takes a child out that has ended for good.
    pub(crate) fn leave(&mut self, number: u32) -> Option<Arc<Seat>> {
        self.pauses.remove(&number);
        let seat = self.seats.remove(&number)?;
        self.adopted.remove(&number);
        if self.names.get(&seat.name) == Some(&number) {
            self.names.remove(&seat.name);
        }
        if let Role::Task(task) = &seat.role
            && let Some(children) = self.of_tasks.get_mut(task)
        {
            children.remove(&number);
            if children.is_empty() {
                self.of_tasks.remove(task);
            }
        }
        Some(seat)
    }

    /// Those that others have spawned, in start order.
    pub(crate) fn adopted(&self) -> impl Iterator<Item = &Arc<Seat>> {
        self.adopted.iter().filter_map(|number| self.seats.get(number))
    }

    /// The children of one of the agent's tasks, in start order.
    pub(crate) fn of_task(&self, task: &TaskId) -> Vec<Arc<Seat>> {
        let numbers = self.of_tasks.get(task).into_iter().flatten();
        numbers.filter_map(|number| self.seats.get(number).cloned()).collect()
    }
}
