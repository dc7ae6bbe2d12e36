//! What is the user's, while it is with us.
//!
//! A task, an output, a behaviour, a factory: each may run code of a user's when it is called, and when it is dropped. Such
//! code may panic, block for seconds, or ask an agent's status. So it is caught, and it never runs under a lock of ours, on
//! the control thread, or inside what performs a stop.
//!
//! # Invariants
//! 1. A [`Theirs`] may be let go of anywhere, under whatever lock: its drop runs nothing of the value's, but has it dropped
//!    aside. Only [`Theirs::let_go`] drops it where it is called, and it knows where that may not be.
//! 2. A waker that is a user's is cloned before a lock is taken, and woken and dropped after ([`Sleeper`]).
//! 3. Whoever must not run a user's code says so ([`Aside::ours`]): what would be run there is run elsewhere instead.

use std::any::type_name;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::task::{Context, Waker};

use tokio::sync::oneshot;

use crate::env::Aside;
use crate::env::census::Counted;
use crate::env::marks::{Marks, Spoil};
use crate::env::quiet::caught;
use crate::words::error::Panic;
use crate::words::id::AgentId;

/// Where the values of one agent are dropped. One an agent, so that agents share no counter.
pub(crate) struct Home {
    aside: Arc<Aside>,
    agent: AgentId,
}

impl Home {
    pub(crate) fn new(aside: &Arc<Aside>, agent: &AgentId) -> Arc<Self> {
        Arc::new(Self { aside: Arc::clone(aside), agent: agent.clone() })
    }

    /// Takes a value in. One that has no drop costs nothing.
    pub(crate) fn keep<T: Send + 'static>(self: &Arc<Self>, value: T) -> Theirs<T> {
        self.keep_if(std::mem::needs_drop::<T>(), value)
    }

    /// Takes in a value of which more is known than its type says: whether its drop may run code of a user's.
    pub(crate) fn keep_if<T: Send + 'static>(self: &Arc<Self>, has_drop: bool, value: T) -> Theirs<T> {
        let home = has_drop.then(|| self.door());
        Theirs { value: Some(value), home, marks: Marks::default() }
    }

    /// Has the drop of a value do what a plan wants, also where it has none of its own.
    pub(crate) fn spoil<T: Send + 'static>(self: &Arc<Self>, value: &mut Theirs<T>, spoil: Spoil) {
        if spoil.is_any() {
            value.home.get_or_insert_with(|| self.door());
            value.marks.spoil(spoil);
        }
    }

    fn door<T: Send + 'static>(self: &Arc<Self>) -> Door<T> {
        Door { home: Arc::clone(self), aside: Self::aside::<T> }
    }

    fn aside<T: Send + 'static>(self: Arc<Self>, value: T, mut marks: Marks) {
        let aside = Arc::clone(&self.aside);
        let later = marks.later();
        let job = Box::new(move || self.drop_here(value, marks));
        match later {
            Some(later) => later.run(job),
            None => aside.later(job),
        }
    }

    fn drop_here<T>(&self, value: T, marks: Marks) {
        if let Err(panic) = caught(|| marks.drop(value)) {
            let (agent, what) = (self.agent.as_str(), type_name::<T>());
            tracing::warn!(target: "skep", agent, "the drop of a {what} {panic}");
        }
    }
}

/// A value of a user's.
pub(crate) struct Theirs<T> {
    /// None once it was given up.
    value: Option<T>,
    /// None for what has no drop.
    home: Option<Door<T>>,
    marks: Marks,
}

/// The way to where a value is dropped. It was known to be one that may be sent when it came in.
struct Door<T> {
    home: Arc<Home>,
    aside: fn(Arc<Home>, T, Marks),
}

impl<T> Theirs<T> {
    /// The same, counted until its drop is over.
    pub(crate) fn counted(mut self, counted: Counted) -> Self {
        self.marks.count(counted);
        self
    }

    /// Gives it to whoever it is for: what becomes of it is theirs.
    pub(crate) fn into_inner(mut self) -> T {
        self.home = None;
        self.value.take().expect(GIVEN_UP)
    }

    /// Drops it here, if a user's code may run here, and aside if not. Never under a lock.
    pub(crate) fn let_go(mut self) {
        if Aside::instead_of_here().is_none()
            && !self.marks.takes_time()
            && let (Some(value), Some(door)) = (self.value.take(), self.home.take())
        {
            door.home.drop_here(value, std::mem::take(&mut self.marks));
        }
    }
}

