//! A bug goes through a workflow from a file: it is reproduced, mended until the failing case holds, checked by a gate, and released
//! with a person's word. The file is the built-in workflow of an issue (`Workflow::issue_triage`), copied, with a gate and a sign-off.
//!
//! The first patch is too simple, so there is a second round. Then the gate blocks the release, since the change log says nothing of
//! the bug. A person adds the line, and the run goes on from the gate: nothing that is done is done again. It ends where it waits for
//! the sign-off, and goes on with that.
//!
//! The agents are plain functions, so this runs without a key; `docs/patterns.md` has the same with models.
//!
//! `cargo run --example issue_triage`

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use skep::prelude::*;
use skep::workflow::{Capabilities, Gate, Workflow};

const BUG: &str = r#"
name = "issue-bug"
inputs = ["issue"]

[[phase]]
name = "reproduce"
steps = [{ name = "failing", by = "reproduce", needs = ["issue"] }]

[[phase]]
name = "mend"
loop = { until = "verdict.holds", most = 3 }
steps = [
  { name = "patch", by = "fix", needs = ["failing", "verdict?"] },
  { name = "verdict", by = "verify", needs = ["failing", "patch"] },
]
after = ["change-log"] # a gate: what it blocks is not released

[[phase]]
name = "release"
steps = [{ name = "sign-off", by = "approval", needs = ["patch"] }]
"#;

// What the steps need and give, as types: they are compared with the file before anything runs.
#[derive(Clone, Serialize, Deserialize)]
struct Issue {
    issue: String,
}

#[derive(Clone, Serialize, Deserialize)]
struct Mend {
    failing: String,
    verdict: Option<Verdict>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Check {
    failing: String,
    patch: String,
}

#[derive(Clone, Serialize, Deserialize)]
struct Verdict {
    holds: bool,
    why: String,
}

fn capabilities(change_log: &Arc<Mutex<String>>) -> Capabilities<'static> {
    let reproducer = agent_fn("reproducer", |Issue { issue }, _: Context| async move {
        Ok::<_, AgentError>(format!("export(&Table::empty()) panics: {issue}"))
    });
    let fixer = agent_fn("fixer", |mend: Mend, _: Context| async move {
        Ok::<_, AgentError>(match mend.verdict {
            None => "return early".to_owned(),
            Some(verdict) => format!("write the header, then the rows, since {}", verdict.why),
        })
    });
    let verifier = agent_fn("verifier", |check: Check, _: Context| async move {
        let holds = check.patch.contains("header");
        let why = if holds { "all cases pass" } else { "the file has no header" };
        Ok::<_, AgentError>(Verdict { holds, why: why.to_owned() })
    });
    let log = Arc::clone(change_log);
    let keeper = agent_fn("keeper", move |issue: String, _: Context| {
        let is_told = log.lock().is_ok_and(|log| log.contains(&issue));
        async move {
            let missing = Gate::Block(format!("the change log does not have {issue}"));
            Ok::<_, AgentError>(if is_told { Gate::Pass } else { missing })
        }
    });
    Capabilities::new()
        .can("reproduce", move |issue: Issue| (reproducer.clone(), issue))
        .can("fix", move |mend: Mend| (fixer.clone(), mend))
        .can("verify", move |check: Check| (verifier.clone(), check))
        .gate("change-log", move |_| (keeper.clone(), "#482".to_owned()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let change_log = Arc::new(Mutex::new(String::new()));
    let swarm = Swarm::builder("triage").start().await?;
    let issue = Workflow::read(BUG)?.with("issue", "#482: the export of an empty table crashes");
    let bug = workflow(&swarm, issue, capabilities(&change_log))?;
    println!("before: {}\n", bug.estimate());

    let mut report = bug.run().await;
    println!("{report}\n");
    // By hand: the line in the change log, and on from the gate.
    if let Ok(mut log) = change_log.lock() {
        log.push_str("#482: an empty table is exported with its header");
    }
    bug.retry_failed(&mut report).await;
    println!("{report}\n");

    // By hand: the sign-off.
    bug.complete(&mut report, "sign-off", true).await?;
    println!("{report}\n{}\n", report.parts.tree());
    assert!(report.waits_for.is_empty() && report.blocked.is_none());
    println!("released: {}", report.values["patch"]);
    println!("{}", swarm.stop(Stop::default()).await);
    Ok(())
}
