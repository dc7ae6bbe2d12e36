//! A checked budget, amount by amount.

use crate::words::budget::OnRefusal;
use crate::words::id::AgentId;
use crate::words::money::NanoUsd;
use crate::words::window::Window;

/// What a [`Budget`](super::budget::Budget) means, as [`Budget::check`](super::budget::Budget::check) gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The most money.
    pub money: Option<NanoUsd>,
    /// The most tokens, sent and written together.
    pub tokens: Option<u64>,
    /// The most calls.
    pub calls: Option<u64>,
    /// The most levels of agents below.
    pub depth: Option<u32>,
    /// The most agents below that live at once.
    pub live_agents: Option<u32>,
    /// The most levels of agents below, whatever a budget says: a swarm's own bound.
    pub max_depth: Option<u32>,
    /// The most living children.
    pub max_children: Option<u32>,
    /// The share of money, tokens or calls to warn at, in thousandths.
    pub warn_permille: Option<u32>,
    /// What happens when something does not fit.
    pub on_refusal: OnRefusal,
    /// In which money, tokens and calls are bounded; for good if none.
    pub window: Option<Window>,
}

impl Limits {
    /// Whether nothing is bounded, so that a meter need not keep this.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.money.is_none()
            && self.tokens.is_none()
            && self.calls.is_none()
            && self.depth.is_none()
            && self.live_agents.is_none()
            && self.max_depth.is_none()
            && self.max_children.is_none()
    }

    /// More of each amount that both bound; what was not bounded is not bounded now.
    pub fn grant(&mut self, more: &Self) {
        let add = |most: &mut Option<u64>, more: Option<u64>| {
            if let (Some(most), Some(more)) = (most, more) {
                *most = most.saturating_add(more);
            }
        };
        let few = |most: &mut Option<u32>, more: Option<u32>| {
            if let (Some(most), Some(more)) = (most, more) {
                *most = most.saturating_add(more);
            }
        };
        if let (Some(most), Some(more)) = (&mut self.money, more.money) {
            most.0 = most.0.saturating_add(more.0);
        }
        add(&mut self.tokens, more.tokens);
        add(&mut self.calls, more.calls);
        few(&mut self.depth, more.depth);
        few(&mut self.live_agents, more.live_agents);
    }
}

/// A budget whose warning share has just been passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The agent whose budget it is.
    pub agent: AgentId,
    /// The share, in thousandths.
    pub permille: u32,
}
