//! The queue at work: who gets which task, and what becomes of it.
//!
//! # Invariants
//! 1. A task that was accepted has one end, whatever ends the queue: it is with a worker, or waits, or has ended.
//! 2. Of a task that has ended nothing is kept, but by whoever is given its end, and its part where the whole is told.
//! 3. No worker's future is dropped while the queue is awaited: so each knows what its tasks have cost.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use skep_runtime::{Advice, AgentError, Env, Message, SpawnError, Time};

use super::crew::{Change, Crew, Had, Worker};
use super::hand::{Asked, Doing, Lending};
use super::inbox::Inbox;
use super::task::{Open, Over};
use super::tries::Ending;
use super::waiting::Waiting;
use crate::cut::Cut;
use crate::failure::Failure;
use crate::parts::Part;
use crate::run::Run;
use crate::terms::Terms;
use crate::work::Halt;

pub(super) struct Drain<'d, 'r, T, O> {
    terms: &'r Terms<'r>,
    env: Env,
    rules: &'d Rules<'d, T>,
    crew: Crew<'d, T, O>,
    waiting: Waiting,
    /// The tasks that have not ended, each where its part is.
    open: Vec<Option<Open<T>>>,
    /// Places of tasks that have ended; none where the whole is told.
    free: Option<Vec<usize>>,
    accepted: u64,
    held: FuturesUnordered<Doing<Box<Held<T, O>>>>,
    /// What is looked at when nothing happens.
    alarm: Option<(Time, Doing<()>)>,
    /// If there is one, no other task is handed out.
    pub(super) only: Option<u64>,
    /// Dropped last: the tasks are withdrawn first, and its scope stops the workers.
    run: Run<'r>,
}

type Priority<'a, T> = Box<dyn Fn(&T) -> u8 + Send + Sync + 'a>;

/// What a queue goes by.
pub(super) struct Rules<'a, T> {
    pub(super) lease: Duration,
    pub(super) ageing: Duration,
    pub(super) priority: Option<Priority<'a, T>>,
}

/// A task that a worker has had.
struct Held<T, O> {
    at: usize,
    worker: Worker<T, O>,
    /// Whether it was its lease that bounded it.
    by_lease: bool,
    asked: Asked<O>,
}

enum Event<T, O> {
    Held(Box<Held<T, O>>),
    Crew(Change),
    /// Tasks have come, a moment has, or the whole was cut short.
    Look,
}

impl<'d, 'r, T: Message + Clone, O: Message> Drain<'d, 'r, T, O> {
    /// `is_told` says that the part of each task is kept.
    pub(super) fn new(
        run: Run<'r>,
        terms: &'r Terms<'r>,
        rules: &'d Rules<'d, T>,
        crew: Crew<'d, T, O>,
        is_told: bool,
    ) -> Self {
        Self {
            terms,
            env: terms.owner.env().clone(),
            rules,
            crew,
            waiting: Waiting::new(rules.ageing),
            open: Vec::new(),
            free: (!is_told).then(Vec::new),
            accepted: 0,
            held: FuturesUnordered::new(),
            alarm: None,
            only: None,
            run,
        }
    }

    /// Takes a task in, which waits from now on. An earlier part of it goes on.
    pub(super) fn accept(
        &mut self,
        number: Option<u64>,
        task: T,
        priority: Option<u8>,
        earlier: Option<&Part>,
    ) {
        self.accepted += 1;
        let number = number.unwrap_or(self.accepted);
        let priority =
            priority.or_else(|| self.rules.priority.as_ref().map(|of| of(&task))).unwrap_or_default();
        let since = self.env.now().since(self.run.span().0);
        let part = Part::new(format!("task {number}"), Vec::new()).again(earlier);
        let at = match self.free.as_mut().and_then(Vec::pop) {
            Some(at) => {
                *self.run.part_mut(at) = part;
                at
            }
            None => {
                self.open.push(None);
                self.run.add_part(part)
            }
        };
        self.open[at] = Some(Open::new(number, task, priority, since));
        self.waiting.add(number, at, priority, since);
    }

    /// The next task that ends; none when all have, and no more can come.
    pub(super) async fn next(&mut self, inbox: &Inbox<T>) -> Option<Over<T, O>> {
        loop {
            if self.run.is_over() {
                inbox.end();
            }
            let is_last = inbox.take(|task, priority| self.accept(None, task, priority, None));
            if self.run.is_over() {
                if let Some(at) = self.waiting.next() {
                    return self.end_waiting(at);
                }
            } else {
                self.hand_out();
                self.scale();
            }
            inbox.waits(self.waiting.len());
            if is_last && self.held.is_empty() && self.waiting.is_empty() {
                return None;
            }
            match self.event(inbox, is_last).await {
                Event::Held(held) => {
                    if let Some(over) = self.take_back(*held) {
                        return Some(over);
                    }
                }
                Event::Crew(Change::NotUp(error)) => self.not_up(error),
                Event::Crew(Change::Moved) | Event::Look => {}
            }
        }
    }

