//! How many agents there may be and how deep: refused by name, in one step with the spawn, and told what to do.

use std::collections::BTreeSet;
use std::sync::Barrier;

use skep::testkit::{Lab, TestResult};
use skep::{
    Advice, AgentRef, Budget, Scope, ScopeOwner, SpawnError, Stop, StopReason, Supervisor, Swarm, spawn_many,
};

use super::forest::{Act, Imp, ms};

#[skep::swarm_test(seeds = 50)]
async fn a_parent_has_no_more_children_than_it_may_however_many_are_spawned_at_once(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let parent = swarm.spawn(Supervisor::dynamic().named("tenant").max_children(3)).await?;
    let scope = Scope::open(&ScopeOwner::from(&parent), "scope")?;
    let mut at_once = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (swarm, parent) = (swarm.clone(), parent.clone());
        at_once.spawn(async move { swarm.spawn(Imp::spec(format!("imp-{number}")).under(&parent)).await });
    }
    let in_scope = scope.spawn(Imp::spec("in-scope")).await;
    let mut spawned = at_once.join_all().await;
    spawned.push(in_scope);
    let (there, refused): (Vec<_>, Vec<_>) = spawned.into_iter().partition(Result::is_ok);
    assert_eq!((there.len(), refused.len(), parent.live_agents()), (3, 6, 4));
    for error in refused.into_iter().filter_map(Result::err) {
        assert_eq!(error, SpawnError::MaxChildren { parent: parent.id().clone(), limit: 3 });
        assert!(matches!(error.advice(), Advice::After(_)) && error.http_status() == 429);
        assert!(error.to_string().ends_with("raise `max_children` in its spec"), "{error}");
    }
    // A place is free as soon as one has ended, and a crash takes none.
    let first = there.into_iter().flatten().next().unwrap();
    drop(first.ask(vec![Act::PanicOnce]).await);
    assert!(swarm.spawn(Imp::spec("early").under(&parent)).await.is_err());
    drop(first.stop(Stop::default()).await);
    swarm.spawn(Imp::spec("late").under(&parent)).await?;
    assert_eq!(parent.live_agents(), 4);
    lab.end(swarm).await;
    Ok(())
}

/// An imp with so many levels of declared children below it.
fn chain(levels: u32) -> skep::AgentSpec<Imp> {
    let spec = Imp::spec(format!("level-{levels}"));
    if levels == 0 { spec } else { spec.child(chain(levels - 1)) }
}

#[skep::swarm_test(seeds = 10)]
async fn a_swarm_is_five_levels_deep_unless_it_is_told(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let before = lab.events().len();
    let too_deep = SpawnError::MaxDepth { ancestor: swarm.id().clone(), limit: 5 };
    assert_eq!(swarm.spawn(chain(5)).await.err(), Some(too_deep));
    assert_eq!(lab.events().len(), before, "a spec that cannot be leaves no trace");

    // A recursion by tasks ends where the bound is, and its error says so.
    let deeper = |acts| vec![Act::Child("deeper".into(), acts)];
    let three = deeper(deeper(vec![Act::Step]));
    let top = swarm.spawn(chain(2)).await?;
    let bottom = swarm.agent::<Imp>("level-0")?;
    bottom.ask(three.clone()).await?;
    let error = bottom.ask(deeper(three)).await.unwrap_err();
    assert!(error.to_string().contains("the limit of levels below lab is 5: raise `max_depth`"), "{error}");
    // Who asks is answered before the children of its task have ended.
    while (top.live_agents(), swarm.live_agents()) != (3, 3) {
        tokio::task::yield_now().await;
    }
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn declared_children_have_to_fit_every_bound_too(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.max_depth(2).budget(Budget::new().live_agents(4))).await;
    let before = lab.events().len();
    let root = swarm.id().clone();
    let crowd = |name: &str, count| {
        (0..count).fold(Imp::spec(name), |spec, at| spec.child(Imp::spec(format!("{name}-{at}"))))
    };
    let many = SpawnError::MaxLiveAgents { ancestor: root.clone(), limit: 4 };
    assert_eq!(swarm.spawn(crowd("many", 4)).await.err(), Some(many.clone()));
    let own = swarm.spawn(crowd("own", 2).max_children(1)).await.err();
    assert!(matches!(own, Some(SpawnError::MaxChildren { limit: 1, .. })), "{own:?}");
    let own = swarm.spawn(crowd("own", 1).budget(Budget::new().depth(0))).await.err();
    assert!(matches!(own, Some(SpawnError::MaxDepth { limit: 0, .. })), "{own:?}");
    assert_eq!(swarm.spawn(chain(2)).await.err(), Some(SpawnError::MaxDepth { ancestor: root, limit: 2 }));
    assert_eq!(lab.events().len(), before, "a spec that cannot be leaves no trace");

    let there = swarm.spawn(crowd("there", 2)).await?;
    assert_eq!(swarm.spawn(crowd("more", 1)).await.err(), Some(many));
    swarm.spawn(Imp::spec("one")).await?;
    drop(there.stop(Stop::default()).await);
    swarm.spawn(crowd("more", 2)).await?;
    lab.end(swarm).await;
    Ok(())
}

