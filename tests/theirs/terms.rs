//! A task's deadline is its own from its acceptance, and a term holds whenever it is said.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use skep::testkit::{Lab, TestResult};
use skep::{Agent, AgentError, AgentRef, AgentSpec, Ask, AskError, Context, Outcome, SpawnError, Swarm};

use super::fuse::{Carrier, Deed, Load};
use super::ms;

/// Polls it once.
async fn once<A: Agent>(ask: &mut Ask<A>) -> bool {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *ask).poll(cx).is_ready())).await
}

/// An agent that is busy for a minute, with so much room in its mailbox.
async fn busy(swarm: &Swarm, room: usize) -> Result<AgentRef<Carrier>, SpawnError> {
    let busy = swarm.spawn(Carrier::spec("busy").mailbox(room)).await?;
    assert!(busy.tell(Load::of(Deed::WaitDeaf(60_000))).is_ok(), "there is room for one");
    tokio::time::sleep(ms(1)).await;
    Ok(busy)
}

#[skep::swarm_test(seeds = 20)]
async fn every_ask_that_is_accepted_ends_by_its_deadline_however_it_came_to_room(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let swarm = lab.start().await;
    let busy = busy(&swarm, 8).await?;
    // Some find room at once, some after a wait, some never; some are polled again, some are not.
    let mut asks: Vec<_> =
        (0..64).map(|_| busy.ask(Load::default()).within(ms(dice.between(1, 5)))).collect();
    for ask in &mut asks {
        once(ask).await;
        if dice.below(3) == 0 {
            once(ask).await;
        }
    }
    tokio::time::sleep(ms(10)).await;
    assert_eq!(busy.status().queued, 0, "a task outlives its deadline in a queue");
    drop(asks);
    lab.end(swarm).await;
    Ok(())
}

/// The same on real threads, where room comes at any moment.
#[test]
fn of_asks_with_deadlines_that_are_hardly_there_none_stays_queued() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let lab = Lab::real_io();
        let swarm = lab.start().await;
        let agent = swarm.spawn(Carrier::spec("agent").mailbox(8)).await.unwrap();
        for _ in 0..40 {
            let asks: Vec<_> = (0..64)
                .map(|_| tokio::spawn(agent.ask(Load::of(Deed::Wait(1))).within(Duration::from_micros(300))))
                .collect();
            let ended = async {
                for ask in asks {
                    drop(ask.await);
                }
            };
            tokio::time::timeout(Duration::from_secs(60), ended).await.expect("each of them ends");
        }
        while agent.status().queued > 0 {
            tokio::time::sleep(ms(1)).await;
        }
        lab.end(swarm).await;
    });
    runtime.shutdown_background();
}

