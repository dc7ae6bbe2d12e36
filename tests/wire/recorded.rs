//! A model over HTTP is recorded and replayed: the same chunks, the same reply, the same bill, without the server and without a key.

use skep::actors::model::{Answer, Recorded};
use skep::actors::{Model as _, Models, Request, Scripted, Secret};
use skep::testkit::{Lab, TestResult};
use skep::{Budget, Usage};

use super::rig::{Asker, BOTH, Serving, only, prices};

const KEY: &str = "sk-not-for-a-file";

async fn ask(
    model: Recorded,
    requests: &[Request],
) -> (Vec<Result<<Asker as skep::Agent>::Output, String>>, Usage) {
    let lab = Lab::real_io();
    let models = Models::new().with("m", model);
    let swarm = lab.start_with(|builder| builder.resource(models).budget(Budget::usd("1.00"))).await;
    let asker = swarm.spawn(Asker::spec()).await.unwrap();
    let mut all = Vec::new();
    for request in requests {
        let answer = asker.ask(("m".to_owned(), request.clone(), 1)).await;
        all.push(answer.map_err(|error| error.to_string()));
    }
    drop(asker);
    let cost = swarm.cost().spent;
    lab.end(swarm).await;
    (all, cost)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_over_http_is_replayed_without_the_server_and_holds_no_key() -> TestResult {
    for speaks in BOTH {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("m.jsonl");
        let tool = serde_json::json!({ "city": "Oslo" });
        let script = Scripted::new()
            .prices(prices())
            .says("a handful of words")
            .answers(Answer::says("let me look ").calls("weather", &tool))
            .rate_limited(std::time::Duration::from_secs(2))
            .says("another answer");
        let serving = Serving::of(only("m", script.clone()));
        let remote = serving.endpoint(speaks).key(&Secret::new(KEY)?).model("m").prices(prices());
        let requests = ["hello", "and a coat?", "too often", "hello"].map(Request::from);
        let live = ask(Recorded::record(&path, remote)?, &requests).await;
        script.assert_used_up();
        drop(serving);

        let text = std::fs::read_to_string(&path)?;
        assert!(!text.contains(KEY) && text.contains("and a coat?"), "{speaks:?}: {text}");
        let replay = Recorded::replay(&path)?;
        assert_eq!((replay.name(), replay.prices()), (Some("m"), Some(prices())));
        let replayed = ask(replay, &requests).await;
        assert!(replayed.1.money.0 > 0 && replayed.0.iter().filter(|answer| answer.is_ok()).count() == 3);
        assert_eq!(replayed, live, "{speaks:?}");
    }
    Ok(())
}
