//! Nobody lives without a living parent: who is orphaned goes by its policy, and what should not be is found by the sweep.

use skep::fold::{Fold, Tree};
use skep::testkit::{Lab, Point, TestResult};
use skep::{
    AgentRef, AgentSpec, AgentState, AskError, Budget, Dealt, Found, OnRefusal, Orphans, Outcome, Pause,
    Restart, SpawnError, Stop, StopReason, Swarm, What,
};

use super::forest::{Act, Imp, Soil, ms};
use super::storm::Storm;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A lead, a parent below it that bears no restart of its children, and a child of that.
struct Family {
    lead: AgentRef<Imp>,
    parent: AgentRef<Imp>,
    kid: AgentRef<Imp>,
}

impl Family {
    /// One whose parent does not come back.
    async fn new(swarm: &Swarm, orphans: Orphans) -> Result<Self, SpawnError> {
        Self::with(swarm, Imp::spec("parent").restart(Restart::Temporary), orphans).await
    }

    async fn with(swarm: &Swarm, parent: AgentSpec<Imp>, orphans: Orphans) -> Result<Self, SpawnError> {
        let lead = swarm.spawn(Imp::spec("lead").intensity(5, ms(5_000))).await?;
        let parent = swarm.spawn(parent.under(&lead).intensity(0, ms(5_000))).await?;
        let kid = swarm.spawn(Imp::spec("kid").under(&parent).when_orphaned(orphans)).await?;
        Ok(Self { lead, parent, kid })
    }

    /// The parent gave up and is back; its child is the lead's since then.
    async fn passed_over(swarm: &Swarm, parent: AgentSpec<Imp>) -> Result<Self, Error> {
        let family = Self::with(swarm, parent, Orphans::Adopt).await?;
        let bad = swarm.spawn(Imp::spec("bad").under(&family.parent)).await?;
        bad.tell(vec![Act::Panic])?;
        bad.ended().await;
        tokio::time::sleep(ms(20)).await;
        assert_eq!((family.parent.status().incarnation, family.lead.status().children), (2, 2));
        Ok(family)
    }

    /// A sibling of the child crashes once too often.
    async fn escalates(&self, swarm: &Swarm) -> TestResult {
        let bad = swarm.spawn(Imp::spec("bad").under(&self.parent)).await?;
        bad.tell(vec![Act::Panic])?;
        let reason = self.parent.ended().await;
        assert!(matches!(reason, StopReason::Escalated { .. }), "{reason}");
        assert!(matches!(bad.state(), AgentState::Stopped(_)), "its policy is the default");
        Ok(())
    }
}

