//! Map-reduce: who gets what, what failures cost, and that it holds in trouble.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use skep::map_reduce::{MapReduce, Reduced};
use skep::testkit::{Lab, TestResult};
use skep::{Agent, AgentError, AgentSpec, Budget, Context, Report as _, ScopeOwner, Usage, map_reduce};

use crate::rig::{alive, millis, secs, swarm};
use crate::storm::storm;

/// Writes a number down, after so many milliseconds; `!` fails.
struct Reader;

impl Agent for Reader {
    type Task = (u64, String);
    type Output = String;

    async fn handle(&mut self, (ms, text): &(u64, String), cx: &Context) -> Result<String, AgentError> {
        cx.sleep(Duration::from_millis(*ms)).await?;
        if text.contains('!') { Err(AgentError::message("unreadable")) } else { Ok(text.clone()) }
    }
}

/// Joins texts; those that have a `?` among them fail.
struct Editor;

impl Agent for Editor {
    type Task = Vec<String>;
    type Output = String;

    async fn handle(&mut self, texts: &Vec<String>, cx: &Context) -> Result<String, AgentError> {
        cx.sleep(Duration::from_millis(10)).await?;
        let text = format!("({})", texts.concat());
        if text.contains('?') { Err(AgentError::message("I do not follow")) } else { Ok(text) }
    }
}

type Chunk = (u64, String);

/// A letter for each item, after 100 ms.
fn letters(text: &str) -> Vec<Chunk> {
    text.chars().map(|letter| (100, letter.to_string())).collect()
}

fn digest(owner: impl Into<ScopeOwner>, items: Vec<Chunk>) -> MapReduce<'static, Chunk, String> {
    map_reduce(owner, items)
        .map(|chunk| (|| Reader, chunk))
        .reduce(|texts| (AgentSpec::new("editor", || Editor), texts.to_vec()))
}

fn value(reduced: &Reduced<Chunk, String>) -> &str {
    reduced.value.as_deref().unwrap_or("-")
}

