//! A clerk with three tools looks after a folder of notes. It may read there as it likes; for anything else you are asked, here on
//! the terminal. Without a terminal a default answers: yes to writing, no to removing. The model is scripted, so no key is needed.
//!
//! Look at three things: a path outside the folder is beyond the clerk's ceiling, and nobody is even asked; each question shows the
//! agent's path, the tool and its target before anything runs; and a refusal is told to the model, which goes on with it.

#![allow(clippy::print_stdout, reason = "an example is there to be read")]
#![allow(clippy::disallowed_methods, reason = "the terminal is read on a thread of its own")]

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use skep::actors::agent::{Piece, StreamPieces as _};
use skep::actors::model::Message;
use skep::actors::permit::{Approval, Approvals, Equip as _, Permissions, Rule, Say};
use skep::actors::tool::{Toolset, tool};
use skep::actors::{ModelAgent, Models, Scripted};
use skep::effect::Tier;
use skep::{Budget, Ceiling, Reach, Stop, Swarm};

#[derive(Deserialize, JsonSchema)]
struct Note {
    /// The absolute path of the note.
    path: PathBuf,
}

#[derive(Deserialize, JsonSchema)]
struct Text {
    /// The absolute path of the note.
    path: PathBuf,
    /// What to write into it.
    text: String,
}

/// A tool is a function with a typed input, and a few words on what a call may do.
fn tools() -> Toolset {
    let read = tool("read", "Reads a note.", |note: Note, call| async move {
        Ok(call.blocking(move || std::fs::read_to_string(note.path)).await?)
    });
    let write = tool("write", "Writes a note.", |note: Text, call| async move {
        call.blocking(move || std::fs::write(note.path, note.text)).await?;
        Ok("written")
    });
    let remove = tool("remove", "Removes a note.", |note: Note, call| async move {
        call.blocking(move || std::fs::remove_file(note.path)).await?;
        Ok("removed")
    });
    Toolset::new()
        .with(read.idempotent().tier(Tier::Reads).reaches(|note| Reach::path(&note.path)))
        .with(write.idempotent().reaches(|note| Reach::path(&note.path)))
        .with(remove.tier(Tier::Dangerous).reaches(|note| Reach::path(&note.path)))
}

/// Asks on the terminal, or answers by default where there is none.
async fn ask(asked: Approval) -> Say {
    println!("  ? {} wants to {} {}", asked.path, asked.kind.trim_start_matches("tool."), asked.reach);
    if !std::io::stdin().is_terminal() {
        let is_harmless = asked.tier < Tier::Dangerous;
        println!("    {} (nobody is at a terminal)", if is_harmless { "yes" } else { "no" });
        return if is_harmless { Say::Once } else { Say::No };
    }
    print!("    yes, always, or no? ");
    std::io::stdout().flush().ok();
    // A thread of its own: one that still waits for a line keeps neither the swarm nor the process.
    let (answer, line) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).ok();
        answer.send(line).ok();
    });
    match line.await.unwrap_or_default().trim() {
        "y" | "yes" => Say::Once,
        "a" | "always" => Say::Swarm,
        _ => Say::No,
    }
}

/// What a model could do here, well and badly.
fn script(folder: &Path) -> Scripted {
    let note = folder.join("todo.txt");
    Scripted::new()
        .calls("read", &json!({ "path": note }))
        .calls("read", &json!({ "path": "/etc/passwd" }))
        .calls("write", &json!({ "path": note, "text": "buy honey\nfeed the bees\n" }))
        .calls("remove", &json!({ "path": note }))
        .says("I have read your list and put the bees on it. What I was not allowed to do I have left alone.")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Symlinks are resolved: a path that leads elsewhere would be unknown to ceilings and rules.
    let folder = std::env::temp_dir().canonicalize()?.join(format!("skep-notes-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("todo.txt"), "buy honey\n")?;
    let inside = format!("{}/**", folder.display());

    let permissions = Permissions::only(["model", "tool.*"])
        .rule(Rule::kind("model").allow())
        .rule(Rule::kind("tool.read").path(&inside).allow())
        // All else is left to the mode, which is to ask.
        .approvals(Approvals::by(ask).within(Duration::from_secs(120)).otherwise(Say::No));
    let model = script(&folder);
    let swarm = Swarm::builder("desk")
        .resource(Models::new().with("fast", model.clone()))
        .permissions(permissions)
        .budget(Budget::usd("0.10").calls(50))
        .start()
        .await?;

    let clerk = ModelAgent::new("fast").system("You look after notes.").tools(tools()).spec("clerk");
    let clerk = swarm.spawn(clerk.ceiling(Ceiling::new().paths([&inside]))).await?;
    // A person may take longer than an ask usually waits.
    let ask = clerk.ask("Tidy my list.".into()).within(Duration::from_secs(600));
    let mut pieces = ask.pieces();
    while let Some(piece) = pieces.next().await {
        if let Piece::Tool { name } = piece {
            println!("the model calls {name}");
        }
    }
    println!("\n{}\n", pieces.output().await?);

    println!("what the model was told:");
    if let Some(last) = model.requests().last() {
        for message in &last.messages {
            if let Message::Tool { output, .. } = message {
                println!("  {output:?}");
            }
        }
    }
    println!("\n{}", swarm.costs().tree());
    println!("{}", swarm.stop(Stop::within(Duration::from_secs(5))).await);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
