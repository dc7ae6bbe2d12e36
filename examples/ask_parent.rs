//! A child that does not know something asks its parent. The parent answers beside its own turn, even while that turn waits
//! for this very child. If the parent does not know either, the question goes on up to the root.
//!
//! Look at who answers which question, at the bill (whoever answers pays for the answer), and at the last question:
//! nobody can answer it, so it comes back with the path of the agents that passed it up.

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::time::Duration;

use skep::{
    Agent, AgentError, AgentSpec, Answer, Context, NanoUsd, Question, QuestionError, Stop, Swarm, Usage,
};

/// What the head chef can look up. It is shared as a resource, since `on_question` has no `self`.
struct Suppliers(&'static [(&'static str, &'static str)]);

/// Knows the suppliers, and pays for a call to them.
struct Chef;

impl Agent for Chef {
    type Task = String;
    type Output = String;

    async fn handle(&mut self, dish: &String, cx: &Context) -> Result<String, AgentError> {
        let sous_chef = cx.spawn(AgentSpec::new("sous-chef", || SousChef)).await?;
        Ok(sous_chef.ask(dish.clone()).await?)
    }

    async fn on_question(question: Question, cx: Context) -> Result<Option<Answer>, AgentError> {
        let Some(suppliers) = cx.get::<Suppliers>() else { return Ok(None) };
        let found = suppliers.0.iter().find(|(ware, _)| *ware == question.topic());
        let Some((_, supplier)) = found else { return Ok(None) };
        let price = Usage::calls(1).with_money(NanoUsd(20_000_000));
        let phone = |call: skep::Call| async move {
            call.used(price);
            Ok(())
        };
        cx.effect("phone", supplier).worst_case(price).run(phone).await?;
        Ok(Some(Answer::of(format!("{supplier}, says {}", cx.name()))?))
    }
}

/// Hands on the work, and knows one thing.
struct SousChef;

impl Agent for SousChef {
    type Task = String;
    type Output = String;

    async fn handle(&mut self, dish: &String, cx: &Context) -> Result<String, AgentError> {
        let cook = cx.spawn(AgentSpec::new("cook", || Cook)).await?;
        Ok(cook.ask(dish.clone()).await?)
    }

    async fn on_question(question: Question, cx: Context) -> Result<Option<Answer>, AgentError> {
        let knows = question.topic() == "salt";
        if knows { Ok(Some(Answer::of(format!("on the shelf, says {}", cx.name()))?)) } else { Ok(None) }
    }
}

/// Asks for everything that a dish needs.
struct Cook;

impl Agent for Cook {
    type Task = String;
    type Output = String;

    async fn handle(&mut self, dish: &String, cx: &Context) -> Result<String, AgentError> {
        let mut found = Vec::new();
        for ware in dish.split(", ") {
            match cx.ask_parent(Question::about(ware)).within(Duration::from_secs(5)).await {
                Ok(answer) => found.push(format!("  {ware}: {}", answer.read::<String>()?)),
                Err(error @ QuestionError::Unanswered { .. }) => found.push(format!("  {ware}: {error}")),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found.join("\n"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let suppliers = Suppliers(&[("truffles", "the forester"), ("butter", "the dairy")]);
    let swarm = Swarm::builder("kitchen").resource(suppliers).start().await?;
    let chef = swarm.spawn(AgentSpec::new("chef", || Chef)).await?;

    println!("{}\n", chef.ask("salt, truffles, butter, unicorn".to_owned()).await?);
    println!("{}", swarm.costs().tree());
    println!("{}", swarm.stop(Stop::within(Duration::from_secs(1))).await);
    Ok(())
}
