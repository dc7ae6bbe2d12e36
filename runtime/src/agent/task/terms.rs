//! The terms on which a task was asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::Span;

use crate::decide::key::Key;
use crate::engine::seat::rights::Rights;
use crate::engine::turn::trace;
use crate::engine::turn::{self, Turn};
use crate::env::theirs::Theirs;
use crate::words::id::TaskId;
use crate::words::time::Time;

/// What goes with a task besides its payload.
pub(crate) struct Terms<O> {
    deadline: AtomicU64,
    /// Boxed, since a task from outside has nothing of it, and a mailbox may be long.
    more: Option<Box<More<O>>>,
}

/// What only some tasks have with them.
pub(crate) struct More<O> {
    /// The task whose turn asks.
    pub(crate) asker: Option<TaskId>,
    /// Its key among what that turn asks.
    pub(crate) key: Option<Key>,
    /// The dead letter that this is a replay of.
    pub(crate) replay_of: Option<TaskId>,
    pub(crate) accept: Option<Accept<O>>,
    /// How many more attempts there are after the first has failed, however it did; none is as the agent's spec says.
    pub(crate) retries: Option<u32>,
    /// Whether whoever asks reads what it is handed meanwhile.
    pub(crate) streams: bool,
    /// Of whoever asks.
    pub(crate) rights: Rights,
    /// What whoever asks is filed under in a trace.
    pub(crate) span: Span,
}

/// Says of an output why it is none.
pub(crate) type Accept<O> = Arc<Theirs<Check<O>>>;

pub(crate) type Check<O> = Box<dyn Fn(&O) -> Result<(), String> + Send + Sync>;

impl<O> Terms<O> {
    pub(crate) fn new(deadline: Time, more: More<O>) -> Self {
        let More { asker, key, replay_of, accept, retries, streams, rights, span } = &more;
        let is_from_outside = asker.is_none() && key.is_none() && rights.are_all();
        let is_asked_plainly = replay_of.is_none() && accept.is_none() && retries.is_none() && !streams;
        let is_plain = is_from_outside && is_asked_plainly && span.is_disabled();
        Self { deadline: deadline.as_nanos().into(), more: (!is_plain).then(|| Box::new(more)) }
    }

    /// Those of a task that nobody waits for.
    pub(crate) fn told(by: Option<&Turn>) -> Self {
        let asker = by.and_then(|turn| turn.task.clone());
        let rights = turn::rights(by);
        Self::new(
            Time::NEVER,
            More {
                asker,
                key: None,
                replay_of: None,
                accept: None,
                retries: None,
                streams: false,
                rights,
                span: trace::here(by),
            },
        )
    }

    /// By the clock of its agent's seat.
    pub(crate) fn deadline(&self) -> Time {
        Time::from_nanos(self.deadline.load(Ordering::Acquire))
    }

    /// It was told late.
    pub(crate) fn set_deadline(&self, deadline: Time) {
        self.deadline.store(deadline.as_nanos(), Ordering::Release);
    }

    pub(crate) fn asker(&self) -> Option<&TaskId> {
        self.more.as_ref()?.asker.as_ref()
    }

    pub(crate) fn key(&self) -> Option<&Key> {
        self.more.as_ref()?.key.as_ref()
    }

    pub(crate) fn replay_of(&self) -> Option<&TaskId> {
        self.more.as_ref()?.replay_of.as_ref()
    }

    pub(crate) fn retries(&self) -> Option<u32> {
        self.more.as_ref()?.retries
    }

    pub(crate) fn rights(&self) -> &Rights {
        self.more.as_ref().map_or(&Rights::ALL, |more| &more.rights)
    }

    /// What was asked as a part of it; none where nobody keeps a trace.
    pub(crate) fn asked_in(&self) -> Option<&Span> {
        self.more.as_ref().map(|more| &more.span)
    }

    pub(super) fn streams(&self) -> bool {
        self.more.as_ref().is_some_and(|more| more.streams)
    }

    pub(super) fn take_accept(&mut self) -> Option<Accept<O>> {
        self.more.as_mut()?.accept.take()
    }
}
