//! A start that somebody waits for.

use std::sync::OnceLock;

use crate::decide::supervision::Started;
use crate::env::signal::Signal;

/// The result of a start that was not ready at once, for all who wait for it.
#[derive(Default)]
pub(crate) struct FirstStart {
    over: Signal,
    result: OnceLock<Option<Started>>,
}

impl FirstStart {
    /// What came of it, which is told when it is over: with nothing, if the agent was stopped before. The first word stands.
    pub(crate) fn note(&self, result: Option<Started>) {
        self.result.set(result).ok();
    }

    /// The start is over.
    pub(crate) fn end(&self, result: Option<Started>) {
        self.note(result);
        self.over.raise();
    }

    pub(crate) fn over(&self) -> &Signal {
        &self.over
    }

    pub(crate) async fn ended(&self) -> Option<Started> {
        self.over.raised().await;
        self.result.get().cloned().flatten()
    }
}
