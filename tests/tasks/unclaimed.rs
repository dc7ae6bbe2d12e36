//! What a crashed turn had asked is not asked again: the next attempt gets the answer, or the task as it stands.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use skep::testkit::{History, Lab, Point, TestResult};
use skep::{Agent, AgentError, AgentRef, AgentSpec, AskError, Backoff, Context, Outcome, Stop, Usage, What};

use super::forest::ms;

/// How often each piece of work was paid for.
type Paid = Arc<Mutex<BTreeMap<String, u64>>>;

/// Works on a piece for as long as that says, and is paid for it.
struct Worker {
    paid: Paid,
}

#[derive(Clone, Serialize, Deserialize)]
struct Piece {
    name: String,
    takes: u64,
    fails: bool,
}

fn piece(name: impl Into<String>, takes: u64) -> Piece {
    Piece { name: name.into(), takes, fails: false }
}

impl Agent for Worker {
    type Task = Piece;
    type Output = String;
    async fn handle(&mut self, piece: &Piece, cx: &Context) -> Result<String, AgentError> {
        let paid = &self.paid;
        let work = |call: skep::Call| async move {
            cx.env().sleep_until(cx.now() + ms(piece.takes)).await;
            *paid.lock().unwrap().entry(piece.name.clone()).or_default() += 1;
            call.used(Usage::calls(1));
            if piece.fails { Err(AgentError::message("not today")) } else { Ok(piece.name.to_uppercase()) }
        };
        Ok(cx.effect("work", &piece.name).worst_case(Usage::calls(1)).run(work).await?)
    }
}

fn worker(name: &str, paid: &Paid) -> AgentSpec<Worker> {
    let paid = Arc::clone(paid);
    AgentSpec::new(name, move || Worker { paid: Arc::clone(&paid) })
}

/// Whom an editor has work.
#[derive(Clone)]
enum Whom {
    Peer(AgentRef<Worker>),
    /// A child of its task, begun anew in each attempt.
    Child(Paid),
}

struct Editor {
    whom: Whom,
}

fn editor(whom: Whom) -> AgentSpec<Editor> {
    AgentSpec::new("editor", move || Editor { whom: whom.clone() })
}

#[derive(Clone, Serialize, Deserialize)]
enum Job {
    /// One piece after the other, with a step after each.
    InTurn(Vec<Piece>),
    /// All side by side, each in its branch.
    AtOnce(Vec<Piece>),
    /// Asks, and crashes while it waits or when it has the answer, so often.
    Crash {
        piece: Piece,
        times: u32,
        waits: bool,
    },
    /// Wants to try again whatever failed, once.
    TryAgain(Piece),
    Detach(Piece),
}

impl Agent for Editor {
    type Task = Job;
    type Output = String;
    async fn handle(&mut self, job: &Job, cx: &Context) -> Result<String, AgentError> {
        let whom = match &self.whom {
            Whom::Peer(worker) => worker.clone(),
            Whom::Child(paid) => cx.spawn(worker("worker", paid)).await?,
        };
        match job {
            Job::InTurn(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    text += &whom.ask(piece.clone()).within(ms(600_000)).await?;
                    cx.step("piece").await?;
                }
                Ok(text)
            }
            Job::AtOnce(pieces) => {
                let asks = pieces.iter().map(|piece| {
                    let ask = cx.branch(&piece.name).ask(&whom, piece.clone()).within(ms(600_000));
                    async move {
                        let answer = ask.await;
                        cx.step("piece").await?;
                        Ok::<_, AgentError>(answer?)
                    }
                });
                let mut text = String::new();
                for answer in futures(asks.collect()).await {
                    text += &answer?;
                }
                Ok(text)
            }
            Job::Crash { piece, times, waits } => {
                let crashes = cx.attempt() <= *times;
                if crashes && *waits {
                    let ask = whom.ask(piece.clone()).within(ms(600_000));
                    let crash = async {
                        cx.sleep(ms(10)).await?;
                        panic!("while it waits")
                    };
                    return tokio::select! { biased; answer = ask => Ok(answer?), crash = crash => crash };
                }
                let answer = whom.ask(piece.clone()).within(ms(600_000)).await;
                if crashes {
                    panic!("with its answer");
                }
                Ok(answer?)
            }
            Job::TryAgain(piece) => match whom.ask(piece.clone()).await {
                Err(error) if cx.attempt() == 1 => Err(AgentError::redeliver(error)),
                answer => Ok(answer?),
            },
            Job::Detach(piece) => {
                whom.ask(piece.clone()).within(ms(5_000)).detach()?;
                if cx.attempt() == 1 { Err(AgentError::crash("once")) } else { Ok(String::new()) }
            }
        }
    }
}

