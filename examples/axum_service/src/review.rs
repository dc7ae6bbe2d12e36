//! The agents: a lead for each request, and below it a reviewer for each area.

use serde::{Deserialize, Serialize};
use skep::actors::CallModel as _;
use skep::actors::model::Chunk;
use skep::{Agent, AgentError, AgentSpec, Budget, Context, Failure, NanoUsd, Usage, fan_out};

use crate::notes::{Note, Notes};

/// What a client asks for; `order.rs` has what it may be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    /// What is to be reviewed.
    pub(crate) text: String,
    /// Under which aspects.
    pub(crate) areas: Vec<String>,
    /// What this review may cost, in dollars.
    #[serde(default = "five_cents")]
    pub(crate) cap: String,
}

pub(crate) fn five_cents() -> String {
    "0.05".to_owned()
}

/// What comes of it. An area that failed is a row like the others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) areas: Vec<Area>,
    pub(crate) summary: String,
    pub(crate) cost: NanoUsd,
}

/// One area of a report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Area {
    pub(crate) area: String,
    /// What was found, or why nothing could be.
    pub(crate) findings: Result<String, Failure>,
}

/// Leads one review.
pub(crate) struct Lead {
    notes: Notes,
}

impl Lead {
    /// The lead of an order; `notes` is where it says what it does, if anybody listens.
    pub(crate) fn spec(order: &Order, notes: Notes) -> AgentSpec<Self> {
        AgentSpec::new("review", move || Self { notes: notes.clone() }).budget(Budget::usd(&order.cap))
    }
}

impl Agent for Lead {
    type Task = Order;
    type Output = Report;

    async fn handle(&mut self, order: &Order, cx: &Context) -> Result<Report, AgentError> {
        let (areas, plural) = (order.areas.len(), if order.areas.len() == 1 { "" } else { "s" });
        self.notes.say(Note::Doing(format!("reviewing {areas} area{plural}"))).await;
        let reviews = fan_out(cx, order.areas.clone())
            .named("areas")
            .agent(|area| AgentSpec::new(area, || Reviewer))
            .task(|area| format!("{area}\n\n{}", order.text))
            .at_most(4)
            .await;
        // What some found is worth telling, even if others failed; if none did, the first reason is the answer.
        let first = reviews.failed().find_map(|row| row.result.as_ref().err());
        if let (0, Some(failure)) = (reviews.completed(), first) {
            return Err(failure.error().clone());
        }
        self.notes.say(Note::Doing(reviews.to_string())).await;

        let found: String = reviews.ok().map(|(area, findings)| format!("{area}: {findings}\n")).collect();
        let mut writing = cx.model("fast").system("You sum up reviews.").max_output_tokens(200).stream(found);
        while let Some(chunk) = writing.next().await {
            if let Chunk::Text(text) = chunk? {
                self.notes.say(Note::Text(text)).await;
            }
        }
        let summary = writing.reply().await?;

        let rows = reviews.into_rows();
        let cost = rows.iter().fold(summary.usage, |sum: Usage, row| sum + row.cost).money;
        let areas = rows.into_iter().map(|row| Area { area: row.item, findings: row.result }).collect();
        Ok(Report { areas, summary: summary.text, cost })
    }
}

/// Reviews a text under one aspect.
struct Reviewer;

impl Agent for Reviewer {
    type Task = String;
    type Output = String;

    async fn handle(&mut self, task: &String, cx: &Context) -> Result<String, AgentError> {
        let reply = cx.model("fast").system("You review texts under one aspect.").max_output_tokens(200);
        Ok(reply.ask(task).await?.text)
    }
}
