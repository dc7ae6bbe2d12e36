//! `command`: a program with its arguments, in a folder of the workspace; and `shell`, if it is enabled.
//!
//! # Invariants
//! 1. No shell reads an argument, unless the embedder offers a shell.
//! 2. A command gets only those variables of our environment that are on a list, and keys are not on it.
//! 3. It runs in its own process group, which its agent holds. The whole group is killed when its time is over, when its turn is
//!    cut, when its agent ends, when the command itself has ended, and when our own process is killed.
//! 4. Both ends of its output are kept, and the text says how much was cut.
//!
//! It runs as the same user as we do, so it can do what that user can, wherever its folder is: read other files,
//! including our own process's environment, and start something that leaves its group. To prevent that, run everything in
//! a container.

mod told;

use std::ffi::{OsStr, OsString};
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use skep_runtime::effect::Tier;
use skep_runtime::text::one_line;
use skep_runtime::{Call, Reach, Repeat};

use super::commands::Commands;
use super::{Place, about, aside};
use crate::process::{Ended, Keep, Leash, Program, absolute_path, run};
use crate::tool::{Card, PlannedTool, ToolError};
use crate::tools::beneath::{Last, Way};

/// How much of the output and of the errors is kept: the beginning and the end, together somewhat less than a model
/// reads.
const STDOUT: Keep = Keep::Ends(12 << 10, 32 << 10);
const STDERR: Keep = Keep::Ends(4 << 10, 12 << 10);

/// The time between a command's deadline and the end of its effect: enough to kill it and to report its output.
const TO_KILL: Duration = Duration::from_secs(10);

/// The input of `command`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// The program and its arguments, each as a separate word, such as `["cargo", "test", "--lib"]`. No shell reads them.
    #[schemars(length(min = 1))]
    argv: Vec<String>,
    /// The folder to run it in, relative to the root; the root if not given.
    folder: Option<String>,
    /// The text for its standard input; empty if not given.
    input: Option<String>,
    /// It is killed after this many seconds.
    #[schemars(range(min = 1))]
    seconds: Option<u64>,
}

/// The input of `shell`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Script {
    /// The script for `sh -c`.
    script: String,
    /// The folder to run it in, relative to the root; the root if not given.
    folder: Option<String>,
    /// It is killed after this many seconds.
    #[schemars(range(min = 1))]
    seconds: Option<u64>,
}

/// What will be run.
pub(super) struct Plan {
    argv: Vec<String>,
    way: Way,
    input: Vec<u8>,
    within: Duration,
}

/// What both tools have in common.
struct Runs {
    card: Card,
    place: Arc<Place>,
    commands: Commands,
}

impl Runs {
    fn new(place: Arc<Place>, commands: Commands, name: &str, about: &str) -> Self {
        let card = Card {
            kind: "command".to_owned(),
            repeat: Repeat::Once,
            tier: Tier::Dangerous,
            within: commands.within.saturating_add(TO_KILL),
            ..Card::new(name, about)
        };
        Self { card, place, commands }
    }

    fn plan(
        &self,
        argv: Vec<String>,
        folder: Option<String>,
        input: Option<String>,
        seconds: Option<u64>,
    ) -> Result<(Reach, Plan), ToolError> {
        let given = folder.unwrap_or_default();
        let way = self.place.way(&given, Last::Followed)?;
        if !self.place.beneath.is_folder(&way).map_err(|error| about(&given, &error))? {
            return Err(about(&given, &"it is not a folder"));
        }
        let most = self.commands.within;
        let within = seconds.map_or(most, |seconds| Duration::from_secs(seconds).min(most));
        let reach = Reach::command(&argv);
        Ok((reach, Plan { argv, way, input: input.unwrap_or_default().into_bytes(), within }))
    }

    /// Runs it, with the process held by its agent.
    async fn run(&self, plan: Arc<Plan>, call: Call) -> Result<String, ToolError> {
        let leash = Leash::default();
        let program = plan.argv[0].rsplit('/').next().unwrap_or_default();
        let held = call.hold(&format!("process {}", one_line(program)), leash.held());
        let (place, its) = (Arc::clone(&self.place), Arc::clone(&plan));
        let dir = aside(&call, move |_| place.beneath.still_folder(its.way.names())).await?;
        let (commands, its) = (self.commands.clone(), Arc::clone(&plan));
        let path = self.place.path(plan.way.names());
        let ended = call.outside(async move { begin(&commands, &its, &dir, &path, leash).await }).await;
        drop(held);
        match ended {
            Ok(ended) => Ok(told::told(&ended, plan.within)),
            Err(error) => Err(about(&plan.argv[0], &error)),
        }
    }
}

