//! The hooks after a phase.

use std::collections::BTreeSet;

use skep_runtime::AgentError;

use super::{Course, hook_part, step_part};
use crate::failure::Failure;
use crate::run::Spot;
use crate::workflow::capabilities::{HookKind, PhaseEnd, Said};
use crate::workflow::plan::{PhasePlan, StepPlan};
use crate::workflow::report::{Blocker, HookNote};

impl Course<'_> {
    /// Runs the hooks after a phase that are not over. Gives whether none of them blocks. Of a phase that is not done, only health
    /// hooks hear.
    pub(super) async fn hooks(&mut self, phase: &PhasePlan, is_done: bool) -> bool {
        let can = self.can;
        let first = self.standing().hooks;
        for (at, name) in phase.hooks.iter().enumerate().skip(first) {
            let Some(hook) = can.hooks.get(name) else { continue };
            let is_blocked = self.report.blocked.is_some();
            if (!is_done || is_blocked) && hook.kind() != HookKind::Health {
                continue;
            }
            if self.run.is_over() {
                return false;
            }
            let end = self.end_of(phase, is_done);
            let part = hook_part(name, &phase.name);
            let after = if is_done { self.standing().after.clone() } else { Vec::new() };
            let spot = Spot::named(&part).keyed(format!("{}//{name}", phase.name)).after(after);
            let spot = spot.again(self.earlier.remove(&part).as_ref());
            self.tried.insert(part.clone());
            let (place, result) = self.run.one(spot, hook.begin(&end)).await;
            if self.run.cut().is_some() && result.is_err() {
                return false;
            }
            let ended = result.is_ok();
            match result {
                Ok(Said::Pass) => {}
                Ok(Said::Note(note)) => {
                    let (phase, hook) = (phase.name.clone(), name.clone());
                    self.report.notes.push(HookNote { phase, hook, note });
                }
                Ok(Said::Block(reason)) => {
                    self.run.reject(place, Failure::Failed(AgentError::message(&reason)));
                    self.block(phase, Blocker::Gate(name.clone()), reason);
                    continue;
                }
                Err(failure) if hook.kind() == HookKind::Gate => {
                    self.block(phase, Blocker::Gate(name.clone()), format!("it has failed: {failure}"));
                    continue;
                }
                Err(_) => {}
            }
            if is_done && !is_blocked {
                let standing = self.standing();
                standing.hooks = at + 1;
                if ended {
                    standing.after = vec![place];
                }
            }
        }
        is_done && self.report.blocked.is_none()
    }

    fn end_of(&mut self, phase: &PhasePlan, is_done: bool) -> PhaseEnd {
        let rounds = self.standing().round;
        let names =
            |step: &StepPlan| (1..=rounds).map(|round| step_part(&step.name, round)).collect::<Vec<_>>();
        let names: BTreeSet<_> = phase.steps.iter().flat_map(names).collect();
        let parts = self.run.parts().iter().filter(|part| names.contains(&part.name));
        PhaseEnd {
            phase: phase.name.clone(),
            is_done,
            blocked: self.report.blocked.as_ref().map(ToString::to_string),
            rounds,
            values: self.report.values.clone(),
            parts: parts.cloned().collect(),
        }
    }
}
