//! Fault plans with names: what people fear, ready to be done to their own swarm.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use skep_runtime::{AgentError, NanoUsd, Usage, defaults};

use crate::dice::Dice;
use crate::plan::FaultPlan;
use crate::plan::point::Point;

/// A named fault plan. Each is made from a seed, for the agents that you name. The oracles hold under all of them; what
/// happens to the work is for the test to check.
///
/// ```
/// use skep_testkit::{Lab, Preset};
///
/// let preset: Preset = "poison-task".parse()?;
/// let lab = Lab::seed(7).plan(preset.plan(7, "reviewer-*"));
/// # Ok::<(), skep_testkit::UnknownPreset>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Preset {
    /// The agents crash on every task.
    CrashLoop,
    /// The agents crash, are killed and fail to come back, at random.
    RestartStorm,
    /// The first task of each agent fails in every attempt.
    PoisonTask,
    /// The agents are paused one by one, and go on in another order.
    Swizzle,
    /// What the agents call answers late, refuses them, or fails.
    SlowProvider,
    /// One call is billed far beyond every budget.
    BudgetCliff,
    /// The agents spawn children while they are being stopped.
    LateChild,
    /// Supervisors are lost or killed, also while they stop their children.
    SupervisorLost,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::CrashLoop,
        Self::RestartStorm,
        Self::PoisonTask,
        Self::Swizzle,
        Self::SlowProvider,
        Self::BudgetCliff,
        Self::LateChild,
        Self::SupervisorLost,
    ];

    /// Its name, as it is parsed and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CrashLoop => "crash-loop",
            Self::RestartStorm => "restart-storm",
            Self::PoisonTask => "poison-task",
            Self::Swizzle => "swizzle",
            Self::SlowProvider => "slow-provider",
            Self::BudgetCliff => "budget-cliff",
            Self::LateChild => "late-child",
            Self::SupervisorLost => "supervisor-lost",
        }
    }

    /// A line of what a run with it shows.
    #[must_use]
    pub const fn shows(self) -> &'static str {
        match self {
            Self::CrashLoop => {
                "an agent that crashes on every task is restarted until its supervisor gives up"
            }
            Self::RestartStorm => {
                "agents that crash, and fail to restart, are restarted within their intensity"
            }
            Self::PoisonTask => {
                "a task that fails in every attempt becomes a dead letter, and its agent lives on"
            }
            Self::Swizzle => {
                "agents that are paused for a while, in any order, change nothing but the time it takes"
            }
            Self::SlowProvider => "calls that are late, refused or fail are retried as their errors advise",
            Self::BudgetCliff => "a bill above every worst case closes the budgets above it, once",
            Self::LateChild => "nothing begins behind a stop's fence, and the receipt is complete",
            Self::SupervisorLost => "an agent that has lost its supervisor is found, and stopped or adopted",
        }
    }

    /// The plan from a seed for the agents with this name or id, as a glob; `*` is all of them.
    ///
    /// The rule that defines the preset must fire, or the run fails; the others need not. Where chance decides, more seeds
    /// show more.
    #[must_use]
    pub fn plan(self, seed: u64, agents: &str) -> FaultPlan {
        let mut dice = Dice::seeded(seed);
        let mut span = |least, most| Duration::from_millis(dice.between(least, most));
        let plan = FaultPlan { seed, rules: Vec::new() };
        let plan = match self {
            Self::CrashLoop => plan.rule(Point::turn().panics()),
            Self::RestartStorm => plan
                .rule(Point::turn().nth(1).panics())
                .rule(Point::turn().chance(250).panics().may_rest())
                .rule(Point::step("*").chance(250).kills().may_rest())
                .rule(Point::effect("*").chance(150).kills().may_rest())
                // The first start of all is the spawn's.
                .rule(Point::start().per_agent().nth(2).fails(failure("does not come back")).may_rest()),
            Self::PoisonTask => {
                let poison = AgentError::redeliver(failure("poison"));
                plan.rule(Point::turn().per_agent().fails(poison).times(u64::from(defaults::ATTEMPTS)))
            }
            Self::Swizzle => plan
                .rule(Point::turn().nth(1).pauses(span(100, 5_000)))
                .rule(Point::turn().chance(300).pauses(span(100, 5_000)).may_rest())
                .rule(Point::step("*").chance(200).pauses(span(100, 5_000)).may_rest())
                .rule(Point::effect("*").chance(200).pauses(span(100, 5_000)).may_rest())
                .rule(Point::effect("*").chance(200).pauses(span(100, 5_000)).may_rest()),
            Self::SlowProvider => plan
                .rule(Point::effect("*").nth(1).slows(span(1_000, 5_000)))
                .rule(Point::effect("model*").chance(150).rate_limits(span(500, 5_000)).may_rest())
                .rule(Point::effect("model*").chance(100).answers(503).may_rest())
                .rule(Point::effect("model*").chance(100).times_out().may_rest())
                .rule(Point::effect("*").chance(300).slows(span(500, 10_000)).may_rest())
                .rule(Point::model("*").chance(300).slows(span(500, 10_000)).may_rest())
                .rule(Point::model("*").chance(100).cuts().may_rest()),
            Self::BudgetCliff => {
                let bill = Usage::calls(10_000).with_tokens(50_000_000, 50_000_000);
                let bill = bill.with_money(NanoUsd(1_000_000_000_000));
                plan.rule(Point::effect("*").nth(1).costs(bill))
                    // What is reserved is held for a while, so that others meet it.
                    .rule(Point::effect("*").chance(500).slows(span(100, 2_000)).may_rest())
            }
            Self::LateChild => plan
                .rule(Point::stop().spawns())
                .rule(Point::step("*").chance(300).spawns().may_rest())
                .rule(Point::effect("*").chance(300).spawns().may_rest()),
            Self::SupervisorLost => plan
                .rule(Point::turn().nth(1).vanishes())
                .rule(Point::step("*").chance(100).vanishes().may_rest())
                .rule(Point::effect("*").chance(100).vanishes().may_rest())
                .rule(Point::stop().chance(500).kills_supervisor().may_rest()),
        };
        let rules = plan.rules.into_iter().map(|rule| rule.of(agents)).collect();
        FaultPlan { seed, rules }
    }
}

