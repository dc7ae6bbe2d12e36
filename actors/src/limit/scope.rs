//! Which effects a limit is for, and which of them share it.

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
    kinds: Option<Vec<String>>,
    by: By,
}

impl Scope {
    pub(super) fn of(&mut self, kinds: impl IntoIterator<Item = impl Into<String>>) {
        self.kinds = Some(kinds.into_iter().map(Into::into).collect());
    }

    pub(super) const fn by(&mut self, by: By) {
        self.by = by;
    }

    /// Under which key the limit counts an effect; none if it is not for it.
    pub(super) fn key(&self, request: &Request<'_>) -> Option<String> {
        let covers = |pattern: &String| {
            pattern.strip_suffix('*').map_or(pattern == request.kind, |begin| request.kind.starts_with(begin))
        };
        if !self.kinds.as_ref().is_none_or(|kinds| kinds.iter().any(covers)) {
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
        for kind in self.kinds.iter().flatten() {
            if kind.is_empty() {
                return Err("a kind is empty; give a kind of effect, or `*` for every kind".to_owned());
            }
            if kind.strip_suffix('*').unwrap_or(kind).contains('*') {
                return Err(format!("{kind:?} has a `*` that is not its end; it can only stand there"));
            }
        }
        Ok(())
    }
}
