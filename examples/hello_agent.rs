//! One agent from its spawn to its receipt: it gets a task, touches the world through an effect, and answers.
//!
//! Look at the second line of the output: the status is read from the agent's seat while it works, so it is there at
//! once, whatever the agent is doing. And look at the fourth: an error is the outcome of a task and does not end the
//! agent, which goes on with the next task.

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::time::Duration;

use skep::{Agent, AgentError, AgentSpec, Context, NanoUsd, Stop, Swarm, Usage};

/// Counts the words of files. A behaviour is plain data and a `handle`; this one has a memory, too.
#[derive(Default)]
struct Reader {
    files: u32,
}

impl Agent for Reader {
    /// The name of a file in this folder.
    type Task = String;
    type Output = String;

    async fn handle(&mut self, file: &String, cx: &Context) -> Result<String, AgentError> {
        cx.progress(format!("reading {file}"));
        let path = format!("{}/examples/{file}", env!("CARGO_MANIFEST_DIR"));

        // Everything that touches the world is an effect: it is reserved in the budget before it begins, bounded
        // in time, cancelled with its turn, booked, and written into the journal.
        let price = Usage::calls(1).with_money(NanoUsd(2_000_000));
        let reading = cx.effect("read_file", &path).worst_case(price).run(move |call| {
            let path = path.clone();
            async move {
                let text = call.blocking(move || {
                    std::thread::sleep(Duration::from_millis(100));
                    std::fs::read_to_string(path)
                });
                let text = text.await.map_err(AgentError::failed)?;
                call.used(price);
                Ok(text)
            }
        });
        let text = reading.await?;

        self.files += 1;
        Ok(format!(
            "{file} has {} words, and is file {} of mine",
            text.split_whitespace().count(),
            self.files
        ))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let swarm = Swarm::builder("hello").start().await?;
    let reader = swarm.spawn(AgentSpec::new("reader", Reader::default)).await?;
    println!("spawned   {} {:?}", reader.id(), reader.name());

    // An ask is a future: it is sent when it is first polled. Dropped before its answer, it would withdraw the task.
    let ask = reader.ask("README.md".to_owned()).within(Duration::from_secs(5));
    let look = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let status = reader.status();
        println!("meanwhile {}: {}", status.state, status.doing.unwrap_or_default());
    };
    let (answer, ()) = tokio::join!(ask, look);
    println!("answer    {}", answer?);

    match reader.ask("no_such_file.rs".to_owned()).await {
        Ok(answer) => println!("answer    {answer}"),
        Err(error) => println!("error     {error}"),
    }
    println!("answer    {}", reader.ask("hello_agent.rs".to_owned()).await?);
    println!("bill      {}", reader.cost().spent);

    let receipt = swarm.stop(Stop::within(Duration::from_secs(1))).await;
    println!("receipt   {receipt}");
    Ok(())
}
