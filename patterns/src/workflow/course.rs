//! A workflow on its way, from where its report stands as far as it goes.
//!
//! # Invariants
//! 1. A step that is done is in the report before anything else begins, so whoever drops the course can go on from the report.
//! 2. A step begins when all that it waits for is done, and never twice in one round.
//! 3. A phase is begun when all steps of the one before are done, its loop has ended, and its gates have let it pass.

mod hooks;
mod steps;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use skep_runtime::{Advice, AgentError, FailureClass};

pub(super) use self::steps::input;
use self::steps::{Begun, Waits, after, begin};
use super::capabilities::Capabilities;
use super::error::{Quoted, list};
use super::plan::{PhasePlan, Plan};
use super::report::{Blocked, Blocker, Standing, Worked};
use crate::failure::Failure;
use crate::parts::Part;
use crate::run::{Phase, Run, Spot};
use crate::terms::Terms;

pub(super) struct Course<'c> {
    plan: &'c Plan,
    can: &'c Capabilities<'c>,
    report: &'c mut Worked,
    run: Run<'c>,
    /// Parts of earlier tries that are not done.
    earlier: BTreeMap<String, Part>,
    /// Parts with a result, by name.
    done: BTreeMap<String, usize>,
    /// Parts that this course has tried, by name.
    tried: BTreeSet<String>,
    failed: Vec<String>,
}

/// How a round of a phase ended.
#[derive(PartialEq, Eq)]
enum Round {
    Done,
    /// Only people can go on.
    Waits,
    Failed,
}

/// The part of a step, in its round.
pub(super) fn step_part(step: &str, round: u32) -> String {
    if round > 1 { format!("{step} (round {round})") } else { step.to_owned() }
}

/// The part of a hook.
pub(super) fn hook_part(hook: &str, phase: &str) -> String {
    format!("{hook} after {phase}")
}

/// The value at a path, if there is one.
fn at_path<'v>(values: &'v Map<String, Value>, path: &[String]) -> Option<&'v Value> {
    let (name, fields) = path.split_first()?;
    fields.iter().try_fold(values.get(name)?, |value, field| value.get(field))
}

/// Goes as far as it goes.
pub(super) async fn go_on<'c>(
    terms: &'c Terms<'c>,
    plan: &'c Plan,
    can: &'c Capabilities<'c>,
    report: &'c mut Worked,
) {
    let before = report.parts.clone();
    let was_blocked = report.blocked.take();
    report.waits_for.clear();
    let Some(standing) = &mut report.standing else { return };
    let Some(first) = plan.phases.iter().position(|phase| phase.name == standing.phase) else {
        let reason =
            format!("the report stands in {}, a phase that this workflow has not", Quoted(&standing.phase));
        report.blocked = Some(Blocked { phase: standing.phase.clone(), by: Blocker::Report, reason });
        return;
    };
    let is_known = plan.phases.iter().all(|phase| phase.repeats.is_none());
    let total: usize = plan.phases.iter().map(|phase| phase.steps.len() + phase.hooks.len()).sum();
    let mut run = Run::new(terms, is_known.then_some(total)).behind(before.took);
    // A health hook that heard of a failure hears of the end too.
    let hooks = plan.phases[first].hooks.iter().skip(standing.hooks);
    let come_again: BTreeSet<_> = hooks.map(|hook| hook_part(hook, &standing.phase)).collect();
    let (mut earlier, mut done) = (BTreeMap::new(), BTreeMap::new());
    let mut moved = vec![None; before.parts.len()];
    let here = |after: &[usize], moved: &[Option<usize>]| -> Vec<usize> {
        after.iter().filter_map(|at| moved.get(*at).copied().flatten()).collect()
    };
    for (at, part) in before.parts.into_iter().enumerate() {
        let part = Part { after: here(&part.after, &moved), ..part };
        if part.failure.is_some() || come_again.contains(&part.name) {
            earlier.insert(part.name.clone(), part);
            continue;
        }
        let name = part.name.clone();
        let now = run.add_ended(part);
        moved[at] = Some(now);
        done.insert(name, now);
    }
    standing.after = here(&standing.after, &moved);
    let mut course =
        Course { plan, can, report, run, earlier, done, tried: BTreeSet::new(), failed: Vec::new() };
    if was_blocked.is_some_and(|blocked| blocked.by == Blocker::Loop) {
        course.standing().rounds = course.standing().rounds.saturating_add(plan.phases[first].rounds());
        course.next_round(&plan.phases[first]);
    }
    for at in first..plan.phases.len() {
        if !course.phase(at).await {
            break;
        }
        course.report.standing = plan.phases.get(at + 1).map(|next| {
            let after = course.report.standing.take().map(|standing| standing.after).unwrap_or_default();
            Standing { after, ..Standing::at(next) }
        });
    }
    course.add_the_rest();
    let parts = course.run.close().await;
    report.parts = parts;
    report.parts.stalls = report.parts.stalls.saturating_add(before.stalls);
    report.parts.stuck.extend(before.stuck);
}

