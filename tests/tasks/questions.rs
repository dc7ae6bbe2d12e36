//! A question goes up until somebody answers, whatever those above are doing.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use skep::testkit::{Lab, Point, TestResult};
use skep::{
    Agent, AgentError, AgentSpec, Answer, AskError, Context, Outcome, Question, QuestionError, Stop, Usage,
};

use super::forest::ms;

/// What those above know, and how often they were asked.
#[derive(Default)]
struct Knowledge {
    asked: AtomicU64,
}

#[derive(Clone, Serialize, Deserialize)]
enum Job {
    /// Asks upwards and gives the answer; so long it may take.
    Ask(String, u64),
    /// Has a child of the task do it.
    Delegate(Box<Job>),
    /// Does something else for so long.
    Busy(u64),
}

/// Answers what is about its own name.
struct Clerk;

fn clerk(name: &str) -> AgentSpec<Clerk> {
    AgentSpec::new(name, || Clerk)
}

impl Agent for Clerk {
    type Task = Job;
    type Output = String;

    async fn handle(&mut self, job: &Job, cx: &Context) -> Result<String, AgentError> {
        match job {
            Job::Ask(about, within) => {
                let question = Question::about(about.as_str()).with(7)?;
                Ok(cx.ask_parent(question).within(ms(*within)).await?.read()?)
            }
            Job::Delegate(job) => Ok(cx.spawn(clerk("below")).await?.ask(Job::clone(job)).await?),
            Job::Busy(time) => {
                cx.sleep(ms(*time)).await?;
                Ok("done".to_owned())
            }
        }
    }

    async fn on_question(question: Question, cx: Context) -> Result<Option<Answer>, AgentError> {
        if let Some(knowledge) = cx.get::<Knowledge>() {
            knowledge.asked.fetch_add(1, Ordering::Relaxed);
        }
        match question.topic().split_once(' ') {
            Some((name, what)) if name == cx.name() => answer(what, &question, &cx).await,
            _ => Ok(None),
        }
    }
}

async fn answer(what: &str, question: &Question, cx: &Context) -> Result<Option<Answer>, AgentError> {
    match what {
        "pay" => {
            let pay = |call: skep::Call| async move {
                call.used(Usage::calls(3));
                Ok(())
            };
            cx.effect("call", "").worst_case(Usage::calls(3)).run(pay).await?;
        }
        "fail" => return Err(AgentError::message("do not know")),
        "panic" => panic!("out of its depth"),
        "slow" => cx.sleep(ms(60_000)).await?,
        "hang" => std::future::pending().await,
        "up" => {
            let above = cx.ask_parent(Question::about("top word")).await?;
            return Ok(Some(above));
        }
        _ => {}
    }
    let data: u64 = question.read()?;
    let text = format!("{} for {:?} with {data}", cx.name(), question.from().map(ToString::to_string));
    Ok(Some(Answer::of(text)?))
}

fn ask(about: &str) -> Job {
    Job::Ask(about.to_owned(), 30_000)
}

