//! Supervision held against Erlang/OTP's own: recorded scenarios are played here, and each step has to give the same.
//!
//! ```text
//!  a line of JSON ──▶ Scenario ──┬─▶ the engine, a swarm in a simulated world ─┬─▶ Then for each step ──▶ compared
//!                                └─▶ the pure core, performed at once ─────────┘
//! ```

mod core;
mod engine;
mod scenario;

use std::fmt;

use serde_json::Value;

pub use self::scenario::{Ended, Scenario, Then};

/// What plays a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// A swarm, in the simulated world of this seed. All of the lab's oracles run at the end.
    Engine(u64),
    /// The supervision core alone, each of its actions performed at once.
    Core,
}

/// The first step of a scenario that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    /// The scenario's name.
    pub scenario: String,
    /// The step's number, from 1; 0 is the supervisor's start.
    pub step: usize,
    /// What the step does.
    pub what: String,
    /// What OTP's supervisor did.
    pub expected: Value,
    /// What ours did.
    pub got: Value,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, step, what, expected, got } = self;
        write!(f, "{scenario}, step {step} ({what}):\n  expected {expected}\n  got      {got}")
    }
}

/// The result of playing a file of scenarios.
#[derive(Clone, Debug, Default)]
pub struct Verdicts {
    /// Scenarios that were played.
    pub played: usize,
    /// Those that differ, each at its first step that does.
    pub mismatches: Vec<Mismatch>,
}

impl fmt::Display for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mismatch in &self.mismatches {
            writeln!(f, "{mismatch}")?;
        }
        write!(f, "{} of {} scenarios are equal", self.played - self.mismatches.len(), self.played)
    }
}

/// Plays all scenarios of a text, one JSON object per line.
///
/// # Errors
/// The number of the first line that is not a scenario, and why. Nothing has been played then.
pub fn play_all(text: &str, on: On) -> Result<Verdicts, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let scenario = |(number, line): (usize, &str)| {
        Scenario::read(line).map_err(|error| format!("line {}: {error}", number + 1))
    };
    let scenarios = lines.map(scenario).collect::<Result<Vec<_>, _>>()?;
    let mismatches = scenarios.iter().filter_map(|scenario| play(scenario, on).err().map(|boxed| *boxed));
    Ok(Verdicts { mismatches: mismatches.collect(), played: scenarios.len() })
}

/// Plays one scenario.
///
/// # Errors
/// The first step that differs.
pub fn play(scenario: &Scenario, on: On) -> Result<(), Box<Mismatch>> {
    let (played, wrong) = match on {
        On::Core => (core::play(scenario), None),
        On::Engine(seed) => engine::play(scenario, seed),
    };
    scenario.compare(&played)?;
    match wrong {
        None => Ok(()),
        Some(wrong) => Err(Box::new(Mismatch {
            scenario: scenario.name().to_owned(),
            step: played.len(),
            what: "the end".to_owned(),
            expected: Value::from("every promise kept"),
            got: Value::from(wrong),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"name":"one","strategy":"one_for_one","intensity":0,"period":3600,"auto_shutdown":"never",
        "children":[{"id":"a","restart":"permanent","shutdown":5000,"significant":false,"type":"worker","start":[]}],
        "then":{"started":true,"events":[["start","a",1,"ok"]]},
        "steps":[{"op":"exit","id":"a","reason":"crash","then":{"result":"ok","events":[],"ended":"shutdown"}}]}"#;

    #[test]
    fn a_step_that_differs_is_named_with_both_sides() {
        let line = LINE.replace('\n', "");
        for on in [On::Core, On::Engine(1)] {
            assert_eq!(play_all(&line, on).unwrap().to_string(), "1 of 1 scenarios are equal");
            let wrong = line.replace(r#""intensity":0"#, r#""intensity":1"#);
            let verdicts = play_all(&wrong, on).unwrap();
            let [mismatch] = &verdicts.mismatches[..] else { panic!("{verdicts}") };
            assert_eq!(
                (mismatch.scenario.as_str(), mismatch.step, mismatch.what.as_str()),
                ("one", 1, "exit a")
            );
            assert!(mismatch.got.to_string().contains(r#"["start","a",2,"ok"]"#), "{mismatch}");
            assert!(verdicts.to_string().ends_with("0 of 1 scenarios are equal"));
        }
        assert!(play_all("{}", On::Core).unwrap_err().starts_with("line 1: missing field"));
    }
}
