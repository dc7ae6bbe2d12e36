//! One run of a pattern: its scope, its clock, and all of its parts from their beginning to their end.
//!
//! # Invariants
//! 1. All that a run begins lives in its scope, which is stopped when the run is closed, and in the background when it is dropped.
//! 2. No part is dropped while the run is awaited: a cut stops the scope, and what the parts wait for ends by that. So each part
//!    knows its agent's end, its attempts and its cost.
//! 3. After a cut nothing begins; a part that was to begin has ended as one that did not.

mod phase;
mod spot;
mod tally;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use serde_json::json;
use skep_runtime::{AgentError, AgentId, Env, FailureClass, Scope, ScopeOwner, StopReceipt, Time, Usage};

pub(crate) use self::phase::{Arrival, Phase};
pub(crate) use self::spot::Spot;
use self::tally::Tally;
use self::written::Written;
use crate::cut::Cut;
use crate::failure::Failure;
use crate::parts::{Part, Parts, stuck_in};
use crate::progress::Progress;
use crate::terms::Terms;
use crate::work::{AnyWork, Done, Halt, Place};

type Awaited<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// How a part that works is told to end, and why it was, if it was it alone.
struct Working {
    halt: Halt,
    why: Option<&'static str>,
}

/// A run that is on.
pub(crate) struct Run<'r> {
    terms: &'r Terms<'r>,
    env: Env,
    began: Time,
    until: Time,
    late: Option<Awaited<()>>,
    /// What the runs before it took, which this one goes on from.
    before: Duration,
    /// Parts of theirs to be done once more, by name.
    open: BTreeMap<String, BTreeSet<usize>>,
    /// Opened with the first part.
    scope: Option<Arc<Scope>>,
    stopping: Option<Awaited<StopReceipt>>,
    /// Wakes it when nothing has ended for too long.
    stall: Option<Awaited<()>>,
    tally: Tally,
    report: Written<'r>,
    working: BTreeMap<usize, Working>,
    cut: Option<Cut>,
    stuck: Vec<AgentId>,
}

impl<'r> Run<'r> {
    /// `total` is how many parts there will be, if that is known.
    pub(crate) fn new(terms: &'r Terms<'r>, total: Option<usize>) -> Self {
        Self::on(terms, total, Written::Own(Parts::default()))
    }

    /// A run that goes on in a report. Its parts stay where they are; those without an output are done once more when a part of
    /// their name is added, and what they cost and took adds up. `total` does not count those that are done. If the run is dropped,
    /// the report has what has ended by then.
    pub(crate) fn going_on(terms: &'r Terms<'r>, total: Option<usize>, report: &'r mut Parts) -> Self {
        let mut run = Self::on(terms, total, Written::Lent(report));
        for at in 0..run.report.parts.len() {
            if run.is_open(at) {
                run.reopen(at);
            }
        }
        run
    }

    fn on(terms: &'r Terms<'r>, total: Option<usize>, report: Written<'r>) -> Self {
        let env = terms.owner.env().clone();
        let began = env.now();
        Self {
            terms,
            began,
            before: report.took,
            open: BTreeMap::new(),
            until: began + terms.within,
            late: Some(sleep_until(&env, began + terms.within)),
            scope: None,
            stopping: None,
            stall: None,
            tally: Tally::new(total, report.stalls, began),
            working: BTreeMap::new(),
            cut: None,
            stuck: report.stuck.clone(),
            report,
            env,
        }
    }

    /// One that follows another, which took so long: its parts count their time from the beginning of that.
    pub(crate) fn behind(self, before: Duration) -> Self {
        Self { before, ..self }
    }

    /// A part is to be done once more. What it gave does not count any more.
    pub(crate) fn reopen(&mut self, at: usize) {
        if let Some(part) = self.report.parts.get_mut(at) {
            let void = || Failure::NotBegun(AgentError::message("it is to be done once more"));
            part.failure.get_or_insert_with(void);
            self.open.entry(part.name.clone()).or_default().insert(at);
        }
    }

    /// Why it was cut short, if it was.
    pub(crate) const fn cut(&self) -> Option<&Cut> {
        self.cut.as_ref()
    }

    /// Whether nothing more is begun: it was cut short, or too much has failed.
    pub(crate) fn is_over(&self) -> bool {
        self.cut.is_some() || self.is_held()
    }

    fn is_held(&self) -> bool {
        self.terms.failures.is_enough(self.tally.failed, self.tally.ended())
    }