/// On real threads: a simulated spawn is one moment.
#[test]
fn two_trees_that_are_spawned_at_once_do_not_overshoot_together() {
    let crowd = |name: &str| (0..60).fold(Imp::spec(name), |spec, at| spec.child(Imp::spec(at.to_string())));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for _ in 0..100 {
        let most = Budget::new().live_agents(2 + 61);
        let swarm = runtime.block_on(Swarm::builder("limits").budget(most).start()).unwrap();
        let parents = ["one", "two"].map(|name| runtime.block_on(swarm.spawn(Imp::spec(name))).unwrap());
        let gate = Barrier::new(2);
        let spawn = |parent: &AgentRef<Imp>| {
            gate.wait();
            runtime.block_on(swarm.spawn(crowd("crowd").under(parent))).is_ok()
        };
        let spawned = std::thread::scope(|threads| {
            let all = parents.each_ref().map(|parent| threads.spawn(|| spawn(parent)));
            all.map(|thread| thread.join().unwrap())
        });
        assert!(spawned.contains(&true) && spawned.contains(&false), "{} live", swarm.live_agents());
        let receipt = runtime.block_on(swarm.stop(Stop::default()));
        assert!(receipt.nothing_left(), "{receipt}");
    }
}

#[skep::swarm_test(seeds = 5)]
async fn many_are_spawned_in_order_and_what_fails_is_a_row(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.budget(Budget::new().live_agents(300))).await;
    swarm.spawn(Imp::spec("imp-7").mailbox(3)).await?;
    let rows = spawn_many(&swarm, (0..400).map(|number| Imp::spec(format!("imp-{number}")))).await;
    assert_eq!(rows.len(), 400);
    for (number, row) in rows.iter().enumerate() {
        match row {
            Ok(imp) => assert_eq!(imp.name(), format!("imp-{number}")),
            Err(SpawnError::NameTaken { .. }) => assert_eq!(number, 7),
            Err(SpawnError::MaxLiveAgents { .. }) => assert!(number >= 300),
            Err(error) => panic!("{error}"),
        }
    }
    let ids: BTreeSet<_> = rows.iter().flatten().map(|imp| imp.id().number()).collect();
    assert_eq!((ids.len(), swarm.live_agents()), (299, 300));

    let scope = Scope::open(&ScopeOwner::from(&swarm), "scope")?;
    let refused = spawn_many(&scope, [Imp::spec("a"), Imp::spec("b")]).await;
    assert!(refused.iter().all(Result::is_err));
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn hundreds_may_wait_each_for_the_end_of_one_agent(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let mut waits = tokio::task::JoinSet::new();
    let mut imps = Vec::new();
    for number in 0..200 {
        let imp = swarm.spawn(Imp::spec(format!("imp-{number}"))).await?;
        let (waited, twice) = (imp.clone(), imp.clone());
        waits.spawn(async move { (number, waited.ended().await) });
        let given_up = tokio::spawn(async move { tokio::time::timeout(ms(5), twice.ended()).await.is_err() });
        assert!(number % 20 > 0 || given_up.await?, "it lives on");
        imps.push(imp);
    }
    for (number, imp) in imps.iter().enumerate().filter(|(number, _)| number % 2 == 0) {
        drop(imp.stop(Stop::default()).await);
        let (heard, reason) = waits.join_next().await.expect("somebody waits")?;
        assert_eq!((heard, reason), (number, StopReason::Stopped), "nobody else has ended");
    }
    lab.end(swarm).await;
    assert_eq!(waits.join_all().await.len(), 100, "the rest ended with the swarm");
    Ok(())
}
