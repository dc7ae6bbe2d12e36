//! A fault plan: a value that says what is done to a swarm, where and when.

mod blind;
pub(crate) mod chaos;
pub(crate) mod check;
pub(crate) mod firing;
mod glob;
pub(crate) mod point;
mod random;
mod verbs;
mod words;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep_runtime::fault::{Fault, Phase, Site};

use self::glob::matches;

/// Rules for the faults injected into a swarm. A plan belongs to one swarm, can be saved, and can be replayed with its seed.
///
/// As JSON it is `{"seed": 0, "rules": [{"agent": "*", "phase": "effect", "detail": "model", "action": "panic"}]}`: a rule
/// must have a phase and an action. A plan that is read is [checked](FaultPlan::check), and so is a plan when its lab starts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "check::Written")]
pub struct FaultPlan {
    /// Decides the rules' random choices, together with the lab's seed.
    pub seed: u64,
    /// The rules. At a point, only the first rule that fires is performed.
    pub rules: Vec<Rule>,
}

/// One rule: at which points, at which arrivals there, which fault. Built with [`Point`](crate::Point).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The agent's id or name; `*` and `?` match any text and any character.
    #[serde(default = "anything")]
    pub agent: String,
    /// The kind of place.
    pub phase: Phase,
    /// What [`Phase::detail`] says, as a glob: the effect's kind, the step's name.
    #[serde(default = "anything")]
    pub detail: String,
    /// Only at the n-th arrival that the selectors above match, from 1; by default at each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// At most this often; by default without a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Whether arrivals and firings are counted for each agent separately; by default over all selected agents.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub per_agent: bool,
    /// With this probability at each arrival, in thousandths; by default always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permille: Option<u64>,
    /// Only in this window of time after the swarm's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<(Duration, Duration)>,
    /// Whether it may never fire. Otherwise a run in which it never fires fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_rest: bool,
    /// What is done.
    pub action: Fault,
}

fn anything() -> String {
    "*".to_owned()
}

impl FaultPlan {
    /// The plan with one more rule.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// The rules of another plan after its own.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.rules.extend(other.rules);
        self
    }

    /// One line for each rule: what the plan will do.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        self.rules.iter().map(ToString::to_string).collect()
    }
}

impl Rule {
    /// The same with another agent: an id or a name, as a glob.
    #[must_use]
    pub fn of(mut self, agent: impl Into<String>) -> Self {
        self.agent = agent.into();
        self
    }

    /// The same, at most this often.
    #[must_use]
    pub const fn times(mut self, most: u64) -> Self {
        self.times = Some(most);
        self
    }

    /// The same, but a run in which it never fires does not fail.
    #[must_use]
    pub const fn may_rest(mut self) -> Self {
        self.may_rest = true;
        self
    }

    /// Whether the rule's selectors match an arrival, whichever it is.
    pub(crate) fn selects(&self, site: &Site<'_>) -> bool {
        self.phase == site.phase
            && matches(&self.detail, site.detail)
            && (matches(&self.agent, site.name) || matches(&self.agent, site.agent.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use crate::{FaultPlan, Point};
    use skep_runtime::{AgentId, fault::Phase, fault::Site};
    use std::time::Duration;

    #[test]
    fn a_plan_survives_being_written_down() {
        let plan = FaultPlan { seed: 9, rules: Vec::new() }
            .rule(Point::effect("model").of("editor").nth(2).panics())
            .rule(
                Point::turn().chance(100).between(Duration::ZERO, Duration::from_secs(3)).hangs().may_rest(),
            );
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<FaultPlan>(&text).unwrap(), plan);
        let short = r#"{"rules":[{"phase":"effect","action":"panic"}]}"#;
        assert_eq!(serde_json::from_str::<FaultPlan>(short).unwrap().rules, [Point::effect("*").panics()]);
        assert!(serde_json::from_str::<FaultPlan>(r#"{"rulez":[]}"#).is_err(), "a misspelt plan is no plan");
    }

    #[test]
    fn a_rule_says_what_it_does() {
        let rule = Point::effect("grep").of("security").nth(2).panics();
        assert_eq!(rule.to_string(), "a panic in the 2nd effect grep of security");
        let rule = Point::turn().of("*").slows(Duration::from_millis(200)).times(1);
        assert_eq!(rule.to_string(), "a slowdown of 200ms before each turn of any agent, once");
    }

    #[test]
    fn a_rule_selects_by_name_or_id_and_detail() {
        let id = AgentId::root("lab").child(3);
        let site = |detail| Site { agent: &id, name: "editor-1", phase: Phase::Effect, detail };
        assert!(Point::effect("mod*").of("editor-?").panics().selects(&site("model")));
        assert!(Point::effect("model").of("lab.3").panics().selects(&site("model")));
        assert!(!Point::effect("model").of("editor").panics().selects(&site("model")));
        assert!(!Point::effect("grep").panics().selects(&site("model")));
        assert!(!Point::turn().panics().selects(&site("")));
    }
}