    /// Cuts it short: what works is stopped.
    pub(crate) fn end(&mut self, cut: Cut) {
        if self.cut.is_some() {
            return;
        }
        if let Some(scope) = &self.scope {
            let cut = json!({ "scope": scope.id().to_string(), "why": cut.to_string() });
            self.terms.owner.record("pattern_cut", 1, cut);
            let (scope, stop) = (Arc::clone(scope), self.terms.stop);
            self.stopping = Some(Box::pin(async move { scope.stop(stop).await }));
        }
        // What the owner's next attempt takes up is not withdrawn.
        if cut != Cut::Owner {
            self.working.values().for_each(|working| working.halt.raise_all());
        }
        self.cut = Some(cut);
    }

    /// Tells one part that works to end, and why; the others go on. It ends as one that was stopped, and is no failure.
    pub(crate) fn halt(&mut self, at: usize, why: &'static str) {
        if let Some(working) = self.working.get_mut(&at) {
            working.why = Some(why);
            working.halt.raise();
        }
    }

    /// What was to be done once more, and was not added again, is done without.
    pub(crate) fn waive_open(&mut self, why: &'static str) {
        for at in std::mem::take(&mut self.open).into_values().flatten() {
            self.report.parts[at].failure = Some(Failure::NotNeeded(Cut::Enough(why).error()));
        }
    }

    /// Whether a part is to be done once more.
    pub(crate) fn is_open(&self, at: usize) -> bool {
        self.report.parts.get(at).is_some_and(|part| part.failure.is_some())
    }

    /// What belongs to its scope, once that is open: for what all attempts of the owner's task have in common.
    pub(crate) fn inside(&self) -> Option<ScopeOwner> {
        self.scope.as_deref().map(ScopeOwner::from)
    }

    /// More parts than were known will come, or fewer.
    pub(crate) const fn expect(&mut self, total: Option<usize>) {
        self.tally.total = total;
    }

    /// The scope, if anything was begun in it.
    pub(crate) fn opened(&self) -> Option<Arc<Scope>> {
        self.scope.clone()
    }

    /// What a part takes as a rule, once some have ended.
    pub(crate) fn mean(&self) -> Option<Duration> {
        self.tally.mean()
    }

    /// When it began, and when it has to be over.
    pub(crate) const fn span(&self) -> (Time, Time) {
        (self.began, self.until)
    }

