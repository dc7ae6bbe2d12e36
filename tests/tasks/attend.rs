//! What an incarnation drives beside its turns, and what agents share: with the incarnation it ends, and the incarnation with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use skep::error::LookupError;
use skep::testkit::{Lab, TestResult};
use skep::{
    Agent, AgentError, AgentSpec, AgentState, Context, Exit, FailureClass, Holding, Restart, RestartMode,
    Stop, StopReason, Supervisor,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::forest::ms;

/// How what is attended to ends.
#[derive(Clone, Copy)]
enum End {
    Never,
    Fails(u64),
    Panics(u64),
    IsDone(u64),
}

#[derive(Clone, Default)]
struct Seen {
    alive: Arc<AtomicUsize>,
    begun: Arc<AtomicU64>,
}

struct Alive(Arc<AtomicUsize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Keeps a connection, of which there is one in each life.
struct Keeper {
    end: End,
    seen: Seen,
    held: Option<Holding>,
}

impl Keeper {
    fn spec(end: End, seen: &Seen) -> AgentSpec<Self> {
        let seen = seen.clone();
        AgentSpec::new("keeper", move || Self { end, seen: seen.clone(), held: None })
    }
}

impl Agent for Keeper {
    /// How long to work, and whether to let go of the connection first.
    type Task = (u64, bool);
    type Output = u32;

    async fn start(&mut self, cx: &Context) -> Result<(), AgentError> {
        let Self { end, seen, .. } = self;
        let number = seen.begun.fetch_add(1, Ordering::SeqCst);
        seen.alive.fetch_add(1, Ordering::SeqCst);
        let (end, alive, env) = (*end, Alive(Arc::clone(&seen.alive)), cx.env().clone());
        // The first of them ends as it should, and the others stay.
        let end = if number == 0 { end } else { End::Never };
        let connection = async move {
            let _alive = alive;
            let after = |time| env.sleep_until(env.now() + ms(time));
            match end {
                End::Never => std::future::pending().await,
                End::Fails(time) => {
                    after(time).await;
                    Exit::failed(FailureClass::Overloaded, "the connection was lost")
                }
                End::Panics(time) => {
                    after(time).await;
                    panic!("the connection was odd")
                }
                End::IsDone(time) => {
                    after(time).await;
                    Exit::Normal
                }
            }
        };
        self.held = Some(cx.attend("connection", connection));
        Ok(())
    }

    async fn handle(&mut self, (time, lets_go): &(u64, bool), cx: &Context) -> Result<u32, AgentError> {
        if *lets_go && let Some(held) = self.held.take() {
            held.release();
        }
        cx.sleep(ms(*time)).await?;
        Ok(cx.incarnation())
    }
}

#[skep::swarm_test(seeds = 40)]
async fn when_it_ends_the_incarnation_does_and_the_next_begins_its_own(lab: Lab) -> TestResult {
    for (end, said) in
        [(End::Fails(500), "the connection was lost"), (End::Panics(500), "the connection was odd")]
    {
        for works in [false, true] {
            let lab = Lab::seed(lab.which_seed());
            let swarm = lab.start().await;
            let seen = Seen::default();
            let keeper = swarm.spawn(Keeper::spec(end, &seen)).await?;
            let working = works.then(|| tokio::spawn(keeper.ask((2_000, false))));
            tokio::time::sleep(ms(1_000)).await;
            assert_eq!(keeper.ask((0, false)).await?, 2, "the next life answers");
            if let Some(working) = working {
                assert_eq!(working.await??, 2, "what it worked on was redelivered");
            }
            assert_eq!((seen.alive.load(Ordering::SeqCst), seen.begun.load(Ordering::SeqCst)), (1, 2));
            lab.saw(&keeper.stop(Stop::default()).await);
            assert_eq!(seen.alive.load(Ordering::SeqCst), 0, "gone when the receipt is there");
            let history = lab.end(swarm).await;
            let exit = history.of("keeper").into_iter().find_map(|event| match &event.what {
                skep::What::AgentExited { exit } => Some(format!("{exit:?}")),
                _ => None,
            });
            assert!(exit.as_ref().is_some_and(|exit| exit.contains(said)), "{exit:?}");
        }
    }
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_normal_end_is_the_agents_and_what_is_let_go_of_ends_nothing(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let seen = Seen::default();
    let keeper = swarm.spawn(Keeper::spec(End::IsDone(500), &seen).restart(Restart::Transient)).await?;
    tokio::time::sleep(ms(1_000)).await;
    assert_eq!(keeper.state(), AgentState::Stopped(StopReason::Done));
    assert_eq!(seen.alive.load(Ordering::SeqCst), 0);
    let keeper = swarm.spawn(Keeper::spec(End::Fails(500), &Seen::default()).named("other")).await?;
    assert_eq!(keeper.ask((1_000, true)).await?, 1, "it was let go of before it could fail");
    lab.end(swarm).await;
    Ok(())
}

/// A kill and the end of what is attended to, at one moment or nearly: one life ends, once, and the next is left in peace.
#[skep::swarm_test(seeds = 200)]
async fn what_ends_late_ends_no_later_life(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let swarm = lab.start_with(|builder| builder.intensity(9, ms(1_000))).await;
    let seen = Seen::default();
    let at = dice.between(1, 4);
    let keeper = swarm.spawn(Keeper::spec(End::Fails(at), &seen)).await?;
    let working = (dice.below(2) == 0).then(|| tokio::spawn(keeper.ask((dice.below(5), false))));
    tokio::time::sleep(ms(dice.between(1, 4))).await;
    keeper.kill();
    tokio::time::sleep(ms(1_000)).await;
    if let Some(working) = working {
        working.await??;
    }
    keeper.ask((0, false)).await?;
    let lives = seen.begun.load(Ordering::SeqCst);
    assert!((2..=3).contains(&lives) && seen.alive.load(Ordering::SeqCst) == 1, "{lives}");
    let history = lab.end(swarm).await;
    assert_eq!(history.count("agent_exited") as u64, lives - 1);
    Ok(())
}

/// Says what it shares.
struct Asks;

impl Agent for Asks {
    type Task = ();
    type Output = (Option<u8>, Option<String>);

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<Self::Output, AgentError> {
        Ok((cx.get::<u8>().map(|value| *value), cx.get::<String>().map(|value| (*value).clone())))
    }
}

#[skep::swarm_test(seeds = 10)]
async fn a_subtree_shares_what_its_spec_gives_it_before_what_the_swarm_has(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.resource(1_u8).resource("all".to_owned())).await;
    let tenant = swarm.spawn(Supervisor::dynamic().named("tenant").resource(2_u8)).await?;
    let below = swarm.spawn(AgentSpec::new("below", || Asks).under(&tenant)).await?;
    let own = swarm.spawn(AgentSpec::new("own", || Asks).under(&tenant).resource(3_u8)).await?;
    let beside = swarm.spawn(AgentSpec::new("beside", || Asks)).await?;
    for (agent, number) in [(below, 2), (own, 3), (beside, 1)] {
        assert_eq!(agent.ask(()).await?, (Some(number), Some("all".to_owned())));
    }
    lab.end(swarm).await;
    Ok(())
}

/// Looks for others below itself.
struct Looks;

impl Agent for Looks {
    type Task = String;
    type Output = Result<String, String>;

    async fn handle(&mut self, who: &String, cx: &Context) -> Result<Self::Output, AgentError> {
        let _child = cx.spawn(AgentSpec::new("child", || Asks)).await?;
        assert_eq!(cx.control().id(), cx.id());
        Ok(match cx.below(who) {
            Ok(control) => Ok(control.name().to_owned()),
            Err(error @ LookupError::Unknown(_)) => Err(error.to_string()),
            Err(error) => return Err(AgentError::message(error.to_string())),
        })
    }
}

#[skep::swarm_test(seeds = 10)]
async fn an_agent_finds_those_below_it_and_nobody_else(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let (one, other) = (
        swarm.spawn(AgentSpec::new("one", || Looks)).await?,
        swarm.spawn(AgentSpec::new("other", || Looks)).await?,
    );
    swarm.spawn(AgentSpec::new("kept", || Asks).under(&one)).await?;
    swarm.spawn(AgentSpec::new("kept", || Asks).under(&other)).await?;
    assert_eq!(one.ask("kept".to_owned()).await?, Ok("kept".to_owned()));
    assert_eq!(one.ask("child".to_owned()).await?, Ok("child".to_owned()));
    assert_eq!(one.ask("lab.1.1".to_owned()).await?, Ok("kept".to_owned()));
    for elsewhere in ["other", "one", "lab.2.1", "lab.1", "lab"] {
        assert!(one.ask(elsewhere.to_owned()).await?.is_err(), "{elsewhere}");
    }
    lab.end(swarm).await;
    Ok(())
}

/// Opens a connection in one call and uses it in others.
struct Dials;

impl Agent for Dials {
    type Task = u16;
    type Output = Vec<u8>;

    async fn handle(&mut self, port: &u16, cx: &Context) -> Result<Vec<u8>, AgentError> {
        let port = *port;
        let env = cx.env();
        let dialled = env.outside(async move { TcpStream::connect(("127.0.0.1", port)).await }).await;
        let mut stream = dialled.map_err(AgentError::failed)?;
        let mut heard = Vec::new();
        for byte in 0..3_u8 {
            let (back, answer) = env
                .outside(async move {
                    let mut answer = [0];
                    let written = stream.write_all(&[byte]).await;
                    let read = stream.read_exact(&mut answer).await;
                    (stream, written.and(read).map(|_| answer[0]))
                })
                .await;
            stream = back;
            heard.push(answer.map_err(AgentError::failed)?);
        }
        Ok(heard)
    }
}

#[skep::swarm_test(seeds = 5)]
async fn a_socket_that_was_opened_in_one_call_outside_is_used_in_the_next(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    // The other side is a thread of its own.
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut byte = [0];
        while std::io::Read::read_exact(&mut stream, &mut byte).is_ok() {
            std::io::Write::write_all(&mut stream, &[byte[0] + 10]).unwrap();
        }
    });
    let dials = swarm.spawn(AgentSpec::new("dials", || Dials).restart_mode(RestartMode::Anew)).await?;
    assert_eq!(dials.ask(port).await?, [10, 11, 12]);
    lab.end(swarm).await;
    serving.join().unwrap();
    Ok(())
}
