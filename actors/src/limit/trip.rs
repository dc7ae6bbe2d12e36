//! Whether a breaker is closed, open or half open: pure.

use std::time::Duration;

use skep_runtime::Time;

/// What it is configured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TripTerms {
    /// How many failures in a row open it.
    pub(super) failures: u32,
    /// How long it stays open.
    pub(super) open: Duration,
}

/// A breaker for one key. While it is closed, all calls pass; while it is open, none do. After a while it is half open:
/// one call may try, and its end closes the breaker or opens it again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trip {
    state: State,
    /// Counts how often it has opened or closed: an end that belongs to an earlier round is ignored.
    round: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Time },
    HalfOpen,
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

/// What a call that passed presents at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    round: u64,
    is_trial: bool,
}

/// How a call that passed ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// The other side answered, even if it refused.
    Answered,
    /// It did not answer, and should not be called again for this long, if it said so.
    Failed(Option<Duration>),
    /// Unknown: the call was cancelled, or never made.
    Unknown,
}

impl Trip {
    /// Whether another call may pass.
    ///
    /// # Errors
    /// For how long no call passes.
    pub(super) fn ask(&mut self, terms: &TripTerms, now: Time) -> Result<Ticket, Duration> {
        match self.state {
            State::Closed { .. } => Ok(Ticket { round: self.round, is_trial: false }),
            State::Open { until } if until > now => Err(until.since(now)),
            State::Open { .. } => {
                self.turn(State::HalfOpen);
                Ok(Ticket { round: self.round, is_trial: true })
            }
            State::HalfOpen => Err(terms.open),
        }
    }

    pub(super) fn ended(&mut self, passed: Ticket, outcome: How, terms: &TripTerms, now: Time) {
        if passed.round != self.round {
            return;
        }
        let opens =
            |said: Option<Duration>| State::Open { until: now + terms.open.max(said.unwrap_or_default()) };
        match (self.state, outcome) {
            // A trial that was never made decides nothing: the next call may try at once.
            (State::HalfOpen, How::Unknown) => self.turn(State::Open { until: now }),
            (State::HalfOpen, How::Answered) => self.turn(State::default()),
            (State::HalfOpen, How::Failed(said)) => self.turn(opens(said)),
            (State::Closed { .. }, How::Answered) => self.state = State::default(),
            (State::Closed { failures }, How::Failed(said)) => {
                let failures = failures.saturating_add(1);
                if failures >= terms.failures {
                    self.turn(opens(said));
                } else {
                    self.state = State::Closed { failures };
                }
            }
            (State::Closed { .. }, How::Unknown) | (State::Open { .. }, _) => {}
        }
    }

    /// For how long no call passes.
    #[cfg(feature = "http")]
    pub(super) fn shut_for(&self, terms: &TripTerms, now: Time) -> Duration {
        match self.state {
            State::Closed { .. } => Duration::ZERO,
            State::Open { until } => until.since(now),
            State::HalfOpen => terms.open,
        }
    }

    /// The state in a word, at this time.
    pub(super) fn word(&self, now: Time) -> &'static str {
        match self.state {
            State::Closed { .. } => "closed",
            State::Open { until } if until > now => "open",
            State::Open { .. } | State::HalfOpen => "half_open",
        }
    }

    /// Whether it is in its initial state.
    pub(super) fn is_new(&self) -> bool {
        self.state == State::default()
    }

    fn turn(&mut self, state: State) {
        self.round += 1;
        self.state = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TERMS: TripTerms = TripTerms { failures: 3, open: Duration::from_secs(10) };

    const fn at(secs: u64) -> Time {
        Time::from_nanos(secs * 1_000_000_000)
    }

    fn fails(trip: &mut Trip, now: Time) {
        let passed = trip.ask(&TERMS, now).unwrap();
        trip.ended(passed, How::Failed(None), &TERMS, now);
    }

    #[test]
    fn failures_in_a_row_open_it_one_may_try_and_its_answer_closes_it() {
        let mut trip = Trip::default();
        fails(&mut trip, at(0));
        fails(&mut trip, at(0));
        let passed = trip.ask(&TERMS, at(0)).unwrap();
        trip.ended(passed, How::Answered, &TERMS, at(0));
        for _ in 0..3 {
            fails(&mut trip, at(1));
        }
        assert_eq!(trip.ask(&TERMS, at(2)), Err(Duration::from_secs(9)));
        let trial = trip.ask(&TERMS, at(11)).unwrap();
        assert!(trip.ask(&TERMS, at(11)).is_err(), "one tries");
        trip.ended(trial, How::Unknown, &TERMS, at(12));
        let trial = trip.ask(&TERMS, at(12)).expect("the trial came to nothing");
        trip.ended(trial, How::Failed(Some(Duration::from_secs(60))), &TERMS, at(12));
        assert_eq!(trip.ask(&TERMS, at(13)), Err(Duration::from_secs(59)), "as the other side says");
        let trial = trip.ask(&TERMS, at(72)).unwrap();
        trip.ended(trial, How::Answered, &TERMS, at(72));
        assert!(trip.is_new());
    }

    #[test]
    fn an_end_from_before_it_opened_says_nothing() {
        let mut trip = Trip::default();
        let old = trip.ask(&TERMS, at(0)).unwrap();
        for _ in 0..3 {
            fails(&mut trip, at(0));
        }
        trip.ended(old, How::Answered, &TERMS, at(1));
        assert!(trip.ask(&TERMS, at(1)).is_err());
        let trial = trip.ask(&TERMS, at(10)).unwrap();
        trip.ended(old, How::Failed(None), &TERMS, at(10));
        trip.ended(trial, How::Answered, &TERMS, at(10));
        assert!(trip.is_new());
    }

    proptest! {
        /// Whatever the order of events: it opens only after enough failures, never has two trials in progress, and is
        /// never shut for good.
        #[test]
        fn it_opens_only_when_it_must_and_never_for_good(
            steps in prop::collection::vec((0_u8..4, 0_u64..6, any::<prop::sample::Index>()), 1..80),
        ) {
            let (mut trip, mut now, mut out, mut failed) = (Trip::default(), at(0), Vec::new(), 0);
            for (what, pause, which) in steps {
                now = now + Duration::from_secs(pause);
                if what == 0 || out.is_empty() {
                    match trip.ask(&TERMS, now) {
                        Ok(passed) => out.push(passed),
                        Err(_) => prop_assert!(failed >= TERMS.failures || out.iter().any(|passed| passed.is_trial)),
                    }
                } else {
                    let passed = out.swap_remove(which.index(out.len()));
                    let outcome = [How::Answered, How::Failed(None), How::Unknown][usize::from(what - 1)];
                    failed += u32::from(outcome == How::Failed(None));
                    trip.ended(passed, outcome, &TERMS, now);
                }
                let trials = out.iter().filter(|passed| passed.is_trial && passed.round == trip.round).count();
                prop_assert!(trials <= 1);
                prop_assert_eq!(trials == 1, trip.state == State::HalfOpen);
            }
            for passed in out {
                trip.ended(passed, How::Unknown, &TERMS, now);
            }
            prop_assert!(trip.ask(&TERMS, now + TERMS.open).is_ok());
        }
    }
}
