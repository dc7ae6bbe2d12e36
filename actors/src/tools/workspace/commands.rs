//! Which commands a model may run, and what environment they get.

use std::time::Duration;

use skep_runtime::text::one_line;
use skep_runtime::{Target, Targets};

use crate::defaults;

/// The variables of our environment that a command gets: paths of programs, home and temporary files, and the language.
const HANDED_ON: [&str; 14] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "TEMP",
    "TMP",
    // Nothing runs on Windows without these.
    "SYSTEMROOT",
    "PATHEXT",
];

/// Programs that take what to run in a single argument.
const SHELLS: [&str; 14] = [
    "sh",
    "bash",
    "dash",
    "ash",
    "zsh",
    "ksh",
    "mksh",
    "csh",
    "tcsh",
    "fish",
    "busybox",
    "cmd",
    "powershell",
    "pwsh",
];

/// Which commands a model may run, and how.
///
/// ```
/// use std::time::Duration;
/// use skep_actors::tools::Commands;
///
/// let commands = Commands::only([vec!["cargo", "test", "**"], vec!["cargo", "check"]])
///     .env_from("CARGO_HOME")
///     .env("RUST_BACKTRACE", "1")
///     .within(Duration::from_secs(600));
/// ```
#[derive(Clone, Debug)]
pub struct Commands {
    only: Option<Vec<Vec<String>>>,
    pub(super) handed_on: Vec<String>,
    pub(super) set: Vec<(String, String)>,
    pub(super) within: Duration,
    has_shell: bool,
}

impl Commands {
    fn new(only: Option<Vec<Vec<String>>>) -> Self {
        let handed_on = HANDED_ON.map(str::to_owned).to_vec();
        Self { only, handed_on, set: Vec::new(), within: defaults::COMMAND_WITHIN, has_shell: false }
    }

    /// Only these commands, given by a pattern for each word as in a ceiling: `*` for any run of characters, and `**` as
    /// the last word for any further words. A pattern limits what is run, not what that does: `["git", "log", "**"]`
    /// covers `git log --output=x`, which writes.
    pub fn only<W: Into<String>>(patterns: impl IntoIterator<Item = impl IntoIterator<Item = W>>) -> Self {
        let all = patterns.into_iter().map(|words| words.into_iter().map(Into::into).collect());
        Self::new(Some(all.collect()))
    }

    /// Any command that the ceilings and permissions allow, but no shell.
    #[must_use]
    pub fn any() -> Self {
        Self::new(None)
    }

    /// Passes on one more variable of our environment. Keys are not passed on by default: a command gets a key only if
    /// you name it here.
    #[must_use]
    pub fn env_from(mut self, name: impl Into<String>) -> Self {
        self.handed_on.push(name.into());
        self
    }

    /// Sets a variable for commands to this value.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.set.push((name.into(), value.into()));
        self
    }

    /// How long a command may run; 120 s by default. A model may ask for less.
    #[must_use]
    pub const fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }

    /// Also offers `shell`, which runs any script with `sh -c`. Its reach is the command `sh -c SCRIPT`.
    #[must_use]
    pub const fn shell(mut self) -> Self {
        self.has_shell = true;
        self
    }

    /// Whether they include a shell.
    pub(super) const fn has_shell(&self) -> bool {
        self.has_shell
    }

    /// What is wrong with these commands: a pattern that can match nothing.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let has_program = |words: &Vec<String>| words.first().is_some_and(|program| !program.is_empty());
        let is_good = self.only.iter().flatten().all(has_program);
        if is_good {
            Ok(())
        } else {
            Err("a pattern of its commands has no program; give at least its first word")
        }
    }

    /// Why this command is not one of them.
    pub(super) fn refuse(&self, argv: &[String]) -> Result<(), String> {
        let target = Target::Command(argv.to_vec());
        if argv.iter().any(|word| word.contains('\0')) {
            return Err("a command has no NUL in it".to_owned());
        }
        if !target.is_canonical() {
            return Err("a command has a program, and at most 4,096 bytes; give what is longer as its input"
                .to_owned());
        }
        let Some(only) = &self.only else {
            let program = argv[0].rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
            let program = program.strip_suffix(".exe").unwrap_or(&program);
            return match SHELLS.contains(&program) {
                true => Err("no shell is run here; give the program itself and its arguments".to_owned()),
                false => Ok(()),
            };
        };
        if only.iter().any(|words| Targets::Command(words.clone()).covers(&target)) {
            return Ok(());
        }
        let all: Vec<_> = only.iter().map(|words| words.join(" ")).collect();
        Err(format!("you may not run that; you may run: {}", one_line(&all.join(", "))))
    }
}
