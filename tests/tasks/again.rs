//! What an attempt asks again is what it asked before and nothing else; and an ask that is over takes nothing from those that are not.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::Poll;

use serde::{Deserialize, Serialize};
use skep::testkit::{Lab, TestResult};
use skep::{Agent, AgentError, AgentRef, AgentSpec, Ask, Context, Message, Swarm};

use super::forest::ms;

/// Says what it was asked.
struct Echo<T>(std::marker::PhantomData<fn() -> T>);

impl<T: Message + std::fmt::Debug> Agent for Echo<T> {
    type Task = T;
    type Output = String;

    async fn handle(&mut self, what: &T, _: &Context) -> Result<String, AgentError> {
        Ok(format!("{what:?}"))
    }
}

/// Asks something, crashes, and asks something else.
struct Fickle<T: Message + std::fmt::Debug> {
    echo: AgentRef<Echo<T>>,
    first: fn() -> T,
    then: fn() -> T,
}

impl<T: Message + std::fmt::Debug> Agent for Fickle<T> {
    type Task = ();
    type Output = (String, String);

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<(String, String), AgentError> {
        let what = if cx.attempt() == 1 { (self.first)() } else { (self.then)() };
        let asked = format!("{what:?}");
        let answer = cx.ask(&self.echo, what).await?;
        if cx.attempt() == 1 {
            return Err(AgentError::crash("with the answer"));
        }
        Ok((asked, answer))
    }
}

async fn is_answered<T: Message + std::fmt::Debug>(
    first: fn() -> T,
    then: fn() -> T,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let lab = Lab::seed(1);
    let swarm = lab.start().await;
    let echo = swarm.spawn(AgentSpec::new("echo", || Echo(std::marker::PhantomData))).await?;
    let fickle = AgentSpec::new("fickle", move || Fickle { echo: echo.clone(), first, then });
    let (asked, answer) = swarm.spawn(fickle).await?.ask(()).await?;
    assert_eq!(answer, asked);
    lab.end(swarm).await;
    Ok(())
}

#[derive(Debug, Serialize, Deserialize)]
struct Grid {
    at: BTreeMap<(i32, i32), u8>,
    path: Vec<u8>,
}

#[tokio::test(start_paused = true)]
async fn two_inputs_that_json_cannot_tell_have_two_answers() -> TestResult {
    is_answered(
        || Grid { at: BTreeMap::from([((1, 2), 3)]), path: vec![1, 2, 3] },
        || Grid { at: BTreeMap::from([((1, 2), 3)]), path: vec![3, 2, 1] },
    )
    .await?;
    is_answered(|| vec![f64::NAN, 1.0, 2.0], || vec![2.0, 1.0, f64::NAN]).await?;
    is_answered(|| Some(None::<u8>), || None).await?;
    is_answered(|| None, || Some(Some(()))).await?;
    is_answered(|| Some(serde_json::Value::Null), || None).await
}

/// Answers after so many milliseconds.
struct Sleeper;

impl Agent for Sleeper {
    type Task = u64;
    type Output = u64;

    async fn handle(&mut self, time: &u64, cx: &Context) -> Result<u64, AgentError> {
        cx.sleep(ms(*time)).await?;
        Ok(*time)
    }
}

/// Leaves an ask of its first attempt with somebody, and crashes.
struct Leaver {
    sleeper: AgentRef<Sleeper>,
    left: Arc<Mutex<Option<Ask<Sleeper>>>>,
}

impl Agent for Leaver {
    type Task = ();
    type Output = u64;

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<u64, AgentError> {
        let mut ask = cx.ask(&self.sleeper, 1_000);
        if cx.attempt() == 1 {
            poll_fn(|poll| {
                assert!(Pin::new(&mut ask).poll(poll).is_pending());
                Poll::Ready(())
            })
            .await;
            *self.left.lock().unwrap() = Some(ask);
            return Err(AgentError::crash("told to"));
        }
        Ok(ask.await?)
    }
}

