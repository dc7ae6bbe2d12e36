//! Windows of budgets: what was spent before the window turned counts no longer.
//!
//! # Invariants
//! 1. A try of an effect counts in the window in which it was reserved, from there to its settlement: one that straddles a turn
//!    is not held against the new window, neither its worst case nor what it has used. So a window never has more in it than
//!    its budget let in, and a try is counted once.
//! 2. Windows follow one another: a clock that was set back does not open a window again that is over.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::words::balance::Balance;
use crate::words::event::What;
use crate::words::usage::Usage;

/// How long spending counts against a budget.
///
/// Windows follow the wall clock in UTC and do not slide: an hour begins on the hour, a day at midnight, a month on its first
/// day. Those of [`Window::Every`] are counted from 1970, so that they are the same after a restart of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A calendar month.
    Month,
    /// Any length of time.
    Every(Duration),
}

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

impl Window {
    /// The window that a moment falls in, both as time since 1970; its end is the next one's begin.
    #[must_use]
    pub fn around(self, wall: Duration) -> Range<Duration> {
        match self {
            Self::Hour => multiples(HOUR, wall),
            Self::Day => multiples(DAY, wall),
            Self::Every(span) => multiples(span, wall),
            Self::Month => {
                let days = month_around(wall.as_secs() / DAY.as_secs());
                let begin = |day: u64| Duration::from_secs(day.saturating_mul(DAY.as_secs()));
                begin(days.start)..begin(days.end)
            }
        }
    }
}

fn multiples(span: Duration, wall: Duration) -> Range<Duration> {
    let (span, wall) = (span.as_nanos().max(1), wall.as_nanos());
    let begin = wall - wall % span;
    nanos(begin)..nanos(begin + span)
}

fn nanos(nanos: u128) -> Duration {
    let second = u128::from(1_000_000_000_u32);
    let (seconds, rest) = (nanos / second, nanos % second);
    Duration::new(u64::try_from(seconds).unwrap_or(u64::MAX), u32::try_from(rest).unwrap_or_default())
}

/// The days of the month that a day is in, counted from 1970-01-01.
fn month_around(day: u64) -> Range<u64> {
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    // 400 years are always as long.
    const CYCLE: u64 = 146_097;
    let (mut first, mut year) = (day / CYCLE * CYCLE, 1970 + day / CYCLE * 400);
    loop {
        let february = if is_leap(year) { 29 } else { 28 };
        for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
            if day < first + days {
                return first..first + days;
            }
            first += days;
        }
        year += 1;
    }
}

/// What counts in a budget's window now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// The end of the window that the rest is about, since 1970.
    until: Duration,
    balance: Balance,
    /// What of effects that have not ended is reserved in this window.
    open: BTreeMap<u64, Usage>,
    /// What is kept back for stop hooks: a hook may come in any window, so it is reserved in each.
    standing: BTreeMap<u64, Usage>,
}

impl Spending {
    /// What is spent and reserved in the window around `wall`.
    #[must_use]
    pub fn at(&self, wall: Duration) -> Balance {
        if wall < self.until { self.balance } else { self.next() }
    }

    /// Takes an event of the budget's subtree in. Gives what was spent in the window before it and after it.
    pub fn apply(&mut self, window: Window, what: &What, wall: Duration) -> (Usage, Usage) {
        let (reserves, settles) = (what.reserves(), what.settles());
        if reserves.is_none() && settles.is_none() {
            return (self.balance.spent, self.balance.spent);
        }
        if wall >= self.until {
            let (balance, standing) = (self.next(), std::mem::take(&mut self.standing));
            *self = Self { until: window.around(wall).end, balance, open: standing.clone(), standing };
        }
        let before = self.balance.spent;
        if let Some((effect, reserved)) = reserves {
            *self.open.entry(effect).or_default() += reserved;
            self.balance.reserved += reserved;
            if what.is_allowance() {
                self.standing.insert(effect, reserved);
            }
        }
        if let Some(settled) = settles
            && let Some(left) = self.open.get_mut(&settled.effect)
        {
            // In the pause before its next try an effect of a hook keeps a part.
            *left = left.above(&settled.freed);
            if left.is_zero() {
                self.open.remove(&settled.effect);
                self.standing.remove(&settled.effect);
            }
            self.balance.reserved = self.balance.reserved.above(&settled.freed);
            self.balance.spent += settled.used;
        }
        (before, self.balance.spent)
    }

