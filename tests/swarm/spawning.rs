//! A name that is taken while its agent starts: whoever spawns it too waits for that start, and gets what came of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use skep::testkit::{Lab, TestResult};
use skep::{
    Agent, AgentError, AgentRef, AgentSpec, AgentState, Context, Restart, Scope, ScopeOwner, Shutdown,
    SpawnError, Stop, Supervisor, Swarm,
};

use super::forest::{Act, Hook, Imp, Start, ms};

/// Starts for a second, and fails then as often as it is told to.
struct Slow {
    starts: Arc<AtomicU32>,
    fails: u32,
}

#[derive(Clone, Default)]
struct Starts(Arc<AtomicU32>);

impl Starts {
    fn spec(&self, name: &str, fails: u32) -> AgentSpec<Slow> {
        let starts = Arc::clone(&self.0);
        AgentSpec::new(name, move || Slow { starts: Arc::clone(&starts), fails })
    }

    fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

const SECOND: Duration = Duration::from_secs(1);

impl Agent for Slow {
    type Task = ();
    type Output = ();

    async fn start(&mut self, cx: &Context) -> Result<(), AgentError> {
        let number = self.starts.fetch_add(1, Ordering::Relaxed);
        cx.sleep(SECOND).await?;
        if number < self.fails { Err(AgentError::message("told to")) } else { Ok(()) }
    }

