//! What a plan must be to make sense, and what is said of one that does not.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use skep_runtime::fault::{Fault, Phase};

use super::{FaultPlan, Rule};

/// Why a plan is invalid: the first invalid rule, its field, and what would be valid there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanError {
    /// The rule's place in the plan, from 0.
    pub rule: usize,
    /// The rule as a sentence.
    pub text: String,
    /// The field.
    pub field: &'static str,
    /// What is wrong there, and what would be valid.
    pub message: String,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, text, field, message } = self;
        write!(f, "rule {rule} (\"{text}\"), `{field}`: {message}")
    }
}

impl std::error::Error for PlanError {}

/// No clock knows what comes much later.
const JUMP_MOST: Duration = Duration::from_secs(1_000 * 365 * 24 * 3_600);

/// A plan as it is read, before it is known to make sense.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub(crate) struct Written {
    seed: u64,
    rules: Vec<Rule>,
}

impl TryFrom<Written> for FaultPlan {
    type Error = PlanError;

    fn try_from(Written { seed, rules }: Written) -> Result<Self, PlanError> {
        let plan = Self { seed, rules };
        plan.check().map(|()| plan)
    }
}

impl FaultPlan {
    /// Whether each rule is valid.
    ///
    /// # Errors
    /// [`PlanError`] for the first that is not.
    pub fn check(&self) -> Result<(), PlanError> {
        for (number, rule) in self.rules.iter().enumerate() {
            if let Some((field, message)) = rule.wrong() {
                return Err(PlanError { rule: number, text: rule.to_string(), field, message });
            }
        }
        Ok(())
    }

    /// Whether it can be carried out on the real clock.
    ///
    /// # Errors
    /// [`PlanError`] for the first rule that needs a simulation.
    pub(crate) fn check_real(&self) -> Result<(), PlanError> {
        let jumps = |rule: &Rule| matches!(rule.action, Fault::JumpClock(_));
        match self.rules.iter().position(jumps) {
            None => Ok(()),
            Some(rule) => Err(PlanError {
                rule,
                text: self.rules[rule].to_string(),
                field: "action",
                message: "the real clock does not jump; use `Lab::seed`".to_owned(),
            }),
        }
    }
}

impl Rule {
    /// The field that makes no sense, and what would fit.
    fn wrong(&self) -> Option<(&'static str, String)> {
        let Self { agent, phase, detail, nth, times, permille, window, may_rest, action, .. } = self;
        if agent.is_empty() {
            return Some(("agent", "an id or a name, or `*` for any agent".to_owned()));
        }
        if !action.phases().contains(phase) {
            let fit: Vec<_> = action.phases().iter().map(|phase| phase.name()).collect();
            let name = action.name();
            return Some((
                "action",
                format!("`{name}` cannot be done at `{phase}`, only at {}", fit.join(", ")),
            ));
        }
        if let Some(message) = detail_misfits(*phase, detail) {
            return Some(("detail", message));
        }
        if *nth == Some(0) {
            return Some(("nth", "arrivals are counted from 1".to_owned()));
        }
        let never = || "it can never fire: use 1 or more, or let it rest with `may_rest`".to_owned();
        if *times == Some(0) && !may_rest {
            return Some(("times", never()));
        }
        if *permille == Some(0) && !may_rest {
            return Some(("permille", never()));
        }
        if permille.is_some_and(|chance| chance > 1_000) {
            return Some(("permille", "thousandths, up to 1000".to_owned()));
        }
        if window.is_some_and(|(from, until)| from >= until) {
            return Some(("window", "it ends before it begins".to_owned()));
        }
        match action {
            Fault::JumpClock(by) if *by > JUMP_MOST => {
                Some(("action", format!("a jump of {by:?} is too long; use at most a thousand years")))
            }
            Fault::Unavailable(status) if !(500..600).contains(status) => {
                Some(("action", format!("{status} is not a server error; use 500 to 599")))
            }
            _ => None,
        }
    }
}

fn detail_misfits(phase: Phase, detail: &str) -> Option<String> {
    match phase.detail() {
        None if detail != "*" => Some(format!("a {phase} has none: leave it out")),
        Some(what) if detail.is_empty() => Some(format!("{what}, or `*` for any")),
        _ if phase == Phase::Deliver
            && !["ask", "tell"].iter().any(|kind| super::glob::matches(detail, kind)) =>
        {
            Some("`ask`, `tell`, or `*` for either".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Point;

    fn wrong(rule: Rule) -> String {
        FaultPlan::default().rule(Point::turn().panics()).rule(rule).check().unwrap_err().to_string()
    }

    #[test]
    fn a_rule_that_makes_no_sense_is_named_with_its_field_and_what_would_fit() {
        assert_eq!(
            wrong(Point::effect("model").ignores()),
            "rule 1 (\"nothing to start in each effect model of any agent\"), `action`: `ignore` cannot be done at \
             `effect`, only at start"
        );
        let second = Duration::from_secs(1);
        for (rule, field) in [
            (Point::deliver("*").panics(), "action"),
            (Point::turn().drops(), "action"),
            (Point::model("*").hangs(), "action"),
            (Point::effect("*").answers(404), "action"),
            (Point::effect("*").of("").panics(), "agent"),
            (Point::effect("").panics(), "detail"),
            (Point::deliver("shout").drops(), "detail"),
            (Point::turn().nth(0).panics(), "nth"),
            (Point::turn().panics().times(0), "times"),
            (Point::turn().chance(1_001).panics(), "permille"),
            (Point::turn().chance(0).panics(), "permille"),
            (Point::turn().between(second, second).panics(), "window"),
            (Point::turn().jumps_clock(Duration::MAX), "action"),
        ] {
            let wrong = wrong(rule);
            assert!(wrong.contains(&format!("`{field}`: ")), "{wrong}");
        }
    }

    #[test]
    fn a_plan_is_checked_when_it_is_read() {
        let read = |text: &str| serde_json::from_str::<FaultPlan>(text).map_err(|error| error.to_string());
        let misfit = read(r#"{"rules":[{"phase":"step","action":"drop"}]}"#).unwrap_err();
        assert!(misfit.contains("`drop` cannot be done at `step`, only at deliver"), "{misfit}");
        let misspelt = read(r#"{"rules":[{"phase":"step","action":"panic","nht":2}]}"#).unwrap_err();
        assert!(misspelt.contains("unknown field `nht`"), "{misspelt}");
        let unknown = read(r#"{"rules":[{"phase":"persist","action":"panic"}]}"#).unwrap_err();
        assert!(unknown.contains("unknown variant `persist`, expected one of"), "{unknown}");
        let turned = read(r#"{"rules":[{"phase":"turn","detail":"x","action":"panic"}]}"#).unwrap_err();
        assert!(turned.contains("a turn has none"), "{turned}");
    }

    #[test]
    fn a_clock_jumps_in_simulation_alone() {
        let plan = FaultPlan::default().rule(Point::turn().jumps_clock(Duration::from_secs(60)));
        assert_eq!(plan.check(), Ok(()));
        assert!(plan.check_real().unwrap_err().to_string().contains("use `Lab::seed`"));
    }
}
