//! A pipeline goes on from what is finished, says what is not, and invents nothing.

use std::sync::{Arc, Mutex};

use skep::pipeline::{Checkpoint, Piped, Pipeline};
use skep::{AgentError, AgentSpec, Context, Failure, Report as _, Swarm, Work as _, agent_fn, pipeline};

use crate::rig::*;

/// Three stages; the second fails so often before it works, in all runs together.
fn launch<'a>(swarm: &Swarm, fails: u32, asked: &Asked) -> Pipeline<'a, String, String> {
    let stage = |name: &'static str, fails: u32| {
        let (asked, left) = (Arc::clone(asked), Arc::new(Mutex::new(fails)));
        agent_fn(name, move |text: String, cx: Context| {
            let (asked, left) = (Arc::clone(&asked), Arc::clone(&left));
            async move {
                pay(&cx).await?;
                let told = cx.last_error().map(|error| format!(" after {error}")).unwrap_or_default();
                asked.lock().unwrap().push(format!("{name}: {text}{told}"));
                let mut left = left.lock().unwrap();
                if *left > 0 {
                    *left -= 1;
                    return Err(AgentError::message(format!("{} more", *left)));
                }
                Ok(format!("{text}-{name}"))
            }
        })
    };
    let (one, two, three) = (stage("one", 0), stage("two", fails), stage("three", 0));
    pipeline(swarm, "in".to_owned())
        .stage("one", move |text: &String| (one.clone(), text.clone()))
        .stage("two", move |text| (two.clone(), text.clone()))
        .then("shout", |text| Ok(text.to_uppercase()))
        .stage("three", move |text| (three.clone(), text.clone()))
}

type Asked = Arc<Mutex<Vec<String>>>;

