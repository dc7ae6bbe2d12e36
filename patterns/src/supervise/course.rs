//! The course of one run: workers beside the decider.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::Arc;

use skep_runtime::context::Cancelled;

use super::assignments::{Assignments, Try, Waiting};
use super::moves::Allowed;
use super::report::Supervised;
use super::table::{Assigned, Next, Standing, Table};
use super::{Role, Supervise};
use crate::cut::Cut;
use crate::failure::Failure;
use crate::parts::Part;
use crate::run::{Arrival, Phase, Run, Spot};
use crate::terms::Terms;
use crate::work::Work as _;

/// What a part gives.
enum Step<T, O, R> {
    Worked(O),
    Decided(Next<T, R>),
}

/// There is nothing more to be seen.
struct Over;

impl From<Cancelled> for Over {
    fn from(_: Cancelled) -> Self {
        Self
    }
}

struct Course<'c, 'a, 'r, G, T, O, R> {
    of: &'c Supervise<'a, G, T, O, R>,
    phase: Phase<'c, 'r, Step<T, O, R>>,
    all: Assignments<G, T, O>,
    /// The tries that have begun, and their parts.
    tries: BTreeMap<usize, Try>,
    parts: BTreeMap<Try, usize>,
    /// The last decision.
    decision: Option<usize>,
    /// The parts that the next one sees for the first time.
    seen: Vec<usize>,
}

const UNDECIDED: Cut = Cut::Decided("nobody has decided to go on");

impl<G, T, O, R> Supervise<'_, G, T, O, R>
where
    G: Clone + Send + Sync,
    T: Send + Sync + 'static,
    O: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    /// Goes on from a report, which may be empty.
    pub(super) async fn go_on(&self, report: &mut Supervised<T, O, R>) {
        // The decider works beside the workers.
        let at_most = self.terms.at_most.saturating_add(1);
        let terms = Terms { at_most, ..self.terms.clone() };
        let mut run = Run::new(&terms, None);
        let table = Table {
            goal: self.goal.clone(),
            round: report.rounds,
            rounds_left: self.rounds,
            tasks_left: self.tasks,
            failures: report.tasks.iter().filter(|task| has_failed(task)).count(),
            tasks: std::mem::take(&mut report.tasks),
            answers: report.answers.clone(),
        };
        let mut course = Course {
            of: self,
            phase: Phase::new(&mut run),
            all: Assignments::new(table),
            tries: BTreeMap::new(),
            parts: BTreeMap::new(),
            decision: None,
            seen: Vec::new(),
        };
        let end = course.run_until_end().await;
        course.rest().await;
        let Table { tasks, failures, round, .. } = course.all.table;
        let is_held = matches!(run.cut(), None | Some(Cut::Failures(_))) && run.is_over();
        (report.value, report.asks) = match end {
            Some(Next::Done(value)) => (Some(value), None),
            Some(Next::Ask(question)) => (None, Some(question)),
            _ if is_held && failures > 0 => (None, Some(asks_after(failures, &tasks))),
            _ => (None, None),
        };
        (report.tasks, report.rounds) = (tasks, round);
        let before = std::mem::take(&mut report.parts);
        report.parts = before.followed_by(run.close().await);
    }
}

fn has_failed<T, O>(task: &Assigned<T, O>) -> bool {
    matches!(task.standing, Standing::Failed(Failure::Failed(_)))
}

/// What is asked of a person when too much has failed.
fn asks_after<T, O>(failures: usize, tasks: &[Assigned<T, O>]) -> String {
    let last = tasks.iter().rev().find_map(|task| match &task.standing {
        Standing::Failed(failure @ Failure::Failed(_)) => {
            Some(format!(", task {} with: {failure}", task.number))
        }
        _ => None,
    });
    format!("{failures} tries have failed{}. Shall it go on, and how?", last.unwrap_or_default())
}

