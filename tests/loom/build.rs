//! Takes the runtime's files as they are, so that what is explored is what is shipped, and beside each a copy with one fault planted.
#![allow(clippy::expect_used, clippy::panic, reason = "a build that cannot read its files ends")]
#![allow(clippy::disallowed_methods, reason = "cargo says by variables where things are")]

use std::path::Path;
use std::{env, fs};

/// A file of the runtime, the name of its copy, and a fault.
type Taken = (&'static str, &'static str, Fault);

/// What stands there, each with what is put in its place; nothing where no fault is planted.
type Fault = &'static [(&'static str, &'static str)];

const FILES: &[Taken] = &[
    ("env/sleepers.rs", "sleepers", &[]),
    (
        "env/signal.rs",
        "signal",
        &[(
            "        if self.is_raised() {\n            drop(waiting);\n            drop(sleeper);\n            return Poll::Ready(());\n        }\n",
            "",
        )],
    ),
    (
        "env/bell.rs",
        "bell",
        &[(
            "            place.listen(cx);\n            let is_broken = self.is_broken.load(Ordering::SeqCst);\n            match look() {",
            "            let is_broken = self.is_broken.load(Ordering::SeqCst);\n            let found = look();\n            place.listen(cx);\n            match found {",
        )],
    ),
    (
        "agent/mailbox.rs",
        "mailbox",
        &[("if queue.closed.is_some() || queue.has_room(self.capacity) {", "if queue.closed.is_some() {")],
    ),
    ("agent/mailbox/straight.rs", "mailbox_straight", &[]),
    (
        "agent/task.rs",
        "task",
        &[(
            "            if matches!(slot.state, SlotState::Over(_) | SlotState::Taken) {\n                return false;\n            }\n            ended(",
            "            ended(",
        )],
    ),
    ("agent/task/left.rs", "task_left", &[]),
    ("agent/task/over.rs", "task_over", &[]),
    ("decide/waits.rs", "way", &[]),
    (
        "engine/turn/waits.rs",
        "waits",
        // It is counted after it has walked.
        &[
            ("        self.seat.awaiting.fetch_add(1, Ordering::SeqCst);\n", ""),
            (
                "            return Ok(self);\n",
                "            self.turn.seat.awaiting.fetch_add(1, Ordering::SeqCst);\n            return Ok(self);\n",
            ),
        ],
    ),
    (
        "engine/turn/parking.rs",
        "parking",
        &[(
            "            if turn.cancel.poll_raised(&mut self.cancel, cx).is_ready() {\n                self.leave(turn);\n                return Poll::Ready(());\n            }\n",
            "",
        )],
    ),
];

fn main() {
    let runtime =
        Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo says it")).join("../../runtime/src");
    let out = env::var("OUT_DIR").expect("cargo says it");
    for (path, name, fault) in FILES {
        let file = runtime.join(path);
        println!("cargo::rerun-if-changed={}", file.display());
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path}: {error}"));
        let text = taken(&text);
        fs::write(format!("{out}/{name}.rs"), &text).expect("the folder for what is made is there");
        let mut spoilt = text;
        for (there, planted) in *fault {
            assert!(
                spoilt.matches(there).count() == 1,
                "{path}: the place of its fault has changed; mend it in build.rs"
            );
            spoilt = spoilt.replace(there, planted);
        }
        if !fault.is_empty() {
            // Who waits for whom is a turn's own affair, so a fault in that has turns of its own.
            let has_turns = path.starts_with("engine/");
            let spoilt =
                if has_turns { spoilt.replace("crate::engine::", "crate::spoilt::") } else { spoilt };
            fs::write(format!("{out}/{name}_spoilt.rs"), spoilt)
                .expect("the folder for what is made is there");
        }
    }
    let engine = fs::read_to_string("src/engine.rs").expect("it stands beside this").replace("//! ", "// ");
    println!("cargo::rerun-if-changed=src/engine.rs");
    let spoilt = engine.replace("/waits.rs", "/waits_spoilt.rs").replace("/parking.rs", "/parking_spoilt.rs");
    fs::write(format!("{out}/engine_spoilt.rs"), spoilt).expect("the folder for what is made is there");
}

/// A file without what cannot stand in a macro's place: its head, its tests, and modules that have files of their own.
fn taken(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with("//!")).map(|line| format!("{line}\n"));
    let text: String = lines.collect();
    let astray = "#[cfg(feature = \"lab\")]\nmod astray;\n#[cfg(not(feature = \"lab\"))]\n#[path = \"mailbox/straight.rs\"]\nmod astray;\n";
    let inline = |name: &str, copy: &str| {
        format!("mod {name} {{ include!(concat!(env!(\"OUT_DIR\"), \"/{copy}.rs\")); }}\n")
    };
    text.replace(astray, &inline("astray", "mailbox_straight"))
        // Errors that only the runtime makes; no model checks an answer.
        .replace("AgentError::not_accepted(", "crate::words::error::unmade(")
        .replace(
            "AgentError::panicked_in(\"the output's check\", panic)",
            "crate::words::error::unmade(&format!(\"{panic:?}\"))",
        )
        .replace("mod left;\n", &inline("left", "task_left"))
        .replace("mod over;\n", &inline("over", "task_over"))
        // What goes with a task besides has a stand-in.
        .replace("mod terms;\n", "mod terms { pub(crate) use crate::agent::terms::*; }\n")
}
