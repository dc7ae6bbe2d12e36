//! What failed in every attempt is kept, can be read, and can be tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use skep::error::ReplayError;
use skep::testkit::{Lab, TestResult};
use skep::{Agent, AgentError, AgentSpec, AskError, Context, Outcome, What};

use super::forest::{Act, Imp, ms};

/// Crashes until somebody has mended it.
struct Mill {
    is_mended: Arc<AtomicBool>,
}

fn mill(name: &str, is_mended: &Arc<AtomicBool>) -> AgentSpec<Mill> {
    let is_mended = Arc::clone(is_mended);
    AgentSpec::new(name, move || Mill { is_mended: Arc::clone(&is_mended) })
}

impl Agent for Mill {
    type Task = String;
    type Output = String;
    async fn handle(&mut self, grain: &String, cx: &Context) -> Result<String, AgentError> {
        cx.sleep(ms(5)).await?;
        if self.is_mended.load(Ordering::Relaxed) {
            return Ok(format!("flour of {grain}"));
        }
        Err(AgentError::crash(format!("broken, attempt {}", cx.attempt())))
    }
}

#[skep::swarm_test(seeds = 20)]
async fn a_dead_letter_can_be_read_and_replayed_as_a_new_task(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let is_mended = Arc::default();
    let mill = swarm.spawn(mill("mill", &is_mended).attempts(2)).await?;
    drop(mill.ask("rye".to_owned()).await.unwrap_err());
    let letter = swarm.dead_letters().pop().expect("it failed in every attempt");
    assert_eq!(
        (&letter.agent, letter.name.as_str(), letter.agent_type.as_str()),
        (mill.id(), "mill", "Mill")
    );
    assert_eq!(
        (letter.outcome, letter.at, &letter.payload),
        (Outcome::Poisoned, swarm.env().now(), &Some("rye".into()))
    );
    let errors: Vec<_> = letter.errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors, ["broken, attempt 1", "broken, attempt 2"]);
    assert!(!format!("{letter:?}").contains("rye"), "a payload is nobody's business");

    is_mended.store(true, Ordering::Relaxed);
    let mut replay = swarm.replay(&letter.task, &mill)?;
    assert_eq!((&mut replay).await?, "flour of rye");
    let letters = swarm.dead_letters();
    assert_eq!((letters.len(), letters[0].replayed_as.len()), (1, 1), "the letter stays and says so");
    let history = lab.end(swarm).await;
    let tasks = history.tasks();
    let row = tasks.get(&letters[0].replayed_as[0]).expect("it was accepted");
    assert_eq!(
        (&row.replay_of, row.attempts),
        (&Some(letter.task), 1),
        "a new task with attempts of its own"
    );
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_replay_that_fails_again_is_a_letter_of_its_own(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let is_mended = Arc::default();
    let first = swarm.spawn(mill("first", &is_mended).attempts(1)).await?;
    let second = swarm.spawn(mill("second", &is_mended).attempts(1)).await?;
    drop(first.ask("oats".to_owned()).await);
    let letter = swarm.dead_letters()[0].task.clone();
    let again = swarm.replay(&letter, &second)?.await;
    assert!(matches!(again, Err(AskError::Poisoned { .. })));
    let letters = swarm.dead_letters();
    assert_eq!(
        (letters.len(), &letters[1].replay_of, letters[1].name.as_str()),
        (2, &Some(letter), "second")
    );
    assert_eq!(letters[0].replayed_as, [letters[1].task.clone()]);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn letters_are_bounded_and_what_is_dropped_is_counted(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.dead_letters(3).intensity(100, ms(5_000))).await;
    let mill = swarm.spawn(mill("mill", &Arc::default()).attempts(1)).await?;
    let mut tasks = Vec::new();
    for number in 0..8 {
        let mut ask = mill.ask(format!("sack {number}"));
        drop((&mut ask).await);
        tasks.push(swarm.dead_letters().last().expect("it failed").task.clone());
    }
    let kept: Vec<_> = swarm.dead_letters().into_iter().map(|letter| letter.task).collect();
    assert_eq!((kept.as_slice(), swarm.dead_letters_dropped()), (&tasks[5..], 5));
    let gone = swarm.replay(&tasks[0], &mill).err();
    assert_eq!(gone, Some(ReplayError::Unknown(tasks[0].clone())));
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_letter_is_replayed_to_nobody_who_does_not_take_such_tasks(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let mill = swarm.spawn(mill("mill", &Arc::default()).attempts(1)).await?;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    drop(mill.ask("rye".to_owned()).await);
    let letter = swarm.dead_letters()[0].task.clone();
    let error = swarm.replay(&letter, &imp).err().expect("an imp takes acts");
    assert!(matches!(&error, ReplayError::OtherTask { agent, .. } if agent == imp.id()), "{error}");
    // One that is not asked in the end is no replay.
    drop(swarm.replay(&letter, &mill)?);
    assert_eq!(swarm.dead_letters()[0].replayed_as, []);
    assert_eq!(imp.ask(vec![Act::Say]).await?, 0);
    let history = lab.end(swarm).await;
    let replays =
        |event: &&Arc<skep::Event>| matches!(&event.what, What::TaskAccepted { replay_of: Some(_), .. });
    assert_eq!(history.events().iter().filter(replays).count(), 0);
    Ok(())
}
