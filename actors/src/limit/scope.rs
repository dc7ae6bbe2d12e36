//! Which effects a limit applies to, and which of them share it.

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
    /// Those that call the same subject: one model, one tool.
    Subject,
    /// Those that act on the same target: one host, one path. All unknown targets count as one.
    Target,
    /// Those of one agent, in each of its incarnations.
    Agent,
}

/// The effects that a limit applies to. All, unless kinds are given.
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

    /// The key under which the limit counts an effect; none if it does not apply.
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
    /// A pattern can match nothing.
    pub(super) fn check(&self) -> Result<(), String> {
        self.kinds.check().map_err(|bad| bad.message)
    }
}

/// The two methods that set what a limit applies to. They need a field `scope`.
macro_rules! scoped {
    () => {
        /// Applies to effects of these kinds only; `*` at the end stands for any ending. To all, by default.
        #[must_use]
        pub fn of(mut self, kinds: impl IntoIterator<Item = impl Into<String>>) -> Self {
            self.scope.of(kinds);
            self
        }

        /// Which effects share it; all of them, by default.
        #[must_use]
        pub fn by(mut self, by: By) -> Self {
            self.scope.by(by);
            self
        }
    };
}

pub(super) use scoped;
