//! The stress test: random hierarchies of agents, and all that can be done to them, from a seed.
//!
//! In the spirit of Akka's `SupervisorHierarchySpec`: nothing is looked for. Trees, policies, work, faults and what people do
//! come from the seed; that every promise stands is for the oracles to say, and for the lab's live watch at each event.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Instant;

use skep::What;
use skep::testkit::{Chaos, Dice, FaultPlan, History, Lab, Point, run_seeds, twice};

use super::forest::{Soil, ms};
use super::storm::Storm;

async fn hierarchy(lab: Lab) -> History {
    // Dice of its own: the storm throws those of the lab.
    let mut dice = Dice::seeded(lab.which_seed() ^ 0x7ee5);
    let soil = Soil {
        depth: dice.between(1, 4),
        fan_out: dice.between(1, 6),
        bad: *dice.pick(&[0, 100, 300]),
        budgets: *dice.pick(&[0, 200, 500]),
        most: 60,
    };
    let chaos = Chaos { effects_per_task: 3, ..Chaos::of(["imp-*", "child-*", "beside"]) };
    let mut more = FaultPlan::chaos(dice.below(u64::MAX), &chaos);
    if dice.chance(300) {
        more = more.rule(Point::turn().chance(60).vanishes().times(3).may_rest());
    }
    if dice.chance(300) {
        more = more.rule(Point::step("*").chance(50).mislays_cell().may_rest());
    }
    let sweep = ms(dice.between(20, 2_000));
    let mut storm = Storm::begin_under(&lab, soil, more, |builder| builder.sweep(Some(sweep))).await;
    let (gusts, stops) = (dice.between(10, 80), dice.chance(700));
    storm.blow(gusts, stops).await;
    storm.end().await
}

#[skep::swarm_test(seeds = 300)]
async fn random_hierarchies_keep_every_promise(lab: Lab) {
    hierarchy(lab).await;
}

/// A stress test is worth what it meets.
#[test]
fn random_hierarchies_are_the_same_for_a_seed_and_meet_all_that_can_happen() {
    let met: Mutex<BTreeSet<String>> = Mutex::default();
    let missed = || {
        let met = met.lock().unwrap();
        EXPECTED.split_whitespace().filter(|word| !met.contains(*word)).collect::<Vec<_>>()
    };
    for seed in 0..600 {
        // What is rare is waited for, and no longer.
        if seed >= 100 && missed().is_empty() {
            break;
        }
        let meets = async |lab| {
            let history = hierarchy(lab).await;
            met.lock().unwrap().extend(history.events().iter().flat_map(|event| words(&event.what)));
        };
        twice(seed, meets).unwrap();
    }
    assert!(missed().is_empty(), "not met: {:?} of {met:?}", missed());
}

const EXPECTED: &str = "agent_adopted agent_paused agent_restarting agent_start_failed agent_stopped:Stuck \
    budget_granted budget_warned cell_lost effect_ended:Cancelled effect_ended:Paused effect_refused effect_retried \
    holding_released orphan_found:Adopted orphan_found:AdoptedUntilDone orphan_found:Stopped overrun pause_began:need \
    pause_began:now:false,holds:false pause_began:now:false,holds:true pause_began:now:true,holds:false \
    pause_began:now:true,holds:true question_ended:Answered question_ended:Dropped question_ended:Failed \
    question_ended:PassedUp spec_dropped task_accepted:replay task_claimed task_detached task_ended:Expired \
    task_ended:Interrupted task_ended:Poisoned task_ended:Withdrawn task_helped task_redelivered turn_interrupted \
    turn_stale";

/// What an event is called, and how that which it is about went.
fn words(what: &What) -> Vec<String> {
    let how = match what {
        What::TaskAccepted { replay_of: Some(_), .. } => "replay".to_owned(),
        What::PauseBegan { need: Some(_), .. } => "need".to_owned(),
        What::PauseBegan { now, holds_deadlines, .. } => format!("now:{now},holds:{holds_deadlines}"),
        What::QuestionEnded { end, .. } => format!("{end:?}"),
        What::TaskEnded { outcome } => format!("{outcome:?}"),
        What::EffectEnded { end, .. } => format!("{end:?}"),
        What::OrphanFound { dealt, .. } => format!("{dealt:?}"),
        What::AgentStopped { end: Some(end), .. } => format!("{end:?}"),
        _ => return vec![what.name().to_owned()],
    };
    vec![what.name().to_owned(), format!("{}:{how}", what.name())]
}

/// See CONTRIBUTING for the command.
#[test]
#[ignore = "a night's work, and it says how fast that goes"]
fn a_night_of_random_hierarchies() {
    let (began, count) = (Instant::now(), Cell::new(0_u64));
    run_seeds(concat!(module_path!(), "::random_hierarchies_keep_every_promise"), 10_000, |lab| {
        count.set(count.get() + 1);
        if count.get().is_multiple_of(1_000) {
            let a_minute = count.get() * 60_000 / u64::try_from(began.elapsed().as_millis()).unwrap().max(1);
            println!("{} seeds, {a_minute} a minute", count.get());
        }
        async { drop(hierarchy(lab).await) }
    });
}