/// All of them side by side, polled in their order.
async fn futures<F: Future>(all: Vec<F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in all.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(cx)
            {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// By asker and what was asked: how often that was answered.
fn answered(history: &History) -> BTreeMap<String, u64> {
    let mut answered = BTreeMap::new();
    for event in history.events() {
        if let (What::TaskEnded { outcome: Outcome::Done }, Some(task)) = (&event.what, &event.task)
            && let text = task.to_string()
            && text.contains('/')
        {
            let about = text.rsplit_once('-').map_or(text.clone(), |(about, _)| about.to_owned());
            *answered.entry(about).or_default() += 1;
        }
    }
    answered
}

/// Everything that can cut an editor's turn short.
fn crashes(lab: &Lab) -> Lab {
    let at = || Point::step("piece").of("editor").chance(150);
    lab.clone()
        .fault(at().panics().may_rest())
        .fault(at().kills().may_rest())
        .fault(at().loses_cell().may_rest())
        .fault(at().hangs_deaf().may_rest())
        .fault(Point::turn().of("editor").chance(100).panics().may_rest())
}

#[skep::swarm_test(seeds = 300)]
async fn a_paid_call_is_not_repeated_by_a_redelivery(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let lab = crashes(&lab);
    let swarm = lab.start_with(|builder| builder.intensity(1_000, ms(1_000))).await;
    let paid = Paid::default();
    let is_peer = dice.chance(600);
    let whom = if is_peer {
        Whom::Peer(swarm.spawn(worker("worker", &paid)).await?)
    } else {
        Whom::Child(Arc::clone(&paid))
    };
    let spec = editor(whom).attempts(6).heartbeat(ms(500), ms(2_000));
    let editor = swarm.spawn(spec).await?;
    let pieces: Vec<_> = (0..dice.between(1, 6)).map(|at| piece(format!("p{at}"), dice.below(60))).collect();
    let wanted = pieces.iter().map(|piece| piece.name.to_uppercase()).collect::<String>();
    let job = if dice.chance(500) { Job::InTurn(pieces) } else { Job::AtOnce(pieces) };
    let is_done = match editor.ask(job).within(ms(600_000)).await {
        Ok(text) => {
            assert_eq!(text, wanted, "each answer is the one of its piece");
            true
        }
        Err(AskError::Poisoned { .. }) => false,
        Err(error) => return Err(error.to_string().into()),
    };
    let history = lab.end(swarm).await;
    let answered = answered(&history);
    assert!(answered.values().all(|count| *count == 1), "{answered:?}");
    if is_peer {
        let paid = paid.lock().unwrap();
        assert!(
            paid.values().all(|count| *count == 1) && (!is_done || paid.len() * 2 == wanted.len()),
            "{paid:?}"
        );
    }
    Ok(())
}

#[skep::swarm_test(seeds = 30)]
async fn a_crashed_turns_ask_goes_on_and_the_next_attempt_gets_its_answer(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.intensity(10, ms(1_000))).await;
    let paid = Paid::default();
    let worker = swarm.spawn(worker("worker", &paid)).await?;
    let pause = Backoff { min: ms(500), max: ms(500), jitter_permille: 0, ..Backoff::default() };
    let editor = swarm.spawn(editor(Whom::Peer(worker)).backoff(pause)).await?;
    let began = swarm.env().now();
    let job = Job::Crash { piece: piece("slow", 1_000), times: 1, waits: true };
    assert_eq!(editor.ask(job).await?, "SLOW");
    assert_eq!(swarm.env().now().since(began), ms(1_000), "the work went on while nobody was there");
    let job = Job::Crash { piece: piece("quick", 100), times: 2, waits: false };
    assert_eq!(editor.ask(job).await?, "QUICK");
    assert_eq!(*paid.lock().unwrap(), BTreeMap::from([("slow".to_owned(), 1), ("quick".to_owned(), 1)]));
    let history = lab.end(swarm).await;
    assert_eq!((history.outcomes("worker"), history.count("task_claimed")), (vec![Outcome::Done; 2], 3));
    Ok(())
}

#[skep::swarm_test(seeds = 30)]
async fn what_is_unclaimed_when_the_askers_task_has_its_outcome_is_withdrawn_then(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let swarm = lab.start().await;
    let worker = swarm.spawn(worker("worker", &Paid::default())).await?;
    let spec = editor(Whom::Peer(worker.clone())).attempts(1);
    let editor = swarm.spawn(spec).await?;
    let job = Job::Crash { piece: piece("slow", 60_000), times: 1, waits: true };
    let began = swarm.env().now();
    if dice.chance(500) {
        assert!(matches!(editor.ask(job).await, Err(AskError::Poisoned { .. })));
        assert_eq!(swarm.env().now().since(began), ms(10));
    } else {
        // A stop for good ends the task, and with it what its turn has asked.
        editor.tell(job)?;
        tokio::time::sleep(ms(5)).await;
        lab.saw(&editor.stop(Stop::within(ms(500))).await);
    }
    tokio::time::sleep(ms(5)).await;
    assert_eq!(worker.status().task, None, "nobody pays for it any more");
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("worker"), [Outcome::Withdrawn]);
    Ok(())
}