    /// The parts so far.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.report.parts
    }

    /// A part that has ended already: done by no agent, or by an earlier run, or not at all.
    pub(crate) fn add_ended(&mut self, part: Part) -> usize {
        match part.failure {
            None => self.tally.end(false, part.took, self.env.now()),
            Some(Failure::NotBegun(_) | Failure::NotNeeded(_)) => self.tally.skip(),
            Some(_) => self.tally.end(true, part.took, self.env.now()),
        }
        self.add_part(part)
    }

    /// A part that has its place before it begins: [`Phase::add_again`] begins it, or [`skip`](Self::skip) ends it.
    pub(crate) fn lay(&mut self, part: Part) -> usize {
        self.add_part(part)
    }

    /// A part that has its place does not begin.
    pub(crate) fn skip(&mut self, at: usize, failure: Failure) {
        self.tally.skip();
        self.report.parts[at].failure = Some(failure);
    }

    /// What a part gave turned out to be no good.
    pub(crate) fn reject(&mut self, at: usize, failure: Failure) {
        match (&self.report.parts[at].failure, &failure) {
            (Some(_), _) => {}
            (None, Failure::NotNeeded(_)) => self.tally.waive(),
            (None, _) => self.tally.reject(),
        }
        self.report.parts[at].failure = Some(failure);
        self.end_if_enough();
    }

    /// Cuts it short if as many parts have failed as it bears.
    fn end_if_enough(&mut self) {
        if self.cut.is_none() && self.terms.failures.cuts && self.is_held() && !self.tally.is_complete() {
            self.end(Cut::Failures(self.tally.failed));
        }
    }

    /// Adds a part that has not begun, or takes one up that is to be done once more.
    pub(crate) fn add_part(&mut self, part: Part) -> usize {
        let Some(at) = self.open.get_mut(&part.name).and_then(BTreeSet::pop_first) else {
            self.report.parts.push(part);
            return self.report.parts.len() - 1;
        };
        let failure = part.failure.clone();
        self.report.parts[at] = Part { failure, ..part.again(Some(&self.report.parts[at])) };
        at
    }

    pub(crate) fn part_mut(&mut self, at: usize) -> &mut Part {
        &mut self.report.parts[at]
    }

    /// Takes a part out whose place another may have.
    pub(crate) fn take_part(&mut self, at: usize) -> Part {
        std::mem::replace(&mut self.report.parts[at], Part::new(String::new(), Vec::new()))
    }

    /// Does one part to its end.
    pub(crate) async fn one<O: Send + Sync + 'static>(
        &mut self,
        spot: Spot,
        work: AnyWork<O>,
    ) -> (usize, Result<O, Failure>) {
        let mut phase = Phase::new(self);
        let at = phase.add(spot, work);
        match phase.next().await {
            Some(ended) => ended,
            None => (at, Err(self.not_begun())),
        }
    }

    /// Of a part that does not begin any more.
    pub(crate) fn not_begun(&self) -> Failure {
        let why = self.why_not();
        why.of(&Failure::NotBegun(why.error()))
    }

    /// Why nothing begins any more.
    fn why_not(&self) -> Cut {
        self.cut.clone().unwrap_or(Cut::Failures(self.tally.failed))
    }

    /// The scope, opened when it is needed. None once it was cut short, or if the owner takes none.
    pub(crate) fn scope(&mut self) -> Option<Arc<Scope>> {
        if self.scope.is_none() && self.cut.is_none() {
            let terms = self.terms;
            let owner = match &terms.budget {
                Some(budget) => terms.owner.clone().budget(budget.clone()),
                None => terms.owner.clone(),
            };
            match Scope::open(&owner, &terms.name) {
                Ok(scope) => {
                    let data = json!({ "scope": scope.id().to_string(), "parts": self.tally.total });
                    terms.owner.record("pattern_began", 1, data);
                    self.scope = Some(Arc::new(scope));
                }
                Err(error) => self.cut = Some(Cut::Refused(error.into())),
            }
        }
        self.scope.clone()
    }

    /// Where a part is done.
    fn place(&mut self, spot: &Spot) -> Option<Place> {
        let scope = self.scope()?;
        let now = self.env.now();
        Some(Place {
            scope,
            env: self.env.clone(),
            key: spot.key.clone(),
            name: spot.name.clone(),
            until: spot
                .within
                .or(self.terms.each_within)
                .map_or(self.until, |each| self.until.min(now + each)),
            retries: spot.retries.unwrap_or(self.terms.retries),
            costing: spot.costing.clone(),
            stop: self.terms.stop,
            halt: Halt::default(),
        })
    }

    /// A part is about to be worked on. Until it has ended, a report that is lent says that it was not over.
    pub(crate) fn await_part(&mut self, at: usize) {
        if let Written::Lent(report) = &mut self.report
            && let Some(part) = report.parts.get_mut(at)
        {
            let text = "the run was dropped before it was over";
            part.failure = Some(Failure::Stopped(AgentError::new(FailureClass::Stopped, text)));
        }
    }

    /// Somebody works on a part now, who is told by `halt` to end.
    pub(crate) fn began_part(&mut self, at: usize, halt: Halt) {
        self.report.parts[at].began = self.before.saturating_add(self.env.now().since(self.began));
        self.resumed_part(at, halt);
    }

    /// Another works on a part that somebody had given back.
    pub(crate) fn resumed_part(&mut self, at: usize, halt: Halt) {
        self.working.insert(at, Working { halt, why: None });
        self.watch();
    }

    /// Nobody works on a part any more, which goes on later.
    pub(crate) fn rested_part(&mut self, at: usize) {
        self.working.remove(&at);
        self.watch();
    }

    /// Sets when the next stall would be.
    fn watch(&mut self) {
        let at = self.tally.stalls_at(self.terms.expecting).filter(|_| !self.working.is_empty());
        self.stall = at.map(|at| sleep_until(&self.env, at));
    }

    /// Takes the end of a part in.
    pub(crate) fn end_part<O>(&mut self, at: usize, mut done: Done<O>) -> Result<O, Failure> {
        let now = self.env.now();
        let halted = self.working.remove(&at).and_then(|working| working.why);
        if done.result.is_err() {
            // A failure at the deadline of the whole is not the part's.
            let late = (now >= self.until).then_some(Cut::Deadline(self.terms.within));
            if let Some(cut) = done.cut.take().or(late) {
                self.end(cut);
            }
        }
        let is_failed = done.result.is_err();
        let result = done.result.map_err(|failure| match (&self.cut, halted) {
            (Some(cut), _) => cut.of(&failure),
            (None, Some(why)) => Cut::Decided(why).of(&failure),
            (None, None) => failure,
        });
        match &result {
            Err(Failure::NotBegun(_) | Failure::NotNeeded(_)) => self.tally.skip(),
            Err(_) if halted.is_some() => self.tally.skip(),
            _ => self.tally.end(is_failed, done.took, now),
        }
        let cost = done.cost.unwrap_or_else(|| self.look_up(done.id.as_ref()));
        self.stuck.append(&mut done.stuck);
        let part = &mut self.report.parts[at];
        part.agent = done.agent.or(part.agent.take());
        part.id = done.id.or(part.id.take());
        part.took += done.took;
        part.attempts = part.attempts.saturating_add(done.attempts);
        part.errors.append(&mut done.errors);
        part.is_recalled = done.is_recalled;
        part.inner = done.inner;
        part.failure = result.as_ref().err().cloned();
        part.cost += cost;
        self.end_if_enough();
        self.say(None);
        self.watch();
        result
    }

    /// What an agent cost that did not come up, so that nobody has its address.
    fn look_up(&self, id: Option<&AgentId>) -> Usage {
        let bill = self.scope.as_ref().map(|scope| scope.breakdown()).unwrap_or_default();
        let row = bill.children().find(|row| Some(&row.id) == id);
        row.map_or(Usage::ZERO, |row| row.subtree.spent)
    }

    /// Says how far it is.
    fn say(&mut self, stalled: Option<Duration>) {
        let Some(scope) = &self.scope else { return };
        let is_said = stalled.is_some() || self.tally.is_worth_saying();
        if !is_said && self.terms.heard.is_none() {
            return;
        }
        let progress = Progress {
            pattern: self.terms.name.clone(),
            done: self.tally.done,
            failed: self.tally.failed,
            working: self.working.keys().map(|at| self.report.parts[*at].name.clone()).collect(),
            total: self.tally.total,
            cost: scope.cost().spent,
            left: self.tally.left(self.terms.at_most),
            stalled,
        };
        if let Some(hear) = &self.terms.heard {
            hear(&progress);
        }
        if is_said {
            self.terms.owner.progress(progress.to_string());
        }
    }

    /// Polls all that goes on beside the parts: a stop, the deadline, and the watch for a stall.
    pub(crate) fn poll_beside(&mut self, cx: &mut Context<'_>) {
        if self.cut.is_none() && poll(&mut self.late, cx).is_some() {
            self.end(Cut::Deadline(self.terms.within));
        }
        if let Some(receipt) = poll(&mut self.stopping, cx) {
            self.stuck.extend(stuck_in(&receipt));
        }
        if poll(&mut self.stall, cx).is_some() {
            let silent = self.tally.stall(self.env.now());
            if let Some(scope) = &self.scope {
                let working: Vec<_> =
                    self.working.keys().map(|at| self.report.parts[*at].name.clone()).collect();
                let data = json!({
                    "scope": scope.id().to_string(), "seconds": silent.as_secs(), "working": working,
                });
                self.terms.owner.record("pattern_stalled", 1, data);
            }
            self.say(Some(silent));
            self.watch();
            // It has to be polled once to wake anybody.
            let _ = poll(&mut self.stall, cx);
        }
    }

    /// Ends it: nothing is left when this returns.
    pub(crate) async fn close(mut self) -> Parts {
        if let Some(scope) = self.scope.take() {
            let receipt = match self.stopping.take() {
                Some(stopping) => stopping.await,
                None => scope.stop(self.terms.stop).await,
            };
            self.stuck.extend(stuck_in(&receipt));
            let data = json!({
                "scope": scope.id().to_string(), "done": self.tally.done, "failed": self.tally.failed,
            });
            self.terms.owner.record("pattern_ended", 1, data);
        }
        self.stuck.sort();
        self.stuck.dedup();
        Parts {
            name: self.terms.name.clone(),
            parts: std::mem::take(&mut self.report.parts),
            took: self.before.saturating_add(self.env.now().since(self.began)),
            stuck: self.stuck,
            stalls: self.tally.stalls,
            is_cut_by_owner: matches!(self.cut, Some(Cut::Owner)),
        }
    }
}

fn sleep_until(env: &Env, at: Time) -> Awaited<()> {
    let env = env.clone();
    Box::pin(async move { env.sleep_until(at).await })
}

/// What it has come to, once.
fn poll<T>(awaited: &mut Option<Awaited<T>>, cx: &mut Context<'_>) -> Option<T> {
    match awaited.as_mut()?.as_mut().poll(cx) {
        Poll::Ready(value) => {
            *awaited = None;
            Some(value)
        }
        Poll::Pending => None,
    }
}
