//! P6: a call that an agent was not granted is made by one above it, and never what its ceiling forbids.

use serde_json::json;
use skep::actors::tool::{Toolset, tool};
use skep::actors::{ModelAgent, Models, Scripted};
use skep::effect::Tier;
use skep::testkit::{Lab, Point, TestResult};
use skep::{Ceiling, What};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Erased {
    path: String,
}

fn tools() -> Toolset {
    let erase =
        tool(
            "erase",
            "Erases a file.",
            |erased: Erased, _| async move { Ok(format!("erased {}", erased.path)) },
        );
    let look = tool("look", "Looks.", |_: Erased, _| async { Ok("seen") });
    Toolset::new().with(erase.tier(Tier::Dangerous)).with(look.pure().tier(Tier::Reads))
}

fn worker() -> Scripted {
    let arguments = json!({ "path": "/a" });
    Scripted::new().calls("look", &arguments).calls("erase", &arguments).says("done")
}

/// Who made which effects of tools, by name, and what the worker's model was told at last.
async fn run(
    lab: Lab,
    grants: bool,
    takes: bool,
    hands: bool,
) -> Result<(Vec<String>, String), Box<dyn std::error::Error + Send + Sync>> {
    let model = worker();
    let swarm = lab.start_with(|builder| builder.resource(Models::new().with("m", model.clone()))).await;
    let lead = ModelAgent::new("m").tools(tools());
    let lead = swarm.spawn(if takes { lead.takes_up() } else { lead }.spec("lead")).await?;
    let agent = ModelAgent::new("m").tools(tools());
    let spec = if hands { agent.hands_up() } else { agent }.spec("worker");
    let least = Ceiling::new().at_most(Tier::Reads);
    let spec = if grants { spec.grants(least) } else { spec.ceiling(least) };
    let worker = swarm.spawn(spec.under(&lead)).await?;
    assert_eq!(worker.ask("Tidy up.".into()).await?, "done");
    let requests = model.requests();
    let told =
        requests.last().and_then(|request| request.messages.last()).map(|message| message.text().to_owned());
    let (lead, worker) = (lead.id().clone(), worker.id().clone());
    let history = lab.end(swarm).await;
    let made = history.events().iter().filter_map(|event| match &event.what {
        What::EffectBegan { kind, .. } if kind.starts_with("tool.") => {
            let who = if event.agent == lead {
                "lead"
            } else if event.agent == worker {
                "worker"
            } else {
                "nobody"
            };
            Some(format!("{who} {kind}"))
        }
        _ => None,
    });
    Ok((made.collect(), told.unwrap_or_default()))
}

#[skep::swarm_test(seeds = 10)]
async fn what_an_agent_was_not_granted_its_parent_does_for_it(lab: Lab) -> TestResult {
    let (made, told) = run(lab, true, true, true).await?;
    assert_eq!(
        (made, told.as_str()),
        (vec!["worker tool.look".into(), "lead tool.erase".into()], "erased /a")
    );
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn nobody_does_what_a_ceiling_forbids_or_what_was_not_handed_up_or_is_not_taken_up(
    lab: Lab,
) -> TestResult {
    for (grants, takes, hands) in [(false, true, true), (true, false, true), (true, true, false)] {
        let (made, told) = run(Lab::seed(lab.which_seed()), grants, takes, hands).await?;
        assert_eq!(made, ["worker tool.look"], "{grants} {takes} {hands}");
        assert!(told.starts_with("you may not do that: its tier, dangerous, is not allowed"), "{told}");
    }
    Ok(())
}

/// What is done may be done only once, and whoever asked for it crashes: it does not ask again.
#[skep::swarm_test(seeds = 10)]
async fn what_may_happen_only_once_is_not_done_again_for_an_agent_that_crashed_after_it(
    lab: Lab,
) -> TestResult {
    let crash = lab.clone().fault(Point::effect("model").of("worker").nth(3).panics());
    let model = worker();
    let swarm = crash.start_with(|builder| builder.resource(Models::new().with("m", model.clone()))).await;
    let lead = swarm.spawn(ModelAgent::new("m").tools(tools()).takes_up().spec("lead")).await?;
    let spec = ModelAgent::new("m").tools(tools()).hands_up().spec("worker");
    let worker = swarm.spawn(spec.under(&lead).grants(Ceiling::new().at_most(Tier::Reads))).await?;
    assert!(worker.ask("Tidy up.".into()).await.is_err(), "nobody knows what a second attempt would do");
    let history = crash.end(swarm).await;
    let is_erasure = |what: &What| matches!(what, What::EffectBegan { kind, .. } if kind == "tool.erase");
    assert_eq!(history.events().iter().filter(|event| is_erasure(&event.what)).count(), 1);
    Ok(())
}

/// The agent between does nothing for those below it, though the one above it does.
#[skep::swarm_test(seeds = 10)]
async fn an_agent_that_takes_nothing_up_is_passed_by(lab: Lab) -> TestResult {
    let model = worker();
    let swarm = lab.start_with(|builder| builder.resource(Models::new().with("m", model.clone()))).await;
    let agent = || ModelAgent::new("m").tools(tools());
    let lead = swarm.spawn(agent().takes_up().spec("lead")).await?;
    let between = swarm.spawn(agent().spec("between").under(&lead)).await?;
    let spec = agent().hands_up().spec("worker").grants(Ceiling::new().at_most(Tier::Reads));
    let worker = swarm.spawn(spec.under(&between)).await?;
    assert_eq!(worker.ask("Tidy up.".into()).await?, "done");
    let lead = lead.id().clone();
    let history = lab.end(swarm).await;
    let is_erasure = |what: &What| matches!(what, What::EffectBegan { kind, .. } if kind == "tool.erase");
    let by: Vec<_> = history
        .events()
        .iter()
        .filter(|event| is_erasure(&event.what))
        .map(|event| event.agent.clone())
        .collect();
    assert_eq!(by, [lead]);
    Ok(())
}