    /// What the next window begins with.
    fn next(&self) -> Balance {
        let mut balance = Balance::default();
        for reserved in self.standing.values() {
            balance.reserved += *reserved;
        }
        balance
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::event::EffectEnd;
    use proptest::prelude::*;

    fn began(effect: u64, calls: u64) -> What {
        What::EffectBegan { effect, kind: "call".into(), reserved: Usage::calls(calls), on: None }
    }

    fn ended(effect: u64, used: u64, reserved: u64) -> What {
        let (used, reserved) = (Usage::calls(used), Usage::calls(reserved));
        What::EffectEnded { effect, end: EffectEnd::Done, used, reserved, estimated: false, late: false }
    }

    /// What a person would write down: each effect, when it was reserved, for how much, and what it came to.
    #[derive(Default)]
    struct Book(Vec<(u64, Duration, u64, Option<u64>)>);

    impl Book {
        fn at(&self, window: Window, wall: Duration) -> Balance {
            let now = window.around(wall);
            let mut balance = Balance::default();
            for (_, began, reserved, used) in &self.0 {
                match used {
                    _ if !now.contains(began) => {}
                    Some(used) => balance.spent += Usage::calls(*used),
                    None => balance.reserved += Usage::calls(*reserved),
                }
            }
            balance
        }
    }

    proptest! {
        #[test]
        fn a_window_holds_what_was_reserved_in_it(
            steps in prop::collection::vec((0..40_u64, 0..9_u64, any::<prop::sample::Index>()), 1..120),
            span in 1..100_u64,
        ) {
            let window = Window::Every(Duration::from_secs(span));
            let (mut book, mut spending) = (Book::default(), Spending::default());
            let (mut wall, mut open) = (Duration::from_secs(1_700_000_000), Vec::new());
            for (number, (pause, amount, which)) in (0..).zip(steps) {
                wall += Duration::from_secs(pause / 2);
                if number % 2 == 0 || open.is_empty() {
                    spending.apply(window, &began(number, amount), wall);
                    open.push((number, amount));
                    book.0.push((number, wall, amount, None));
                } else {
                    let (effect, reserved) = open.remove(which.index(open.len()));
                    spending.apply(window, &ended(effect, amount, reserved), wall);
                    let row = book.0.iter_mut().find(|row| row.0 == effect).unwrap();
                    row.3 = Some(amount);
                }
                prop_assert_eq!(spending.at(wall), book.at(window, wall));
                let later = wall + Duration::from_secs(span);
                prop_assert_eq!(spending.at(later), Balance::default());
            }
        }

        #[test]
        fn windows_follow_one_another_without_a_gap(seconds in 0..20_000_000_000_u64, span in 1..1_000_000_u64) {
            let wall = Duration::from_secs(seconds);
            for window in [Window::Hour, Window::Day, Window::Month, Window::Every(Duration::from_millis(span))] {
                let now = window.around(wall);
                prop_assert!(now.contains(&wall));
                prop_assert_eq!(window.around(now.start), now.clone());
                prop_assert_eq!(window.around(now.end).start, now.end);
            }
        }
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        let day = |days: u64| Duration::from_secs(days * 24 * 3_600);
        // 2000-02-29, 2024-02-29, 2026-11-20, 2100-03-01, 2371-12-15 and 2400-02-29, by their days since 1970.
        for (at, first, next) in [
            (11_016, 10_988, 11_017),
            (19_782, 19_754, 19_783),
            (20_777, 20_758, 20_788),
            (47_541, 47_541, 47_572),
            (146_810, 146_796, 146_827),
            (157_113, 157_085, 157_114),
        ] {
            assert_eq!(Window::Month.around(day(at)), day(first)..day(next), "{at}");
        }
    }
}
