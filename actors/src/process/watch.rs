//! Ends a command whose parent is killed so suddenly that nothing of it is dropped.
//!
//! A small shell waits at the end of a pipe that our process alone holds open. The system closes the pipe when our process ends, in
//! whatever way; then the shell kills the group that it was told. That a child asks the system to be killed with its parent would need
//! code between `fork` and `exec`, which is unsafe, and would be for the child alone, not for its group.

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin};

/// What the shell does: it is told the group first. Once that has ended it is not told so, but killed.
pub(super) const SCRIPT: &str = r#"read -r group; read -r _; [ -n "$group" ] && kill -s KILL -- "-$group""#;

/// The watch over one group. When it is dropped the shell is killed before its pipe is closed: the fields are dropped in their order.
pub(super) struct Watch {
    _shell: Child,
    pipe: ChildStdin,
}

impl Watch {
    /// Of a shell that runs the script and is killed when it is dropped; none if it has no pipe.
    pub(super) fn by(mut shell: Child) -> Option<Self> {
        let pipe = shell.stdin.take()?;
        Some(Self { _shell: shell, pipe })
    }

    /// It is over the group of this process.
    pub(super) async fn over(&mut self, process: Option<u32>) {
        if let Some(process) = process {
            self.pipe.write_all(format!("{process}\n").as_bytes()).await.ok();
        }
    }
}
