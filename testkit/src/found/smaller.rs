//! The least plan with which a test still fails in the same way.
//!
//! First rules are left out. What is left is then written as what it did: each firing a rule of its own, at its n-th
//! arrival, with no chance in it. Of these the most are without effect on the failure, and go. The numbers of the rest are
//! lowered as far as it goes.

use skep_runtime::event::What;

use super::simpler::{simpler, together};
use crate::plan::{FaultPlan, Rule};
use crate::shrink::{Search, Shrunk};
use crate::trial::{Fired, Ran};

/// The least plan, and a remark about how it was found. `again` runs the test with a plan, and `fails` knows the failure.
pub(super) fn smaller(
    given: &FaultPlan,
    most: usize,
    again: impl Fn(&FaultPlan) -> Ran,
    fails: impl Fn(&Ran) -> bool,
) -> (FaultPlan, String) {
    let with = |rules: &[Rule]| FaultPlan { rules: rules.to_vec(), ..given.clone() };
    let mut search = Search::new(most, |rules: &[Rule]| fails(&again(&with(rules))));
    let coarse = search.least(given.rules.clone());
    let exact = Fired::rules(&again(&with(&coarse.kept)).fired);
    let is_exact = !coarse.kept.is_empty() && !exact.is_empty() && search.happens(&exact);
    let fine = is_exact.then(|| search.simplest(exact, simpler, together));
    let best = match fine {
        Some(fine) if fine.kept.len() <= coarse.kept.len() => fine,
        _ => search.simplest(coarse.kept, simpler, together),
    };
    let plan = with(&best.kept);
    let plan = demanding(plan.clone(), &again(&plan));
    (plan, remark(given, &best))
}

/// Rules that fired have to fire whenever the plan is used again.
fn demanding(mut plan: FaultPlan, ran: &Ran) -> FaultPlan {
    for event in &ran.events {
        if let What::FaultInjected { rule, .. } = event.what
            && let Some(rule) = plan.rules.get_mut(rule)
        {
            rule.may_rest = false;
        }
    }
    plan
}

fn remark(given: &FaultPlan, best: &Shrunk<Rule>) -> String {
    let rules = |count: usize| format!("{count} rule{}", if count == 1 { "" } else { "s" });
    let (before, after) = (rules(given.rules.len()), rules(best.kept.len()));
    match best {
        Shrunk { kept, .. } if kept.is_empty() => {
            format!("none of the {before} matters: it fails without them")
        }
        Shrunk { asked, is_minimal: true, .. } => {
            format!("{before} shrunk to {after} in {asked} run{}", if *asked == 1 { "" } else { "s" })
        }
        Shrunk { asked, .. } => {
            format!("{before} shrunk to {after}; {asked} runs were not enough to find the smallest plan")
        }
    }
}
