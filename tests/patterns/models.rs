//! Model agents in patterns: an answer that is not accepted is mended by the model that gave it.

use skep::actors::model::{Message, Prices};
use skep::prelude::*;
use skep::{Env, PicoUsd, pipeline};

async fn swarm(models: Models) -> Swarm {
    Swarm::builder("s").resource(models).env(Env::simulated(7, None)).start().await.unwrap()
}

/// Says a word, then one more with each refusal.
fn halting() -> Scripted {
    let refused = |request: &skep::actors::model::Request, times: usize| {
        let told = |message: &&Message| format!("{message:?}").contains("not accepted");
        request.messages.iter().filter(told).count() == times
    };
    Scripted::new()
        .prices(Prices::new(PicoUsd(250_000), PicoUsd(2_000_000)))
        .when(move |request| refused(request, 0))
        .says("one")
        .when(move |request| refused(request, 1))
        .says("one two")
        .when(move |request| refused(request, 2))
        .says("one two three")
}

fn words(least: usize) -> impl Fn(&String) -> Result<String, String> + Clone + Send + Sync + 'static {
    move |said: &String| match said.split(' ').count() {
        words if words < least => Err(format!("{words} of {least} words")),
        _ => Ok(said.clone()),
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_is_told_why_its_answer_was_not_accepted_and_asked_once_more() {
    for (least, calls) in [(1, 1), (2, 2), (3, 3)] {
        let swarm = swarm(Models::new().with("fast", halting())).await;
        let told = pipeline(&swarm, ())
            .stage("say", move |()| {
                (ModelAgent::new("fast").max_turns(1).spec("speaker"), "speak".into()).try_map(words(least))
            })
            .await;
        assert_eq!(told.parts.parts[0].attempts, calls, "{told}");
        assert_eq!(told.cost().calls, u64::from(calls), "what was answered is not paid for again: {told}");
        assert_eq!(told.value.map(|said| said.split(' ').count()), Some(least));
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_does_not_mend_its_answer_fails_with_the_last_reason() {
    let swarm = swarm(Models::new().with("fast", halting())).await;
    let told = pipeline(&swarm, ())
        .stage("say", |()| (ModelAgent::new("fast").spec("speaker"), "speak".into()).try_map(words(9)))
        .await;
    assert_eq!(told.cost().calls, 3, "three answers, each another");
    assert!(told.to_string().contains("the output was not accepted: 3 of 9 words"), "{told}");
}
