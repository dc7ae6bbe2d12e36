//! What a provider does wrong, over real sockets: each is its error, its advice and its bill.

use std::time::Duration;

use skep::actors::limit::{Breaker, Rate};
use skep::actors::model::Answer;
use skep::actors::{Endpoint, ModelError, Models, Scripted, Secret, Timeouts};
use skep::testkit::{Lab, TestResult};
use skep::{Advice, AskError, FailureClass};

use super::rig::{Asker, BOTH, Serving, only, prices};

async fn fails(
    models: Models,
    model: &str,
    tries: u32,
) -> Result<skep::AgentError, Box<dyn std::error::Error + Send + Sync>> {
    let lab = Lab::real_io();
    let swarm = lab.start_with(|builder| builder.resource(models)).await;
    let asker = swarm.spawn(Asker::spec()).await?;
    let error = match asker.ask((model.to_owned(), "hello".into(), tries)).await {
        Err(AskError::Failed(_, error)) => error,
        other => return Err(format!("it should have failed: {other:?}").into()),
    };
    drop(asker);
    lab.end(swarm).await;
    Ok(error)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_refusal_is_its_error_with_its_advice() -> TestResult {
    let after = Some(Duration::from_secs(7));
    let cases = [
        (
            ModelError::RateLimited { retry_after: after },
            Advice::After(Duration::from_secs(7)),
            FailureClass::Overloaded,
        ),
        (
            ModelError::Overloaded { retry_after: after },
            Advice::After(Duration::from_secs(7)),
            FailureClass::Overloaded,
        ),
        (ModelError::QuotaUsedUp, Advice::Never, FailureClass::Failed),
        (ModelError::Unauthorized("x".into()), Advice::Never, FailureClass::Failed),
        (ModelError::ContextTooLong, Advice::Never, FailureClass::Failed),
        (ModelError::Refused("x".into()), Advice::Never, FailureClass::Failed),
        (ModelError::Failed("x".into()), Advice::Now, FailureClass::Failed),
    ];
    for (error, advice, class) in cases {
        let kind = error.to_string();
        let kind = kind.split(':').next().unwrap().to_owned();
        let serving = Serving::of(only("m", Scripted::new().when(|_| true).fails(error)));
        for speaks in BOTH {
            let models = Models::new().with("m", serving.model(speaks, "m"));
            let got = fails(models, "m", 1).await?;
            assert!(got.to_string().contains(&kind), "{speaks:?}, {kind}: {got}");
            assert_eq!((got.advice(), got.class()), (advice, class), "{speaks:?}: {got}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_the_provider_does_not_have_is_refused_and_a_wrong_path_too() -> TestResult {
    let serving = Serving::of(Models::new());
    for speaks in BOTH {
        let models = Models::new().with("m", serving.model(speaks, "gone"));
        let error = fails(models, "m", 3).await?;
        assert!(error.to_string().contains("HTTP 404") && error.advice() == Advice::Never, "{error}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_date_to_come_again_at_is_held_against_the_answers_own_date() -> TestResult {
    let after = "retry-after: Mon, 30 Nov 2026 12:00:30 GMT\r\n";
    let dated = "date: Mon, 30 Nov 2026 12:00:00 GMT\r\n";
    let times =
        [([after, dated].concat(), Duration::from_secs(30)), (after.to_owned(), Duration::from_secs(1))];
    for (headers, pause) in times {
        let answer = format!("HTTP/1.1 429 Slow\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n");
        let addr = super::odd::serves(vec![answer.into_bytes()]);
        let model = super::rig::endpoint(addr, super::rig::Speaks::OpenAi).model("m").prices(prices());
        let error = fails(Models::new().with("m", model), "m", 1).await?;
        assert_eq!(error.advice(), Advice::After(pause), "{headers}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_at_the_other_end_is_unreachable_and_may_be_tried_again() -> TestResult {
    let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let endpoint = super::rig::endpoint(free, super::rig::Speaks::OpenAi);
    let error = fails(Models::new().with("m", endpoint.model("m").prices(prices())), "m", 1).await?;
    assert!(error.to_string().contains("could not be reached") && error.advice() == Advice::Now, "{error}");
    // No TLS is spoken there.
    let serving = Serving::of(Models::new());
    let endpoint = Endpoint::openai(&format!("https://{}/v1", serving.addr))?;
    let error = fails(Models::new().with("m", endpoint.model("m").prices(prices())), "m", 1).await?;
    assert!(error.to_string().contains("could not be reached"), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_provider_is_given_up_by_the_endpoints_own_limits() -> TestResult {
    let limits = Timeouts {
        first_chunk: Duration::from_millis(300),
        idle: Duration::from_millis(300),
        ..Timeouts::default()
    };
    for answer in [Answer::hangs(), Answer::says("half").then_hangs()] {
        let script = Scripted::new().prices(prices()).when(|_| true).answers(answer);
        let serving = Serving::of(only("m", script.clone()));
        for speaks in BOTH {
            let model = serving.endpoint(speaks).timeouts(limits).model("m").prices(prices());
            let error = fails(Models::new().with("m", model), "m", 1).await?;
            assert!(error.to_string().contains("silent for 300ms"), "{speaks:?}: {error}");
        }
        // The provider sees that nobody reads any more.
        for _ in 0..3_000 {
            if script.traffic().open == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(script.traffic().open, 0);
    }
    Ok(())
}

#[test]
fn an_endpoint_that_cannot_be_says_what_is_wrong_and_no_key_is_ever_shown() {
    for (url, says) in [
        ("api.openai.com", "begin it with `https://`"),
        ("ftp://x/v1", "begin it with `https://`"),
        ("https://key@x/v1", "use `key`"),
        ("https://x/v1?key=k", "query"),
        ("", "no base URL"),
        ("https://", "no base URL"),
    ] {
        let error = Endpoint::openai(url).unwrap_err().to_string();
        assert!(error.contains(says), "{url}: {error}");
    }
    let secret = Secret::new("sk-1234").unwrap();
    let endpoint = Endpoint::anthropic("https://api.anthropic.com/v1/").unwrap().key(&secret);
    assert!(endpoint.clone().header("bad name", &secret).is_err());
    let shown = format!("{endpoint:?} {:?}", endpoint.clone().header("x-team", &secret).unwrap().model("m"));
    assert!(!shown.contains("1234") && shown.contains("/v1/messages"), "{shown}");
}

/// The limits of an endpoint hold for all its models, in whichever swarm they are called.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_failed_is_not_called_by_another_model_or_swarm_either() -> TestResult {
    for speaks in BOTH {
        let script = Scripted::new().when(|_| true).fails(ModelError::Failed("x".into()));
        let serving = Serving::of(only("m", script.clone()));
        let endpoint =
            serving.endpoint(speaks).at_once(1).rate(Rate::per_minute(100)).breaker(Breaker::after(2));
        let models = || Models::new().with("m", endpoint.model("m").prices(prices()));
        for _ in 0..2 {
            assert!(fails(models(), "m", 1).await?.to_string().contains("HTTP 500"));
        }
        let lab = Lab::real_io();
        let swarm = lab.start_with(|builder| builder.resource(models())).await;
        let asker = swarm.spawn(Asker::spec()).await?;
        let error = match asker.ask(("m".to_owned(), "hello".into(), 1)).await {
            Err(AskError::Failed(_, error)) => error,
            other => return Err(format!("it should have failed: {other:?}").into()),
        };
        assert!(
            error.to_string().contains("breaker") && matches!(error.advice(), Advice::After(_)),
            "{error}"
        );
        assert_eq!(script.requests().len(), 2, "nothing was sent");
        let links: Vec<_> = swarm.links().into_iter().map(|link| link.name).collect();
        assert_eq!(links, ["at_once", "rate", "breaker"], "{speaks:?}");
        drop(asker);
        lab.end(swarm).await;
    }
    Ok(())
}