#[tokio::test(start_paused = true)]
async fn each_stage_gets_what_the_one_before_gave() {
    let (swarm, asked) = (swarm().await, Asked::default());
    let piped = launch(&swarm, 0, &asked).await;
    assert_eq!(piped.value.as_deref(), Some("IN-ONE-TWO-three"));
    assert_eq!(*asked.lock().unwrap(), ["one: in", "two: in-one", "three: IN-ONE-TWO"]);
    assert_eq!(piped.of::<String>("two").as_deref(), Some("in-one-two"));
    assert_eq!((piped.of::<u64>("two"), piped.of::<String>("four")), (None, None));
    let after: Vec<_> = piped.parts.parts.iter().map(|part| part.after.clone()).collect();
    assert_eq!(after, [vec![], vec![0], vec![1], vec![2]]);
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_failed_is_tried_again_with_its_error_and_then_run_from_there() {
    let (swarm, asked) = (swarm().await, Asked::default());
    let launch = launch(&swarm, 4, &asked);
    let mut piped = launch.run().await;
    assert_eq!(
        piped.to_string(),
        "1 of 4 completed, failed: two (1 more), shout (not started: the stage before has failed), three (not started: the stage before has failed)"
    );
    assert!(matches!(&piped.parts.parts[3].failure, Some(Failure::NotBegun(_))));
    assert_eq!(
        asked.lock().unwrap()[1..],
        ["two: in-one", "two: in-one after 3 more", "two: in-one after 2 more"]
    );

    // In another process, as it were.
    let text = serde_json::to_string(&piped).unwrap();
    piped = serde_json::from_str::<Piped<String>>(&text).unwrap();
    launch.retry_failed(&mut piped).await;
    assert_eq!(piped.value.as_deref(), Some("IN-ONE-TWO-three"));
    let calls: Vec<_> = piped.parts.parts.iter().map(|part| (part.attempts, part.cost.calls)).collect();
    assert_eq!(calls, [(1, 1), (5, 5), (1, 0), (1, 1)], "what failed stays in the bill");
    assert_eq!(piped.cost(), swarm.cost().spent);
    let before = asked.lock().unwrap().len();
    launch.retry_failed(&mut piped).await;
    assert_eq!(asked.lock().unwrap().len(), before, "a whole one is left alone");
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_after_each_stage_is_gone_on_from() {
    let (swarm, asked) = (swarm().await, Asked::default());
    let kept = Arc::<Mutex<Vec<String>>>::default();
    let keep = {
        let kept = Arc::clone(&kept);
        move |checkpoint: &Checkpoint| kept.lock().unwrap().push(serde_json::to_string(checkpoint).unwrap())
    };
    assert!(launch(&swarm, 9, &asked).on_checkpoint(keep).await.value.is_none());
    let kept = kept.lock().unwrap().clone();
    assert_eq!(kept, [r#"[{"stage":"one","output":"in-one"}]"#]);
    let checkpoint: Checkpoint = serde_json::from_str(&kept[0]).unwrap();
    asked.lock().unwrap().clear();
    let resumed = launch(&swarm, 0, &asked).resume(checkpoint);
    assert_eq!(resumed.estimate().calls, 6, "the first stage is done");
    assert_eq!(resumed.await.value.as_deref(), Some("IN-ONE-TWO-three"));
    assert_eq!(*asked.lock().unwrap(), ["two: in-one", "three: IN-ONE-TWO"]);
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_a_checkpoint_had_says_so() {
    let (swarm, asked) = (swarm().await, Asked::default());
    let text = r#"[{"stage":"one","output":"1"}]"#;
    let piped = launch(&swarm, 0, &asked).resume(serde_json::from_str(text).unwrap()).await;
    let recalled: Vec<_> = piped.parts.parts.iter().map(|part| part.is_recalled).collect();
    assert_eq!(recalled, [true, false, false, false]);
    assert!(piped.parts.tree().lines().nth(1).unwrap().ends_with("done before"), "{}", piped.parts.tree());
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_that_does_not_fit_is_an_error_and_nothing_is_run() {
    let (swarm, asked) = (swarm().await, Asked::default());
    for (text, says) in [
        (
            r#"[{"stage":"zero","output":"x"}]"#,
            "the checkpoint has the stage zero where this pipeline has one",
        ),
        (
            r#"[{"stage":"one","output":7}]"#,
            "the output of the stage one cannot be read from the checkpoint: invalid type",
        ),
    ] {
        let piped = launch(&swarm, 0, &asked).resume(serde_json::from_str(text).unwrap()).await;
        assert!(piped.to_string().contains(says), "{piped}");
        assert_eq!(piped.parts.completed(), 0);
    }
    let longer = r#"[{"stage":"one","output":"1"},{"stage":"two","output":"2"},{"stage":"shout","output":"3"},{"stage":"three","output":"4"},{"stage":"five","output":"5"}]"#;
    let piped = launch(&swarm, 0, &asked).resume(serde_json::from_str(longer).unwrap()).await;
    assert!(piped.value.is_none() && piped.to_string().contains("five"), "{piped}");
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_function_between_agents_may_fail_and_context_may_grow() {
    let swarm = swarm().await;
    let worker = || AgentSpec::new("w", || Worker { starts: true });
    let piped = pipeline(&swarm, 7_usize)
        .stage("first", move |n| (worker(), (*n, Answers(1))))
        .accumulate("second", move |n| (worker(), (*n + 1, Answers(1))).map(|n| n.to_string()))
        .then("check", |(first, second)| match first {
            7 => Err::<String, _>(AgentError::message(format!("{first} and {second} are too many"))),
            _ => Ok(second.clone()),
        })
        .await;
    let error = piped.into_result().unwrap_err();
    assert_eq!(error.to_string(), "pipeline: 2 of 3 completed, failed: check (7 and 8 are too many)");
}

#[tokio::test(start_paused = true)]
async fn stages_of_one_name_are_two_stages() {
    let swarm = swarm().await;
    let add = agent_fn("add", |n: u64, _: Context| async move { Ok::<_, AgentError>(n + 1) });
    let (one, two) = (add.clone(), add);
    let piped = pipeline(&swarm, 1_u64)
        .stage("add", move |n| (one.clone(), *n))
        .stage("add", move |n| (two.clone(), *n))
        .await;
    assert_eq!(piped.value, Some(3));
}
