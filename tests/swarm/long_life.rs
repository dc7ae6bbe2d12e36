//! A service runs for weeks: what has ended leaves nothing behind but its sum, and what was cut is still in every view.

use std::future::IntoFuture;
use std::sync::Arc;

use skep::fold::{Fold, Snapshot, TreeRow};
use skep::testkit::{Lab, TestResult};
use skep::{AgentRef, Event, Filter, Keep, Restart, Stop, Supervisor, Swarm};

use super::forest::{Act, Hook, Imp, Soil, Start, ms};
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
        if event.seq <= cut {
            snapshot.cut(event);
        } else {
            snapshot.apply(event);
        }
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
        let is_agent =
            |row: &TreeRow| row.state().is_live() && !["root", "scope"].contains(&&*row.agent_type);
        let live = shown.tree.iter().filter(|(_, row)| is_agent(row)).count();
        assert_eq!(swarm.live_agents() as usize, live);
    }
    storm.end().await;
    assert_eq!(swarm.live_agents(), 0);
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

/// A day of a service: every way in which agents come and go.
async fn day(swarm: &Swarm, tenant: &AgentRef<Supervisor>, hand: &AgentRef<Imp>) -> TestResult {
    let spend = Act::Spend { kind: 0, worst: 2, used: 1, takes: 5, tries: 2, says: true, once: false };
    let below = vec![Act::Step, Act::Hold, spend.clone()];
    let request = vec![
        Act::Child("child".into(), below.clone()),
        Act::Child("again".into(), vec![Act::PanicOnce, Act::Child("deep".into(), below.clone())]),
        Act::Scope("scoped".into(), below.clone(), true),
        Act::Scope("dropped".into(), below.clone(), false),
        Act::OwnChild("own".into(), below.clone()),
        Act::Ask(vec![Act::Step], 500),
        spend,
        // It fails with what it has asked for.
        Act::Ask(vec![Act::Hang], 50),
    ];
    let beside = Some(hand.clone());
    let imp = |name: &str| Imp::with(name, Start::Ready, Hook::Ready, beside.clone());
    drop(swarm.run(imp("request").under(tenant), request.clone()).within(ms(20_000)).await);
    // A client that hangs up.
    drop(tokio::time::timeout(ms(7), swarm.run(imp("gone").under(tenant), request).into_future()).await);
    // A child that comes and goes under a dynamic supervisor, one that crashes until it is given up, one that is killed.
    let dynamic = swarm.spawn(imp("dynamic").restart(Restart::Transient).under(tenant)).await?;
    dynamic.ask(vec![Act::Exit]).await?;
    let bad = swarm.spawn(imp("bad").intensity(0, ms(1)).under(tenant)).await?;
    drop(bad.ask(vec![Act::Panic]).await);
    drop(bad.stop(Stop::default()).await);
    let killed = swarm.spawn(imp("killed").restart(Restart::Temporary)).await?;
    killed.kill();
    killed.ended().await;
    // A tree whose declared child ends while its spec stands, and comes back with its parent.
    let tree = imp("tree").child(imp("leaf").restart(Restart::Transient)).child(imp("twig"));
    let tree = swarm.spawn(tree).await?;
    swarm.agent::<Imp>("leaf")?.ask(vec![Act::Exit]).await?;
    drop(tree.ask(vec![Act::PanicOnce]).await);
    drop(tree.stop(Stop::default()).await);
    hand.ask(below).await?;
    // A start that fails, a name that is taken, a spec that cannot be.
    drop(swarm.spawn(Imp::with("never", Start::FailsAt(1), Hook::Ready, None)).await);
    drop(swarm.spawn(imp("hand").mailbox(7)).await);
    drop(swarm.spawn(imp("nobody").attempts(0)).await);
    Ok(())
}

#[skep::swarm_test(seeds = 3)]
async fn nothing_that_has_ended_is_kept_in_any_table(lab: Lab) -> TestResult {
    // The journal is short, so that ends are cut within a day.
    let swarm = lab
        .start_with(|builder| builder.keep(Keep::Last(300)).permits("call-0", 2).background_stop(ms(2_000)))
        .await;
    let hand = swarm.spawn(Imp::spec("hand")).await?;
    let tenant = swarm.spawn(Supervisor::dynamic().named("tenant").intensity(100, ms(1))).await?;
    let witness = swarm.witness();
    let mut first = None;
    for number in 0..40 {
        day(&swarm, &tenant, &hand).await?;
        tokio::time::sleep(ms(60_000)).await;
        // What the journal still keeps is pushed out of it.
        for _ in 0..100 {
            hand.ask(vec![Act::Say]).await?;
        }
        tokio::time::sleep(ms(60_000)).await;
        let mut entries = witness.entries();
        let tasks = entries.remove("tasks");
        assert!(tasks <= Some(1), "the cut may fall into a task of the hand that stays");
        if number == 3 {
            first = Some(entries);
        } else if let Some(first) = &first {
            assert_eq!(entries, *first, "after {number} days");
        }
    }
    assert!(lab.events().len() > 5_000, "much has happened");
    lab.end(swarm).await;
    Ok(())
}
