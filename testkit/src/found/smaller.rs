//! The least plan with which a test still fails in the same way.
//!
//! First rules are left out. What is left is then written as what it did: each firing a rule of its own, at its n-th
//! arrival, with no chance in it. Of these the most are without effect on the failure, and go.

use skep_runtime::event::What;

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
    let fine = is_exact.then(|| search.simplest(exact, simpler));
    let best = match fine {
        Some(fine) if fine.kept.len() <= coarse.kept.len() => fine,
        _ => search.simplest(coarse.kept, simpler),
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

/// What is simpler than a rule, best first: without a condition, earlier, less often.
fn simpler(rule: &Rule) -> Vec<Rule> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Rule)| {
        let mut other = rule.clone();
        change(&mut other);
        if other != *rule {
            all.push(other);
        }
    };
    with(&|rule| rule.window = None);
    with(&|rule| rule.permille = None);
    match rule.nth {
        // It fires once anyway.
        Some(_) => with(&|rule| rule.times = None),
        None => {
            with(&|rule| rule.times = Some(1));
            with(&|rule| rule.times = rule.times.map(|times| times.div_ceil(2)));
        }
    }
    for nth in rule.nth.into_iter().flat_map(|nth| [1, nth.div_ceil(2), nth.saturating_sub(1).max(1)]) {
        with(&|rule| rule.nth = Some(nth));
    }
    all
}

fn remark(given: &FaultPlan, best: &Shrunk<Rule>) -> String {
    let rules = |count: usize| format!("{count} rule{}", if count == 1 { "" } else { "s" });
    let (before, after) = (rules(given.rules.len()), rules(best.kept.len()));
    match best {
        Shrunk { kept, .. } if kept.is_empty() => format!("none of the {before} matters: it fails without"),
        Shrunk { asked, is_minimal: true, .. } => format!("{before} shrunk to {after} in {asked} runs"),
        Shrunk { asked, .. } => {
            format!("{before} shrunk to {after}; {asked} runs did not suffice for the least")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Point;
    use std::time::Duration;

    #[test]
    fn getting_simpler_comes_to_an_end() {
        let second = Duration::from_secs(1);
        let rules = [
            Point::effect("model").of("a").nth(1_000).chance(7).between(second, second * 2).panics().times(9),
            Point::turn().chance(7).hangs().times(1_000_000),
            Point::turn().hangs(),
        ];
        for mut rule in rules {
            let mut steps = 0;
            // The last is the smallest step.
            while let Some(next) = simpler(&rule).pop() {
                rule = next;
                steps += 1;
                assert!(steps < 2_000, "{rule:?}");
            }
            assert!(rule.window.is_none() && rule.permille.is_none(), "{rule:?}");
            assert!(matches!((rule.nth, rule.times), (Some(1), None) | (None, Some(1))), "{rule:?}");
        }
    }
}