#[skep::swarm_test(seeds = 20)]
async fn a_parent_that_waits_for_the_very_child_answers_it(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let top = swarm.spawn(clerk("top")).await?;
    let began = swarm.env().now();
    assert_eq!(top.ask(Job::Delegate(Box::new(ask("top word")))).await?, "top for Some(\"lab.1.1\") with 7");
    assert_eq!(swarm.env().now(), began);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_dormant_or_busy_parent_answers_beside_its_turn(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let top = swarm.spawn(clerk("top")).await?;
    let below = swarm.spawn(clerk("below").under(&top)).await?;
    below.ask(ask("top word")).await?;
    top.tell(Job::Busy(60_000))?;
    tokio::time::sleep(ms(10)).await;
    let began = swarm.env().now();
    below.ask(ask("top word")).await?;
    assert_eq!(swarm.env().now(), began, "its turn goes on for a minute");
    let history = lab.end(swarm).await;
    assert_eq!(history.of("top").iter().filter(|event| event.what.name() == "turn_began").count(), 1);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_question_goes_up_past_those_who_do_not_know_and_past_scopes(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.resource(Knowledge::default())).await;
    let top = swarm.spawn(clerk("top")).await?;
    let job = |about| Job::Delegate(Box::new(Job::Delegate(Box::new(ask(about)))));
    assert_eq!(top.ask(job("top word")).await?, "top for Some(\"lab.1.1.1\") with 7");
    let error = top.ask(job("nobody knows")).await.unwrap_err();
    let AskError::Failed(_, error) = error else { panic!("{error:?}") };
    // Wrapped by each ask that it came through; the innermost says who passed it up.
    assert!(
        error.to_string().contains("passed up by lab.1.2.1, lab.1, lab")
            || error.to_string().contains("passed up by lab.1.2, lab.1, lab"),
        "{error}"
    );
    let scope = skep::Scope::open(&skep::ScopeOwner::from(&top), "scope")?;
    let inside = scope.spawn(clerk("inside")).await?;
    assert_eq!(
        inside.ask(ask("top word")).await?,
        format!("top for Some({:?}) with 7", inside.id().as_str())
    );
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn who_answers_may_ask_on_and_pays_for_it(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let top = swarm.spawn(clerk("top")).await?;
    let middle = swarm.spawn(clerk("middle").under(&top)).await?;
    let below = swarm.spawn(clerk("below").under(&middle)).await?;
    below.ask(ask("middle pay")).await?;
    assert_eq!((middle.cost().spent.calls, below.cost().spent.calls), (3, 0));
    assert!(below.ask(ask("middle up")).await.is_err(), "the question that it asked on has no number in it");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_failure_or_panic_of_who_answers_is_the_questions_alone(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let top = swarm.spawn(clerk("top")).await?;
    let below = swarm.spawn(clerk("below").under(&top)).await?;
    let why = async |about: &str| match below.ask(ask(about)).await {
        Err(AskError::Failed(_, error)) => error.to_string(),
        other => format!("{other:?}"),
    };
    assert_eq!(why("top fail").await, "lab.1 failed to answer: do not know");
    let said = why("top panic").await;
    assert!(
        said.starts_with("lab.1 failed to answer: on_question panicked at tests/tasks/questions.rs:"),
        "{said}"
    );
    assert!(said.ends_with(": out of its depth"), "{said}");
    let history = lab.end(swarm).await;
    assert_eq!((history.incarnations("top"), history.incarnations("below")), (1, 1));
    Ok(())
}

#[skep::swarm_test(seeds = 50)]
async fn a_question_ends_by_its_deadline_its_cancel_or_its_askers_crash(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let what = *dice.pick(&["top slow", "top hang"]);
    let swarm = lab.start().await;
    let top = swarm.spawn(clerk("top")).await?;
    let below = swarm.spawn(clerk("below").under(&top).attempts(1)).await?;
    let late = below.ask(Job::Ask(what.to_owned(), 700)).await;
    assert!(late.unwrap_err().to_string().contains("not answered within its deadline"));
    let asked = tokio::spawn(below.ask(ask(what)));
    tokio::time::sleep(ms(10)).await;
    match dice.below(4) {
        0 => drop(below.interrupt()),
        1 => below.kill(),
        2 => asked.abort(),
        _ => lab.saw(&below.stop(Stop::within(ms(500))).await),
    }
    tokio::time::sleep(ms(10)).await;
    // The lab counts what answers as living at the one that answers.
    let left = swarm.census(top.id()).into_iter().filter(|(_, what, _)| *what == skep::Living::Turn).count();
    assert_eq!(left, usize::from(below.status().task.is_some()) * 2, "a kill redelivers, and it asks again");
    let history = lab.end(swarm).await;
    assert_eq!(history.count("question_began"), history.count("question_ended"));
    Ok(())
}

#[skep::swarm_test(seeds = 50)]
async fn a_parent_that_is_stopped_or_killed_takes_its_questions_with_it(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let swarm = lab.start_with(|builder| builder.intensity(10, ms(1_000))).await;
    let top = swarm.spawn(clerk("top")).await?;
    let below = swarm.spawn(clerk("below").under(&top)).await?;
    let what = *dice.pick(&["top slow", "top hang"]);
    let asked = tokio::spawn(below.ask(ask(what)).within(ms(3_000)));
    tokio::time::sleep(ms(10)).await;
    if dice.chance(500) {
        top.kill();
    } else {
        lab.saw(&top.stop(Stop::within(ms(500))).await);
    }
    assert!(matches!(asked.await?, Err(AskError::Stopped(..) | AskError::Expired(_))));
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_fault_plan_reaches_who_answers(lab: Lab) -> TestResult {
    let error = AgentError::message("no connection");
    let lab = lab
        .fault(Point::question("top *").of("top").nth(1).fails(error))
        .fault(Point::question("*").nth(2).blocks(ms(300)));
    let swarm = lab.start().await;
    let top = swarm.spawn(clerk("top")).await?;
    let below = swarm.spawn(clerk("below").under(&top)).await?;
    assert!(below.ask(ask("top word")).await.unwrap_err().to_string().contains("no connection"));
    let began = swarm.env().now();
    below.ask(ask("top word")).await?;
    assert_eq!(swarm.env().now().since(began), ms(300), "it has the thread of whoever asks");
    lab.end(swarm).await;
    Ok(())
}

/// Answers by asking the very agent that asks.
struct Echo;

impl Agent for Echo {
    type Task = Job;
    type Output = String;
    async fn handle(&mut self, job: &Job, cx: &Context) -> Result<String, AgentError> {
        let below = cx.agent().spawn(clerk("below")).await?;
        Ok(below.ask(job.clone()).await?)
    }

    async fn on_question(_: Question, cx: Context) -> Result<Option<Answer>, AgentError> {
        let below = cx.agent().spawn(clerk("below")).await?;
        Ok(Some(Answer::of(below.ask(Job::Busy(1)).await?)?))
    }
}

#[skep::swarm_test(seeds = 20)]
async fn an_answer_that_waits_for_whoever_asks_closes_a_circle(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let echo = swarm.spawn(AgentSpec::new("echo", || Echo)).await?;
    let began = swarm.env().now();
    let error = echo.ask(ask("anything")).await.unwrap_err().to_string();
    assert!(error.contains("cycle of waiting turns: lab.1 -> lab.1.1 -> lab.1"), "{error}");
    assert_eq!(swarm.env().now(), began);
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("echo"), [Outcome::Failed]);
    Ok(())
}

#[test]
fn errors_of_questions_say_who_and_why() {
    let from: skep::AgentId = serde_json::from_str("\"s.1.2\"").unwrap();
    let path = ["s.1", "s"].map(|id| serde_json::from_value(id.into()).unwrap()).to_vec();
    let error = QuestionError::Unanswered { from, path };
    assert_eq!(error.to_string(), "no agent above s.1.2 answers its question; passed up by s.1, s");
}
