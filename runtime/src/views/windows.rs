//! What counts in the windows of budgets.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Fold, forget_within};
use crate::words::event::{Event, What};
use crate::words::id::AgentId;
use crate::words::time::Time;
use crate::words::window::{Spending, Window};

/// The window of each budget that has one, with what counts in it: what a budget goes on from when its process has died.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows {
    /// When the session began, since 1970.
    began: Duration,
    rows: BTreeMap<AgentId, (Window, Spending)>,
}

impl Windows {
    /// What counts in an agent's window, if its budget has one.
    #[must_use]
    pub fn get(&self, agent: &AgentId) -> Option<&Spending> {
        self.rows.get(agent).map(|(_, spending)| spending)
    }

    /// How many budgets have a window.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl Fold for Windows {
    fn apply(&mut self, event: &Event) {
        match &event.what {
            What::SessionBegan { unix_ms, .. } => self.began = Duration::from_millis(*unix_ms),
            What::AgentSpawned { budget: Some(budget), .. } => {
                if let Some(window) = budget.window() {
                    self.rows.entry(event.agent.clone()).or_insert((window, Spending::default()));
                }
            }
            what if !self.rows.is_empty() && (what.reserves().is_some() || what.settles().is_some()) => {
                let wall = self.began.saturating_add(event.at.since(Time::ZERO));
                let mut at = Some(event.agent.clone());
                while let Some(agent) = at {
                    if let Some((window, spending)) = self.rows.get_mut(&agent) {
                        spending.apply(*window, &event.what, wall);
                    }
                    at = agent.parent();
                }
            }
            _ => {}
        }
    }

    fn forget(&mut self, agent: &AgentId) {
        forget_within(&mut self.rows, agent);
    }
}
