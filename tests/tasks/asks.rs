//! An ask that could never be answered is refused at once, with the path; one that could is not.

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use skep::testkit::{History, Lab, TestResult};
use skep::{Agent, AgentError, AgentId, AgentRef, AgentSpec, AskError, Context, Outcome, SpawnError, Swarm};

use super::forest::ms;

/// Asks along a way, each the next; the answer is how many were asked.
struct Asker {
    addresses: Addresses,
}

/// Everybody's address, for agents that ask each other are begun one after the other.
type Addresses = Arc<Mutex<Vec<AgentRef<Asker>>>>;

#[derive(Clone, Serialize, Deserialize)]
struct Errand {
    /// How long it takes before it asks on.
    pause: u64,
    /// Whom to ask, by their places.
    way: Vec<usize>,
}

impl Agent for Asker {
    type Task = Errand;
    type Output = usize;

    async fn handle(&mut self, errand: &Errand, cx: &Context) -> Result<usize, AgentError> {
        cx.sleep(ms(errand.pause)).await?;
        let Some((next, rest)) = errand.way.split_first() else { return Ok(0) };
        let next = self.addresses.lock().unwrap()[*next].clone();
        let answer = next.ask(Errand { pause: errand.pause, way: rest.to_vec() }).await;
        if let Err(AskError::Cycle { path, task }) = &answer {
            assert!(task.as_ref().is_some_and(|task| task.way == rest), "the task comes back");
            cx.record("cycle", 1, serde_json::json!(path));
        }
        Ok(answer? + 1)
    }
}

async fn askers(swarm: &Swarm, count: usize) -> Result<Vec<AgentRef<Asker>>, SpawnError> {
    let addresses = Addresses::default();
    for number in 0..count {
        let shared = Arc::clone(&addresses);
        let make = move || Asker { addresses: Arc::clone(&shared) };
        let asker = swarm.spawn(AgentSpec::new(format!("asker-{number}"), make)).await?;
        addresses.lock().unwrap().push(asker);
    }
    let askers = addresses.lock().unwrap().clone();
    Ok(askers)
}

fn errand(way: &[usize]) -> Errand {
    Errand { pause: 0, way: way.to_vec() }
}

/// The circles that were refused, by the last number of each id.
fn circles(history: &History) -> Vec<Vec<String>> {
    let path = |event: &Arc<skep::Event>| match &event.what {
        skep::What::Custom { data, .. } => serde_json::from_value::<Vec<AgentId>>(data.clone()).ok(),
        _ => None,
    };
    let last = |id: AgentId| id.as_str().rsplit('.').next().unwrap_or_default().to_owned();
    history.events().iter().filter_map(path).map(|path| path.into_iter().map(last).collect()).collect()
}

