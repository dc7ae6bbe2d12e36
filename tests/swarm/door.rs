//! One door to any agent, by its id or its name, without its type.

use skep::control::Interrupted;
use skep::error::{GrantError, PauseError, ResumeError};
use skep::testkit::{Lab, TestResult};
use skep::{
    AgentState, Budget, Control, ControlError, Filter, Keep, LookupError, Pause, Restart, Scope, ScopeOwner,
    SpawnError, Stop, StopReason, Supervisor, Swarm, fan_out,
};

use super::forest::{Act, Imp, amount, ms};

async fn moment() {
    tokio::time::sleep(ms(20)).await;
}

#[skep::swarm_test(seeds = 10)]
async fn whatever_status_names_is_found_by_its_id_and_agents_by_their_name_too(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let sup = swarm.spawn(Supervisor::one_for_one().child(Imp::spec("declared"))).await?;
    swarm.spawn(Imp::spec("under").under(&sup)).await?;
    let scope = Scope::open(&ScopeOwner::from(&swarm), "scope")?;
    scope.spawn(Imp::spec("in-scope")).await?;
    for status in swarm.status() {
        let control = swarm.control(&status.id)?;
        assert_eq!((control.id(), control.name()), (&status.id, status.name.as_str()));
        assert_eq!(control.status(), status);
        // The root's name is its id.
        let is_named =
            !["root", "scope"].contains(&control.agent_type()) || status.id.as_str() == status.name;
        assert_eq!(swarm.control(&status.name).is_ok(), is_named, "{status:?}");
    }
    assert_eq!(swarm.agent::<Imp>(swarm.control("under")?.id())?.name(), "under", "an id opens its address");
    assert_eq!(swarm.control("under")?.typed::<Imp>()?.ask(vec![Act::Step]).await?, 0);
    let other = swarm.control("under")?.typed::<Supervisor>().unwrap_err();
    assert!(matches!(other, LookupError::OtherType { .. }), "{other}");
    for nobody in ["nobody", "", "lab.99", "lab.1.99", "lab.", "lab..1", "lab.01"] {
        assert_eq!(swarm.control(nobody).unwrap_err(), LookupError::Unknown(nobody.to_owned()));
    }
    lab.saw(&scope.close(Stop::within(ms(500))).await);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_name_that_several_have_is_an_error_that_says_so(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let (one, two) = (swarm.spawn(Imp::spec("one")).await?, swarm.spawn(Imp::spec("two")).await?);
    let first = swarm.spawn(Imp::spec("twin").under(&one)).await?;
    assert_eq!(swarm.control("twin")?.id(), first.id());
    let second = swarm.spawn(Imp::spec("twin").under(&two)).await?;
    let error = swarm.control("twin").unwrap_err();
    assert_eq!((&error, error.http_status()), (&LookupError::Ambiguous("twin".to_owned(), 2), 409));
    assert!(swarm.agent::<Imp>("twin").is_err());
    lab.saw(&swarm.control(first.id())?.stop(Stop::within(ms(500))).await?);
    assert_eq!(swarm.control("twin")?.id(), second.id(), "whoever is left has it");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn an_id_is_never_hidden_by_a_name(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let one = swarm.spawn(Imp::spec("one")).await?;
    let liar = swarm.spawn(Imp::spec(one.id().as_str())).await?;
    assert_eq!(swarm.control(one.id())?.name(), "one");
    assert_eq!(swarm.control(liar.id())?.name(), one.id().as_str());
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn every_verb_reaches_an_agent_of_whatever_type(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.intensity(9, ms(5_000))).await;
    let imp = swarm.spawn(Imp::spec("imp").budget(Budget::usd("0.01"))).await?;
    swarm.spawn(Imp::spec("poor")).await?;
    let control = swarm.control("imp")?;
    assert_eq!(control.interrupt()?, Interrupted::Nothing);
    let task = imp.ask(vec![Act::Sleep(60_000)]).within(ms(90_000));
    let task = tokio::spawn(task);
    moment().await;
    assert!(control.status().task.is_some() && control.state().is_working());
    assert_eq!(control.interrupt()?, Interrupted::Turn);
    assert!(task.await?.is_err());

    assert!(control.pause(Pause::now().within(ms(500))).await?.is_quiet());
    assert_eq!(control.state(), AgentState::Paused);
    control.resume()?;
    let again = control.resume().unwrap_err();
    assert!(matches!(again, ControlError::Resume(ResumeError::NotPaused { .. })), "{again}");

    control.grant(Budget::usd("0.02"))?;
    let none = swarm.control("poor")?.grant(Budget::usd("1")).unwrap_err();
    assert!(matches!(none, ControlError::Grant(GrantError::NoBudget { .. })), "{none}");
    let bad = control.grant(Budget::usd("much")).unwrap_err();
    assert!(matches!(bad, ControlError::Grant(GrantError::Bad { .. })) && bad.http_status() == 400, "{bad}");

    control.kill()?;
    moment().await;
    assert_eq!(control.status().incarnation, 2, "the same one");
    imp.ask(vec![Act::Child("child".into(), vec![Act::Step])]).await?;
    let own = imp.ask(vec![Act::OwnChild("own".into(), vec![Act::Step])]).await?;
    assert_eq!((own, control.live_agents()), (0, 2));
    let children: Vec<_> = control.children()?.which_children().into_iter().map(|child| child.name).collect();
    assert_eq!(children, ["own"]);
    assert_eq!(control.subtree().len(), 3, "the journal knows of the one that has ended");

    let mut history = control.history(Filter::all());
    let first = history.next().await.expect("it was spawned")?;
    assert_eq!((first.what.name(), &first.agent), ("agent_spawned", control.id()));
    assert!(control.events_so_far().iter().all(|event| event.agent.is_within(control.id())));
    let receipt = control.drain(ms(500)).await?;
    assert_eq!(receipt.rows().len(), 2, "{receipt}");
    lab.saw(&receipt);
    lab.end(swarm).await;
    Ok(())
}

/// All that can be asked of one that has ended and all that cannot.
async fn is_ended(control: &Control, why: &StopReason) -> TestResult {
    assert_eq!(control.reason().as_ref(), Some(why));
    assert_eq!(control.status().state, AgentState::Stopped(why.clone()));
    assert_eq!(&control.ended().await, why);
    let refused = [
        control.stop(Stop::default()).await.err(),
        control.drain(ms(500)).await.err(),
        control.pause(Pause::now().within(ms(500))).await.err(),
        control.resume().err(),
        control.kill().err(),
        control.interrupt().err(),
        control.grant(Budget::usd("1")).err(),
        control.children().err(),
    ];
    for error in refused {
        let ended = ControlError::Ended { agent: control.id().clone(), reason: why.clone() };
        assert_eq!((error.as_ref(), ended.http_status()), (Some(&ended), 410));
    }
    assert!(matches!(control.typed::<Imp>().unwrap_err(), LookupError::Ended { .. }));
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn of_one_that_has_ended_the_journal_answers_and_the_rest_is_an_error(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let spend = Act::Spend { kind: 0, worst: 3, used: 2, takes: 5, tries: 0, says: true, once: false };
    let job = swarm.spawn(Imp::spec("job").once()).await?;
    let held = swarm.control("job")?;
    let child = Act::Child("child".into(), vec![spend.clone()]);
    job.ask(vec![spend, child]).await?;
    job.ended().await;
    moment().await;
    for control in [held, swarm.control("job")?, swarm.control(job.id())?] {
        is_ended(&control, &StopReason::Done).await?;
        assert_eq!((control.name(), control.agent_type()), ("job", "Imp"));
        assert_eq!(control.cost().spent, amount(2) + amount(2));
        assert_eq!(control.costs().top().map(|row| row.subtree.spent), Some(amount(4)));
        assert_eq!(control.subtree().len(), 2);
        assert!(control.events_so_far().iter().any(|event| event.what.name() == "task_ended"));
    }
    assert!(matches!(swarm.agent::<Imp>("job").unwrap_err(), LookupError::Ended { .. }));
    let next = swarm.spawn(Imp::spec("job").once()).await?;
    assert_eq!(swarm.control("job")?.id(), next.id(), "a name is that of whoever lives");
    is_ended(&swarm.control(job.id())?, &StopReason::Done).await?;
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn one_that_the_journal_has_let_go_of_is_forgotten(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.keep(Keep::Last(100))).await;
    let job = swarm.spawn(Imp::spec("job").once()).await?;
    job.ask(vec![Act::Step]).await?;
    let other = swarm.spawn(Imp::spec("other")).await?;
    for _ in 0..300 {
        other.ask(vec![Act::Step]).await?;
    }
    let error = swarm.control("job").unwrap_err();
    assert_eq!((&error, error.http_status()), (&LookupError::Forgotten { agent: job.id().clone() }, 410));
    assert!(matches!(swarm.control(job.id()).unwrap_err(), LookupError::Unknown(_)));
    is_ended(&job.control(), &StopReason::Done).await?;
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_child_whose_spec_stands_is_the_same_one_when_it_is_started_again(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let sup = swarm.spawn(Supervisor::one_for_one()).await?;
    sup.children().start_child(Imp::spec("kid")).await?;
    let control = swarm.control("kid")?;
    sup.children().terminate_child("kid").await?;
    assert!(matches!(control.kill().unwrap_err(), ControlError::Ended { .. }));
    assert!(swarm.agent::<Imp>("kid").is_err(), "nobody takes tasks there");
    sup.children().restart_child("kid").await?;
    assert_eq!((control.state(), swarm.control("kid")?.id()), (AgentState::Idle, control.id()));
    sup.children().terminate_child("kid").await?;
    sup.children().delete_child("kid").await?;
    is_ended(&swarm.control("kid")?, &StopReason::Stopped).await?;
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn places_without_a_behaviour_can_be_stopped_and_not_killed(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let scope = Scope::open(&ScopeOwner::from(&swarm), "scope")?;
    let inside = scope.spawn(Imp::spec("inside")).await?;
    let control = swarm.control(scope.id())?;
    assert!(matches!(control.kill().unwrap_err(), ControlError::NoBehaviour { .. }));
    assert_eq!(control.interrupt()?, Interrupted::Nothing);
    let receipt = control.stop(Stop::within(ms(500))).await?;
    assert_eq!((receipt.rows().len(), inside.state().is_live()), (1, false), "{receipt}");
    lab.saw(&receipt);
    let root = swarm.control(swarm.id())?;
    assert!(root.kill().is_err());
    let receipt = root.stop(Stop::within(ms(500))).await?;
    assert!(receipt.nothing_left(), "{receipt}");
    drop(scope);
    is_ended(&root, &StopReason::Stopped).await?;
    let paused = swarm.pause(Pause::now()).await.unwrap_err();
    assert!(matches!(paused, PauseError::NotLive { .. }), "{paused}");
    if let Err(failure) = lab.conclude(receipt).await {
        panic!("{failure}");
    }
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn who_was_adopted_is_found_with_all_below_it(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let lead = swarm.spawn(Imp::spec("lead").intensity(5, ms(5_000))).await?;
    let parent = Imp::spec("parent").restart(Restart::Temporary).intensity(0, ms(5_000)).under(&lead);
    let parent = swarm.spawn(parent).await?;
    let kid = swarm.spawn(Imp::spec("kid").under(&parent).when_orphaned(skep::Orphans::Adopt)).await?;
    let below = swarm.spawn(Imp::spec("below").under(&kid)).await?;
    let bad = swarm.spawn(Imp::spec("bad").under(&parent)).await?;
    bad.tell(vec![Act::Panic])?;
    parent.ended().await;
    moment().await;
    for agent in [&kid, &below] {
        assert_eq!(swarm.control(agent.id())?.state(), AgentState::Idle);
        assert_eq!(swarm.control(agent.name())?.id(), agent.id());
    }
    lab.end(swarm).await;
    Ok(())
}

/// In no place a spec says in vain under whom it belongs.
#[skep::swarm_test(seeds = 10)]
async fn a_spec_that_names_a_parent_goes_there_or_is_refused(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let desk = swarm.spawn(Imp::spec("desk")).await?;
    let named = |name: &str| Imp::spec(name).under(&desk);
    assert_eq!(swarm.spawn(named("spawned")).await?.id().parent().as_ref(), Some(desk.id()));
    assert_eq!(swarm.run(named("run"), vec![Act::Step]).await?, 0);

    let refuses = |result: Result<(), SpawnError>| {
        let error = result.unwrap_err();
        let names = matches!(&error, SpawnError::BadSpec { field, .. } if field == "under");
        assert!(names && error.to_string().contains(desk.id().as_str()), "{error}");
    };
    let scope = Scope::open(&ScopeOwner::from(&swarm), "scope")?;
    refuses(scope.spawn(named("a")).await.map(drop));
    refuses(swarm.children().start_child(named("a")).await.map(drop));
    desk.children().start_child(named("own")).await?;
    refuses(Supervisor::one_for_one().child(named("a")).check());
    refuses(swarm.spawn(Supervisor::one_for_one().child(named("a"))).await.map(drop));
    refuses(swarm.spawn(Imp::spec("top").child(Imp::spec("mid").child(named("a")))).await.map(drop));
    refuses(Supervisor::one_for_one().check_child(&named("a")));
    let rows = fan_out(&swarm, ["row"]).agent(named).task(|_| vec![Act::Step]).await;
    assert_eq!((rows.completed(), rows.to_string().contains("under")), (0, true), "{rows}");
    let elsewhere = Swarm::builder("elsewhere").start().await?;
    let error = elsewhere.spawn(named("a")).await.unwrap_err();
    assert!(error.to_string().contains("another swarm"), "{error}");
    lab.saw(&scope.close(Stop::within(ms(500))).await);
    drop(elsewhere.stop(Stop::within(ms(500))).await);
    let history = lab.end(swarm).await;
    assert!(history.agents("a").is_empty(), "nothing was begun");
    Ok(())
}

/// Spawns under another agent, as the child of its task and of itself.
struct Strays(skep::AgentRef<Imp>);

impl skep::Agent for Strays {
    type Task = ();
    type Output = [bool; 3];

    async fn handle(&mut self, (): &(), cx: &skep::Context) -> Result<[bool; 3], skep::AgentError> {
        let spec = || Imp::spec("stray").under(&self.0);
        let refused = |result: Result<_, SpawnError>| matches!(result, Err(SpawnError::BadSpec { field, .. }) if field == "under");
        let in_scope = cx.scope("scope")?.spawn(spec()).await;
        Ok([cx.spawn(spec()).await, cx.agent().spawn(spec()).await, in_scope].map(refused))
    }
}

#[skep::swarm_test(seeds = 10)]
async fn a_turn_spawns_below_its_own_agent_or_nowhere(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let desk = swarm.spawn(Imp::spec("desk")).await?;
    let strays = swarm.spawn(skep::AgentSpec::new("strays", move || Strays(desk.clone()))).await?;
    assert_eq!(strays.ask(()).await?, [true; 3]);
    drop(strays);
    lab.end(swarm).await;
    Ok(())
}
