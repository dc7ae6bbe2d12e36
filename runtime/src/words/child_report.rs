//! What a supervisor tells about its children (S11).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::child::{ChildKey, ChildPolicy};
use super::written::ChildSpec;
use crate::words::id::AgentId;
use crate::words::policy::Exit;
use crate::words::text::OneLine;

/// One report: a line by `Display`, an object by serde. The supervisor's id and the child's name are added by whoever knows
/// them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What kind of thing happened.
    pub context: Context,
    /// To which child.
    pub child: ChildKey,
    /// What held for it then: after a report it may be gone from the table.
    pub policy: Box<ChildPolicy>,
    /// Why; none for progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Exit>,
}

/// A report as the journal has it, an event of the supervisor: one line by `Display`, an object by serde.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildReport {
    /// What kind of thing happened.
    pub context: Context,
    /// To which child.
    pub child: AgentId,
    /// The child's spec.
    pub spec: ChildSpec,
    /// Why; none for progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Exit>,
}

/// The contexts of OTP's supervisor reports, and its progress report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Context {
    /// A start failed.
    StartError,
    /// A child ended in a way that is worth telling.
    ChildTerminated,
    /// A child that was being stopped ended in another way.
    ShutdownError,
    /// The supervisor ends because of this child.
    Shutdown,
    /// The supervisor has started this child by itself.
    Progress,
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StartError => "start_error",
            Self::ChildTerminated => "child_terminated",
            Self::ShutdownError => "shutdown_error",
            Self::Shutdown => "shutdown",
            Self::Progress => "progress",
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: child {}", self.context, self.child)?;
        match &self.reason {
            Some(reason) => write!(f, ": {}", ExitLine(reason)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ChildReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: child {:?} ({}, {})", self.context, self.spec.id, self.child, self.spec)?;
        match &self.reason {
            Some(reason) => write!(f, ": {}", ExitLine(reason)),
            None => Ok(()),
        }
    }
}

/// An exit as one line, whatever is in its message.
pub(crate) struct ExitLine<'a>(pub(crate) &'a Exit);

impl fmt::Display for ExitLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = match self.0 {
            Exit::Normal => return f.write_str("normal"),
            Exit::Shutdown => return f.write_str("shutdown"),
            Exit::Failed { class, message } => {
                write!(f, "failed ({class:?}): ")?;
                message
            }
            Exit::Escalated { message } => {
                f.write_str("escalated: ")?;
                message
            }
        };
        let mut lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
        write!(f, "{}", OneLine(lines.next().unwrap_or_default()))?;
        lines.try_for_each(|line| write!(f, "; {}", OneLine(line)))
    }
}
