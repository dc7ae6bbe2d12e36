//! What a checked budget says to one agent's balance.

use crate::words::balance::Balance;
use crate::words::budget::OnRefusal;
use crate::words::defaults;
use crate::words::error::Advice;
use crate::words::id::AgentId;
use crate::words::limits::Limits;
use crate::words::refusal::{Amount, Refusal};
use crate::words::room::Bound;
use crate::words::usage::Usage;
use std::time::Duration;

/// What a limit says no to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exceeded {
    pub(crate) amount: Amount,
    pub(crate) wanted: Option<u64>,
    pub(crate) left: u64,
    /// The budget is overrun, and so closed to everything.
    pub(crate) is_closed: bool,
    pub(crate) room: Room,
}

/// What would make room for what was refused; what takes longer is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Room {
    /// What is reserved, once it is settled.
    Settled,
    /// The budget's next window.
    NextWindow,
    /// Nothing but a grant.
    Never,
}

impl Limits {
    /// Whether `worst` fits beside what is spent and reserved; an effect that states no worst case states none, and one without a
    /// price states none in money. Nothing fits into a budget that is shut because of an amount.
    ///
    /// Gives the first amount that has no room, and of the room of all of them what takes longest.
    pub(crate) fn admit(
        &self,
        balance: &Balance,
        shut: Option<Amount>,
        worst: Option<&Usage>,
        is_priced: bool,
    ) -> Result<(), Exceeded> {
        let committed = balance.committed();
        let mut first: Option<Exceeded> = None;
        for (amount, cap, of) in self.caps() {
            let (spent, taken) = (of(&balance.spent), of(&committed));
            let left = cap.saturating_sub(taken);
            let wanted = match worst {
                Some(_) if amount == Amount::Money && !is_priced => None,
                Some(worst) => Some(of(worst)),
                None if amount == Amount::Calls => Some(0),
                None => None,
            };
            let is_closed = taken > cap || shut == Some(amount);
            if !is_closed && wanted.is_some_and(|wanted| wanted <= left) {
                continue;
            }
            let room = match wanted {
                Some(wanted) if wanted <= cap => {
                    let fits_when_settled =
                        shut != Some(amount) && wanted <= cap.saturating_sub(spent) && spent <= cap;
                    match self.window {
                        _ if fits_when_settled => Room::Settled,
                        Some(_) => Room::NextWindow,
                        None => Room::Never,
                    }
                }
                _ => Room::Never,
            };
            match &mut first {
                Some(first) => first.room = first.room.max(room),
                None => first = Some(Exceeded { amount, wanted, left, is_closed, room }),
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// The first bounded amount of which anything was used.
    pub(crate) fn bounds(&self, used: &Usage) -> Option<Amount> {
        self.caps().find(|(_, _, of)| of(used) > 0).map(|(amount, ..)| amount)
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
    pub(crate) fn passed(&self, before: &Usage, after: &Usage) -> Option<u32> {
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

impl Refusal {
    /// Of one budget whose window, if it has one, turns in so long.
    pub(crate) fn of(
        ancestor: AgentId,
        policy: OnRefusal,
        exceeded: &Exceeded,
        turns_in: Option<Duration>,
    ) -> Self {
        let Exceeded { amount, wanted, left, is_closed: closed, room } = *exceeded;
        let again = match (room, turns_in) {
            (Room::Settled, turns_in) => {
                Advice::After(turns_in.map_or(defaults::RETRY, |turn| turn.min(defaults::RETRY)))
            }
            (Room::NextWindow, Some(turns_in)) => Advice::After(turns_in),
            (Room::NextWindow, None) | (Room::Never, _) => Advice::Never,
        };
        let turns_in = turns_in.filter(|_| room == Room::NextWindow);
        Self { ancestor, amount, wanted, left, policy, closed, turns_in, again }
    }

    /// Another budget, further up, has no room either: what takes longer to make room decides when to come again.
    pub(crate) fn heed(&mut self, other: &Self) {
        self.again = match (self.again, other.again) {
            (Advice::Never, _) | (_, Advice::Never) => Advice::Never,
            (Advice::After(one), Advice::After(two)) => Advice::After(one.max(two)),
            (Advice::Now, other) => other,
            (own, Advice::Now) => own,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::money::NanoUsd;
    use crate::words::window::Window;

    fn spent(spent: Usage) -> Balance {
        Balance { spent, reserved: Usage::ZERO }
    }

    #[test]
    fn what_just_fits_is_admitted_and_one_more_is_not() {
        let limits = Limits { tokens: Some(10), ..Limits::default() };
        let balance =
            Balance { spent: Usage::ZERO.with_tokens(2, 1), reserved: Usage::ZERO.with_tokens(0, 3) };
        assert_eq!(limits.admit(&balance, None, Some(&Usage::ZERO.with_tokens(4, 0)), true), Ok(()));
        let refused = limits.admit(&balance, None, Some(&Usage::ZERO.with_tokens(4, 1)), true).unwrap_err();
        assert_eq!((refused.amount, refused.wanted, refused.left), (Amount::Tokens, Some(5), 4));
        assert_eq!(refused.room, Room::Settled, "three are reserved, and may come back");
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
        assert_eq!(
            limits.admit(&spent(Usage::money(NanoUsd(10))), None, free, true),
            Ok(()),
            "spent to the last bit"
        );
        let over = limits.admit(&spent(Usage::money(NanoUsd(11))), None, free, true).unwrap_err();
        assert_eq!((over.wanted, over.left, over.is_closed, over.room), (Some(0), 0, true, Room::Never));
        let shut =
            limits.admit(&spent(Usage::money(NanoUsd(3))), Some(Amount::Money), free, true).unwrap_err();
        assert_eq!((shut.left, shut.is_closed, shut.room), (7, true, Room::Never));
    }

    #[test]
    fn what_makes_room_is_what_really_frees_it() {
        let calls =
            |spent, reserved| Balance { spent: Usage::calls(spent), reserved: Usage::calls(reserved) };
        let room = |limits: Limits, balance, worst| {
            limits.admit(&balance, None, Some(&worst), true).unwrap_err().room
        };
        let whole = Limits { calls: Some(10), ..Limits::default() };
        assert_eq!(room(Limits { calls: Some(0), ..whole }, calls(0, 0), Usage::calls(1)), Room::Never);
        assert_eq!(room(whole, calls(0, 0), Usage::calls(11)), Room::Never, "more than the whole");
        assert_eq!(room(whole, calls(8, 2), Usage::calls(2)), Room::Settled);
        assert_eq!(
            room(whole, calls(9, 1), Usage::calls(2)),
            Room::Never,
            "what is spent does not come back"
        );
        let hourly = Limits { window: Some(Window::Hour), ..whole };
        assert_eq!(room(hourly, calls(9, 1), Usage::calls(2)), Room::NextWindow);
        assert_eq!(room(hourly, calls(8, 2), Usage::calls(2)), Room::Settled);
        assert_eq!(room(hourly, calls(0, 0), Usage::calls(11)), Room::Never, "no window is as large");
        let both = Limits { tokens: Some(5), ..whole };
        let worst = Usage::calls(2).with_tokens(6, 0);
        assert_eq!(room(both, calls(8, 2), worst), Room::Never, "the tokens never fit, the calls may");
    }

    #[test]
    fn no_finite_worst_case_fits_calls_but_neither_money_nor_tokens() {
        let calls = Limits { calls: Some(1), ..Limits::default() };
        let money = Limits { money: Some(NanoUsd(9)), ..calls };
        let tokens = Limits { tokens: Some(9), ..calls };
        let nothing = Balance::default();
        let refused = |limits: Limits| {
            let Exceeded { amount, wanted, left, room, .. } =
                limits.admit(&nothing, None, None, true).unwrap_err();
            (amount, wanted, left, room)
        };
        assert_eq!(calls.admit(&nothing, None, None, true), Ok(()));
        assert_eq!(refused(money), (Amount::Money, None, 9, Room::Never));
        assert_eq!(refused(tokens), (Amount::Tokens, None, 9, Room::Never));
        // Tokens and calls are bounded, and what they cost is not.
        let unpriced =
            |limits: Limits| limits.admit(&nothing, None, Some(&Usage::calls(1).with_tokens(9, 0)), false);
        assert_eq!((unpriced(calls), unpriced(tokens)), (Ok(()), Ok(())));
        let over = unpriced(money).unwrap_err();
        assert_eq!((over.amount, over.wanted, over.room), (Amount::Money, None, Room::Never));
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

    fn exceeded(amount: Amount, wanted: Option<u64>, left: u64) -> Exceeded {
        Exceeded { amount, wanted, left, is_closed: false, room: Room::Settled }
    }

    fn refusal(exceeded: Exceeded, turns_in: Option<Duration>) -> Refusal {
        Refusal::of(AgentId::root("s").child(1), OnRefusal::Fail, &exceeded, turns_in)
    }

    #[test]
    fn a_refusal_advises_to_wait_where_waiting_can_help() {
        let advice = |room, turns_in: Option<u64>| {
            let exceeded = Exceeded { room, ..exceeded(Amount::Calls, Some(3), 2) };
            refusal(exceeded, turns_in.map(Duration::from_millis)).advice()
        };
        let after = |millis| Advice::After(Duration::from_millis(millis));
        assert_eq!(
            advice(Room::Settled, None),
            Advice::After(defaults::RETRY),
            "effects in flight may free it"
        );
        assert_eq!(advice(Room::Settled, Some(200)), after(200), "and so does the turn of the window");
        assert_eq!(advice(Room::Settled, Some(90_000)), Advice::After(defaults::RETRY));
        assert_eq!(advice(Room::NextWindow, Some(90_000)), after(90_000));
        assert_eq!((advice(Room::Never, None), advice(Room::Never, Some(1))), (Advice::Never, Advice::Never));
        assert_eq!(refusal(exceeded(Amount::Calls, Some(3), 2), None).http_status(), 429);
    }

    #[test]
    fn a_refusal_is_one_line_that_names_the_ancestor_and_what_is_left() {
        let line = |amount, wanted, left| refusal(exceeded(amount, wanted, left), None).to_string();
        assert_eq!(
            line(Amount::Money, Some(400_000_000), 120_000_000),
            "s.1 has $0.12 left of its budget, and $0.40 is wanted"
        );
        assert_eq!(
            line(Amount::Tokens, Some(500), 1),
            "s.1 has 1 token left of its budget, and 500 tokens are wanted"
        );
        assert_eq!(
            line(Amount::Money, None, 0),
            "s.1 has $0.00 left of its budget, and the effect states no worst case: state one with `.worst_case(..)`, call \
             `.free()` if it costs nothing, or give a model its prices with `.prices(..)`"
        );
        let closed = Exceeded { is_closed: true, ..exceeded(Amount::Calls, Some(0), 0) };
        assert_eq!(
            refusal(closed, None).to_string(),
            "the budget of s.1 is overrun (calls) and closed to all effects"
        );
        let windowed = Exceeded { room: Room::NextWindow, ..exceeded(Amount::Calls, Some(1), 0) };
        let text = "s.1 has 0 calls left of its budget, and 1 call is wanted; its window turns in 2 s";
        assert_eq!(refusal(windowed, Some(Duration::from_millis(1_500))).to_string(), text);
    }
}
