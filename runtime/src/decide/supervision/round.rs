//! Rounds: what concerns several children in order (S1, S3, S5).
//!
//! A round walks down its scope and stops, then up and starts, one answer at a time. Starting all is a round that only
//! goes up, and turns round where a start fails.

use std::ops::RangeInclusive;

use super::action::Action;
use super::table::{By, ChildLife};
use super::{Core, Moment};
use crate::words::child::ChildKey;
use crate::words::child_report::Context;
use crate::words::policy::{Exit, FailureClass, Restart, Strategy};

/// The round under way.
#[derive(Debug)]
pub(super) struct Round {
    aim: Aim,
    scope: RangeInclusive<ChildKey>,
    /// The part of the scope that is still to be walked.
    left: RangeInclusive<ChildKey>,
    /// Whose answer it waits for.
    at: Option<ChildKey>,
    /// Whether it walks down and stops; else it walks up and starts.
    down: bool,
}

impl Round {
    pub(super) const fn at(&self) -> Option<ChildKey> {
        self.at
    }
}

/// What a round is for.
#[derive(Debug)]
enum Aim {
    /// The supervisor starts.
    StartAll,
    /// The start failed here: those started before are stopped.
    RollBack { failed: ChildKey, reason: String },
    /// A child is restarted with its siblings in scope.
    Repair { trigger: ChildKey, after: Option<Exit> },
    /// The child of a repair has been given up alone: those that were stopped for it are started again.
    Resume,
}

/// Keys below one, from `scope`'s first on.
fn below(scope: &RangeInclusive<ChildKey>, key: ChildKey) -> RangeInclusive<ChildKey> {
    key.checked_sub(1).map_or(NONE, |last| *scope.start()..=last)
}

/// Keys above one, up to `scope`'s last.
fn above(scope: &RangeInclusive<ChildKey>, key: ChildKey) -> RangeInclusive<ChildKey> {
    key.checked_add(1).map_or(NONE, |first| first..=*scope.end())
}

#[expect(clippy::reversed_empty_ranges, reason = "empty is what is meant")]
const NONE: RangeInclusive<ChildKey> = 1..=0;

impl Core {
    pub(super) fn start_all(&mut self, m: &mut Moment<'_>) {
        if self.round.is_some() {
            return;
        }
        self.over = false;
        let scope = self.table.ends().map_or(NONE, |(first, last)| first..=last);
        self.round = Some(Round { aim: Aim::StartAll, left: scope.clone(), scope, at: None, down: false });
        self.walk(m);
    }

    pub(super) fn repair(&mut self, trigger: ChildKey, after: Exit, m: &mut Moment<'_>) {
        let Some((first, last)) = self.table.ends() else { return };
        let first = if self.policy.strategy == Strategy::RestForOne { trigger } else { first };
        let aim = Aim::Repair { trigger, after: Some(after) };
        self.table.set(trigger, ChildLife::Held);
        self.round = Some(Round { aim, scope: first..=last, left: first..=last, at: None, down: true });
        self.walk(m);
    }

    /// Starts what an earlier round has stopped, and nobody else.
    pub(super) fn resume_held(&mut self, m: &mut Moment<'_>) {
        let scope = self.table.ends().map_or(NONE, |(first, last)| first..=last);
        self.round = Some(Round { aim: Aim::Resume, left: scope.clone(), scope, at: None, down: false });
        self.walk(m);
    }

    /// Goes on if the round has waited for this child.
    pub(super) fn go_on_after(&mut self, key: ChildKey, m: &mut Moment<'_>) {
        match &mut self.round {
            Some(round) if round.at == Some(key) => round.at = None,
            _ => return,
        }
        self.walk(m);
    }

    /// Whether the round under way is the supervisor's own start.
    pub(super) fn starts_all(&self) -> bool {
        self.round.as_ref().is_some_and(|round| matches!(round.aim, Aim::StartAll))
    }

    /// Whoever terminates a child within an attempt to restart it ends the attempt: those that it would have started next stay
    /// down, as they do between two attempts. A supervisor's own start goes on.
    pub(super) fn call_attempt_off(&mut self, key: ChildKey) {
        let is_attempt = |round: &mut Round| {
            round.at == Some(key) && !round.down && matches!(round.aim, Aim::Repair { .. } | Aim::Resume)
        };
        self.round.take_if(is_attempt);
    }

    /// Walks until an answer is to be waited for or the round is over.
    fn walk(&mut self, m: &mut Moment<'_>) {
        while let Some(round) = &self.round {
            if round.at.is_some() {
                return;
            }
            if round.down { self.step_down(m) } else { self.step_up(m) }
        }
    }