impl Standing {
    /// At the beginning of a phase.
    pub(super) fn at(phase: &PhasePlan) -> Self {
        Self { phase: phase.name.clone(), round: 1, rounds: phase.rounds(), ..Self::default() }
    }
}

impl Course<'_> {
    fn standing(&mut self) -> &mut Standing {
        self.report.standing.get_or_insert_default()
    }

    /// Does what is left of a phase. Gives whether the next may begin.
    async fn phase(&mut self, at: usize) -> bool {
        let plan = self.plan;
        let phase = &plan.phases[at];
        while !self.standing().is_closed {
            match self.round(at).await {
                Round::Done => {}
                Round::Waits => return false,
                Round::Failed => {
                    self.hooks(phase, false).await;
                    return false;
                }
            }
            let until = phase.repeats.as_ref().map(|repeats| &repeats.until);
            let is_true =
                until.is_none_or(|path| at_path(&self.report.values, path) == Some(&Value::Bool(true)));
            let Standing { round, rounds, .. } = *self.standing();
            if is_true {
                self.standing().is_closed = true;
            } else if round < rounds {
                self.next_round(phase);
            } else {
                let path = until.map(|path| path.join(".")).unwrap_or_default();
                let reason = format!("{} is not true after {round} rounds", Quoted(&path));
                self.block(phase, Blocker::Loop, reason);
                self.hooks(phase, false).await;
                return false;
            }
        }
        if self.standing().hooks == 0 {
            self.standing().after = self.ends_of(phase);
        }
        self.hooks(phase, true).await
    }

    /// Positions of the parts of the phase's round that no other of it has waited for.
    fn ends_of(&mut self, phase: &PhasePlan) -> Vec<usize> {
        let round = self.standing().round;
        phase.last_steps().filter_map(|step| self.done.get(&step_part(&step.name, round)).copied()).collect()
    }

    fn next_round(&mut self, phase: &PhasePlan) {
        let after = self.ends_of(phase);
        let given = phase.steps.iter().filter_map(|step| self.report.values.remove_entry(&step.gives));
        let last = given.collect();
        let standing = self.standing();
        standing.round = standing.round.saturating_add(1);
        (standing.last, standing.after) = (last, after);
        standing.done.clear();
    }

    fn block(&mut self, phase: &PhasePlan, by: Blocker, reason: String) {
        self.report.blocked = Some(Blocked { phase: phase.name.clone(), by, reason });
    }

    /// Does the steps of a round that are not done: each as soon as what it waits for is.
    async fn round(&mut self, at: usize) -> Round {
        let Self { plan, can, report, run, earlier, done, tried, failed } = self;
        let steps = &plan.phases[at].steps;
        let standing = report.standing.get_or_insert_default();
        let round = standing.round;
        let over: BTreeSet<_> = standing.done.iter().map(String::as_str).collect();
        let is_over: Vec<_> = steps.iter().map(|step| over.contains(step.name.as_str())).collect();
        let mut waits = Waits::of(steps, &is_over);
        let mut left = is_over.iter().filter(|is_over| !**is_over).count();
        let mut places = BTreeMap::new();
        let mut work = Phase::new(run);
        loop {
            while let Some(place) = waits.ready.pop_front() {
                let step = &steps[place];
                let name = step_part(&step.name, round);
                let standing = report.standing.get_or_insert_default();
                let after = after(steps, step, standing, done);
                match begin(plan, can, &report.values, standing, (at, place)) {
                    Begun::Waits => report.waits_for.push(step.name.clone()),
                    Begun::Bad(problem) => {
                        let failure = Some(Failure::Failed(AgentError::message(problem)));
                        let part = Part::new(name.clone(), after).again(earlier.remove(&name).as_ref());
                        work.run.add_ended(Part { failure, ..part });
                        failed.push(name.clone());
                        tried.insert(name);
                    }
                    Begun::Work(begun) => {
                        let key = format!("{}/{}#{round}", plan.phases[at].name, step.name);
                        let spot = Spot::named(&name).keyed(key).after(after).costing(step.costing.as_ref());
                        let spot = spot.bounded(step.within, step.retries);
                        let spot = spot.again(earlier.remove(&name).as_ref());
                        tried.insert(name);
                        places.insert(work.add(spot, begun), place);
                    }
                }
            }
            let Some((part, result)) = work.next().await else { break };
            let Some(place) = places.remove(&part) else { continue };
            let step = &steps[place];
            let name = step_part(&step.name, round);
            match result {
                Ok(value) => {
                    report.values.insert(step.gives.clone(), value);
                    report.standing.get_or_insert_default().done.push(step.name.clone());
                    done.insert(name, part);
                    left -= 1;
                    waits.end(place);
                }
                Err(_) => failed.push(name),
            }
        }
        match left {
            0 => Round::Done,
            _ if failed.is_empty() => Round::Waits,
            _ => Round::Failed,
        }
    }

    /// Adds a row for each step that was not reached, and what earlier tries have cost that were not tried again.
    fn add_the_rest(&mut self) {
        let why = self.why_not();
        let waiting = Failure::NotBegun(stopped("waits for a person"));
        let mut standing = self.report.standing.clone();
        let plan = self.plan;
        let phases = standing
            .iter()
            .flat_map(|standing| plan.phases.iter().skip_while(|phase| phase.name != standing.phase));
        let phases: Vec<_> = phases.collect();
        for phase in phases {
            let here = standing.take().unwrap_or_else(|| Standing::at(phase));
            for step in &phase.steps {
                let name = step_part(&step.name, here.round);
                if self.done.contains_key(&name) || !self.tried.insert(name.clone()) {
                    continue;
                }
                let waits = self.report.waits_for.contains(&step.name);
                let failure = Some(if waits { waiting.clone() } else { why.clone() });
                let after = after(&phase.steps, step, &here, &self.done);
                let part = Part::new(name.clone(), after).again(self.earlier.remove(&name).as_ref());
                self.run.add_ended(Part { failure, ..part });
            }
        }
        for part in std::mem::take(&mut self.earlier).into_values() {
            if !matches!(part.failure, Some(Failure::NotBegun(_))) {
                self.run.add_ended(part);
            }
        }
    }

    /// Why a step was not reached.
    fn why_not(&self) -> Failure {
        if self.run.is_over() {
            return self.run.not_begun();
        }
        let Worked { blocked, waits_for, .. } = &*self.report;
        let why = match blocked {
            _ if !self.failed.is_empty() => {
                format!("{} failed", list(self.failed.iter().map(String::as_str)))
            }
            Some(blocked) => blocked.to_string(),
            None => format!("waits for {}", list(waits_for.iter().map(String::as_str))),
        };
        Failure::NotBegun(stopped(&why))
    }
}

fn stopped(why: &str) -> AgentError {
    AgentError::new(FailureClass::Stopped, why).advise(Advice::Never)
}
