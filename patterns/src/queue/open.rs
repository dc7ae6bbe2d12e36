//! A queue that is open: tasks go in while rows come out.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;

use skep_runtime::Message;

use super::Queue;
use super::crew::Crew;
use super::drain::Drain;
use super::inbox::Inbox;
use super::report::DrainedRow;
use crate::rows::Rows;
use crate::run::Run;

/// Puts tasks into an open queue. Clones put them into the same; the queue's input ends with the last of them, or with
/// [`close`](Push::close).
pub struct Push<T>(Arc<Closing<T>>);

/// Closes the queue when the last that could push is gone.
struct Closing<T>(Arc<Inbox<T>>);

impl<T> Drop for Closing<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<T> Clone for Push<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Push<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Push")
    }
}

impl<T: Message> Push<T> {
    /// Puts a task in, with the priority that the queue gives it. Waits while as many wait as there is room for. Somebody has
    /// to read the rows meanwhile: nothing is taken while nobody does.
    ///
    /// # Errors
    /// The task, if the queue takes no more: it was closed, cut short, has borne as many failures as it may, or its rows were
    /// dropped.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, it has put nothing in, and the task is dropped with it.
    pub async fn push(&self, task: T) -> Result<(), T> {
        self.put(task, None).await
    }

    /// The same with this priority, 0 to 255.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub async fn push_at(&self, priority: u8, task: T) -> Result<(), T> {
        self.put(task, Some(priority)).await
    }

    /// Ends the input, for all clones. What was put in is done; whoever waits to push gets the task back.
    pub fn close(self) {
        self.0.0.close();
    }

    async fn put(&self, task: T, priority: Option<u8>) -> Result<(), T> {
        let mut line = Line { inbox: &self.0.0, place: None };
        let mut task = Some((task, priority));
        poll_fn(|cx| self.0.0.poll_push(&mut task, &mut line.place, cx)).await
    }
}

/// A place among those who wait to push, given up when it is dropped.
struct Line<'p, T> {
    inbox: &'p Inbox<T>,
    place: Option<u64>,
}

impl<T> Drop for Line<'_, T> {
    fn drop(&mut self) {
        self.inbox.leave(&mut self.place);
    }
}

/// Takes no more when the rows are gone.
struct Ending<T>(Arc<Inbox<T>>);

impl<T> Drop for Ending<T> {
    fn drop(&mut self) {
        self.0.end();
    }
}

pub(super) fn open<'a, T, O>(queue: Queue<'a, T, O>) -> (Push<T>, Rows<'a, DrainedRow<T, O>>)
where
    T: Message + Clone,
    O: Message,
{
    let inbox = Arc::new(Inbox::new(queue.room));
    inbox.waits(queue.tasks.len());
    let push = Push(Arc::new(Closing(Arc::clone(&inbox))));
    let ending = Ending(inbox);
    let rows = Rows::new(move |given| async move {
        let (ending, queue) = (ending, queue);
        let scale = queue.bounded();
        let Queue { terms, tasks, spec, rules, room, is_in_order, .. } = queue;
        let run = Run::new(&terms, None);
        let crew = Crew::new(scale, terms.stop, &spec, None);
        let mut drain = Drain::new(run, &terms, &rules, crew, false);
        for task in tasks {
            drain.accept(None, task, None, None);
        }
        let mut order = Order { next: 1, early: BTreeMap::new() };
        loop {
            drain.only = (is_in_order && order.early.len() >= room).then_some(order.next);
            let Some(over) = drain.next(&ending.0).await else { break };
            let part = drain.forget(over.at);
            let row = DrainedRow::new(over.number, over.task, over.result, over.errors, &part);
            if !is_in_order {
                given.give(row).await;
                continue;
            }
            order.early.insert(row.number, row);
            while let Some(row) = order.early.remove(&order.next) {
                order.next += 1;
                given.give(row).await;
            }
        }
        let (run, crew) = drain.over();
        futures_util::join!(run.close(), crew.end());
    });
    (push, rows)
}

/// Rows that ended before one that was submitted earlier.
struct Order<T, O> {
    next: u64,
    early: BTreeMap<u64, DrainedRow<T, O>>,
}