fn failure(what: &str) -> AgentError {
    AgentError::message(format!("a fault plan's {what}"))
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no preset of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPreset(pub String);

impl fmt::Display for UnknownPreset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Preset::ALL.iter().map(|preset| preset.name()).collect();
        write!(f, "no preset is named {:?}: the presets are {}", self.0, names.join(", "))
    }
}

impl std::error::Error for UnknownPreset {}

impl FromStr for Preset {
    type Err = UnknownPreset;

    fn from_str(name: &str) -> Result<Self, UnknownPreset> {
        let found = Self::ALL.into_iter().find(|preset| preset.name() == name);
        found.ok_or_else(|| UnknownPreset(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_has_a_name_and_a_plan_that_makes_sense() {
        for preset in Preset::ALL {
            assert_eq!(preset.to_string().parse(), Ok(preset));
            for seed in 0..50 {
                let plan = preset.plan(seed, "imp-*");
                assert_eq!(plan.check(), Ok(()));
                assert_eq!(plan, preset.plan(seed, "imp-*"));
                assert!(plan.rules.iter().all(|rule| rule.agent == "imp-*"));
                assert!(!plan.rules[0].may_rest, "{preset} shows something in every run");
            }
        }
        let unknown = "crash_loop".parse::<Preset>().unwrap_err().to_string();
        assert!(
            unknown.starts_with("no preset is named \"crash_loop\": the presets are crash-loop, "),
            "{unknown}"
        );
    }
}
