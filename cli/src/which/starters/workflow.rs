use skep::prelude::*;
use skep::workflow::{Capabilities, Workflow};

const SHIP: &str = r#"
name = "ship"
inputs = ["brief"]

[[phase]]
name = "write"
loop = { until = "check.approved", most = 3 }
steps = [
  { name = "draft", by = "writer", needs = ["brief", "check?"] },
  { name = "check", by = "critic", needs = ["draft"] },
]

[[phase]]
name = "release"
steps = [{ name = "sign-off", by = "approval", needs = ["draft"] }]
"#;

/// A draft, checked until it is approved, and then a person's word. The run ends where it waits for that.
async fn ship(swarm: &Swarm, brief: String) -> Result<(), Box<dyn std::error::Error>> {
    let writer = ModelAgent::new("smart").system("Write it.").spec("writer");
    let critic = ModelAgent::new("fast").system("Is this good? Say only true or false.").spec("critic");
    let approved = |text: &String| match text.trim() {
        "true" => Ok(serde_json::json!({ "approved": true })),
        "false" => Ok(serde_json::json!({ "approved": false })),
        _ => Err("say only true or false"),
    };
    let can = Capabilities::new()
        .can("writer", move |input: serde_json::Value| (writer.clone(), input.to_string().into()))
        .can("critic", move |input: serde_json::Value| {
            (critic.clone(), input.to_string().into()).try_map(approved)
        });
    // Names, contracts and types are checked here, before anything is spent.
    let ship = workflow(swarm, Workflow::read(SHIP)?.with("brief", brief), can)?;
    let mut report = ship.run().await;
    println!("{report}\nwaits for: {:?}", report.waits_for);
    ship.complete(&mut report, "sign-off", true).await?;
    Ok(())
}
