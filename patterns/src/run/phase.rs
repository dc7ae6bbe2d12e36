//! Parts of one type that go on side by side, as many as may.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use futures_util::future::Either;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::{Awaited, Run, Spot};
use crate::failure::Failure;
use crate::parts::Part;
use crate::work::{AnyWork, Check, Done};

/// What comes next.
pub(crate) enum Arrival<O, T> {
    /// A part has ended, with this result.
    Ended(usize, Result<O, Failure>),
    /// Something else has come before.
    Other(T),
    /// Nothing works, and nothing more is begun.
    Over,
}

/// Dropped, it drops its parts first, which withdraws their tasks; the run's scope stops their agents.
pub(crate) struct Phase<'p, 'r, O> {
    pub(crate) run: &'p mut Run<'r>,
    waiting: VecDeque<(usize, Spot, AnyWork<O>)>,
    working: FuturesUnordered<Awaited<(usize, Done<O>)>>,
    check: Option<Check<O>>,
}

impl<'p, 'r, O: Send + Sync + 'static> Phase<'p, 'r, O> {
    pub(crate) fn new(run: &'p mut Run<'r>) -> Self {
        Self { run, waiting: VecDeque::new(), working: FuturesUnordered::new(), check: None }
    }

    /// Takes only outputs that pass.
    pub(crate) fn accepting(self, check: Option<Check<O>>) -> Self {
        Self { check, ..self }
    }

    /// Whether one more part would begin now.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.is_empty() && self.working.len() < self.run.terms.at_most && !self.run.is_over()
    }

    /// Whether nothing works and nothing waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.working.is_empty()
    }

    /// Adds a part, which begins when there is room. Gives its position.
    pub(crate) fn add(&mut self, spot: Spot, work: AnyWork<O>) -> usize {
        let part = Part::new(spot.name.clone(), spot.after.clone()).again(spot.earlier.as_ref());
        let at = self.run.add_part(part);
        self.add_again(at, spot, work);
        at
    }

    /// Adds more work at a part, the cost and time of which add up.
    pub(crate) fn add_again(&mut self, at: usize, spot: Spot, work: AnyWork<O>) {
        let part = self.run.part_mut(at);
        if part.name.is_empty() {
            part.name.clone_from(&spot.name);
        }
        if let Some(agent) = work.agent() {
            part.agent = Some(agent.to_owned());
        }
        self.run.await_part(at);
        self.waiting.push_back((at, spot, work));
        self.begin();
    }

    /// Begins what there is room for. What cannot begin any more stays, and ends as not begun.
    fn begin(&mut self) {
        while self.working.len() < self.run.terms.at_most && !self.run.is_over() {
            let Some((at, spot, work)) = self.waiting.pop_front() else { return };
            match self.run.place(&spot) {
                Some(place) => {
                    self.run.began_part(at, place.halt.clone());
                    let performance = work.perform(place, self.check.clone());
                    self.working.push(Box::pin(async move { (at, performance.await) }));
                }
                None => self.waiting.push_front((at, spot, work)),
            }
        }
    }

    /// The next part that ends; none when nothing works and nothing waits.
    pub(crate) async fn next(&mut self) -> Option<(usize, Result<O, Failure>)> {
        self.begin();
        if self.working.is_empty() {
            let (at, ..) = self.waiting.pop_front()?;
            let done = Done::not_done(self.run.not_begun());
            return Some((at, self.run.end_part(at, done)));
        }
        match self.next_or(std::future::pending::<Infallible>()).await {
            Arrival::Ended(at, result) => Some((at, result)),
            Arrival::Over => None,
        }
    }

    /// The next part that ends, or what comes before that.
    pub(crate) async fn next_or<T>(&mut self, other: impl Future<Output = T>) -> Arrival<O, T> {
        self.begin();
        let mut other = pin!(other);
        let Self { run, working, .. } = self;
        let first = poll_fn(|cx| {
            run.poll_beside(cx);
            match working.poll_next_unpin(cx) {
                Poll::Ready(Some(ended)) => return Poll::Ready(Some(Either::Left(ended))),
                Poll::Ready(None) if run.is_over() => return Poll::Ready(None),
                Poll::Ready(None) | Poll::Pending => {}
            }
            other.as_mut().poll(cx).map(|other| Some(Either::Right(other)))
        });
        match first.await {
            None => Arrival::Over,
            Some(Either::Right(other)) => Arrival::Other(other),
            Some(Either::Left((at, done))) => {
                let result = run.end_part(at, done);
                self.begin();
                Arrival::Ended(at, result)
            }
        }
    }
}
