//! A checked budget, and what it says to one agent's balance.

use super::{Amount, Balance, Bound, OnRefusal, Window};
use crate::money::NanoUsd;
use crate::usage::Usage;

/// What a [`Budget`](super::Budget) means, as [`Budget::check`](super::Budget::check) gives it.
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

/// What a limit says no to: the amount, what was wanted of it, what is left.
pub(super) type Exceeded = (Amount, Option<u64>, u64);

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

    /// Whether `worst` fits beside what is spent and reserved; an effect without a finite worst case states none.
    pub(super) fn admit(&self, balance: &Balance, worst: Option<&Usage>) -> Result<(), Exceeded> {
        let committed = balance.committed();
        for (amount, cap, of) in self.caps() {
            let taken = of(&committed);
            let left = cap.saturating_sub(taken);
            let wanted = match worst {
                Some(worst) => Some(of(worst)),
                None if amount == Amount::Calls => Some(0),
                None => None,
            };
            if taken > cap || wanted.is_none_or(|wanted| wanted > left) {
                return Err((amount, wanted, left));
            }
        }
        Ok(())
    }

    /// Whether so much of an amount would fit if nothing were spent.
    pub(super) fn could_fit(&self, amount: Amount, wanted: Option<u64>) -> bool {
        let cap = self.caps().find(|(its, ..)| *its == amount).map(|(_, cap, _)| cap);
        cap.zip(wanted).is_some_and(|(cap, wanted)| wanted <= cap)
    }

    /// Whether there may be so many levels, living agents and children below. A budget that is only a mark bounds nothing;
    /// what the spec and the swarm say holds all the same.
    pub(crate) fn room(&self, levels: u32, live: u32, children: u32) -> Result<(), (Bound, u32)> {
        let budgeted = |limit: Option<u32>| limit.filter(|_| self.on_refusal != OnRefusal::Warn);
        [
            (Bound::Children, self.max_children, children),
            (Bound::Depth, self.max_depth, levels),
            (Bound::Depth, budgeted(self.depth), levels),
            (Bound::LiveAgents, budgeted(self.live_agents), live),
        ]
        .into_iter()
        .find_map(|(bound, limit, wanted)| Some((bound, limit.filter(|limit| wanted > *limit)?)))
        .map_or(Ok(()), Err)
    }

    /// The largest warning share that was passed when what is spent grew from `before` to `after`, in thousandths.
    ///
    /// Spending never shrinks, so each share is passed once, unless a grant has made it a larger amount.
    pub(super) fn passed(&self, before: &Usage, after: &Usage) -> Option<u32> {
        let all = (self.on_refusal == OnRefusal::Warn).then_some(1000);
        let passes = |permille: &u32| self.share(after, *permille) && !self.share(before, *permille);
        self.warn_permille.into_iter().chain(all).filter(passes).max()
    }

    fn share(&self, spent: &Usage, permille: u32) -> bool {
        self.caps().any(|(_, cap, of)| {
            let spent = of(spent);
            spent > 0 && u128::from(spent) * 1000 >= u128::from(cap) * u128::from(permille)
        })
    }

    /// The bounds on what is reserved and settled, each with how to read its amount.
    fn caps(&self) -> impl Iterator<Item = (Amount, u64, fn(&Usage) -> u64)> {
        let money: fn(&Usage) -> u64 = |usage| usage.money.0;
        [
            (Amount::Money, self.money.map(|most| most.0), money),
            (Amount::Tokens, self.tokens, Usage::tokens),
            (Amount::Calls, self.calls, |usage| usage.calls),
        ]
        .into_iter()
        .filter_map(|(amount, cap, of)| cap.map(|cap| (amount, cap, of)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(spent: Usage) -> Balance {
        Balance { spent, reserved: Usage::ZERO }
    }

    #[test]
    fn what_just_fits_is_admitted_and_one_more_is_not() {
        let limits = Limits { tokens: Some(10), ..Limits::default() };
        let balance =
            Balance { spent: Usage::ZERO.with_tokens(2, 1), reserved: Usage::ZERO.with_tokens(0, 3) };
        assert_eq!(limits.admit(&balance, Some(&Usage::ZERO.with_tokens(4, 0))), Ok(()));
        let refused = limits.admit(&balance, Some(&Usage::ZERO.with_tokens(4, 1)));
        assert_eq!(refused, Err((Amount::Tokens, Some(5), 4)));
    }

    #[test]
    fn a_grant_raises_what_both_bound_and_nothing_else() {
        let limits = Limits { calls: Some(1), depth: Some(2), money: Some(NanoUsd(3)), ..Limits::default() };
        let more =
            Limits { calls: Some(10), tokens: Some(10), depth: Some(1), live_agents: Some(1), ..limits };
        let mut granted = limits;
        granted.grant(&more);
        let raised = Limits { calls: Some(11), depth: Some(3), money: Some(NanoUsd(6)), ..Limits::default() };
        assert_eq!(granted, raised);
        assert!(Limits::default().is_none() && !raised.is_none());
    }

    #[test]
    fn an_overrun_closes_a_budget_even_to_what_is_free() {
        let limits = Limits { money: Some(NanoUsd(10)), ..Limits::default() };
        let free = Some(&Usage::ZERO);
        assert_eq!(limits.admit(&spent(Usage::money(NanoUsd(10))), free), Ok(()), "spent to the last bit");
        let over = spent(Usage::money(NanoUsd(11)));
        assert_eq!(limits.admit(&over, free), Err((Amount::Money, Some(0), 0)));
    }

    #[test]
    fn no_finite_worst_case_fits_calls_but_neither_money_nor_tokens() {
        let calls = Limits { calls: Some(1), ..Limits::default() };
        let money = Limits { money: Some(NanoUsd(9)), ..calls };
        let tokens = Limits { tokens: Some(9), ..calls };
        let nothing = Balance::default();
        assert_eq!(calls.admit(&nothing, None), Ok(()));
        assert_eq!(money.admit(&nothing, None), Err((Amount::Money, None, 9)));
        assert_eq!(tokens.admit(&nothing, None), Err((Amount::Tokens, None, 9)));
    }

    #[test]
    fn a_share_is_passed_once() {
        let limits = Limits { calls: Some(10), warn_permille: Some(800), ..Limits::default() };
        let passed = |before, after| limits.passed(&Usage::calls(before), &Usage::calls(after));
        assert_eq!(
            (passed(0, 7), passed(7, 8), passed(8, 9), passed(0, 30)),
            (None, Some(800), None, Some(800))
        );

        let none = Limits { calls: Some(0), ..limits };
        let first = none.passed(&Usage::ZERO, &Usage::calls(1));
        assert_eq!(first, Some(800), "of a budget of nothing the first call is more than any share");

        let mark = Limits { on_refusal: OnRefusal::Warn, ..limits };
        assert_eq!(
            mark.passed(&Usage::calls(8), &Usage::calls(10)),
            Some(1000),
            "a mark warns when all is spent"
        );
    }
}