impl<T> Theirs<T> {
    /// Drops it here, where a user's code may run, and says whether that went well.
    pub(crate) fn dropped(mut self) -> Result<(), Panic> {
        self.home = None;
        let value = self.value.take();
        let marks = std::mem::take(&mut self.marks);
        caught(|| marks.drop(value))
    }
}

const GIVEN_UP: &str = "it is given up by value, so nobody has it any more";

impl<T> Deref for Theirs<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect(GIVEN_UP)
    }
}

impl<T> DerefMut for Theirs<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect(GIVEN_UP)
    }
}

impl<T> Drop for Theirs<T> {
    fn drop(&mut self) {
        if let (Some(value), Some(door)) = (self.value.take(), self.home.take()) {
            (door.aside)(door.home, value, std::mem::take(&mut self.marks));
        }
    }
}

/// Without its content.
impl<T> fmt::Debug for Theirs<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(type_name::<T>())
    }
}

/// Runs something short of a user's, such as a waker: here, or soon where it may. Never under a lock.
fn run(what: &'static str, run: impl FnOnce() + Send + 'static) {
    let caught = move || {
        if let Err(panic) = caught(run) {
            tracing::warn!(target: "skep", "{what} {panic}");
        }
    };
    match Aside::instead_of_here() {
        Some(aside) => aside.soon(Box::new(caught)),
        None => caught(),
    }
}

/// Whoever waits for something: the waker of a future that may be a user's.
///
/// It is made before a lock is taken, and woken or dropped when none is held. One that was made where no code of a user's
/// runs is none of a user's, and is woken wherever that is.
pub(crate) struct Sleeper {
    waker: Option<Waker>,
    is_ours: bool,
}

impl Sleeper {
    pub(crate) fn new(cx: &Context<'_>) -> Self {
        Self { waker: Some(cx.waker().clone()), is_ours: Aside::instead_of_here().is_some() }
    }

    /// Takes the place of who slept here, and gives that one back to be dropped; or itself, if it is the same.
    pub(crate) fn replace(self, place: &mut Option<Self>) -> Option<Self> {
        let is_same = place.as_ref().is_some_and(|there| there.is_same(&self));
        if is_same { Some(self) } else { place.replace(self) }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (&self.waker, &other.waker) {
            (Some(mine), Some(its)) => mine.will_wake(its),
            _ => false,
        }
    }

    /// Wakes it.
    pub(crate) fn wake(mut self) {
        match self.waker.take() {
            Some(waker) if self.is_ours => waker.wake(),
            Some(waker) => run("a waker", move || waker.wake()),
            None => {}
        }
    }

    /// Wakes all, in their order.
    pub(crate) fn wake_all(sleepers: impl IntoIterator<Item = Self>) {
        sleepers.into_iter().for_each(Self::wake);
    }

    /// The same from where a lock may be held: soon, and elsewhere.
    pub(crate) fn wake_soon(sleepers: Vec<Self>, aside: &Aside) {
        if !sleepers.is_empty() {
            aside.soon(Box::new(move || Self::wake_all(sleepers)));
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        if let Some(waker) = self.waker.take().filter(|_| !self.is_ours) {
            run("the drop of a waker", move || drop(waker));
        }
    }
}

/// What somebody waits for. Sending it wakes them, and so does letting go of it unsent: then they learn that it never comes.
pub(crate) struct Reply<T: Send + 'static> {
    to: Option<oneshot::Sender<T>>,
    /// Who waits is ours, and may be woken wherever that is.
    is_ours: bool,
}

impl<T: Send + 'static> Reply<T> {
    pub(crate) fn new() -> (Self, oneshot::Receiver<T>) {
        let (to, from) = oneshot::channel();
        (Self { to: Some(to), is_ours: false }, from)
    }

    /// One that a runner waits for.
    pub(crate) fn ours() -> (Self, oneshot::Receiver<T>) {
        let (mut reply, from) = Self::new();
        reply.is_ours = true;
        (reply, from)
    }

    /// Never under a lock.
    pub(crate) fn send(mut self, what: T) {
        match self.to.take() {
            Some(to) if self.is_ours => drop(to.send(what)),
            Some(to) => run("a waker", move || drop(to.send(what))),
            None => {}
        }
    }
}

impl<T: Send + 'static> Drop for Reply<T> {
    fn drop(&mut self) {
        if let Some(to) = self.to.take().filter(|_| !self.is_ours) {
            run("a waker", move || drop(to));
        }
    }
}