#[skep::swarm_test(seeds = 40)]
async fn an_adopted_agent_keeps_its_id_its_task_and_its_queue(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let family = Family::new(&swarm, Orphans::Adopt).await?;
    let work = family.kid.ask(vec![Act::Sleep(500)]).detach();
    family.kid.tell(vec![Act::Step])?;
    tokio::time::sleep(ms(50)).await;
    family.escalates(&swarm).await?;

    drop(work);
    family.kid.ask(vec![Act::PanicOnce]).await?;
    let (status, lead) = (family.kid.status(), family.lead.id().clone());
    assert_eq!((status.incarnation, status.id.parent().as_ref()), (2, Some(family.parent.id())));
    let tree = swarm.tree();
    let row = tree.get(family.kid.id()).expect("it lives");
    assert_eq!(row.adopted.as_ref().map(|(by, _)| by), Some(&lead));

    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("kid"), [Outcome::Done, Outcome::Done, Outcome::Done]);
    assert_eq!((history.count("orphan_found"), history.count("agent_adopted")), (1, 1));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_stop_of_a_parent_that_is_gone_takes_what_was_adopted_from_it(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let family = Family::new(&swarm, Orphans::Adopt).await?;
    family.escalates(&swarm).await?;
    family.kid.tell(vec![Act::Sleep(60_000)])?;
    let below = swarm.spawn(Imp::spec("below").under(&family.kid)).await?;
    tokio::time::sleep(ms(20)).await;

    let receipt = family.parent.stop(Stop::within(ms(1_000))).await;
    lab.saw(&receipt);
    let named: Vec<_> = receipt.rows().iter().map(|row| row.id.clone()).collect();
    assert_eq!(named, [below.id().clone(), family.kid.id().clone()], "{receipt}");
    assert!(family.lead.state().is_live());
    assert_eq!(family.lead.status().children, 0, "it is out of its table too");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_stop_of_the_one_that_adopted_takes_it_too(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let family = Family::new(&swarm, Orphans::Adopt).await?;
    family.escalates(&swarm).await?;
    family.kid.tell(vec![Act::Sleep(60_000)])?;
    tokio::time::sleep(ms(20)).await;
    let receipt = family.lead.stop(Stop::within(ms(1_000))).await;
    lab.saw(&receipt);
    let named: Vec<_> = receipt.rows().iter().map(|row| row.id.clone()).collect();
    assert_eq!(named, [family.kid.id().clone(), family.lead.id().clone()], "{receipt}");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn two_stops_at_once_above_and_below_both_take_what_was_adopted_past_one_of_them(
    lab: Lab,
) -> TestResult {
    let swarm = lab.start().await;
    let Family { lead, parent, kid } = Family::passed_over(&swarm, Imp::spec("parent")).await?;
    kid.tell(vec![Act::Sleep(60_000)])?;
    tokio::time::sleep(ms(20)).await;

    let stop = || Stop::within(ms(1_000));
    let (above, below) = tokio::join!(lead.stop(stop()), parent.stop(stop()));
    for receipt in [&above, &below] {
        lab.saw(receipt);
        assert!(receipt.rows().iter().any(|row| row.id == *kid.id()), "{receipt}");
    }
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn an_adopted_agent_is_not_in_the_pause_that_its_old_parents_budget_would_bring_about(
    lab: Lab,
) -> TestResult {
    let swarm = lab.start().await;
    let budget = Budget::new().calls(3).on_refusal(OnRefusal::Pause);
    let Family { parent, kid, .. } = Family::passed_over(&swarm, Imp::spec("parent").budget(budget)).await?;
    let spend =
        |worst| Act::Spend { kind: 0, worst, used: worst, takes: 10, tries: 1, says: true, once: true };
    let needy = tokio::spawn(parent.ask(vec![spend(4)]));
    tokio::time::sleep(ms(50)).await;
    assert_eq!(parent.state(), AgentState::Paused, "its own effect waits for a grant");
    assert_eq!(kid.ask(vec![spend(2)]).await?, 2);
    let error = kid.ask(vec![spend(2)]).await.unwrap_err().to_string();
    assert!(error.contains(parent.id().as_str()), "the budget is still that of its id: {error}");
    parent.grant(Budget::new().calls(10))?;
    parent.resume()?;
    assert_eq!(needy.await??, 4);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn who_is_adopted_is_held_by_the_pauses_of_those_who_supervise_it_now(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let Family { lead, parent, kid } = Family::with(&swarm, Imp::spec("parent"), Orphans::Adopt).await?;
    let bad = swarm.spawn(Imp::spec("bad").under(&parent)).await?;
    assert!(parent.pause(Pause::at_next_await()).await?.is_quiet());
    let work = tokio::spawn(kid.ask(vec![Act::Step]));
    bad.kill();
    bad.ended().await;
    assert_eq!(work.await??, 0, "the pause of the one that gave up holds it no more");

    assert!(lead.pause(Pause::at_next_await()).await?.is_quiet());
    assert_eq!(kid.state(), AgentState::Paused);
    assert_eq!(kid.status().paused.map(|by| by.agent), Some(lead.id().clone()));
    lead.resume()?;
    kid.ask(vec![Act::Step]).await?;
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_pause_holds_those_below_a_lost_agent_and_its_resume_lets_them_go(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("parent").vanishes());
    let swarm = lab.start().await;
    let family = Family::new(&swarm, Orphans::Stop).await?;
    family.parent.tell(vec![])?;
    tokio::time::sleep(ms(100)).await;
    assert!(!family.parent.state().is_live() && family.kid.state().is_live(), "nobody told it");

    let receipt = family.lead.pause(Pause::at_next_await()).await?;
    assert!(receipt.is_quiet(), "{receipt}");
    let work = tokio::spawn(family.kid.ask(vec![Act::Step]));
    tokio::time::sleep(ms(1_000)).await;
    assert_eq!(family.kid.state(), AgentState::Paused);
    family.lead.resume()?;
    assert_eq!(work.await??, 0);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn an_orphan_without_a_policy_ends_with_its_parent(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let family = Family::new(&swarm, Orphans::Stop).await?;
    family.kid.tell(vec![Act::Sleep(60_000)])?;
    tokio::time::sleep(ms(20)).await;
    family.escalates(&swarm).await?;
    assert!(matches!(family.kid.state(), AgentState::Stopped(_)));
    let history = lab.end(swarm).await;
    assert_eq!(history.count("orphan_found"), 0, "it never was one");
    Ok(())
}

#[skep::swarm_test(seeds = 30)]
async fn an_orphan_until_done_ends_its_task_and_takes_no_other(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let family = Family::new(&swarm, Orphans::UntilDone).await?;
    let first = family.kid.ask(vec![Act::Sleep(500)]);
    let second = family.kid.ask(vec![Act::Step]);
    let idle = swarm.spawn(Imp::spec("idle").under(&family.parent).when_orphaned(Orphans::UntilDone)).await?;
    let during = async {
        tokio::time::sleep(ms(50)).await;
        family.escalates(&swarm).await
    };
    let (first, second, during) = tokio::join!(first, second, during);
    during?;
    assert_eq!(first?, 0, "the task that it worked on is done");
    assert!(matches!(second, Err(AskError::Stopped(_, _, Some(_)))), "what waited comes back");
    assert_eq!(family.kid.ended().await, StopReason::Done);
    assert_eq!(idle.ended().await, StopReason::Stopped, "without a task there is nothing to wait for");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 30)]
async fn the_children_of_a_lost_parent_are_found_by_the_sweep(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("parent").vanishes());
    let swarm = lab.start().await;
    let family = Family::new(&swarm, Orphans::Adopt).await?;
    let plain = swarm.spawn(Imp::spec("plain").under(&family.parent)).await?;
    let last = swarm.spawn(Imp::spec("last").under(&family.parent).when_orphaned(Orphans::UntilDone)).await?;
    last.tell(vec![Act::Sleep(70_000)])?;
    family.parent.tell(vec![])?;
    tokio::time::sleep(ms(100)).await;
    assert!(plain.state().is_live() && family.kid.state().is_live(), "nobody told them");

    // The sweep comes by itself, once a minute.
    tokio::time::sleep(ms(62_000)).await;
    assert!(!plain.state().is_live());
    assert!(family.kid.state().is_live() && last.state().is_live());
    family.kid.ask(vec![Act::Step]).await?;
    assert_eq!(last.ended().await, StopReason::Done);
    assert_eq!(swarm.sweep().await, [], "all of it is dealt with");

    let history = lab.end(swarm).await;
    let dealt = |name: &str| {
        history.of(name).iter().find_map(|event| match &event.what {
            What::OrphanFound { found: Found::Orphan { of }, dealt } if of == family.parent.id() => {
                Some(*dealt)
            }
            _ => None,
        })
    };
    assert_eq!(dealt("plain"), Some(Dealt::Stopped));
    assert_eq!(dealt("kid"), Some(Dealt::Adopted));
    assert_eq!(dealt("last"), Some(Dealt::AdoptedUntilDone));
    Ok(())
}

/// Parent and child are lost, and below them lives a last one, which does not listen to its cancel for a while.
async fn two_lost(lab: Lab) -> Result<(Lab, Swarm, Family, AgentRef<Imp>), Error> {
    let lost = |name| Point::turn().of(name).vanishes();
    let lab = lab.fault(lost("parent")).fault(lost("kid"));
    let swarm = lab.start().await;
    let family = Family::new(&swarm, Orphans::Stop).await?;
    let last = swarm.spawn(Imp::spec("last").under(&family.kid)).await?;
    last.tell(vec![Act::SleepDeaf(300)])?;
    family.kid.tell(vec![])?;
    family.parent.tell(vec![])?;
    tokio::time::sleep(ms(100)).await;
    let lives = [&family.parent, &family.kid, &last].map(|agent| agent.state().is_live());
    assert_eq!(lives, [false, false, true], "nobody told it");
    Ok((lab, swarm, family, last))
}

#[skep::swarm_test(seeds = 20)]
async fn a_stop_finds_who_lives_below_two_lost_agents_one_below_the_other(lab: Lab) -> TestResult {
    let (lab, swarm, family, last) = two_lost(lab).await?;
    let receipt = family.parent.stop(Stop::within(ms(1_000))).await;
    lab.saw(&receipt);
    let named: Vec<_> = receipt.rows().iter().map(|row| row.name.as_str()).collect();
    assert_eq!(named, ["last"], "{receipt}");
    assert!(!last.state().is_live());
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_stop_from_above_finds_who_lives_below_two_lost_agents(lab: Lab) -> TestResult {
    let (lab, swarm, ..) = two_lost(lab).await?;
    let history = lab.end(swarm).await;
    let named: Vec<_> = history.receipt().rows().iter().map(|row| row.name.as_str()).collect();
    assert_eq!(named, ["last", "lead"], "{}", history.receipt());
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn the_children_of_a_lost_parent_end_before_those_above_it(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("parent").vanishes());
    let swarm = lab.start().await;
    let family = Family::new(&swarm, Orphans::Stop).await?;
    family.parent.tell(vec![])?;
    family.kid.tell(vec![Act::SleepDeaf(300)])?;
    tokio::time::sleep(ms(100)).await;
    // Sooner than the sweep.
    let history = lab.end(swarm).await;
    let named: Vec<_> = history.receipt().rows().iter().map(|row| row.name.as_str()).collect();
    assert_eq!(named, ["kid", "lead"], "{}", history.receipt());
    assert_eq!(history.count("orphan_found"), 1, "the stop finds it as the sweep would");
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_lost_cell_that_nobody_replaced_is_found(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("imp").mislays_cell());
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    imp.ask(vec![]).await?;
    let swept = swarm.sweep().await;
    assert_eq!(swept.len(), 1, "{swept:?}");
    assert_eq!(
        (&swept[0].agent, &swept[0].found, swept[0].dealt),
        (imp.id(), &Found::LostCell, Dealt::Served)
    );
    assert_eq!(swarm.sweep().await, []);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 40)]
async fn the_sweep_finds_nothing_in_a_storm_that_loses_nobody(lab: Lab) {
    let mut storm = Storm::begin_with(&lab, Soil::WILD, |builder| builder.sweep(Some(ms(50)))).await;
    storm.blow(20, true).await;
    let history = storm.end().await;
    let found = history.events().iter().filter_map(|event| match &event.what {
        What::OrphanFound { found, .. } => Some((event.agent.clone(), found.clone())),
        _ => None,
    });
    // Who is left by a supervisor that escalates is an orphan by its policy, and no accident.
    let accidents: Vec<_> = found.filter(|(_, found)| !matches!(found, Found::Orphan { .. })).collect();
    assert_eq!(accidents, []);
}

#[skep::swarm_test(seeds = 20)]
async fn who_began_an_agent_can_be_asked(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    imp.ask(vec![Act::OwnChild("child".into(), vec![Act::Step])]).await?;
    let tree: Tree = swarm.tree();
    let child = swarm.agent::<Imp>("child")?;
    let row = tree.get(child.id()).expect("it is in the tree");
    let history = lab.end(swarm).await;
    let begun = row.begun_by.expect("a turn spawned it");
    let turn = &history.events()[begun as usize - 1];
    assert_eq!((turn.what.name(), &turn.agent), ("turn_began", imp.id()));
    assert_eq!(
        Tree::of(history.events().iter().map(|event| &**event)).get(imp.id()).expect("known").begun_by,
        None
    );
    Ok(())
}
