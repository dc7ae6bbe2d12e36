//! Ends what a command leaves behind where its group does not reach: when our own process is killed so suddenly that nothing of it is
//! dropped, and when a process of the command has moved to a session of its own.
//!
//! A small shell waits at the end of a pipe that our process alone holds open. The system closes the pipe when our process ends, in
//! whatever way. The shell then kills the group that it was told, and, where there is a `/proc`, every process whose environment has
//! the command's mark: a child gets that from its parent, whatever session it moves to. A process can clear its environment, and is
//! then not found.
//!
//! That a child asks the system to be killed with its parent would need code between `fork` and `exec`, which is unsafe, and would
//! work for the child alone, not for its group.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{PipeWriter, Write as _};
use std::time::Duration;

use skep_runtime::Env;
use tokio::process::Child;

/// The variable that has the mark.
pub(super) const VARIABLE: &str = "SKEP_COMMAND";

/// What the shell does. It is told the mark and the group. Once the group has ended it is told so, because its number may then be
/// another's. A process may start another while the shell looks, so it looks until it finds none, and not for ever.
pub(super) const SCRIPT: &str = r#"read -r mark; read -r group; read -r ended
[ -n "$ended" ] || [ -z "$group" ] || kill -s KILL -- "-$group"
for _ in 1 2 3 4 5 6 7 8; do
  found=$(grep -lsz "^SKEP_COMMAND=$mark\$" /proc/[0-9]*/environ); [ -n "$found" ] || exit 0
  for file in $found; do id=${file#/proc/}; kill -s KILL "${id%/environ}"; done
done"#;

/// So long the shell may take at the end of a command. It needs some milliseconds.
const LOOKS: Duration = Duration::from_secs(2);

/// The watch over one command.
pub(super) struct Watch {
    shell: Child,
    /// None when it was told that the command has ended.
    pipe: Option<PipeWriter>,
    mark: String,
}

impl Watch {
    /// Of a shell that runs the script, with the other end of the pipe as its input.
    pub(super) fn by(shell: Child, pipe: PipeWriter) -> Self {
        // Two hashers of one process differ, and so do those of two processes.
        let mark = format!("{:016x}", RandomState::new().build_hasher().finish());
        let mut watch = Self { shell, pipe: Some(pipe), mark };
        watch.tell(&watch.mark.clone());
        watch
    }

    /// What the command is given as [`VARIABLE`].
    pub(super) fn mark(&self) -> &str {
        &self.mark
    }

    /// It is over the group of this process.
    pub(super) fn over(&mut self, process: Option<u32>) {
        self.tell(&process.map(|process| process.to_string()).unwrap_or_default());
    }

    /// The group has ended. Waits until what has left it is killed.
    pub(super) async fn ended(&mut self) {
        self.tell("ended");
        self.pipe = None;
        Env::at_most_outside(LOOKS, self.shell.wait()).await;
    }

    /// A line, which the pipe has room for.
    fn tell(&mut self, line: &str) {
        if let Some(pipe) = &mut self.pipe {
            // A shell that is gone watches nothing.
            pipe.write_all(format!("{line}\n").as_bytes()).ok();
        }
    }
}

/// The group was killed before, with its future.
impl Drop for Watch {
    fn drop(&mut self) {
        self.tell("ended");
    }
}
