//! An editor drafts with a model, has a tool check the draft, and rewrites it. The model follows a script, with its
//! delays, so nothing here needs a key or a network.
//!
//! Look at three things: the first request is turned away and sent again when the provider said, without any code in the
//! editor; the agent's states change by themselves, from `tool_execution` to `streaming` with the first chunk; and the bill
//! is what the provider reported, to the nano-dollar, with nothing for the request that was turned away.

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::io::Write as _;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use skep::actors::model::{Answer, Chunk, Message, Prices, Request, Tool};
use skep::actors::{CallModel as _, Models, Scripted};
use skep::{Agent, AgentError, AgentSpec, Budget, Context, Filter, Kind, Stop, Swarm, lifecycle::Lifecycle};

struct Editor;

/// What the model gives the tool. It may get this wrong: parsing it is a `Result`.
#[derive(Deserialize)]
struct Count {
    text: String,
}

impl Agent for Editor {
    type Task = String;
    type Output = String;

    async fn handle(&mut self, topic: &String, cx: &Context) -> Result<String, AgentError> {
        // As a whole: the reply arrives when the model has finished.
        let schema =
            json!({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]});
        let asked = Request::from(format!("Two sentences on {topic}.")).system("You are brief.");
        let count = Tool::new("count_words", "Counts words.", schema);
        let reply = cx.model("fast").tool(count).max_output_tokens(200).ask(asked.clone()).await?;

        let mut conversation = asked.and(Request::from(vec![reply.message()]));
        for call in &reply.tool_calls {
            let count: Count = call.parse()?;
            let words = count.text.split_whitespace().count();
            conversation = conversation.message(Message::tool(call, words.to_string()));
        }

        // Chunk by chunk: dropping this stream closes the model's.
        let mut stream = cx.model("fast").max_output_tokens(200).stream(conversation);
        while let Some(chunk) = stream.next().await {
            if let Chunk::Text(text) = chunk? {
                print!("{text}");
                std::io::stdout().flush().map_err(AgentError::failed)?;
            }
        }
        println!("\n");
        Ok(stream.reply().await?.text)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = Scripted::new()
        .rate_limited(Duration::from_millis(500))
        .calls("count_words", &json!({"text": "A skep is a hive woven of straw."}))
        .answers(
            Answer::says("A skep is a hive woven of straw. Bees live in it.")
                .slowly(Duration::from_millis(40)),
        )
        .prices(Prices::per_million("3.00", "15.00")?);

    let models = Models::new().with("fast", model.clone());
    let swarm = Swarm::builder("press").resource(models).start().await?;
    let editor = swarm.spawn(AgentSpec::new("editor", || Editor).budget(Budget::usd("0.05"))).await?;
    editor.ask("skeps".to_owned()).await?;

    let (mut life, mut last) = (Lifecycle::default(), "");
    let mut events =
        swarm.history(Filter::all().under(editor.id()).kinds([Kind::Agent, Kind::Task, Kind::Effect]));
    while let Some(event) = events.try_next() {
        let event = event?;
        life.apply(&event.what)?;
        if last != life.state().name() {
            last = life.state().name();
            println!("{}  {last}", event.at);
        }
    }

    println!("\nrequests, with the one that was turned away: {}", model.requests().len());
    println!("the editor's bill: {}\n", editor.cost().spent);
    println!("{}", swarm.stop(Stop::default()).await);
    Ok(())
}