#[skep::swarm_test(seeds = 10)]
async fn an_ask_of_an_earlier_attempt_that_is_let_go_of_late_leaves_the_next_its_answer(
    lab: Lab,
) -> TestResult {
    let swarm = lab.start().await;
    let sleeper = swarm.spawn(AgentSpec::new("sleeper", || Sleeper)).await?;
    let left = Arc::new(Mutex::new(None));
    let its = Arc::clone(&left);
    let leaver =
        AgentSpec::new("leaver", move || Leaver { sleeper: sleeper.clone(), left: Arc::clone(&its) });
    let ask = tokio::spawn(swarm.spawn(leaver).await?.ask(()).within(ms(4_000)).into_future());
    tokio::time::sleep(ms(300)).await;
    drop(left.lock().unwrap().take());
    assert_eq!(ask.await??, 1_000);
    assert!(swarm.env().now() < skep::Time::ZERO + ms(1_100), "when it was there");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn who_is_sent_by_chance_keeps_nobody_from_the_room_that_is_there(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let sleeper = swarm.spawn(AgentSpec::new("sleeper", || Sleeper).mailbox(2)).await?;
    sleeper.tell(300)?;
    tokio::time::sleep(ms(10)).await;
    sleeper.tell(1)?;
    sleeper.tell(1)?;
    let polled = async |ask: &mut Ask<Sleeper>| {
        poll_fn(|poll| Poll::Ready(Pin::new(&mut *ask).poll(poll).is_pending())).await
    };
    let (mut first, mut second) = (sleeper.ask(1), sleeper.ask(1));
    let (mut third, mut fourth) = (sleeper.ask(1_000), sleeper.ask(1_000));
    for ask in [&mut first, &mut second, &mut third, &mut fourth] {
        assert!(polled(ask).await, "there is no room");
    }
    let waits = tokio::spawn(sleeper.ask(7).within(ms(5_000)).into_future());
    tokio::time::sleep(ms(400)).await;
    // The first two have been called and look at nothing; these look by chance, and are sent.
    for ask in [&mut third, &mut fourth] {
        assert!(polled(ask).await && ask.task().is_some());
    }
    drop((first, second));
    tokio::time::sleep(ms(100)).await;
    assert_eq!(sleeper.status().queued, 2, "one place was free, and somebody waited for it");
    assert_eq!(waits.await??, 7);
    drop((third, fourth));
    lab.end(swarm).await;
    Ok(())
}

/// Asks the next of its kind.
struct Link {
    all: Arc<Mutex<Vec<AgentRef<Link>>>>,
}

impl Agent for Link {
    type Task = usize;
    type Output = ();

    async fn handle(&mut self, at: &usize, cx: &Context) -> Result<(), AgentError> {
        let next = self.all.lock().unwrap().get(at + 1).cloned();
        match next {
            Some(next) => Ok(cx.ask(&next, at + 1).within(ms(3_600_000)).await?),
            None => Ok(cx.sleep(ms(3_600_000)).await?),
        }
    }
}

#[test]
fn a_long_chain_of_asks_is_let_go_of_link_by_link() {
    // A third of the usual stack, so that a third of the links is enough.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(768 * 1_024)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let swarm = Swarm::builder("chain").start().await.unwrap();
        let all = Arc::new(Mutex::new(Vec::new()));
        for number in 0..700 {
            let its = Arc::clone(&all);
            let link = AgentSpec::new(format!("link-{number}"), move || Link { all: Arc::clone(&its) });
            let link = swarm.spawn(link).await.unwrap();
            all.lock().unwrap().push(link);
        }
        let (first, last) = {
            let all = all.lock().unwrap();
            (all[0].clone(), all[all.len() - 1].clone())
        };
        let ask = tokio::spawn(first.ask(0).within(ms(600_000)).into_future());
        while !last.state().is_working() {
            tokio::time::sleep(ms(5)).await;
        }
        ask.abort();
        while last.state().is_working() {
            tokio::time::sleep(ms(5)).await;
        }
        assert!(swarm.stop(skep::Stop::default()).await.nothing_left());
    });
}

/// Says its name.
struct Named;

impl Agent for Named {
    type Task = ();
    type Output = String;

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<String, AgentError> {
        Ok(cx.name().to_owned())
    }
}

/// Asks one below a child of its task, crashes, and asks another whose path reads alike.
struct Above {
    swarm: Arc<OnceLock<Swarm>>,
}

impl Agent for Above {
    type Task = ();
    type Output = String;

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<String, AgentError> {
        let named = |name: &str| AgentSpec::new(name, || Named);
        cx.spawn(named("top").child(named("a/b")).child(named("a").child(named("b")))).await?;
        let name = if cx.attempt() == 1 { "a/b" } else { "b" };
        let below: AgentRef<Named> = self.swarm.get().unwrap().agent(name).map_err(AgentError::failed)?;
        let said = cx.ask(&below, ()).await?;
        if cx.attempt() == 1 { Err(AgentError::crash("with the answer")) } else { Ok(said) }
    }
}

#[skep::swarm_test(seeds = 5)]
async fn a_name_with_a_slash_is_not_two_names(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let handle = Arc::new(OnceLock::new());
    handle.set(swarm.clone()).ok();
    let its = Arc::clone(&handle);
    let above = swarm.spawn(AgentSpec::new("above", move || Above { swarm: Arc::clone(&its) })).await?;
    assert_eq!(above.ask(()).await?, "b");
    lab.end(swarm).await;
    Ok(())
}