async fn begin(
    commands: &Commands,
    plan: &Plan,
    dir: &cap_std::fs::Dir,
    path: &std::path::Path,
    leash: Leash,
) -> std::io::Result<Ended> {
    let mut environment: Vec<(OsString, OsString)> = vec![("PWD".into(), path.into())];
    environment.extend(absolute_path().map(|path| ("PATH".into(), path)));
    environment.extend(commands.set.iter().map(|(name, value)| (name.into(), value.into())));
    let program = Program {
        name: OsStr::new(&plan.argv[0]),
        arguments: plan.argv[1..].iter().map(OsStr::new).collect(),
        folder: &by_handle(dir, path),
        environment,
        withheld: &|name| !commands.handed_on.iter().any(|handed_on| handed_on == name),
        input: plan.input.clone(),
        stdout: STDOUT,
        stderr: STDERR,
        within: Some(plan.within),
        is_watched: true,
    };
    run(program, leash).await
}

/// The folder by its handle, so that it cannot be replaced by another.
#[cfg(target_os = "linux")]
fn by_handle(dir: &cap_std::fs::Dir, _: &std::path::Path) -> std::path::PathBuf {
    use std::os::fd::AsRawFd as _;
    format!("/proc/self/fd/{}", dir.as_raw_fd()).into()
}

/// By its path, on systems that have no name for a handle: a folder swapped for a symlink at this moment leads elsewhere.
#[cfg(not(target_os = "linux"))]
fn by_handle(_: &cap_std::fs::Dir, path: &std::path::Path) -> std::path::PathBuf {
    path.to_owned()
}

/// Runs a program with its arguments.
pub(super) struct Argv(Runs);

impl Argv {
    pub(super) fn new(place: Arc<Place>, commands: Commands) -> Self {
        let about = "Runs a program with its arguments and gives what it prints. There is no shell: no pipes, no variables, no `&&`.";
        Self(Runs::new(place, commands, "command", about))
    }
}

impl PlannedTool for Argv {
    type Input = Input;
    type Plan = Plan;
    type Output = String;

    fn card(&self) -> &Card {
        &self.0.card
    }

    fn plan(&self, input: Input) -> Result<(Reach, Plan), ToolError> {
        self.0.commands.refuse(&input.argv).map_err(ToolError::Said)?;
        self.0.plan(input.argv, input.folder, input.input, input.seconds)
    }

    async fn carry_out(&self, plan: Arc<Plan>, call: Call) -> Result<String, ToolError> {
        self.0.run(plan, call).await
    }
}

/// Runs a script.
pub(super) struct Shell(Runs);

impl Shell {
    pub(super) fn new(place: Arc<Place>, commands: Commands) -> Self {
        Self(Runs::new(place, commands, "shell", "Runs a script by `sh -c` and gives what it prints."))
    }
}

impl PlannedTool for Shell {
    type Input = Script;
    type Plan = Plan;
    type Output = String;

    fn card(&self) -> &Card {
        &self.0.card
    }

    fn plan(&self, input: Script) -> Result<(Reach, Plan), ToolError> {
        if input.script.contains('\0') {
            return Err(ToolError::said("a script has no NUL in it"));
        }
        let argv = ["sh".to_owned(), "-c".to_owned(), input.script].to_vec();
        self.0.plan(argv, input.folder, None, input.seconds)
    }

    async fn carry_out(&self, plan: Arc<Plan>, call: Call) -> Result<String, ToolError> {
        self.0.run(plan, call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(commands: &Commands, argv: &[&str]) -> Option<String> {
        commands.refuse(&argv.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).err()
    }

    #[test]
    fn only_what_is_listed_is_run_word_by_word() {
        let commands = Commands::only([vec!["cargo", "test", "**"], vec!["ls"]]);
        for argv in [&["cargo", "test"][..], &["cargo", "test", "-p", "a b"], &["ls"]] {
            assert_eq!(refused(&commands, argv), None, "{argv:?}");
        }
        for argv in [
            &["cargo", "test; rm -rf /"][..],
            &["cargo"],
            &["ls", "-l"],
            &["/tmp/cargo", "test"],
            &["./ls"],
            &["cargo\0", "test"],
            &[""],
            &[],
        ] {
            assert!(refused(&commands, argv).is_some(), "{argv:?}");
        }
        let said = refused(&commands, &["rm"]).unwrap();
        assert!(said.contains("cargo test **, ls"), "{said}");
        assert!(Commands::only([[""; 0]]).check().is_err() && commands.check().is_ok());
        assert!(refused(&Commands::only([[""; 0]; 0]), &["ls"]).is_some(), "none at all");
    }

    #[test]
    fn whatever_is_run_is_no_shell_until_one_is_offered() {
        for argv in [&["sh", "-c", "id"][..], &["/bin/bash"], &["BASH.EXE"], &["pwsh", "-c"]] {
            assert!(refused(&Commands::any(), argv).is_some(), "{argv:?}");
        }
        assert_eq!(refused(&Commands::any(), &["shred", "x"]), None);
        assert_eq!(
            refused(&Commands::only([["bash", "**"]]), &["bash", "x.sh"]),
            None,
            "whoever lists it wants it"
        );
        assert!(refused(&Commands::any(), &["echo", &"x".repeat(5_000)]).unwrap().contains("4,096"));
    }
}
