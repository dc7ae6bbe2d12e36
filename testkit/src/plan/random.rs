//! Rules of chance: any action, at any place where it makes sense.

use std::time::Duration;

use skep_runtime::fault::{Fault, Phase};
use skep_runtime::{AgentError, NanoUsd, Usage};

use super::Rule;
use super::point::Point;
use crate::dice::Dice;

/// How many actions there are.
const ACTIONS: u64 = 30;

impl Rule {
    /// Any rule that makes sense, for any agent, with a small chance; it may rest. Pauses, blocks and delays are below three
    /// seconds. None has an agent vanish, which is a bug of the runtime and no misfortune.
    #[must_use]
    pub fn random(dice: &mut Dice) -> Self {
        let action = loop {
            let number = dice.below(ACTIONS);
            let action = action(number, dice);
            if action != Fault::Vanish {
                break action;
            }
        };
        let phase = *dice.pick(action.phases());
        let chance = dice.between(5, 100);
        at(phase).chance(chance).does(action).may_rest()
    }

    /// One rule for each action at each phase where it can be done.
    #[must_use]
    pub fn every(dice: &mut Dice) -> Vec<Self> {
        let actions: Vec<Fault> = (0..ACTIONS).map(|number| action(number, dice)).collect();
        let places = |action: Fault| action.phases().iter().map(move |phase| at(*phase).does(action.clone()));
        actions.into_iter().flat_map(places).collect()
    }
}

fn at(phase: Phase) -> Point {
    match phase {
        Phase::Start => Point::start(),
        Phase::Turn => Point::turn(),
        Phase::Stop => Point::stop(),
        Phase::Effect => Point::effect("*"),
        Phase::Question => Point::question("*"),
        Phase::Deliver => Point::deliver("*"),
        Phase::Model => Point::model("*"),
        _ => Point::step("*"),
    }
}

fn action(number: u64, dice: &mut Dice) -> Fault {
    let span = |dice: &mut Dice| Duration::from_millis(dice.between(1, 3_000));
    match number {
        0 => Fault::Panic,
        1 => Fault::Error(AgentError::message("a fault plan's error")),
        2 => Fault::Ignore,
        3 => Fault::Hang,
        4 => Fault::HangDeaf,
        5 => Fault::Slow(span(dice)),
        6 => Fault::Block(span(dice)),
        7 => Fault::Pause(span(dice)),
        8 => Fault::LoseCell,
        9 => Fault::MislayCell,
        10 => Fault::LoseHeartbeat,
        11 => Fault::Vanish,
        12 => Fault::Kill,
        13 => Fault::KillSubtree,
        14 => Fault::KillSupervisor,
        15 => Fault::Spawn,
        16 => Fault::JumpClock(span(dice) * 20),
        17 => {
            let calls = dice.between(1, 5);
            let usage = Usage::calls(calls).with_tokens(calls * 10, calls * 3);
            Fault::CostSpike(usage.with_money(NanoUsd(calls * 1_000)))
        }
        18 => Fault::Timeout,
        19 => Fault::RateLimited(span(dice)),
        20 => Fault::Unavailable(*dice.pick(&[500, 502, 503, 529])),
        21 => Fault::Cut,
        22 => Fault::Garbage,
        23 => Fault::Drop,
        24 => Fault::Duplicate,
        25 => Fault::Delay(span(dice)),
        26 => Fault::Reorder,
        27 => Fault::FillMailbox(span(dice)),
        28 => Fault::PanicInDrop,
        _ => Fault::SlowDrop(span(dice)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FaultPlan;
    use std::collections::BTreeSet;

    #[test]
    fn every_action_is_among_them() {
        // What an enum can be is what serde expects of it.
        let expected = serde_json::from_str::<Fault>("\"?\"").unwrap_err().to_string();
        let names: BTreeSet<_> = expected.split('`').skip(3).step_by(2).collect();
        let every = Rule::every(&mut Dice::seeded(1));
        let found: BTreeSet<_> = every.iter().map(|rule| rule.action.name()).collect();
        assert_eq!(found, names);
        assert_eq!(names.len() as u64, ACTIONS);
        assert_eq!(FaultPlan { seed: 0, rules: every }.check(), Ok(()));
    }

    #[test]
    fn any_plan_is_the_same_when_it_was_written_down() {
        for seed in 0..500 {
            let mut dice = Dice::seeded(seed);
            let mut rules: Vec<Rule> = (0..dice.below(5)).map(|_| Rule::random(&mut dice)).collect();
            rules.extend(Rule::every(&mut dice));
            for rule in &mut rules {
                rule.nth = dice.chance(300).then(|| dice.between(1, 9));
                rule.times = dice.chance(300).then(|| dice.between(1, 9));
                rule.per_agent = dice.chance(300);
                rule.may_rest = dice.chance(300);
                let from = Duration::from_nanos(dice.below(1 << 40));
                rule.window = dice.chance(300).then(|| (from, from + Duration::from_nanos(1)));
                rule.agent = ["*", "lab.1.2", "ed?tor-*"][usize::try_from(dice.below(3)).unwrap()].to_owned();
            }
            let plan = FaultPlan { seed: dice.below(u64::MAX), rules };
            let text = serde_json::to_string(&plan).unwrap();
            assert_eq!(serde_json::from_str::<FaultPlan>(&text).unwrap(), plan, "{text}");
            let lines = plan.describe();
            assert!(lines.iter().all(|line| !line.is_empty() && !line.contains('_')), "{lines:?}");
        }
    }
}
