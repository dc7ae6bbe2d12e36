//! An output that does not pass is a failed attempt, and after the last one somebody may still help.

use std::sync::Arc;

use skep::testkit::{Lab, TestResult};
use skep::{Agent, AgentError, AgentSpec, Answer, AskError, Context, Outcome, Question, Usage};

use super::forest::ms;

/// Writes one line more in each attempt; asks upwards for help when told to.
struct Poet;

impl Agent for Poet {
    type Task = String;
    type Output = String;

    async fn handle(&mut self, topic: &String, cx: &Context) -> Result<String, AgentError> {
        match topic.as_str() {
            "crash" => panic!("no words"),
            "once" => {
                let print = |_: skep::Call| async { Ok(()) };
                cx.effect("print", topic).free().repeat(skep::Repeat::Once).run(print).await?;
            }
            _ => {}
        }
        let before = cx.last_error().map(|error| format!(" ({error})")).unwrap_or_default();
        Ok(format!("{}{before}", "line ".repeat(cx.attempt() as usize)))
    }

    async fn on_help(
        topic: &String,
        errors: &[AgentError],
        cx: &Context,
    ) -> Result<Option<String>, AgentError> {
        match topic.as_str() {
            "crash" | "help" => {
                let question = Question::about("help").with(errors.len())?;
                Ok(Some(cx.ask_parent(question).await?.read()?))
            }
            "pay" => {
                let pay = |call: skep::Call| async move {
                    call.used(Usage::calls(2));
                    Ok(())
                };
                cx.effect("model", topic).worst_case(Usage::calls(2)).run(pay).await?;
                Ok(Some("bought".to_owned()))
            }
            "hang" => std::future::pending().await,
            "worse" => panic!("helpless"),
            _ => Ok(None),
        }
    }
}

struct Teacher;

impl Agent for Teacher {
    type Task = ();
    type Output = ();
    async fn handle(&mut self, _: &(), _: &Context) -> Result<(), AgentError> {
        Ok(())
    }
    async fn on_question(question: Question, _: Context) -> Result<Option<Answer>, AgentError> {
        let attempts: usize = question.read()?;
        Ok(Some(Answer::of(format!("the teacher's, after {attempts}"))?))
    }
}

fn lines(least: usize) -> impl Fn(&String) -> Result<(), String> + Send + Sync {
    move |text| {
        let count = text.matches("line").count();
        if count >= least { Ok(()) } else { Err(format!("{count} of {least} lines")) }
    }
}

