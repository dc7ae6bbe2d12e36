//! P7 and P8: all that happened is in the journal, and the same seed is the same run.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use skep::fold::{Costs, Fold, States, Tasks, Tree};
use skep::testkit::{Lab, TestResult, seeds, twice};
use skep::{Event, Events, Filter, Kind, Stop, What};

use super::forest::{Act, Imp, Soil, ms};
use super::storm::Storm;

async fn storm(lab: Lab) {
    let mut storm = Storm::begin(&lab, Soil::WILD).await;
    storm.blow(20, true).await;
    storm.end().await;
}

#[test]
fn two_runs_of_a_seed_are_equal_to_the_byte() {
    for seed in seeds(50) {
        if let Err(difference) = twice(seed, storm) {
            panic!("{difference}");
        }
    }
}

#[test]
fn another_seed_is_another_run() {
    let run = |seed| {
        let events = Mutex::new(Vec::new());
        twice(seed, async |lab: Lab| {
            let swarm = lab.start().await;
            for number in 0..4 {
                let imp = swarm.spawn(Imp::spec(format!("imp-{number}"))).await.unwrap();
                imp.tell(vec![Act::Step, Act::Step]).unwrap();
            }
            tokio::time::sleep(ms(10)).await;
            *events.lock().unwrap() = lab.end(swarm).await.events().to_vec();
        })
        .unwrap();
        serde_json::to_string(&events.into_inner().unwrap()).unwrap()
    };
    let runs: BTreeSet<String> = (0..8).map(run).collect();
    assert!(runs.len() > 1, "the seed decides who comes first");
}

#[skep::swarm_test(seeds = 50)]
async fn a_view_of_any_point_of_the_past_can_be_folded_on(lab: Lab) {
    let mut storm = Storm::begin(&lab, Soil::WILD).await;
    storm.blow(15, true).await;
    let history = storm.end().await;
    let cut = lab.dice().below(history.events().len() as u64) as usize;
    let (past, rest) = history.events().split_at(cut);
    fn folded<F: Fold + Default + Clone + PartialEq + std::fmt::Debug>(
        past: &[Arc<Event>],
        rest: &[Arc<Event>],
        whole: &F,
    ) {
        let mut view = F::of(past.iter().map(|event| &**event));
        for event in rest {
            view.apply(event);
        }
        assert_eq!(&view, whole);
    }
    folded(past, rest, &history.fold::<Tree>());
    folded(past, rest, &history.fold::<States>());
    folded(past, rest, &history.fold::<Costs>());
    folded(past, rest, &history.fold::<Tasks>());
}

#[skep::swarm_test(seeds = 20)]
async fn a_subscription_sees_one_subtree_and_some_kinds(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let one = swarm.spawn(Imp::spec("one")).await?;
    let other = swarm.spawn(Imp::spec("other")).await?;
    let mut seen = swarm.events(Filter::all().under(one.id()).kinds([Kind::Task]));
    one.ask(vec![Act::Child("child".into(), vec![Act::Step])]).await?;
    other.ask(vec![Act::Step]).await?;
    let mut types = Vec::new();
    while let Some(event) = seen.try_next() {
        let event = event?;
        assert!(event.agent.is_within(one.id()) && event.what.kind() == Kind::Task);
        types.push(event.what.name());
    }
    assert!(
        types.starts_with(&["task_accepted", "turn_began", "task_accepted", "turn_began", "progress"]),
        "{types:?}"
    );
    lab.end(swarm).await;
    Ok(())
}

/// Follows to the end, which has to come by itself.
async fn last(mut events: Events) -> Option<Arc<Event>> {
    let mut last = None;
    while let Some(next) = events.next().await {
        last = Some(next.expect("a young journal has lost nothing"));
    }
    last
}

#[skep::swarm_test(seeds = 8)]
async fn following_a_swarm_ends_with_its_session_whoever_holds_a_handle(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let follows = tokio::spawn(last(swarm.history(Filter::all())));
    let one_kind = tokio::spawn(last(swarm.events(Filter::all().kinds([Kind::Task]))));
    imp.ask(vec![Act::Step]).await?;
    let (held, receipt) = (swarm.clone(), swarm.stop(Stop::default()).await);
    lab.conclude(receipt).await?;
    let ends = follows.await?.map(|event| event.what.clone());
    assert_eq!(ends, Some(What::SessionEnded));
    assert!(one_kind.await?.is_some(), "the task was accepted");
    let late = last(held.events(Filter::all())).await;
    assert_eq!(late, None, "nothing happens after the end");
    assert_eq!(last(held.history(Filter::all())).await.map(|event| event.what.clone()), ends);
    assert!(!imp.status().state.is_live());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn following_a_swarm_ends_when_its_last_handle_is_dropped_and_a_ref_lives() -> TestResult {
    let swarm = skep::Swarm::builder("dropped").start().await?;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let events = swarm.history(Filter::all());
    drop(swarm);
    assert_eq!(last(events).await.map(|event| event.what.clone()), Some(What::SessionEnded));
    assert_eq!(imp.ended().await, skep::StopReason::Stopped);
    Ok(())
}