#[skep::swarm_test(seeds = 20)]
async fn a_task_that_nobody_polls_for_ends_by_its_deadline(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let busy = busy(&swarm, 8).await?;
    let tried = busy.try_ask(Load::default()).map_err(|_| "room")?;
    let sent = busy.ask(Load::default()).within(ms(500)).try_send().map_err(|_| "room")?;
    assert_eq!(busy.status().queued, 2);
    tokio::time::sleep(ms(600)).await;
    assert_eq!(busy.status().queued, 1);
    tokio::time::sleep(ms(30_000)).await;
    assert_eq!(busy.status().queued, 0, "30 s unless told");
    assert!(matches!(tried.await, Err(AskError::Expired(_))));
    assert!(matches!(sent.await, Err(AskError::Expired(_))));
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_deadline_that_is_set_late_is_kept(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let agent = swarm.spawn(Carrier::spec("agent").mailbox(1)).await?;
    let began = swarm.env().now();
    let since = || swarm.env().now().since(began);
    // Sent already, and running.
    let running = agent.try_ask(Load::of(Deed::Wait(60_000))).map_err(|_| "room")?;
    tokio::time::sleep(ms(5)).await;
    let running = running.within(ms(200));
    // Sent already, and queued: earlier, then later than it was.
    let queued = agent.try_ask(Load::default()).map_err(|_| "room")?.within(ms(50)).within(ms(100));
    // It waits for room.
    let mut waits = agent.ask(Load::default()).within(ms(70));
    assert!(!once(&mut waits).await);
    let waits = waits.within(ms(20));
    assert!(matches!(waits.await, Err(AskError::Expired(_))));
    assert_eq!(since(), ms(25), "counted from its first poll, which was at 5 ms");
    assert!(matches!(queued.await, Err(AskError::Expired(_))));
    assert_eq!(since(), ms(105));
    assert!(matches!(running.await, Err(AskError::Expired(_))));
    assert_eq!(since(), ms(200));
    // And one that is moved away.
    let mut long = agent.ask(Load::of(Deed::Wait(300))).within(ms(10));
    assert!(!once(&mut long).await);
    assert!(long.within(ms(1_000)).await.is_ok());
    lab.end(swarm).await;
    Ok(())
}

/// Answers with the attempt.
struct Counts;

impl Agent for Counts {
    type Task = u64;
    type Output = u32;
    async fn handle(&mut self, pause: &u64, cx: &Context) -> Result<u32, AgentError> {
        cx.sleep(ms(*pause)).await?;
        Ok(cx.attempt())
    }
}

fn third(attempt: &u32) -> Result<(), String> {
    if *attempt == 3 { Ok(()) } else { Err(format!("attempt {attempt}")) }
}

#[skep::swarm_test(seeds = 20)]
async fn a_check_that_is_set_late_passes_nothing_that_it_refuses(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let agent = swarm.spawn(AgentSpec::new("agent", || Counts)).await?;
    // Queued or running: whatever comes from then on has to pass.
    let mut first = agent.ask(10);
    let second = agent.try_ask(10).map_err(|_| "room")?.accept(third);
    once(&mut first).await;
    tokio::time::sleep(ms(5)).await;
    assert_eq!(first.accept(third).await?, 3);
    assert_eq!(second.await?, 3);
    // Over already: there is no other attempt, but what does not pass is no answer.
    let over = agent.try_ask(0).map_err(|_| "room")?;
    tokio::time::sleep(ms(5)).await;
    let answer = over.accept(third).await;
    let said = answer.unwrap_err().to_string();
    assert!(said.ends_with("the output was not accepted: attempt 1"), "{said}");
    let passes = agent.try_ask(0).map_err(|_| "room")?;
    tokio::time::sleep(ms(5)).await;
    assert_eq!(passes.accept(|_: &u32| Ok::<(), String>(())).await?, 1);
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("agent"), [Outcome::Done; 4]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn terms_that_come_before_the_sending_hold_for_an_ask_that_does_not_wait(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let agent = swarm.spawn(AgentSpec::new("agent", || Counts).mailbox(1)).await?;
    let sent = agent.ask(100).within(ms(20)).accept(third).try_send()?;
    assert!(sent.task().is_some(), "it is accepted when it is sent");
    tokio::time::sleep(ms(1)).await;
    let queued = agent.ask(0).accept(third).try_send()?;
    let full = agent.ask(7).try_send();
    assert!(matches!(full, Err(AskError::MailboxFull(_, 7))), "the task comes back");
    assert!(matches!(sent.await, Err(AskError::Expired(_))));
    assert_eq!(queued.await?, 3);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_task_that_is_detached_after_it_was_polled_keeps_its_terms(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let busy = busy(&swarm, 8).await?;
    let mut polled = busy.ask(Load::default()).within(ms(100));
    once(&mut polled).await;
    polled.within(ms(50)).detach().map_err(|_| "sent already")?;
    tokio::time::sleep(ms(60)).await;
    assert_eq!(busy.status().queued, 0);
    lab.end(swarm).await;
    Ok(())
}