#[skep::swarm_test(seeds = 20)]
async fn an_output_that_does_not_pass_is_a_failed_attempt_with_the_reason(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let poet = swarm.spawn(AgentSpec::new("poet", || Poet)).await?;
    let text = poet.ask("spring".to_owned()).accept(lines(2)).await?;
    assert_eq!(text, "line line  (the output was not accepted: 1 of 2 lines)");
    let answer = poet.ask("autumn".to_owned()).accept(lines(9)).await;
    let Err(AskError::Poisoned { errors, .. }) = answer else { panic!("{answer:?}") };
    let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors.len(), 3);
    assert!(errors[2].ends_with("9 lines"), "{errors:?}");
    let panics =
        poet.ask("winter".to_owned()).accept(|_: &String| -> Result<(), String> { panic!("no taste") });
    let said = panics.await.unwrap_err().to_string();
    assert!(said.contains("the output's check panicked at tests/tasks/help.rs:"), "{said}");
    assert!(said.ends_with(": no taste"), "{said}");
    assert_eq!(swarm.dead_letters().len(), 2);
    let history = lab.end(swarm).await;
    assert_eq!(history.incarnations("poet"), 1, "an output that is none is no crash");
    assert_eq!(history.outcomes("poet"), [Outcome::Done, Outcome::Poisoned, Outcome::Poisoned]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn what_may_happen_only_once_is_not_tried_again_for_an_output_that_does_not_pass(
    lab: Lab,
) -> TestResult {
    let swarm = lab.start().await;
    let poet = swarm.spawn(AgentSpec::new("poet", || Poet)).await?;
    let answer = poet.ask("once".to_owned()).accept(lines(2)).await;
    assert!(matches!(&answer, Err(AskError::Failed(..))), "{answer:?}");
    let history = lab.end(swarm).await;
    assert_eq!((history.count("effect_began"), history.outcomes("poet")), (1, vec![Outcome::Failed]));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn after_the_last_attempt_on_help_may_answer_before_the_dead_letters_do(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let teacher = swarm.spawn(AgentSpec::new("teacher", || Teacher)).await?;
    let poet = swarm.spawn(AgentSpec::new("poet", || Poet).under(&teacher)).await?;
    assert_eq!(poet.ask("crash".to_owned()).await?, "the teacher's, after 3");
    assert!(poet.ask("help".to_owned()).accept(lines(9)).await.is_err(), "help has to pass too");
    assert_eq!(
        poet.ask("pay".to_owned())
            .accept(|text: &String| { if text == "bought" { Ok(()) } else { Err("written by itself") } })
            .await?,
        "bought"
    );
    assert_eq!(poet.cost().spent.calls, 2);
    let letters = swarm.dead_letters();
    assert_eq!((letters.len(), letters[0].errors.len()), (1, 4), "what the help lacked is the last error");
    let history = lab.end(swarm).await;
    assert_eq!((history.count("task_helped"), history.incarnations("poet")), (2, 4));
    assert_eq!(history.outcomes("poet"), [Outcome::Done, Outcome::Poisoned, Outcome::Done]);
    Ok(())
}

#[skep::swarm_test(seeds = 50)]
async fn a_help_that_panics_or_hangs_leaves_the_task_to_its_end(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let swarm = lab.start().await;
    let poet = swarm.spawn(AgentSpec::new("poet", || Poet)).await?;
    let worse = poet.ask("worse".to_owned()).accept(lines(9)).await;
    let said = worse.unwrap_err().to_string();
    assert!(
        said.contains("on_help panicked at tests/tasks/help.rs:") && said.ends_with(": helpless"),
        "{said}"
    );
    let hangs = tokio::spawn(poet.ask("hang".to_owned()).accept(lines(9)).within(ms(1_500)));
    tokio::time::sleep(ms(10)).await;
    let wanted = match dice.below(4) {
        0 => {
            poet.interrupt();
            Outcome::Interrupted
        }
        1 => {
            lab.saw(&poet.stop(skep::Stop::within(ms(300))).await);
            Outcome::Stopped
        }
        2 => {
            hangs.abort();
            Outcome::Withdrawn
        }
        _ => Outcome::Expired,
    };
    drop(hangs.await);
    tokio::time::sleep(ms(2_000)).await;
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("poet"), [Outcome::Poisoned, wanted]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_poisoned_childs_ask_is_final_also_where_an_output_was_not_accepted(lab: Lab) -> TestResult {
    /// Hands its task on and wants nine lines.
    struct Editor;
    impl Agent for Editor {
        type Task = String;
        type Output = String;
        async fn handle(&mut self, topic: &String, cx: &Context) -> Result<String, AgentError> {
            let poet = cx.spawn(AgentSpec::new("poet", || Poet)).await?;
            poet.ask(topic.clone()).accept(lines(9)).await.map_err(AgentError::redeliver)
        }
    }
    let swarm = lab.start().await;
    let editor = swarm.spawn(AgentSpec::new("editor", || Editor)).await?;
    let answer = editor.ask("spring".to_owned()).await;
    assert!(matches!(&answer, Err(AskError::Failed(..))), "{answer:?}");
    let history = lab.end(swarm).await;
    let turns = |event: &&Arc<skep::Event>| event.what.name() == "turn_began";
    assert_eq!(history.of("poet").iter().filter(turns).count(), 3, "no depth multiplies attempts");
    Ok(())
}