impl<G, T, O, R> Course<'_, '_, '_, G, T, O, R>
where
    G: Clone + Send + Sync,
    T: Send + Sync + 'static,
    O: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    /// Decides and looks at what ends, in turn. Gives the last decision, if that ends it.
    async fn run_until_end(&mut self) -> Option<Next<T, R>> {
        loop {
            let table = &mut self.all.table;
            table.round = table.round.saturating_add(1);
            table.rounds_left = table.rounds_left.saturating_sub(1);
            let moves = match self.decide().await? {
                Next::Go(moves) => moves,
                end => {
                    if matches!(end, Next::Done(_)) {
                        self.phase.run.end(Cut::Enough("the supervisor was done"));
                    }
                    return Some(end);
                }
            };
            for (of, why) in self.all.carry_out(moves) {
                if let Some(part) = self.parts.get(&of) {
                    self.phase.run.halt(*part, why);
                }
            }
            self.see_ends().await.ok()?;
            if self.phase.run.is_over() {
                return None;
            }
        }
    }

    /// Asks for a decision; others go on meanwhile.
    async fn decide(&mut self) -> Option<Next<T, R>> {
        let (table, round) = (&self.all.table, self.all.table.round);
        let allowed = Allowed::on(table);
        let Role { work, costing, .. } = &self.of.decider;
        let check = Arc::new(move |next: &Next<T, R>| allowed.check(next));
        let work = work(table).accepting(check).map(Step::Decided).boxed();
        let after = self.decision.into_iter().chain(self.seen.drain(..));
        let spot = Spot::named(format!("decide-{round}")).keyed(format!("decide.{round}"));
        let decision = self.phase.add(spot.after(after).costing(costing.as_ref()), work);
        self.decision = Some(decision);
        loop {
            self.begin();
            match self.phase.next().await? {
                (at, Ok(Step::Decided(next))) if at == decision => return Some(next),
                (at, _) if at == decision => return None,
                (at, result) => self.take_end(at, result),
            }
        }
    }

    /// Begins what waits, while there is room.
    fn begin(&mut self) {
        while self.all.at_work() < self.of.terms.at_most && !self.phase.run.is_over() {
            let Some(Waiting { of, key }) = self.all.begin() else { return };
            let task = &self.all.table.tasks[of.0];
            let Role { work, costing, .. } = &self.of.worker;
            let work = work(&task.task).map(Step::Worked).boxed();
            let name = work.agent().map_or_else(|| format!("worker-{}", task.number), str::to_owned);
            let spot = Spot::named(name).keyed(key).after(self.decision).costing(costing.as_ref());
            let part = self.phase.add(spot, work);
            self.tries.insert(part, of);
            self.parts.insert(of, part);
        }
    }

    /// Takes in what a worker has come to.
    fn take_end(&mut self, at: usize, result: Result<Step<T, O, R>, Failure>) {
        let Some(of) = self.tries.remove(&at) else { return };
        match result {
            Ok(Step::Worked(output)) => self.all.end(of, Ok(output)),
            Ok(Step::Decided(_)) => {}
            Err(failure) => self.all.end(of, Err(failure)),
        }
    }

    /// Waits for ends, and sees those which every attempt at the owner's task sees in this round.
    async fn see_ends(&mut self) -> Result<(), Over> {
        let Some(owner) = self.phase.run.inside() else { return Err(Over) };
        let (round, this) = (self.all.table.round, &mut *self);
        let ends: Vec<Try> = owner.memo("seen", round, move || this.ends()).await?;
        for of in ends {
            // An earlier attempt has seen it, so it is on its way here.
            while self.all.is_on_its_way(of) && self.one_more().await {}
            self.see(of);
        }
        Ok(())
    }

    /// What has ended by now, once there is enough for a decision.
    async fn ends(&mut self) -> Result<Vec<Try>, Over> {
        let is_enough = |all: &Assignments<G, T, O>, in_rounds: bool| {
            !all.unseen().is_empty() && (!in_rounds || all.is_idle())
        };
        while !is_enough(&self.all, self.of.in_rounds) && self.one_more().await {}
        // What has ended in the same moment is seen together.
        while let Arrival::Ended(at, result) = self.phase.next_or(ready(())).await {
            self.take_end(at, result);
        }
        let (ends, is_cut) = (self.all.unseen(), self.phase.run.cut().is_some());
        if is_cut || ends.is_empty() { Err(Over) } else { Ok(ends) }
    }

    /// One more end; false if there is none.
    async fn one_more(&mut self) -> bool {
        self.begin();
        let Some((at, result)) = self.phase.next().await else { return false };
        self.take_end(at, result);
        self.begin();
        true
    }

    fn see(&mut self, of: Try) {
        if self.all.see(of) {
            self.seen.extend(self.parts.get(&of));
        }
    }

    /// Waits for what works. What waits for room does not begin.
    async fn rest(&mut self) {
        while let Some((at, result)) = self.phase.next().await {
            self.take_end(at, result);
        }
        self.all.unseen().into_iter().for_each(|of| self.see(of));
        let run = &mut *self.phase.run;
        let failure = if run.is_over() { run.not_begun() } else { Failure::NotBegun(UNDECIDED.error()) };
        for number in self.all.leave(&failure) {
            let part = Part::new(format!("worker-{number}"), self.decision.into_iter().collect());
            run.add_ended(Part { failure: Some(failure.clone()), ..part });
        }
    }
}
