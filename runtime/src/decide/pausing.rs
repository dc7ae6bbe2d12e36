//! Who is held by which pauses: pure.
//!
//! A pause stands at an agent and holds it with everything below. Pauses nest: an agent runs when none stands at it or
//! above it. A second pause of the same agent makes the first one firmer and is lifted with it, as one signal stops a
//! process however often it was sent.
//!
//! ```text
//!          own    from above   holds     passes on
//!  s.1     now    -            now       now
//!  s.1.1   -      now          now       now
//!  s.1.2   mild   now          now       now        resume of s.1: still held, mildly, by its own
//! ```
//!
//! # Invariants
//! 1. An agent is held exactly if a pause stands at it or above it, and as firmly as the sum of all those.
//! 2. What holds a child from above is what its parent passes on. So a walk that lifts a pause may turn back where what
//!    is passed on has not changed.

#[cfg(test)]
mod tests;

use std::ops::BitOr;

/// How firmly something is held. Of two, what either asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grip {
    /// Effects in flight are cut short that may run again.
    pub(crate) now: bool,
    /// The clocks of deadlines stand.
    pub(crate) clocks: bool,
}

impl BitOr for Grip {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self { now: self.now || other.now, clocks: self.clocks || other.clocks }
    }
}

/// What holds one agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holds {
    own: Option<Grip>,
    above: Option<Grip>,
}

/// What happens to the pauses of one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is paused itself.
    Pause(Grip),
    /// Its own pause is lifted.
    Resume,
    /// What its parent passes on is this now.
    Above(Option<Grip>),
}

impl Holds {
    /// How it is held, if it is; its children are held the same from above.
    pub(crate) fn grip(self) -> Option<Grip> {
        match (self.own, self.above) {
            (Some(own), Some(above)) => Some(own | above),
            (own, above) => own.or(above),
        }
    }

    /// Whether a pause stands at the agent itself.
    pub(crate) const fn has_own(self) -> bool {
        self.own.is_some()
    }

    pub(crate) fn change(&mut self, change: Change) {
        match change {
            Change::Pause(grip) => self.own = Some(self.own.map_or(grip, |own| own | grip)),
            Change::Resume => self.own = None,
            Change::Above(above) => self.above = above,
        }
    }
}
