//! P2: at every event, spent and reserved ≤ budget + overruns, at every agent with a budget; a budget that is overrun is closed
//! to new effects, and so is one whose bounded amount was billed by an effect that had said it was free, until a grant. A
//! budget with a window is judged window by window.

use std::collections::BTreeMap;
use std::time::Duration;

use skep_runtime::event::What;
use skep_runtime::ledger::{Limits, overrun};
use skep_runtime::{AgentId, OnRefusal, Time, Usage};

use super::Evidence;

struct Account {
    limits: Limits,
    spent: Usage,
    reserved: Usage,
    over: Usage,
    /// Of that, what an event says is over.
    said: Usage,
    /// Of a budget with a window: when it turns, and what of open effects is reserved in it.
    turns: Duration,
    open: BTreeMap<u64, Usage>,
    /// An effect that had said it was free was billed.
    is_shut: bool,
}

/// See the module. Budgets that only warn are marks and bound nothing.
#[must_use]
pub fn budgets(evidence: &Evidence<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut accounts: BTreeMap<AgentId, Account> = BTreeMap::new();
    let mut began = Duration::ZERO;
    for event in evidence.events {
        if let What::SessionBegan { unix_ms, .. } = &event.what {
            began = Duration::from_millis(*unix_ms);
        }
        let wall = began + event.at.since(Time::ZERO);
        let above = |id: &AgentId| event.agent.is_within(id);
        match &event.what {
            What::AgentSpawned { budget: Some(budget), .. } => {
                let limits = budget.check().unwrap_or_default();
                if limits.on_refusal != OnRefusal::Warn {
                    accounts.entry(event.agent.clone()).or_insert_with(|| Account::new(limits));
                }
            }
            What::BudgetGranted { more } => {
                if let Some(account) = accounts.get_mut(&event.agent) {
                    account.limits.grant(&more.check().unwrap_or_default());
                    account.is_shut = false;
                }
            }
            What::Overrun { over, free, .. } => {
                for (_, account) in accounts.iter_mut().filter(|(id, _)| above(id)) {
                    account.turn(wall);
                    account.said += *over;
                    account.is_shut |= *free && account.bounds(over);
                }
            }
            _ => {}
        }
        let accounts = accounts.iter_mut().filter(|(id, _)| above(id));
        if let Some((effect, reserved)) = event.what.reserves() {
            for (id, account) in accounts {
                account.turn(wall);
                *account.open.entry(effect).or_default() += reserved;
                if account.is_overspent() || account.is_shut {
                    wrong.push(format!(
                        "effect {effect} of {} began under the overrun budget of {id}",
                        event.agent
                    ));
                }
                account.reserved += reserved;
                wrong.extend(account.excess().map(|excess| format!("event {}: {id}: {excess}", event.seq)));
            }
        } else if let Some(settled) = event.what.settles() {
            for (id, account) in accounts {
                account.turn(wall);
                // None where it was reserved before the window turned.
                let Some(left) = account.open.get_mut(&settled.effect) else { continue };
                *left = left.above(&settled.freed);
                if left.is_zero() {
                    account.open.remove(&settled.effect);
                }
                account.spent += settled.used;
                account.reserved = account.reserved.above(&settled.freed);
                account.over += overrun(&settled.used, &settled.freed).unwrap_or_default();
                wrong.extend(account.excess().map(|excess| format!("event {}: {id}: {excess}", event.seq)));
            }
        }
    }
    wrong.extend(accounts.iter().filter_map(|(id, account)| Some(format!("{id}: {}", account.silence()?))));
    wrong
}

impl Account {
    fn new(limits: Limits) -> Self {
        let (spent, reserved, over, said) = (Usage::ZERO, Usage::ZERO, Usage::ZERO, Usage::ZERO);
        let (turns, open, is_shut) = (Duration::ZERO, BTreeMap::new(), false);
        Self { limits, spent, reserved, over, said, turns, open, is_shut }
    }

    /// Whether anything of this is bounded.
    fn bounds(&self, used: &Usage) -> bool {
        let Limits { money, tokens, calls, .. } = self.limits;
        (money.is_some() && used.money.0 > 0)
            || (tokens.is_some() && used.tokens() > 0)
            || (calls.is_some() && used.calls > 0)
    }

