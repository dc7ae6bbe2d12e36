//! The same against a server that nobody here wrote: `LiteLLM`'s proxy with its mock answers, which `.ci/nightly wire` starts.

use skep::actors::model::{End, Prices};
use skep::actors::{Endpoint, Models, Secret};
use skep::testkit::{Lab, TestResult};
use skep::{Advice, AskError, Budget};

use super::rig::{Asker, prices};

const SAYS: &str = "Only a handful of words, from a mock.";

fn mini() -> Prices {
    Prices::per_million("0.15", "0.60").unwrap()
}

fn haiku() -> Prices {
    Prices::per_million("0.80", "4.00").unwrap()
}

fn models() -> Result<Models, Box<dyn std::error::Error + Send + Sync>> {
    let base = std::env::var("SKEP_LITELLM").map_err(|_| "SKEP_LITELLM is not set: .ci/nightly wire")?;
    let key = Secret::env("LITELLM_MASTER_KEY")?;
    let (openai, anthropic) = (Endpoint::openai(&base)?.key(&key), Endpoint::anthropic(&base)?.key(&key));
    let wrong = Endpoint::openai(&base)?.key(&Secret::new("sk-wrong")?);
    Ok(Models::new()
        // As the proxy's own list has them.
        .with("openai", openai.model("mock-fast").prices(mini()))
        .with("anthropic", anthropic.model("mock-claude").prices(haiku()))
        .with("limit", openai.model("mock-limit").prices(prices()))
        .with("broken", openai.model("mock-broken").prices(prices()))
        .with("unknown", openai.model("gone").prices(prices()))
        .with("wrong", wrong.model("mock-fast").prices(prices())))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it needs LiteLLM's proxy: .ci/nightly wire"]
async fn a_proxy_that_nobody_here_wrote_is_understood_in_both_protocols() -> TestResult {
    let models = models()?;
    let lab = Lab::real_io();
    let swarm = lab.start_with(|builder| builder.resource(models).budget(Budget::usd("1.00"))).await;
    let asker = swarm.spawn(Asker::spec()).await?;
    let mut streamed = skep::NanoUsd(0);
    // The first streams; the second answers whole though it was asked to stream.
    for model in ["openai", "anthropic"] {
        let before = swarm.cost().spent;
        let (chunks, reply) = asker.ask((model.to_owned(), "hello".into(), 1)).await?;
        assert_eq!(
            (reply.text.as_str(), reply.end, reply.estimated),
            (SAYS, End::Stop, false),
            "{model}: {chunks:?}"
        );
        assert!(reply.tokens.input > 0 && reply.tokens.output > 0, "{model}: {:?}", reply.tokens);
        let prices = if model == "openai" { mini() } else { haiku() };
        let cost = swarm.cost().spent.above(&before);
        assert_eq!(cost, reply.tokens.usage(&prices), "{model}");
        if model == "openai" {
            streamed = cost.money;
        }
    }
    for (model, says, advises_again) in [
        ("limit", "rate limit", true),
        ("broken", "HTTP 500", true),
        ("unknown", "the model refused the request", false),
        // It says 400 where it has no database of keys.
        ("wrong", "HTTP 40", false),
    ] {
        let Err(AskError::Failed(_, error)) = asker.ask((model.to_owned(), "hello".into(), 1)).await else {
            return Err(format!("{model} should fail").into());
        };
        assert!(error.to_string().contains(says), "{model}: {error}");
        assert_eq!(error.advice() != Advice::Never, advises_again, "{model}: {error}");
        assert!(!error.to_string().contains("sk-"), "{model}: {error}");
    }
    drop(asker);
    lab.end(swarm).await;
    // Its spend log comes a little later, and is of the one that was streamed.
    let log = std::env::var("SPEND_LOG").map_err(|_| "SPEND_LOG is not set: .ci/nightly wire")?;
    let mut costs = Vec::new();
    for _ in 0..100 {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        costs = text.lines().map(serde_json::from_str::<serde_json::Value>).collect::<Result<Vec<_>, _>>()?;
        if !costs.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let dollars: f64 = costs.iter().filter_map(|row| row["cost"].as_f64()).sum();
    let theirs = skep::NanoUsd((dollars * 1e9).round() as u64);
    assert_eq!(streamed, theirs, "{costs:?}");
    Ok(())
}
