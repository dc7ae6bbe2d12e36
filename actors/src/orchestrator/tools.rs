//! The tools that manage agents.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use skep_runtime::control::Interrupted;
use skep_runtime::effect::Tier;
use skep_runtime::{AgentError, EffectError, SpawnError, Stop};

use super::desk::{Desk, all_over, answering, costs, in_words, log, status};
use super::managed::{Gate, managed};
use crate::agent::Prompt;
use crate::defaults;
use crate::tool::{Output, Toolset};

/// All of these tools, sharing one desk.
pub(super) fn of(desk: &Arc<Desk>) -> Toolset {
    let staff = &desk.staff;
    let (looks, acts) = (Tier::Safe, Tier::Writes);
    let create = managed(desk, "create_agent", "Makes an agent of a persona, for a purpose.", acts, create);
    let create = create.one_of("persona", &staff.may_create);
    let create =
        if staff.models.is_empty() { create.without("model") } else { create.one_of("model", &staff.models) };
    let command = "Gives an agent a task. Waits for its answer, unless `wait` is false: then check_agent_status has it later.";
    let check =
        "What an agent does, and what came of what it was told to do. Waits for that up to `wait_seconds`.";
    let logs = "The latest that happened at an agent and below it: calls, failures, restarts.";
    let interrupt = "Interrupts what an agent works on. It goes on with its next command.";
    Toolset::new()
        .any(Arc::new(create))
        .any(Arc::new(managed(desk, "command_agent", command, acts, command_agent)))
        .any(Arc::new(managed(desk, "check_agent_status", check, looks, check_agent_status)))
        .any(Arc::new(managed(desk, "list_agents", "All agents that you have made.", looks, list_agents)))
        .any(Arc::new(managed(desk, "delete_agent", "Ends an agent with all below it.", acts, delete_agent)))
        .any(Arc::new(managed(desk, "read_agent_logs", logs, looks, read_agent_logs)))
        .any(Arc::new(managed(desk, "interrupt_agent", interrupt, acts, interrupt_agent)))
        .any(Arc::new(managed(
            desk,
            "report_cost",
            "What all has cost so far, agent by agent.",
            looks,
            report_cost,
        )))
}

/// Makes an agent.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateAgent {
    /// The persona of the agent.
    pub(super) persona: String,
    /// A name of your choice, which you use to command it.
    pub(super) name: String,
    /// The model, instead of the persona's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub(super) model: Option<String>,
    /// What it may spend, in dollars, such as "0.10"; this can only lower its limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub(super) budget: Option<String>,
}

async fn create(desk: Arc<Desk>, gate: Gate, asked: CreateAgent) -> Result<Output, EffectError> {
    let spec = match desk.staff.spec(&asked) {
        Ok(spec) => spec,
        Err(why) => return Ok(Output::error(why)),
    };
    // Before anything is awaited, so that among concurrent calls each attempt admits the same ones.
    let place = match desk.reserve(&asked.name, &asked.persona) {
        Ok(place) => place,
        Err(full) => return Ok(Output::error(full.to_string())),
    };
    gate.pass(&asked.name).await?;
    match gate.cx.spawn(spec).await {
        Ok(agent) => {
            let CreateAgent { persona, name, model, .. } = &asked;
            let data = json!({ "agent": agent.id(), "name": name, "persona": persona, "model": model });
            gate.cx.record("orchestrator.created", 1, data);
            place.settle(agent);
            Ok(said(format!("{name} is there: give it work with command_agent")))
        }
        Err(SpawnError::StaleTurn { .. } | SpawnError::Cancelled { .. }) => Err(gate.cancelled()),
        Err(error) => Ok(Output::error(format!("it could not be made: {error}"))),
    }
}

/// Gives an agent a task.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CommandAgent {
    /// The name of the agent.
    name: String,
    /// What it should do, with all that it needs to know.
    task: String,
    /// Whether to wait for the answer; true by default.
    #[serde(default = "yes")]
    wait: bool,
}

const fn yes() -> bool {
    true
}

async fn command_agent(desk: Arc<Desk>, gate: Gate, asked: CommandAgent) -> Result<Output, EffectError> {
    let CommandAgent { name, task, wait } = asked;
    let command = match desk.begin(&name) {
        Ok(command) => command,
        Err(why) => return Ok(Output::error(why)),
    };
    gate.pass(&name).await?;
    let prompt = Prompt { text: task.clone(), before: command.before };
    let mut ask = gate.cx.ask(&command.agent, prompt).within(desk.staff.within);
    if !wait {
        ask = match ask.try_send() {
            Ok(ask) => ask,
            Err(error) => return Ok(Output::error(in_words(&error))),
        };
    }
    let (number, answer) = (command.number, answering(ask));
    desk.enter(&name, number, task, answer.clone());
    if !wait {
        return Ok(said(format!(
            "{name} works on it as command {number}; check_agent_status has what comes of it"
        )));
    }
    let output = answer.await;
    if gate.cx.is_cancelled() {
        return Err(gate.cancelled());
    }
    desk.tell(&name, &[number]);
    Ok(output)
}