    /// Begins a new window if the last is over.
    fn turn(&mut self, wall: Duration) {
        if let Some(window) = self.limits.window.filter(|_| wall >= self.turns) {
            *self = Self { turns: window.around(wall).end, ..Self::new(self.limits) };
        }
    }

    /// Amount by amount: its name, its bound, what is spent, what is spent or reserved, what was billed above a worst case.
    fn amounts(&self) -> impl Iterator<Item = (&'static str, u64, u64, u64, u64)> {
        let Self { limits, spent, reserved, over, .. } = self;
        let committed = *spent + *reserved;
        [
            (
                "nano-dollars",
                limits.money.map(|money| money.0),
                spent.money.0,
                committed.money.0,
                over.money.0,
            ),
            ("tokens", limits.tokens, spent.tokens(), committed.tokens(), over.tokens()),
            ("calls", limits.calls, spent.calls, committed.calls, over.calls),
        ]
        .into_iter()
        .filter_map(|(name, cap, spent, committed, over)| Some((name, cap?, spent, committed, over)))
    }

    fn is_overspent(&self) -> bool {
        self.amounts().any(|(_, cap, spent, ..)| spent > cap)
    }

    /// What was billed above a worst case, and no event says so. A window may turn between the two.
    fn silence(&self) -> Option<String> {
        let Self { limits, over, said, .. } = self;
        let bounded = [
            ("nano-dollars", limits.money.is_some(), over.money.0, said.money.0),
            ("tokens", limits.tokens.is_some(), over.tokens(), said.tokens()),
            ("calls", limits.calls.is_some(), over.calls, said.calls),
        ];
        let silent = bounded.iter().find(|(_, is_bounded, over, said)| *is_bounded && over != said);
        let (name, _, over, said) = silent.filter(|_| limits.window.is_none())?;
        Some(format!("{over} {name} were billed above their worst case, and overruns say {said}"))
    }

    fn excess(&self) -> Option<String> {
        let excess =
            self.amounts().find(|(_, cap, _, committed, over)| *committed > cap.saturating_add(*over));
        excess.map(|(name, cap, _, committed, over)| {
            format!("{committed} {name} spent and reserved of {cap}, with overruns of {over}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::forged::Forged;

    #[test]
    fn an_overspent_budget_is_found() {
        let tree = || Forged::new().budgeted("s", 10).spawned("s.1");
        let fits = tree().effect("s.1", Some(1), 5, 10).effect_ended("s.1", 5, 10, 10);
        assert!(fits.judged(super::budgets).is_empty());
        let over = tree().effect("s.1", Some(1), 5, 6).effect("s.1", Some(1), 6, 5);
        let wrong = over.judged(super::budgets);
        assert_eq!(wrong, ["event 4: s: 11 calls spent and reserved of 10, with overruns of 0"]);
    }

    #[test]
    fn an_overrun_is_allowed_and_closes_the_budget() {
        let tree = || Forged::new().budgeted("s", 10).spawned("s.1");
        let billed = || tree().effect("s.1", Some(1), 5, 10).effect_ended("s.1", 5, 12, 10);
        let overrun = || billed().overrun("s.1", 5, 2, false);
        let wrong = billed().judged(super::budgets);
        assert_eq!(wrong, ["s: 2 calls were billed above their worst case, and overruns say 0"]);
        assert!(overrun().judged(super::budgets).is_empty());
        let wrong = overrun().effect("s.1", Some(1), 6, 0).judged(super::budgets);
        assert_eq!(wrong, ["effect 6 of s.1 began under the overrun budget of s"]);
    }

    #[test]
    fn an_effect_that_was_billed_though_free_closes_the_budget() {
        let tree = || Forged::new().budgeted("s", 10).spawned("s.1");
        let billed = |free| {
            tree().effect("s.1", Some(1), 5, 0).effect_ended("s.1", 5, 1, 0).overrun("s.1", 5, 1, free)
        };
        assert!(billed(false).effect("s.1", Some(1), 6, 0).judged(super::budgets).is_empty());
        let wrong = billed(true).effect("s.1", Some(1), 6, 0).judged(super::budgets);
        assert_eq!(wrong, ["effect 6 of s.1 began under the overrun budget of s"]);
    }
}
