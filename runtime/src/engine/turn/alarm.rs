//! Deadlines by the clocks of seats, which stand while a pause holds them so.
//!
//! A deadline is not moved by whoever pauses: it looks, when it is due, for how long its clock has stood, and waits for the
//! rest. One whose clock stands waits for the resume. So a pause costs nothing for each deadline, and a deadline nothing
//! for the pauses that there might be.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use crate::engine::pause::HeldNow;
use crate::engine::seat::Seat;
use crate::env::Timer;
use crate::words::time::Time;

impl Seat {
    /// For how long its clock has stood so far.
    pub(crate) fn stood(&self) -> Duration {
        if self.held() == HeldNow::Not {
            return Duration::from_nanos(self.stood.load(Ordering::SeqCst));
        }
        let gate = self.gate.lock();
        let before = Duration::from_nanos(self.stood.load(Ordering::SeqCst));
        before + gate.standing().map_or(Duration::ZERO, |since| self.engine.env.now().since(since))
    }

    /// A moment to come by its clock, which has stood for a while and may stand again.
    pub(crate) fn on_clock(&self, at: Time) -> Time {
        if at == Time::NEVER { at } else { at - self.stood() }
    }

    /// When a moment by its clock is, if the clock goes on now.
    pub(crate) fn off_clock(&self, at: Time) -> Time {
        if at == Time::NEVER { at } else { at + self.stood() }
    }

    fn is_standing(&self) -> bool {
        self.held() != HeldNow::Not && self.gate.lock().standing().is_some()
    }
}

/// A moment by the clocks of one seat or two: it moves by as long as the one stood that stood longer.
#[derive(Clone)]
pub(crate) struct Deadline {
    at: Time,
    /// With how long each had stood when `at` was right.
    clocks: [Option<(Arc<Seat>, Duration)>; 2],
}

/// What a deadline is to whoever looks at it.
pub(crate) enum Look {
    At(Time),
    /// The clock of this seat stands.
    Stands(Arc<Seat>),
}

impl Deadline {
    /// That of a task: by the clocks of the agent and of the one that asks.
    pub(crate) fn new(at: Time, agent: &Arc<Seat>, asker: Option<&Arc<Seat>>) -> Self {
        let clock = |seat: &Arc<Seat>| (Arc::clone(seat), seat.stood());
        Self { at, clocks: [Some(clock(agent)), asker.map(clock)] }
    }

    pub(crate) fn look(&mut self) -> Look {
        if self.at == Time::NEVER {
            return Look::At(self.at);
        }
        let mut longest = Duration::ZERO;
        for (seat, before) in self.clocks.iter_mut().flatten() {
            if seat.is_standing() {
                return Look::Stands(Arc::clone(seat));
            }
            let stood = seat.stood();
            longest = longest.max(stood.saturating_sub(*before));
            *before = stood;
        }
        self.at = self.at + longest;
        Look::At(self.at)
    }

    /// When it is, if no clock stands any longer than now.
    pub(crate) fn at(&self) -> Time {
        let stood = |(seat, before): &(Arc<Seat>, Duration)| seat.stood().saturating_sub(*before);
        let longest = self.clocks.iter().flatten().map(stood).max().unwrap_or_default();
        self.at + longest
    }

    /// Whether it has passed.
    pub(crate) fn is_over(&mut self, now: Time) -> bool {
        matches!(self.look(), Look::At(at) if at <= now)
    }
}

/// Does something when a deadline has passed, however often that moves. Dropping it takes it back.
pub(crate) struct Alarm {
    seat: Arc<Seat>,
    deadline: Mutex<Deadline>,
    timer: Mutex<Option<Timer>>,
    due: Box<dyn Fn(AlarmDue) + Send + Sync>,
}

/// What an alarm says.
pub(crate) enum AlarmDue {
    /// Its deadline has passed.
    Passed,
    /// That would have passed, and is at this moment instead: a clock has stood that it goes by. Never, while it stands.
    Moved(Time),
}

impl Alarm {
    pub(crate) fn set(
        seat: &Arc<Seat>,
        deadline: Deadline,
        due: impl Fn(AlarmDue) + Send + Sync + 'static,
    ) -> Arc<Self> {
        let (deadline, timer) = (Mutex::new(deadline), Mutex::default());
        let alarm = Arc::new(Self { seat: Arc::clone(seat), deadline, timer, due: Box::new(due) });
        alarm.look(true);
        alarm
    }

    /// When it is due; none while a clock stands that it goes by.
    #[cfg(feature = "lab")]
    pub(crate) fn due_at(&self) -> Option<Time> {
        match self.deadline.lock().look() {
            Look::At(at) => Some(at),
            Look::Stands(_) => None,
        }
    }

    fn look(self: &Arc<Self>, is_first: bool) {
        let env = &self.seat.engine.env;
        let again = || {
            let late: Weak<Self> = Arc::downgrade(self);
            move || {
                if let Some(alarm) = late.upgrade() {
                    alarm.look(false);
                }
            }
        };
        loop {
            let look = self.deadline.lock().look();
            match look {
                Look::At(at) if at <= env.now() => (self.due)(AlarmDue::Passed),
                Look::At(at) => {
                    if !is_first {
                        (self.due)(AlarmDue::Moved(at));
                    }
                    // Set and kept in one: it may be due at once, and whoever looks then keeps a later one.
                    let before = {
                        let mut timer = self.timer.lock();
                        timer.replace(env.at(at, again()))
                    };
                    drop(before);
                }
                Look::Stands(seat) => {
                    if !is_first {
                        (self.due)(AlarmDue::Moved(Time::NEVER));
                    }
                    // Resumed in between: it looks again.
                    if !seat.when_resumed(again()) {
                        continue;
                    }
                }
            }
            return;
        }
    }
}
