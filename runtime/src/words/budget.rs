//! What an agent's subtree may spend, as the user writes it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::words::limits::Limits;
use crate::words::money::NanoUsd;
use crate::words::text::OneLine;
use crate::words::window::Window;

/// Limits on what an agent may spend together with everything below it, such as
/// `Budget::usd("2.50").tokens(400_000).depth(3)`. Whatever is not stated is unlimited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    money: Option<NanoUsd>,
    /// What was given to [`Budget::usd`] and is no amount: kept, so that a spec can be written without a `Result`.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_amount: Option<String>,
    tokens: Option<u64>,
    calls: Option<u64>,
    depth: Option<u32>,
    live_agents: Option<u32>,
    warn_permille: Option<u32>,
    on_refusal: OnRefusal,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
}

/// What happens when an effect does not fit a budget.
///
/// | | the effect | the subtree |
/// |---|---|---|
/// | `Fail` | fails, and says what is left | goes on |
/// | `Warn` | runs | goes on; a warning when all is spent |
/// | `Stop` | fails, and says what is left | is stopped |
/// | `Pause` | waits, and asks again after the resume | is paused, with its deadlines, until somebody resumes it |
///
/// With `Warn` a budget only marks a limit: it never refuses anything, not even spawns, and the promises about
/// budgets do not apply to it. The budgets above and below it are not affected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnRefusal {
    /// The effect fails; the agent that wanted it decides what to do.
    #[default]
    Fail,
    /// Nothing is refused.
    Warn,
    /// The effect fails and the budgeted agent is stopped with its subtree.
    Stop,
    /// The budgeted agent is paused with its subtree, and an event says who needs how much and what is left. Somebody can
    /// grant more and resume it, or stop it. Cases that this cannot help still fail: an effect without a finite worst case,
    /// an effect of a stop hook, an effect of an agent that was adopted past the budgeted one, and a spawn.
    Pause,
}

/// A budget that is not valid as written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("budget.{field}: {}", OneLine(.message))]
pub struct BadBudget {
    /// The method of [`Budget`] that was given it.
    pub field: &'static str,
    /// What is wrong, in one line.
    pub message: String,
}

impl Budget {
    /// A budget without limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A budget of dollars, written as `2`, `2.50` or `$0.000001`.
    ///
    /// Any text is accepted here; text that is not an amount is an error of [`Budget::check`], and so of the spawn that uses
    /// the budget.
    #[must_use]
    pub fn usd(dollars: impl AsRef<str>) -> Self {
        match dollars.as_ref().parse() {
            Ok(money) => Self::new().money(money),
            Err(_) => Self { no_amount: Some(dollars.as_ref().to_owned()), ..Self::new() },
        }
    }

    /// At most this much money.
    #[must_use]
    pub fn money(mut self, most: NanoUsd) -> Self {
        self.money = Some(most);
        self.no_amount = None;
        self
    }

    /// At most this many tokens, input and output together.
    #[must_use]
    pub const fn tokens(mut self, most: u64) -> Self {
        self.tokens = Some(most);
        self
    }

    /// At most this many calls.
    #[must_use]
    pub const fn calls(mut self, most: u64) -> Self {
        self.calls = Some(most);
        self
    }

    /// At most this many levels of agents below this one. Scopes do not count.
    #[must_use]
    pub const fn depth(mut self, most: u32) -> Self {
        self.depth = Some(most);
        self
    }

    /// At most this many living agents below this one. Scopes do not count.
    #[must_use]
    pub const fn live_agents(mut self, most: u32) -> Self {
        self.live_agents = Some(most);
        self
    }

    /// Limits money, tokens and calls for each window separately: `Budget::usd("5").per(Window::Day)`. Spending before the
    /// window turned no longer counts; an effect counts in the window in which it was reserved; and a refusal says when the
    /// window turns. Restarts do not change this. Without a window, the limits apply to the agent's whole life.
    #[must_use]
    pub const fn per(mut self, window: Window) -> Self {
        self.window = Some(window);
        self
    }

    /// The same with a window of any length.
    #[must_use]
    pub const fn every(self, span: Duration) -> Self {
        self.per(Window::Every(span))
    }

    /// Its window, if it has one.
    #[must_use]
    pub const fn window(&self) -> Option<Window> {
        self.window
    }

    /// Warns once (once per window, if there is one) when this share of the money, tokens or calls is spent; in thousandths
    /// from 1 to 1000. By default there is no warning.
    #[must_use]
    pub const fn warn_at(mut self, permille: u32) -> Self {
        self.warn_permille = Some(permille);
        self
    }

    /// What happens when an effect does not fit; [`OnRefusal::Fail`] by default, since the agent knows best what it can
    /// do without.
    #[must_use]
    pub const fn on_refusal(mut self, then: OnRefusal) -> Self {
        self.on_refusal = then;
        self
    }

    /// The limits that this budget means.
    ///
    /// # Errors
    /// [`BadBudget`] names the value that is not an amount or not a share.
    pub fn check(&self) -> Result<Limits, BadBudget> {
        if let Some(text) = &self.no_amount {
            let message = crate::words::money::NoAmount(text.clone()).to_string();
            return Err(BadBudget { field: "usd", message });
        }
        if let Some(permille) = self.warn_permille.filter(|permille| !(1..=1000).contains(permille)) {
            let message = format!("{permille} is not a share in thousandths: write 800 for 80 %");
            return Err(BadBudget { field: "warn_at", message });
        }
        if self.window == Some(Window::Every(Duration::ZERO)) {
            let message = "a window of zero length never turns: give a positive length".to_owned();
            return Err(BadBudget { field: "every", message });
        }
        Ok(Limits {
            money: self.money,
            tokens: self.tokens,
            calls: self.calls,
            depth: self.depth,
            live_agents: self.live_agents,
            max_depth: None,
            max_children: None,
            warn_permille: self.warn_permille,
            on_refusal: self.on_refusal,
            window: self.window,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_checked_when_it_is_used() {
        let limits = Budget::usd("2.50").tokens(400_000).depth(3).check().unwrap();
        assert_eq!(limits.money, Some(NanoUsd(2_500_000_000)));
        assert_eq!((limits.tokens, limits.depth, limits.calls), (Some(400_000), Some(3), None));

        let error = Budget::usd("two").calls(1).check().unwrap_err();
        assert_eq!(error.field, "usd");
        assert!(error.to_string().starts_with("budget.usd: \"two\" is not an amount"), "{error}");
        assert_eq!(Budget::usd("two").money(NanoUsd(1)).check().unwrap().money, Some(NanoUsd(1)));

        let error = Budget::usd("1").every(Duration::ZERO).check().unwrap_err();
        assert_eq!(error.field, "every");
        for share in [0, 1001] {
            assert_eq!(Budget::new().warn_at(share).check().unwrap_err().field, "warn_at");
        }
    }

    #[test]
    fn a_budget_can_be_written_down_with_its_mistakes() {
        let windowed = Budget::usd("5").per(Window::Month);
        for budget in
            [Budget::usd("two"), Budget::usd("0.4").warn_at(800).on_refusal(OnRefusal::Stop), windowed]
        {
            let text = serde_json::to_string(&budget).unwrap();
            assert_eq!(serde_json::from_str::<Budget>(&text).unwrap(), budget);
        }
        assert_eq!(serde_json::from_str::<Budget>("{}").unwrap(), Budget::new());
    }
}
