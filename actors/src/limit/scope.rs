//! Which effects a limit is for, and which of them share it.

use skep_runtime::Ceiling;
use skep_runtime::effect::Request;

/// Which effects share one limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum By {
    /// All of them.
    #[default]
    All,
    /// Those of one kind.
    Kind,
    /// Those that call the same: one model, one tool.
    Subject,
    /// Those that are done to the same: one host, one path. What is unknown is one.
    Target,
    /// Those of one agent, in each of its incarnations.
    Agent,
}

/// The effects that a limit is for. All, unless it is told kinds.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    kinds: Ceiling,
    by: By,
}

impl Scope {
    pub(super) fn of(&mut self, kinds: impl IntoIterator<Item = impl Into<String>>) {
        self.kinds = Ceiling::only(kinds);
    }

    pub(super) const fn by(&mut self, by: By) {
        self.by = by;
    }

    /// Under which key the limit counts an effect; none if it is not for it.
    pub(super) fn key(&self, request: &Request<'_>) -> Option<String> {
        if !self.kinds.allows(request.kind) {
            return None;
        }
        Some(match self.by {
            By::All => String::new(),
            By::Kind => request.kind.to_owned(),
            By::Subject => request.subject.unwrap_or_default().to_owned(),
            By::Target => request.reach.to_string(),
            By::Agent => request.agent.to_string(),
        })
    }

    /// # Errors
    /// A pattern that can match nothing.
    pub(super) fn check(&self) -> Result<(), String> {
        self.kinds.check().map_err(|bad| bad.message)
    }
}

/// The two methods by which every limit is told what it is for. `scope` is the field of it.
macro_rules! scoped {
    () => {
        /// For effects of these kinds alone; `*` at the end stands for all that begin so. For all, by default.
        #[must_use]
        pub fn of(mut self, kinds: impl IntoIterator<Item = impl Into<String>>) -> Self {
            self.scope.of(kinds);
            self
        }

        /// Which effects share it; all, by default.
        #[must_use]
        pub fn by(mut self, by: By) -> Self {
            self.scope.by(by);
            self
        }
    };
}

pub(super) use scoped;
