//! Pausing: a subtree is held at its next await and later goes on as if nothing had happened; and a budget that asks
//! before more is spent.
#![allow(clippy::print_stdout, reason = "an example is there to be read")]
#![allow(clippy::disallowed_methods, reason = "main is no part of the swarm")]

use std::time::Duration;

use skep::{Agent, AgentError, AgentSpec, Budget, Context, OnRefusal, Pause, Stop, Swarm, Usage};

/// Writes a book, chapter by chapter; each costs one call.
struct Writer;

impl Agent for Writer {
    type Task = u32;
    type Output = String;

    async fn handle(&mut self, chapters: &u32, cx: &Context) -> Result<String, AgentError> {
        let mut book = String::new();
        for chapter in 1..=*chapters {
            cx.progress(format!("chapter {chapter}"));
            let write = cx.effect("model", chapter).worst_case(Usage::calls(1));
            let text = write
                .run(|call| async move {
                    // Stands for a model that takes its time.
                    cx.env().sleep_until(cx.now() + Duration::from_millis(50)).await;
                    call.used(Usage::calls(1));
                    Ok(format!("{chapter}. "))
                })
                .await?;
            book.push_str(&text);
        }
        Ok(book)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let swarm = Swarm::builder("press").start().await?;
    // At the fourth call it pauses and asks, so the work that was paid for does not fail.
    let budget = Budget::new().calls(3).on_refusal(OnRefusal::Pause);
    let writer = swarm.spawn(AgentSpec::new("writer", || Writer).budget(budget)).await?;
    let book = tokio::spawn(writer.ask(5));

    // A person pauses it: the call in flight finishes, and nothing begins after it.
    tokio::time::sleep(Duration::from_millis(20)).await;
    let receipt = writer.pause(Pause::at_next_await()).await?;
    println!("{receipt}");
    println!("{}, and its bill is {}", writer.state(), writer.cost().spent);
    println!("{}", writer.resume()?);

    // The budget pauses it: the operator of the swarm sees who needs how much, and grants more.
    let need = loop {
        if let Some(need) = writer.status().paused.and_then(|paused| paused.need) {
            break need;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    println!("{need}");
    writer.grant(Budget::new().calls(2))?;
    println!("{}", writer.resume()?);

    println!("the book: {}", book.await??);
    println!("{}", swarm.stop(Stop::default()).await);
    Ok(())
}
