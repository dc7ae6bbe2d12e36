//! The same script gives the same chunks in the process and over HTTP, in both protocols, streamed and whole.

use std::time::Duration;

use skep::actors::model::{Answer, Chunk, End, Message, Tokens, Tool, ToolCall};
use skep::actors::{Models, Request, Scripted};
use skep::testkit::{Lab, TestResult};
use skep::{Budget, Usage};

use super::rig::{Asker, BOTH, Serving, prices};

fn answers() -> Vec<Answer> {
    let tool = serde_json::json!({ "city": "Oslo", "note": "é\u{1f41d}\"\n" });
    let tokens = Tokens { input: 90, cached: 40, cache_written: 0, output: 20 };
    vec![
        Answer::says("a handful of words, é\u{1f41d} among them"),
        Answer::new().calls("weather", &tool).calls("weather", &tool),
        Answer::says("let me look ").calls("weather", &tool).using(tokens),
        Answer::says("as far as that ").slowly(Duration::from_millis(3)),
        Answer::says("no usage").without_usage(),
    ]
}

fn request() -> Request {
    let call =
        ToolCall { id: "call-1".into(), name: "weather".into(), arguments: r#"{"city":"Oslo"}"#.into() };
    Request::from("A coat in Oslo?")
        .system("Be brief.")
        .message(Message::Assistant { text: "hm".into(), tool_calls: vec![call.clone()] })
        .message(Message::tool(&call, "rain"))
        .tool(Tool::new("weather", "The weather in a city.", serde_json::json!({ "type": "object" })))
        .setting("temperature", 0.5)
        .max_output_tokens(500)
}

fn script() -> Scripted {
    answers().into_iter().fold(Scripted::new().prices(prices()), Scripted::answers)
}

async fn ask(
    models: Models,
    times: usize,
) -> Result<(Vec<Vec<Chunk>>, Usage), Box<dyn std::error::Error + Send + Sync>> {
    let lab = Lab::real_io();
    let swarm = lab.start_with(|builder| builder.resource(models).budget(Budget::usd("1.00"))).await;
    let asker = swarm.spawn(Asker::spec()).await?;
    let mut all = Vec::new();
    for _ in 0..times {
        all.push(asker.ask(("m".to_owned(), request(), 1)).await?.0);
    }
    drop(asker);
    let cost = swarm.cost().spent;
    lab.end(swarm).await;
    Ok((all, cost))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_gives_the_same_chunks_and_the_same_bill_in_the_process_and_over_http() -> TestResult {
    let times = answers().len();
    let (here, cost) = ask(super::rig::only("m", script()), times).await?;
    for speaks in BOTH {
        let script = script();
        let serving = Serving::of(super::rig::only("m", script.clone()));
        let (there, cost_there) = ask(Models::new().with("m", serving.model(speaks, "m")), times).await?;
        assert_eq!(there, here, "{speaks:?}");
        assert_eq!(cost_there, cost, "{speaks:?}");
        // What the model was asked has come through whole.
        for asked in script.requests() {
            assert_eq!(*asked, request(), "{speaks:?}");
        }
        script.assert_used_up();
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_comes_whole_is_the_same_reply() -> TestResult {
    for speaks in BOTH {
        let script = Scripted::new().prices(prices());
        let script =
            script.answers(Answer::says("hm ").calls("weather", &serde_json::json!({ "city": "Oslo" })));
        let serving = Serving::of(super::rig::only("m", script));
        // The server streams where it is told to; this tells it not to.
        let request = request().setting("stream", false);
        let lab = Lab::real_io();
        let models = Models::new().with("m", serving.model(speaks, "m"));
        let swarm = lab.start_with(|builder| builder.resource(models)).await;
        let asker = swarm.spawn(Asker::spec()).await?;
        let (_, reply) = asker.ask(("m".to_owned(), request, 1)).await?;
        assert_eq!((reply.text.as_str(), reply.end, reply.estimated), ("hm ", End::ToolCalls, false));
        assert_eq!(reply.tool_calls[0].arguments, r#"{"city":"Oslo"}"#);
        drop(asker);
        lab.end(swarm).await;
    }
    Ok(())
}
