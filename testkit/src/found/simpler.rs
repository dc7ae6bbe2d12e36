//! What is simpler than a rule: without a condition, earlier, less often, for a shorter while.

use std::time::Duration;

use skep_runtime::Usage;
use skep_runtime::fault::Fault;

use crate::plan::Rule;

/// Numbers up to this one are tried one by one: a person reads "the 2nd" where it might have been the third.
const ONE_BY_ONE: u64 = 9;

/// Numbers up to this one are also lowered by one.
const NEAR: u64 = 100;

/// What is simpler than a rule, best first. Each is simpler in one thing, and what has nothing simpler is as simple as can be.
pub(super) fn simpler(rule: &Rule) -> Vec<Rule> {
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
    with(&|rule| rule.per_agent = false);
    match (rule.nth, rule.times) {
        // It fires once anyway, unless it counts for each agent alone.
        (Some(_), _) if !rule.per_agent => with(&|rule| rule.times = None),
        (_, None) => with(&|rule| rule.times = Some(1)),
        _ => {}
    }
    for nth in rule.nth.into_iter().flat_map(smaller) {
        with(&|rule| rule.nth = Some(nth));
    }
    for times in rule.times.into_iter().flat_map(smaller) {
        with(&|rule| rule.times = Some(times));
    }
    for action in milder(&rule.action) {
        with(&|rule| rule.action = action.clone());
    }
    all
}

/// Lists that are simpler in several rules at once: each earlier by as much. What happens between two faults often needs
/// both of them at the same piece of work.
pub(super) fn together(rules: &[Rule]) -> Vec<Vec<Rule>> {
    let nths = || rules.iter().filter_map(|rule| rule.nth);
    if nths().count() < 2 {
        return Vec::new();
    }
    let least = nths().min().unwrap_or(1);
    let earlier = |by: u64| {
        let mut list = rules.to_vec();
        for rule in &mut list {
            rule.nth = rule.nth.map(|nth| nth - by);
        }
        list
    };
    smaller(least).into_iter().map(|nth| earlier(least - nth)).collect()
}

/// Numbers from one that are smaller, the smallest first.
fn smaller(number: u64) -> Vec<u64> {
    if number <= ONE_BY_ONE {
        return (1..number).collect();
    }
    let mut all: Vec<u64> = (1..=3).collect();
    all.extend([number / 4, number / 2, number - number / 4]);
    // One by one from a large one would take as many steps.
    all.extend((number <= NEAR).then_some(number - 1));
    all.sort_unstable();
    all.dedup();
    all
}

/// The same done more mildly: for a shorter while, or a smaller bill.
fn milder(action: &Fault) -> Vec<Fault> {
    let while_ = |span: &Duration, as_: fn(Duration) -> Fault| shorter(*span).into_iter().map(as_).collect();
    match action {
        Fault::Slow(span) => while_(span, Fault::Slow),
        Fault::Block(span) => while_(span, Fault::Block),
        Fault::Pause(span) => while_(span, Fault::Pause),
        Fault::JumpClock(span) => while_(span, Fault::JumpClock),
        Fault::RateLimited(span) => while_(span, Fault::RateLimited),
        Fault::Delay(span) => while_(span, Fault::Delay),
        Fault::FillMailbox(span) => while_(span, Fault::FillMailbox),
        Fault::SlowDrop(span) => while_(span, Fault::SlowDrop),
        Fault::Unavailable(status) if *status != 500 => vec![Fault::Unavailable(500)],
        Fault::CostSpike(bill) => cheaper(bill).into_iter().map(Fault::CostSpike).collect(),
        _ => Vec::new(),
    }
}

/// Round spans that are shorter, the shortest first, and parts of it; whole milliseconds.
fn shorter(span: Duration) -> Vec<Duration> {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let mut all: Vec<u64> = vec![1, 10, 100, 1_000, millis / 2, millis - millis / 4];
    all.retain(|shorter| (1..millis).contains(shorter));
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(Duration::from_millis).collect()
}

/// One amount alone, or half of all.
fn cheaper(bill: &Usage) -> Vec<Usage> {
    let half = Usage {
        money: skep_runtime::NanoUsd(bill.money.0 / 2),
        input_tokens: bill.input_tokens / 2,
        output_tokens: bill.output_tokens / 2,
        cached_tokens: bill.cached_tokens / 2,
        calls: bill.calls / 2,
    };
    let tokens = Usage::ZERO.with_tokens(bill.input_tokens, bill.output_tokens);
    let mut all = vec![Usage::calls(bill.calls), Usage::money(bill.money), tokens, half];
    all.retain(|less| less != bill && !less.is_zero());
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dice, Point};

    #[test]
    fn getting_simpler_comes_to_an_end() {
        let second = Duration::from_secs(1);
        let mut rules = vec![
            Point::effect("model").of("a").nth(1_000).chance(7).between(second, second * 2).panics().times(9),
            Point::turn().chance(7).hangs().times(1_000_000),
            Point::turn().per_agent().nth(4).slows(second * 7).times(3),
            Point::turn().hangs(),
        ];
        rules.extend(Rule::every(&mut Dice::seeded(3)));
        for mut rule in rules {
            let mut steps = 0;
            // The last is the smallest step.
            while let Some(next) = simpler(&rule).pop() {
                rule = next;
                steps += 1;
                assert!(steps < 2_000, "{rule:?}");
            }
            assert!(rule.window.is_none() && rule.permille.is_none() && !rule.per_agent, "{rule:?}");
            assert!(matches!((rule.nth, rule.times), (Some(1), None) | (None, Some(1))), "{rule:?}");
        }
    }

    #[test]
    fn every_smaller_number_is_tried_that_a_person_would_try() {
        assert!(smaller(1).is_empty());
        assert_eq!(smaller(3), [1, 2]);
        assert_eq!(smaller(9), (1..9).collect::<Vec<_>>());
        assert_eq!(smaller(40), [1, 2, 3, 10, 20, 30, 39]);
        let spans = |span: u64| {
            shorter(Duration::from_millis(span)).iter().map(Duration::as_millis).collect::<Vec<_>>()
        };
        assert!(spans(1).is_empty());
        assert_eq!(spans(2_600), [1, 10, 100, 1_000, 1_300, 1_950]);
        let two = [Point::turn().nth(3).panics(), Point::step("*").nth(4).kills()];
        let nths = |rules: &Vec<Rule>| rules.iter().filter_map(|rule| rule.nth).collect::<Vec<_>>();
        assert_eq!(together(&two).iter().map(nths).collect::<Vec<_>>(), [[1, 2], [2, 3]]);
        assert!(together(&two[..1]).is_empty());
    }
}