#[tokio::test(start_paused = true)]
async fn no_reducer_gets_more_than_the_fan_in_and_the_order_is_kept() {
    let swarm = swarm().await;
    for (text, fan_in, all) in [
        ("abcdefgh", 8, "(abcdefgh)"),
        ("abcdefghi", 8, "((ab)cdefghi)"),
        ("abcdefghi", 3, "((abc)(def)(ghi))"),
        ("abcde", 2, "(((ab)c)(de))"),
        ("abc", 0, "((ab)c)"),
        ("a", 8, "a"),
    ] {
        let mut items = letters(text);
        items[0].0 = 3_000;
        let reduced = digest(&swarm, items).fan_in(fan_in).await;
        assert_eq!(value(&reduced), all);
        assert!(reduced.failed.is_empty() && reduced.kept.is_empty());
    }
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_step_begins_when_its_inputs_are_there_and_waits_for_no_level() {
    let swarm = swarm().await;
    let mut items = letters("abcdefghi");
    items[8].0 = 10_000;
    let reduced = digest(&swarm, items).fan_in(3).at_most(9).await;
    let step = reduced.parts.part("reduce-1").unwrap();
    assert_eq!(step.began, millis(100), "though another map takes ten seconds");
    assert_eq!(step.agent.as_deref(), Some("editor"));
    let path: Vec<_> = reduced.parts.critical_path().iter().map(|part| part.name.as_str()).collect();
    assert_eq!(path, ["map-9", "reduce-3", "reduce-4"]);
    assert_eq!(reduced.parts.took, millis(10_020));
}

#[tokio::test(start_paused = true)]
async fn maps_that_fail_leave_a_gap_that_nothing_moves_into() {
    let swarm = swarm().await;
    let reduced = digest(&swarm, letters("ab!def!!!")).fan_in(3).need(0.5).await;
    assert_eq!(value(&reduced), "((ab)(def))");
    let failed: Vec<_> =
        reduced.failed.iter().map(|left| format!("{} {}", left.item.1, left.failure)).collect();
    assert_eq!(failed, ["! unreadable"; 4]);
    assert!(reduced.to_string().starts_with("8 of 12 completed, failed: map-3 (unreadable), "), "{reduced}");
    assert_eq!(value(&digest(&swarm, letters("!!c")).need(0.1).await), "c", "one alone needs no step");
}

#[tokio::test(start_paused = true)]
async fn there_is_a_value_if_as_many_were_mapped_as_are_needed() {
    let swarm = swarm().await;
    for (need, has_value) in
        [(0.75, true), (0.76, false), (0.0, true), (-1.0, true), (2.0, false), (f64::NAN, false)]
    {
        let reduced = digest(&swarm, letters("abc!")).need(need).await;
        assert_eq!(reduced.value.is_some(), has_value, "{need}");
    }
    let reduced = digest(&swarm, letters("!abcdefghij")).await;
    assert_eq!(reduced.value, None, "by default all of them");
    assert!(reduced.parts.part("reduce-1").is_none(), "no step began that could come to nothing");
    assert_eq!(reduced.kept.len(), 10, "what was mapped is there");
    let fourth = &reduced.kept[3];
    assert_eq!((fourth.items.as_slice(), fourth.output.as_str(), fourth.part), (&[4][..], "d", 4));
    assert!(reduced.into_result().unwrap_err().to_string().contains("map-1 (unreadable)"));
    assert_eq!(digest(&swarm, letters("!!")).need(0.0).await.value, None, "nothing was mapped");
}

#[tokio::test(start_paused = true)]
async fn a_share_is_what_it_says_in_decimals() {
    let swarm = swarm().await;
    let items = format!("{}{}", "a".repeat(55), "!".repeat(45));
    assert!(digest(&swarm, letters(&items)).need(0.55).at_most(100).await.value.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_reduce_step_that_fails_costs_the_value_and_not_what_was_mapped() {
    let swarm = swarm().await;
    let reduced = digest(&swarm, letters("abc?efghi")).fan_in(3).at_most(9).await;
    assert_eq!(reduced.value, None);
    let kept: Vec<_> = reduced.kept.iter().map(|kept| format!("{:?}{}", kept.items, kept.output)).collect();
    assert_eq!(kept, ["[0, 1, 2](abc)", "[3]?", "[4]e", "[5]f", "[6, 7, 8](ghi)"]);
    assert!(reduced.to_string().contains("reduce-2 (I do not follow)"), "{reduced}");
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn nothing_to_map_has_no_value_and_says_so() {
    let swarm = swarm().await;
    let before = swarm.events_so_far().len();
    let reduced = digest(&swarm, Vec::new()).await;
    assert_eq!((reduced.to_string().as_str(), &reduced.value), ("0 of 0 completed", &None));
    assert_eq!(reduced.into_result().unwrap_err().to_string(), "map_reduce: there was nothing to map");
    assert_eq!(swarm.events_so_far().len(), before, "not even a scope was opened");
    assert_eq!(digest(&swarm, Vec::new()).estimate().calls, 0);
}

#[tokio::test(start_paused = true)]
async fn neighbours_go_together_while_their_weights_fit() {
    let swarm = swarm().await;
    let items: Vec<_> = ["aa", "bb", "cccccccccc", "d", "e"].map(|text| (1, text.to_owned())).into();
    let weighed = Arc::new(Mutex::new(0));
    let count = Arc::clone(&weighed);
    let reduced = digest(&swarm, items)
        .pack(8, move |text| {
            *count.lock().unwrap() += 1;
            text.len() as u64
        })
        .await;
    assert_eq!(value(&reduced), "(((aabb)cccccccccc)(de))", "where nothing fits it goes in pairs");
    assert_eq!(*weighed.lock().unwrap(), 5 + 4, "each output once");
}

#[tokio::test(start_paused = true)]
async fn the_estimate_counts_maps_steps_and_attempts_and_compares_tiers() {
    let swarm = swarm().await;
    let estimate = digest(&swarm, letters("abcdefghijklmnopqrst")).estimate();
    assert_eq!((estimate.agents, estimate.calls, estimate.at_once), (20 + 3, (20 + 3) * 3, 6));
    assert_eq!(estimate.cost, None);
    let map = |chunk: Chunk| (|| Reader, chunk);
    let bounded = map_reduce(&swarm, letters("abcdefghij"))
        .map(map)
        .costing(Budget::usd("0.01"))
        .reduce(|texts| (|| Editor, texts.to_vec()))
        .costing(Budget::usd("0.10"))
        .fan_in(4)
        .retries(0)
        .estimate();
    assert_eq!(bounded.to_string(), "13 agents, 6 at once, 13 calls, at most $0.40");
    let smart = bounded.if_each_cost(Usage::money("0.10".parse().unwrap()));
    assert_eq!(smart, Usage::money("1.30".parse().unwrap()), "all of it on the dear model");
    let packed = digest(&swarm, letters("abcdefghij")).pack(1, |_| 1).estimate();
    assert_eq!(packed.agents, 10 + 9, "a bound from above");
}

#[tokio::test(start_paused = true)]
async fn what_fails_fast_or_late_says_what_did_not_begin_and_keeps_the_rest() {
    let swarm = swarm().await;
    let reduced = digest(&swarm, letters("ab!d")).at_most(1).fail_fast().await;
    assert_eq!((reduced.value.as_ref(), reduced.failed.len(), reduced.kept.len()), (None, 2, 2));
    assert!(reduced.to_string().ends_with("map-4 (not started: another had failed)"), "{reduced}");
    let late = digest(&swarm, letters("abcd")).fan_in(2).within(millis(105)).await;
    assert_eq!((late.value.as_ref(), late.failed.len(), late.kept.len()), (None, 0, 4));
    let late = digest(&swarm, letters("abcd")).fan_in(2).within(millis(100)).await;
    assert_eq!(late.value, None);
    assert!(!late.parts.is_complete(), "what did not begin is a row: {late}");
    assert_eq!(alive(&swarm), [""; 0]);
}

#[skep::swarm_test(seeds = 500)]
async fn a_map_reduce_in_trouble_leaves_nothing_and_bills_what_it_cost(lab: Lab) -> TestResult {
    storm(lab, false, |dice, hands| {
        let (items, fan_in, at_most) = (dice.between(1, 12), dice.between(2, 4), dice.between(1, 6));
        let (need, most) = (dice.below(11) as f64 / 10.0, dice.chance(500).then(|| dice.below(30)));
        Arc::new(move |owner: ScopeOwner| {
            let (maps, reduces) = (hands.clone(), hands.clone());
            let all = map_reduce(owner, 0..items)
                .within(secs(600))
                .map(move |item| (maps.hand(&format!("map-{item}"), |item: &u64| Ok(*item)), item))
                .costing(Budget::usd("0.003"))
                .reduce(move |sums| {
                    let sum = |sums: &Vec<u64>| Ok(sums.iter().sum());
                    (reduces.hand("sum", sum).budget(Budget::usd("0.004")), sums.to_vec())
                })
                .costing(Budget::usd("0.003"))
                .fan_in(fan_in as usize)
                .at_most(at_most as usize)
                .need(need);
            match most {
                Some(most) => all.pack(most, |sum| *sum),
                None => all,
            }
        })
    })
    .await
}