#[skep::swarm_test(seeds = 20)]
async fn an_ask_that_closes_a_circle_fails_at_once_with_the_path(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let askers = askers(&swarm, 4).await?;
    let asked = swarm.env().now();
    let answer = askers[0].ask(errand(&[1, 2, 3, 1])).await;
    assert!(matches!(&answer, Err(AskError::Failed(..))), "{answer:?}");
    assert_eq!(swarm.env().now(), asked, "nobody waited for a deadline");
    assert_eq!(askers[0].ask(errand(&[1, 2, 3])).await?, 3, "a way that does not come back is none");
    let history = lab.end(swarm).await;
    assert_eq!(circles(&history), [["4", "2", "3", "4"]]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn an_agent_that_asks_itself_is_told_so(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let askers = askers(&swarm, 1).await?;
    assert!(askers[0].ask(errand(&[0])).await.is_err());
    let history = lab.end(swarm).await;
    assert_eq!(circles(&history), [["1", "1"]]);
    Ok(())
}

#[skep::swarm_test(seeds = 50)]
async fn a_circle_is_found_through_tasks_that_only_wait_in_a_queue(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let askers = askers(&swarm, 3).await?;
    // The second works for somebody else, and asks the first only when the first's own task waits in its queue.
    let other = tokio::spawn(askers[1].ask(Errand { pause: 50, way: vec![2, 0] }));
    tokio::time::sleep(ms(10)).await;
    let queued = tokio::spawn(askers[0].ask(errand(&[1])));
    assert!(other.await?.is_err(), "its last ask would have waited for its own end");
    assert_eq!(queued.await??, 1, "the rest goes on");
    let history = lab.end(swarm).await;
    assert_eq!(circles(&history), [["3", "1", "2", "3"]]);
    Ok(())
}

#[skep::swarm_test(seeds = 300)]
async fn of_random_errands_each_is_answered_or_part_of_a_circle(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let swarm = lab.start().await;
    let count = dice.between(2, 5);
    let askers = askers(&swarm, count as usize).await?;
    let errands: Vec<_> = (0..dice.between(1, 12))
        .map(|_| {
            let way = (0..dice.below(5)).map(|_| dice.below(count) as usize).collect();
            let asked = dice.pick(&askers).ask(Errand { pause: dice.below(4), way });
            tokio::spawn(asked.within(ms(3_600_000)))
        })
        .collect();
    let mut failed = 0;
    for errand in errands {
        failed += usize::from(errand.await?.is_err());
    }
    assert!(swarm.env().now().as_nanos() < 3_600_000_000_000, "somebody waited for ever");
    let history = lab.end(swarm).await;
    assert_eq!(circles(&history).len(), failed, "each failure is a circle, and each circle has one");
    Ok(())
}

#[test]
fn of_two_that_ask_each_other_at_the_same_moment_one_is_refused() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let lab = Lab::real_io();
        let swarm = lab.start().await;
        let askers = askers(&swarm, 3).await.unwrap();
        for _ in 0..500 {
            let each = [[1, 2].as_slice(), &[2, 0], &[0, 1]];
            let asks =
                each.iter().zip(&askers).map(|(way, asker)| asker.ask(errand(way)).within(ms(600_000)));
            let asks: Vec<_> = asks.map(tokio::spawn).collect();
            let mut answered = 0;
            for ask in asks {
                answered += usize::from(ask.await.unwrap().is_ok());
            }
            assert!(answered > 0, "who closes a circle is refused, and the others go on");
        }
        let history = lab.end(swarm).await;
        let is_late = |event: &&Arc<skep::Event>| {
            matches!(event.what, skep::What::TaskEnded { outcome: Outcome::Expired })
        };
        assert_eq!(history.events().iter().filter(is_late).count(), 0);
    });
    runtime.shutdown_background();
}

/// Asks its parent in its start, while the parent's turn waits for that.
struct Newborn {
    parent: AgentRef<Nest>,
}

struct Nest {
    own: Arc<Mutex<Option<AgentRef<Nest>>>>,
}

impl Agent for Newborn {
    type Task = ();
    type Output = ();
    async fn start(&mut self, cx: &Context) -> Result<(), AgentError> {
        cx.sleep(ms(5)).await?;
        Ok(self.parent.ask(()).await?)
    }
    async fn handle(&mut self, _: &(), _: &Context) -> Result<(), AgentError> {
        Ok(())
    }
}

impl Agent for Nest {
    type Task = ();
    type Output = ();
    async fn handle(&mut self, _: &(), cx: &Context) -> Result<(), AgentError> {
        let parent = self.own.lock().unwrap().clone().expect("it was set before the task");
        let born = cx.spawn(AgentSpec::new("newborn", move || Newborn { parent: parent.clone() })).await;
        let Err(SpawnError::Start { message, .. }) = born else {
            return Err(AgentError::message("it was born"));
        };
        Err(AgentError::message(message))
    }
}

#[skep::swarm_test(seeds = 20)]
async fn a_start_that_asks_whoever_waits_for_it_closes_a_circle(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let own = Arc::new(Mutex::new(None));
    let shared = Arc::clone(&own);
    let nest = swarm.spawn(AgentSpec::new("nest", move || Nest { own: Arc::clone(&shared) })).await?;
    *own.lock().unwrap() = Some(nest.clone());
    let Err(AskError::Failed(_, error)) = nest.ask(()).await else { panic!("it was told of the circle") };
    assert_eq!(
        error.to_string(),
        "the ask would close a cycle of waiting turns: lab.1.1 -> lab.1 -> lab.1.1"
    );
    *own.lock().unwrap() = None;
    lab.end(swarm).await;
    Ok(())
}