    fn step_down(&mut self, m: &mut Moment<'_>) {
        let Some(round) = &mut self.round else { return };
        let Some((key, child)) = self.table.last_in(round.left.clone()) else {
            self.turn_round(m);
            return;
        };
        round.left = below(&round.scope, key);
        match child.life() {
            ChildLife::Running | ChildLife::Starting(_) => {
                round.at = Some(key);
                m.say(Action::Stop { key, shutdown: child.shutdown });
                self.table.set(key, ChildLife::Stopping(By::Round));
            }
            ChildLife::Stopping(_) => round.at = Some(key),
            ChildLife::Gone | ChildLife::Restarting => {
                let exit = self.call_off(key, m).unwrap_or(Exit::Shutdown);
                self.swept(key, exit, m);
            }
            ChildLife::Nothing | ChildLife::Held => {}
        }
    }

    /// A sibling has been stopped by the round, or its end was taken in passing.
    pub(super) fn swept(&mut self, key: ChildKey, exit: Exit, m: &mut Moment<'_>) {
        let temporary = self.table.get(key).is_some_and(|child| child.restart == Restart::Temporary);
        match self.round.as_ref().map(|round| &round.aim) {
            Some(Aim::Repair { .. }) if temporary => self.end(key, exit, m),
            Some(Aim::Repair { .. }) => self.table.set(key, ChildLife::Held),
            Some(Aim::StartAll | Aim::RollBack { .. } | Aim::Resume) | None => {
                self.table.set(key, ChildLife::Nothing);
            }
        }
    }

    /// All in scope are stopped.
    fn turn_round(&mut self, m: &mut Moment<'_>) {
        match self.round.take() {
            Some(Round { aim: Aim::RollBack { failed, reason }, .. }) => {
                self.finish(Action::StartFailed { key: failed, reason }, m);
            }
            Some(round) => self.round = Some(Round { left: round.scope.clone(), down: false, ..round }),
            None => {}
        }
    }

    fn step_up(&mut self, m: &mut Moment<'_>) {
        let Some(round) = &mut self.round else { return };
        let Some((key, child)) = self.table.first_in(round.left.clone()) else {
            if matches!(round.aim, Aim::StartAll) {
                m.say(Action::StartedAll);
            }
            self.round = None;
            return;
        };
        match child.life() {
            ChildLife::Nothing if matches!(round.aim, Aim::Resume) => round.left = above(&round.scope, key),
            ChildLife::Nothing | ChildLife::Held => {
                round.left = above(&round.scope, key);
                round.at = Some(key);
                let after = match &mut round.aim {
                    Aim::Repair { trigger, after } if *trigger == key => after.take(),
                    Aim::Repair { .. } | Aim::StartAll | Aim::RollBack { .. } | Aim::Resume => None,
                };
                let returns = child.aside.as_ref().is_some_and(|aside| aside.returns);
                self.table.set(key, ChildLife::Starting(By::Round));
                if returns && let Some(child) = self.table.get_mut(key) {
                    // From here on it is restarted as its siblings are.
                    child.aside().returns = false;
                }
                m.say(Action::Start { key, after, automatic: true });
            }
            // It is met again when it has been stopped.
            ChildLife::Stopping(_) => round.at = Some(key),
            ChildLife::Running | ChildLife::Starting(_) | ChildLife::Gone | ChildLife::Restarting => {
                round.left = above(&round.scope, key);
            }
        }
    }

    /// A start of the round has failed: a repair leaves the rest to the next attempt, starting all is rolled back unless what
    /// failed was added to what is declared.
    pub(super) fn round_failed(&mut self, key: ChildKey, reason: String, m: &mut Moment<'_>) {
        match self.round.as_mut() {
            Some(Round { aim: Aim::Repair { .. } | Aim::Resume, .. }) => {
                self.start_failed_again(key, reason, m);
                if self.table.life(key) == Some(ChildLife::Restarting) {
                    self.round = None;
                }
                self.go_on_after(key, m);
            }
            Some(Round { aim: Aim::StartAll, .. })
                if self.table.get(key).is_some_and(|child| child.added) =>
            {
                if let Some(child) = self.table.get_mut(key) {
                    child.aside().returns = true;
                }
                self.start_failed_again(key, reason, m);
                self.go_on_after(key, m);
            }
            Some(round) => {
                let exit = Exit::failed(FailureClass::Start, reason.clone());
                round.aim = Aim::RollBack { failed: key, reason };
                round.left = below(&round.scope, key);
                round.down = true;
                self.report(Context::StartError, key, exit, m);
                self.table.set(key, ChildLife::Nothing);
                self.go_on_after(key, m);
            }
            None => {}
        }
    }
}