/// Looks at an agent.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CheckAgentStatus {
    /// The name of the agent.
    name: String,
    /// How long to wait for all its commands to finish; by default no time at all.
    #[serde(default)]
    wait_seconds: u32,
}

/// What an attempt after a crash gets again.
#[derive(Serialize, Deserialize)]
struct Checked {
    text: String,
    over: Vec<u32>,
}

async fn check_agent_status(
    desk: Arc<Desk>,
    gate: Gate,
    asked: CheckAgentStatus,
) -> Result<Output, EffectError> {
    let CheckAgentStatus { name, wait_seconds } = &asked;
    let agent = match desk.agent(name) {
        Ok(agent) => agent,
        Err(why) => return Ok(Output::error(why)),
    };
    gate.pass(name).await?;
    let limit = Duration::from_secs(u64::from(*wait_seconds)).min(desk.staff.within);
    let look = |cx: skep_runtime::Context| {
        let (desk, name) = (&desk, name);
        async move {
            if !limit.is_zero() {
                tokio::select! {
                    biased;
                    () = all_over(desk, name) => {}
                    slept = cx.sleep(limit) => slept?,
                }
            }
            let (text, over) = status(desk, name, &agent);
            Ok::<_, AgentError>(Checked { text, over })
        }
    };
    // A memo, not an effect: a pause would cut an effect short, and permits are for calls, not for waits.
    let checked = gate.cx.memo("manage.check_agent_status", &asked, look).await;
    let Checked { text, over } = checked.map_err(|_| gate.cancelled())?;
    desk.tell(name, &over);
    Ok(said(text))
}

/// Lists agents.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListAgents {}

async fn list_agents(desk: Arc<Desk>, gate: Gate, _: ListAgents) -> Result<Output, EffectError> {
    gate.says("", || desk.list()).await
}

/// Ends an agent.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DeleteAgent {
    /// The name of the agent.
    name: String,
}

async fn delete_agent(desk: Arc<Desk>, gate: Gate, asked: DeleteAgent) -> Result<Output, EffectError> {
    let agent = match desk.agent(&asked.name) {
        Ok(agent) => agent,
        Err(why) => return Ok(Output::error(why)),
    };
    gate.pass(&asked.name).await?;
    let receipt = agent.stop(Stop::within(defaults::ORCHESTRATOR_STOP)).await;
    let spent = agent.cost().spent;
    let name = &asked.name;
    Ok(said(if receipt.nothing_left() {
        format!("{name} has ended, with {spent} spent")
    } else {
        format!(
            "{name} takes no more commands, but something of it could not be stopped in time; {spent} spent"
        )
    }))
}

/// Reads what happened.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReadAgentLogs {
    /// The name of the agent.
    name: String,
}

async fn read_agent_logs(desk: Arc<Desk>, gate: Gate, asked: ReadAgentLogs) -> Result<Output, EffectError> {
    match desk.agent(&asked.name) {
        Ok(agent) => gate.says(&asked.name, || log(&agent, defaults::ORCHESTRATOR_LOG)).await,
        Err(why) => Ok(Output::error(why)),
    }
}

/// Interrupts an agent.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct InterruptAgent {
    /// The name of the agent.
    name: String,
}

async fn interrupt_agent(desk: Arc<Desk>, gate: Gate, asked: InterruptAgent) -> Result<Output, EffectError> {
    let agent = match desk.agent(&asked.name) {
        Ok(agent) => agent,
        Err(why) => return Ok(Output::error(why)),
    };
    let interrupt = || match agent.interrupt() {
        Interrupted::Turn => "it is interrupted".to_owned(),
        Interrupted::Nothing => "it worked on nothing".to_owned(),
    };
    gate.says(&asked.name, interrupt).await
}

/// Reports costs.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReportCost {}

async fn report_cost(_: Arc<Desk>, gate: Gate, _: ReportCost) -> Result<Output, EffectError> {
    gate.says("", || costs(&gate.cx)).await
}

fn said(text: String) -> Output {
    Output { text, ..Output::default() }
}
