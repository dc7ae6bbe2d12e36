//! A service runs for weeks: what has ended leaves nothing behind but its sum, and what was cut is still in every view.

use std::sync::Arc;

use skep::fold::{Fold, Snapshot};
use skep::testkit::{Lab, TestResult};
use skep::{Event, Filter, Keep, Swarm};

use super::forest::{Act, Imp, Soil, ms};
use super::storm::Storm;

/// Where a swarm's journal was cut, as one who reads it from the begin is told.
fn cut_of(swarm: &Swarm) -> u64 {
    match swarm.history(Filter::all()).try_next() {
        Some(Err(lagged)) => {
            assert_eq!(lagged.from, 1);
            lagged.to
        }
        _ => 0,
    }
}

/// What the views have to be after all these events when those up to `cut` are gone.
fn folded(events: &[Arc<Event>], cut: u64) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for event in events {
        if event.seq <= cut { snapshot.cut(event) } else { snapshot.apply(event) }
    }
    snapshot
}

#[skep::swarm_test(seeds = 100)]
async fn a_journal_that_is_cut_shows_the_same_as_a_whole_one(lab: Lab) {
    let mut dice = lab.dice();
    let kept = dice.between(100, 400) as usize;
    let mut storm = Storm::begin_with(&lab, Soil::WILD, |builder| builder.keep(Keep::Last(kept))).await;
    let swarm = storm.swarm();
    // One that is asleep from the begin, and wakes after all is over.
    let mut slow = swarm.events(Filter::all());
    let woken_at = lab.events().len() as u64;
    for _ in 0..4 {
        storm.blow(dice.below(8), true).await;
        let (events, cut) = (lab.events(), cut_of(&swarm));
        let shown = folded(&events, cut);
        assert_eq!(swarm.tree(), shown.tree);
        assert_eq!(swarm.costs(), shown.costs.breakdown(swarm.id()));
    }
    storm.end().await;
    let (events, cut) = (lab.events(), cut_of(&swarm));
    let shown = folded(&events, cut);
    assert_eq!(swarm.tree(), shown.tree);

    let (mut seen, mut next) = (None, woken_at + 1);
    while let Some(item) = slow.try_next() {
        match item {
            Ok(event) => {
                assert_eq!(event.seq, next, "nothing is missed but what was cut");
                next += 1;
                if let Some(seen) = seen.as_mut() {
                    Snapshot::apply(seen, &event);
                }
            }
            Err(lagged) => {
                assert_eq!((lagged.from, lagged.to), (next, cut));
                next = lagged.to + 1;
                seen = Some((*lagged.snapshot).clone());
            }
        }
    }
    assert!(cut > 0 || events.len() < kept + 64, "it is cut as soon as it is long");
    assert_eq!(next, events.len() as u64 + 1);
    assert_eq!(seen.is_some(), cut > woken_at);
    assert!(seen.is_none_or(|seen| seen == shown), "who lagged goes on from the snapshot");
}

#[skep::swarm_test(seeds = 20)]
async fn a_crash_leaves_no_seat_of_the_children_that_it_stopped(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    for _ in 0..3 {
        // The first attempt has a child and a scope when it crashes, and the second has them again by the same names.
        let again = vec![
            Act::Child("child".into(), vec![Act::Step]),
            Act::Scope("scoped".into(), vec![Act::Step], false),
        ];
        imp.ask([again.clone(), vec![Act::PanicOnce], again].concat()).await?;
        assert_eq!(imp.status().children, 0, "{}", lab.report());
        tokio::time::sleep(ms(6_000)).await;
    }
    lab.end(swarm).await;
    Ok(())
}