    /// Gives each idle worker a task.
    fn hand_out(&mut self) {
        while !self.waiting.is_empty() {
            let Some(scope) = self.run.scope() else { return };
            let Some(worker) = self.crew.take() else { return };
            let at = match self.only {
                Some(number) => self.waiting.take(number),
                None => self.waiting.next(),
            };
            let Some((at, open)) = at.and_then(|at| Some((at, self.open.get_mut(at)?.as_mut()?))) else {
                self.crew.put_back(worker);
                return;
            };
            let now = self.env.now();
            match open.began {
                None => self.run.began_part(at, Halt::default()),
                Some(_) => self.run.resumed_part(at, Halt::default()),
            }
            let began = *open.began.get_or_insert(now);
            let until = self.run.span().1;
            let until = self.terms.each_within.map_or(until, |each| until.min(began + each));
            let by_lease = now + self.rules.lease < until;
            // An ask without any time would be a mistake, not a late answer.
            let within = until.min(now + self.rules.lease).since(now).max(Duration::from_nanos(1));
            let retries = open.tries.retries(self.terms.retries.saturating_add(1));
            let key = open.number.to_string();
            let lending = Lending { scope: &scope, key: &key, within, retries };
            open.worker = Some((worker.hand.name().to_owned(), worker.hand.id().clone()));
            let asked = worker.hand.ask(&lending, open.task.clone());
            self.held.push(Box::pin(async move {
                let asked = asked.await;
                Box::new(Held { at, worker, by_lease, asked })
            }));
        }
    }

    fn scale(&mut self) {
        let now = self.env.now();
        self.crew.let_go(now);
        let wanted = self.crew.wanted(self.startable(), self.run.mean(), now);
        for _ in 0..wanted {
            let Some(scope) = self.run.scope() else { return };
            let left = self.run.span().1.since(now).max(Duration::from_nanos(1));
            self.crew.start(&scope, left);
        }
        if !self.waiting.is_empty() && self.crew.is_used_up() {
            self.run.end(Cut::Refused(AgentError::message("no worker is left, and no more may be started")));
        }
    }

    /// Tasks that a new worker would be given.
    fn startable(&self) -> usize {
        if self.only.is_some() { self.waiting.len().min(1) } else { self.waiting.len() }
    }

    /// A worker did not come up.
    fn not_up(&mut self, error: SpawnError) {
        if matches!(error, SpawnError::StaleTurn { .. } | SpawnError::Cancelled { .. }) {
            self.run.end(Cut::Owner);
        } else if self.crew.gives_up(error.advice() == Advice::Never) {
            self.run.end(Cut::Refused(Failure::not_spawned(error).error().clone()));
        }
    }

    /// What happens next.
    async fn event(&mut self, inbox: &Inbox<T>, is_last: bool) -> Event<T, O> {
        let now = self.env.now();
        let due = self.crew.due(!self.waiting.is_empty(), now).filter(|_| !self.run.is_over());
        if self.alarm.as_ref().map(|(at, _)| *at) != due {
            self.alarm = due.map(|at| {
                let env = self.env.clone();
                (at, Box::pin(async move { env.sleep_until(at).await }) as Doing<()>)
            });
        }
        let was_over = self.run.is_over();
        poll_fn(|cx| {
            self.run.poll_beside(cx);
            if !was_over && self.run.is_over() {
                return Poll::Ready(Event::Look);
            }
            if let Poll::Ready(Some(held)) = self.held.poll_next_unpin(cx) {
                return Poll::Ready(Event::Held(held));
            }
            if let Poll::Ready(change) = self.crew.poll(self.env.now(), cx) {
                return Poll::Ready(Event::Crew(change));
            }
            if self.poll_alarm(cx) || inbox.poll_any(cx, is_last).is_ready() {
                return Poll::Ready(Event::Look);
            }
            Poll::Pending
        })
        .await
    }

    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> bool {
        let is_due = self.alarm.as_mut().is_some_and(|(_, alarm)| Pin::new(alarm).poll(cx).is_ready());
        if is_due {
            self.alarm = None;
        }
        is_due
    }

    /// A worker has had a task: it has ended, or waits for another.
    fn take_back(&mut self, held: Held<T, O>) -> Option<Over<T, O>> {
        let Held { at, worker, by_lease, asked } = held;
        let Asked { result, ending, attempts, errors, spent, is_recalled } = asked;
        let ending = if ending == Ending::Late && !by_lease { Ending::TooLate } else { ending };
        let had = Had { ending, failure: result.as_ref().err(), spent, is_recalled };
        self.crew.back(worker, at, had, self.env.now());
        let open = self.open.get_mut(at)?.as_mut()?;
        open.spent += spent;
        open.is_recalled |= is_recalled;
        open.tries.errors.extend(errors);
        let is_again = open.tries.end(ending, attempts, self.terms.retries.saturating_add(1));
        let result = result.map_err(|failure| open.failure(failure, is_again));
        match result {
            Err(failure) if is_again && !self.run.is_over() => {
                open.given_back = Some(failure);
                self.waiting.add(open.number, at, open.priority, open.since);
                self.run.rested_part(at);
                None
            }
            result => {
                let cut = (ending == Ending::Cancelled).then_some(Cut::Owner);
                self.end(at, result, cut)
            }
        }
    }

    /// Of a task that is not taken any more.
    fn end_waiting(&mut self, at: usize) -> Option<Over<T, O>> {
        let given_back = self.open.get_mut(at)?.as_mut()?.given_back.take();
        let failure = given_back.unwrap_or_else(|| self.run.not_begun());
        self.end(at, Err(failure), None)
    }

    fn end(&mut self, at: usize, result: Result<O, Failure>, cut: Option<Cut>) -> Option<Over<T, O>> {
        let (over, done) = self.open.get_mut(at)?.take()?.end(result, cut, self.env.now());
        let result = self.run.end_part(at, done);
        Some(over.with(at, result))
    }

    /// Where a task was that has ended there is room for another. Gives its part.
    pub(super) fn forget(&mut self, at: usize) -> Part {
        if let Some(free) = &mut self.free {
            free.push(at);
        }
        self.run.take_part(at)
    }

    /// The run, and the workers, whom its end stops.
    pub(super) fn over(self) -> (Run<'r>, Crew<'d, T, O>) {
        (self.run, self.crew)
    }
}