#[skep::swarm_test(seeds = 30)]
async fn a_failure_is_an_answer_after_a_crash_and_is_tried_anew_where_that_was_asked_for(
    lab: Lab,
) -> TestResult {
    let swarm = lab.start().await;
    let paid = Paid::default();
    let worker = swarm.spawn(worker("worker", &paid)).await?;
    let editor = swarm.spawn(editor(Whom::Peer(worker))).await?;
    let fails = |name: &str| Piece { fails: true, ..piece(name, 5) };
    let crash = Job::Crash { piece: fails("crash"), times: 2, waits: false };
    let error = editor.ask(crash).await.unwrap_err().to_string();
    assert!(error.contains("not today"), "{error}");
    drop(editor.ask(Job::TryAgain(fails("again"))).await.unwrap_err());
    assert_eq!(*paid.lock().unwrap(), BTreeMap::from([("crash".to_owned(), 1), ("again".to_owned(), 2)]));
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 30)]
async fn a_detached_task_outlives_its_asker_keeps_its_deadline_and_is_sent_once(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.intensity(10, ms(1_000))).await;
    let paid = Paid::default();
    let worker = swarm.spawn(worker("worker", &paid)).await?;
    let editor = swarm.spawn(editor(Whom::Peer(worker))).await?;
    editor.ask(Job::Detach(piece("short", 2_000))).await?;
    assert!(paid.lock().unwrap().is_empty(), "it goes on after the asker's task");
    tokio::time::sleep(ms(3_000)).await;
    assert_eq!(paid.lock().unwrap()["short"], 1);
    editor.ask(Job::Detach(piece("long", 60_000))).await?;
    tokio::time::sleep(ms(6_500)).await;
    let history = lab.end(swarm).await;
    // Its effect may be the first to find that the time is over.
    let outcomes = history.outcomes("worker");
    assert!(matches!(outcomes[..], [Outcome::Done, Outcome::Expired | Outcome::Failed]), "{outcomes:?}");
    assert_eq!(history.count("task_detached"), 4);
    Ok(())
}

#[skep::swarm_test(seeds = 30)]
async fn a_task_that_a_turn_asked_is_named_by_its_askers_task_and_its_key(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let worker = swarm.spawn(worker("worker", &Paid::default())).await?;
    let editor = swarm.spawn(editor(Whom::Peer(worker))).await?;
    editor.ask(Job::InTurn(vec![piece("same", 1), piece("same", 1)])).await?;
    editor.ask(Job::AtOnce(vec![piece("a/b", 1)])).await?;
    let history = lab.end(swarm).await;
    let accepted = |event: &&Arc<skep::Event>| event.what.name() == "task_accepted";
    let ids: Vec<_> = history
        .of("worker")
        .iter()
        .filter(accepted)
        .filter_map(|event| event.task.as_ref().map(ToString::to_string))
        .collect();
    assert_eq!(ids[0].replace("-1", "-2"), ids[1], "the second of the same");
    assert!(ids[0].starts_with("lab.2#1/ask-") && ids[2].starts_with("lab.2#2/a%2Fb:ask-"), "{ids:?}");
    Ok(())
}