    async fn handle(&mut self, (): &(), _: &Context) -> Result<(), AgentError> {
        Ok(())
    }
}

/// Has a start begin, and gives it time to be under way.
async fn begun(
    swarm: &Swarm,
    spec: AgentSpec<Slow>,
) -> tokio::task::JoinHandle<Result<AgentRef<Slow>, SpawnError>> {
    let swarm = swarm.clone();
    let first = tokio::spawn(async move { swarm.spawn(spec).await });
    tokio::time::sleep(ms(300)).await;
    first
}

#[skep::swarm_test(seeds = 20)]
async fn a_second_spawn_of_a_name_that_is_starting_waits_for_the_end_of_that_start(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let starts = Starts::default();
    let first = begun(&swarm, starts.spec("slow", 0)).await;
    let began = swarm.env().now();
    let rest = tokio::join!(
        swarm.spawn(starts.spec("slow", 0)),
        swarm.spawn(starts.spec("slow", 0)),
        swarm.spawn(starts.spec("slow", 0))
    );
    assert_eq!(swarm.env().now().since(began), ms(700), "not before the start has an end");
    let first = first.await??;
    for other in [rest.0?, rest.1?, rest.2?] {
        assert_eq!((other.id(), other.state()), (first.id(), AgentState::Idle));
    }
    assert_eq!(swarm.spawn(starts.spec("slow", 0)).await?.id(), first.id());
    assert_eq!(starts.count(), 1);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn all_who_wait_for_a_start_hear_that_it_failed(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let starts = Starts::default();
    let first = begun(&swarm, starts.spec("slow", 1)).await;
    let (second, third) =
        tokio::join!(swarm.spawn(starts.spec("slow", 1)), swarm.spawn(starts.spec("slow", 1)));
    for failed in [first.await?, second, third] {
        let error = failed.unwrap_err();
        assert!(
            matches!(&error, SpawnError::Start { message, .. } if message.contains("told to")),
            "{error}"
        );
    }
    assert_eq!(starts.count(), 1, "nobody began it anew");
    assert_eq!(swarm.spawn(starts.spec("slow", 1)).await?.state(), AgentState::Idle, "its name is free");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn who_waits_for_a_start_may_go_and_so_may_whoever_began_it(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let starts = Starts::default();
    let first = begun(&swarm, starts.spec("slow", 0)).await;
    let dropped = swarm.spawn(starts.spec("slow", 0));
    assert!(tokio::time::timeout(ms(100), dropped).await.is_err());
    first.abort();
    assert_eq!(swarm.spawn(starts.spec("slow", 0)).await?.state(), AgentState::Idle);
    assert_eq!(starts.count(), 1);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn who_waits_for_a_start_hears_of_a_stop_that_comes_by(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let starts = Starts::default();
    let parent = swarm.spawn(Imp::spec("parent")).await?;
    let first = begun(&swarm, starts.spec("slow", 0).under(&parent)).await;
    let second = swarm.spawn(starts.spec("slow", 0).under(&parent));
    let (second, receipt) = tokio::join!(second, async {
        tokio::time::sleep(ms(100)).await;
        parent.stop(Stop::within(ms(500))).await
    });
    lab.saw(&receipt);
    let (first, second) = (first.await?.unwrap_err(), second.unwrap_err());
    assert!(matches!(first, SpawnError::Stopped { .. } | SpawnError::Start { .. }), "{first}");
    assert_eq!(first, second);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn another_agent_of_a_name_that_is_starting_is_refused_at_once(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let starts = Starts::default();
    let first = begun(&swarm, starts.spec("slow", 0)).await;
    let began = swarm.env().now();
    for other in [starts.spec("slow", 0).attempts(9), starts.spec("slow", 0).once()] {
        let error = swarm.spawn(other).await.unwrap_err();
        assert!(matches!(error, SpawnError::NameTaken { .. }), "{error}");
    }
    assert_eq!(swarm.env().now(), began);
    first.await??;
    lab.end(swarm).await;
    Ok(())
}

/// Spawns the same child twice, side by side.
struct Twins(Starts);

impl Agent for Twins {
    type Task = bool;
    type Output = bool;

    async fn handle(&mut self, of_task: &bool, cx: &Context) -> Result<bool, AgentError> {
        let spec = || self.0.spec("slow", 0);
        let (own, cx) = (cx.agent(), cx);
        let (one, two) = if *of_task {
            tokio::join!(cx.spawn(spec()), cx.spawn(spec()))
        } else {
            tokio::join!(own.spawn(spec()), own.spawn(spec()))
        };
        let (one, two) = (one?, two?);
        Ok(one.id() == two.id() && [one, two].iter().all(|child| child.state() == AgentState::Idle))
    }
}

#[skep::swarm_test(seeds = 20)]
async fn a_turn_that_spawns_a_name_twice_has_one_child_that_is_up(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let starts = Starts::default();
    let inner = starts.clone();
    let twins = swarm.spawn(AgentSpec::new("twins", move || Twins(inner.clone()))).await?;
    assert!(twins.ask(true).await?);
    assert!(twins.ask(false).await?);
    assert_eq!(starts.count(), 2);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_scope_begins_a_new_agent_whatever_is_starting(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let starts = Starts::default();
    let scope = Scope::open(&ScopeOwner::from(&swarm), "scope")?;
    let began = swarm.env().now();
    let (one, two) = tokio::join!(scope.spawn(starts.spec("slow", 0)), scope.spawn(starts.spec("slow", 0)));
    assert_ne!(one?.id(), two?.id());
    assert_eq!((starts.count(), swarm.env().now().since(began)), (2, SECOND));
    lab.saw(&scope.close(Stop::within(ms(500))).await);
    lab.end(swarm).await;
    Ok(())
}

/// Of two that were begun at once, the one that came up and the other.
fn in_order<T, E>(one: Result<T, E>, two: Result<T, E>) -> (Result<T, E>, Result<T, E>) {
    if one.is_ok() { (one, two) } else { (two, one) }
}

#[skep::swarm_test(seeds = 20)]
async fn start_child_of_a_name_that_is_starting_answers_when_the_start_is_over_as_in_otp(
    lab: Lab,
) -> TestResult {
    let swarm = lab.start().await;
    let sup = swarm.spawn(Supervisor::one_for_one().restart(Restart::Temporary)).await?;
    let children = sup.children();
    let starts = Starts::default();
    let (first, second) = tokio::join!(
        children.start_child(starts.spec("slow", 0)),
        children.start_child(starts.spec("slow", 0))
    );
    let (Ok(child), Err(SpawnError::AlreadyStarted { agent, .. })) = in_order(first, second) else {
        panic!("one is started")
    };
    assert_eq!((agent, child.state()), (child.id().clone(), AgentState::Idle));

    let fails = Starts::default();
    let (first, second) = tokio::join!(
        children.start_child(fails.spec("fails", 1)),
        children.start_child(fails.spec("fails", 1))
    );
    let (child, failed) = in_order(first, second);
    assert!(matches!(failed, Err(SpawnError::Start { .. })));
    assert_eq!(child?.state(), AgentState::Idle, "the name was free by then");
    assert_eq!(fails.count(), 2);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_declared_child_that_has_not_been_up_is_waited_for(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let starts = Starts::default();
    let sup = || Supervisor::one_for_one().child(starts.spec("one", 0)).child(starts.spec("two", 0));
    let early = {
        let (swarm, sup) = (swarm.clone(), sup());
        tokio::spawn(async move { swarm.spawn(sup).await })
    };
    tokio::time::sleep(ms(300)).await;
    let sup = swarm.agent::<Supervisor>("supervisor")?;
    let began = swarm.env().now();
    let two = swarm.spawn(starts.spec("two", 0).under(&sup)).await?;
    assert_eq!((two.state(), swarm.env().now().since(began)), (AgentState::Idle, ms(1_700)));
    assert_eq!(starts.count(), 2);
    early.await??;
    lab.end(swarm).await;
    Ok(())
}

/// Its start spawns a sibling, or itself.
struct Calls {
    swarm: std::sync::Weak<Swarm>,
    parent: AgentRef<Supervisor>,
    whom: &'static str,
}

impl Calls {
    fn spec(
        name: &str,
        swarm: &Arc<Swarm>,
        parent: &AgentRef<Supervisor>,
        whom: &'static str,
    ) -> AgentSpec<Self> {
        let (swarm, parent) = (Arc::downgrade(swarm), parent.clone());
        AgentSpec::new(name, move || Self { swarm: swarm.clone(), parent: parent.clone(), whom })
    }
}

impl Agent for Calls {
    type Task = ();
    type Output = ();

    async fn start(&mut self, cx: &Context) -> Result<(), AgentError> {
        cx.sleep(ms(100)).await?;
        let swarm = self.swarm.upgrade().ok_or_else(|| AgentError::message("it is over"))?;
        let whom = if cx.name() == "one" { "one" } else { self.whom };
        swarm.spawn(Self::spec(self.whom, &swarm, &self.parent, whom).under(&self.parent)).await?;
        Ok(())
    }

    async fn handle(&mut self, (): &(), _: &Context) -> Result<(), AgentError> {
        Ok(())
    }
}

#[skep::swarm_test(seeds = 20)]
async fn a_start_that_waits_for_itself_or_in_a_circle_gets_the_address_at_once(lab: Lab) -> TestResult {
    let swarm = Arc::new(lab.start().await);
    let sup = swarm.spawn(Supervisor::dynamic()).await?;
    let began = swarm.env().now();
    let alone = swarm.spawn(Calls::spec("alone", &swarm, &sup, "alone").under(&sup)).await?;
    assert_eq!((alone.state(), swarm.env().now().since(began)), (AgentState::Idle, ms(100)));
    let (one, two) = tokio::join!(
        swarm.spawn(Calls::spec("one", &swarm, &sup, "two").under(&sup)),
        swarm.spawn(Calls::spec("two", &swarm, &sup, "one").under(&sup))
    );
    assert_eq!((one?.state(), two?.state()), (AgentState::Idle, AgentState::Idle));
    assert_eq!(swarm.env().now().since(began), ms(200), "nobody waited for a deadline");
    lab.end(Swarm::clone(&swarm)).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn an_agent_between_two_lives_is_there_already(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let spec = || Imp::with("imp", Start::FailsAt(2), Hook::Ready, None).shutdown(Shutdown::within(ms(200)));
    let spec = || spec().backoff(skep::Backoff { jitter_permille: 0, ..skep::Backoff::default() });
    let imp = swarm.spawn(spec().limit(9, ms(60_000))).await?;
    imp.kill();
    tokio::time::sleep(ms(1_500)).await;
    let began = swarm.env().now();
    let same = swarm.spawn(spec().limit(9, ms(60_000))).await?;
    assert_eq!((same.id(), swarm.env().now()), (imp.id(), began), "its address is good, and its tasks wait");
    assert_eq!(same.ask(vec![Act::Step]).await?, 0);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 5)]
async fn a_number_makes_no_name_that_somebody_has(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let third = swarm.spawn(Imp::spec("job-3")).await?;
    swarm.spawn(Imp::spec("job")).await?;
    let run = tokio::spawn(swarm.run(Imp::spec("job"), vec![Act::Sleep(100)]).into_future());
    tokio::time::sleep(ms(10)).await;
    let mut names: Vec<_> = swarm.status().iter().skip(1).map(|status| status.name.to_string()).collect();
    names.sort();
    assert_eq!(names, ["job", "job-3", "job-4"]);
    run.await??;
    assert_eq!(swarm.spawn(Imp::spec("job-3")).await?.id(), third.id(), "it lives, so it is the answer");
    lab.end(swarm).await;
    Ok(())
}
