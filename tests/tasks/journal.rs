//! P7 and P8: all that happened is in the journal, and the same seed is the same run.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use skep::fold::{Costs, Fold, States, Tasks, Tree};
use skep::testkit::{Lab, TestResult, seeds, twice};
use skep::{Event, Filter, Kind};

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
