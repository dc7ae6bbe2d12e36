//! A seat's own life: whether anything may begin there, who has its behaviour, and what is left when it has ended.
//!
//! A pure machine. What performs asks it, under the seat's line, and decides nothing by itself.
//!
//! | life | a turn may begin | it comes from | its supervisor may start it |
//! |---|---|---|---|
//! | down | no, tasks wait | its spawn; an exit; held or ended, when its supervisor starts it again | yes |
//! | up | yes | down, when a life begins | |
//! | held | no, tasks wait | down or up, by a stop after which it may be started again | yes |
//! | closed | no | down, up or held, by a stop that ends it for good, or by the begin of its end | no |
//! | ended | no | closed | yes, unless a stop has ended that |
//! | gone | no | any | never |
//!
//! # Invariants
//! 1. A life begins only from down, and only what is down, held or ended comes back there. What is gone stays gone.
//! 2. An end is begun once: [`Place::begins_to_end`] answers the first alone. From then on no exit of it is heard.
//! 3. There is at most one current runner, that of the current generation. One that was given up is *stuck* until it says
//!    that it is gone; whatever it says besides is refused by its generation.
//! 4. A place is vacant when it is gone and nothing of it is left: no runner, no stuck one, nothing that is dropped or goes on
//!    elsewhere.
//!
//! The life changes under the seat's gate *and* its line, and so may be read under either.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::words::ends::Left;

/// A seat's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Life {
    /// Between two incarnations, also before the first.
    #[default]
    Down,
    /// Its incarnation is on.
    Up,
    /// A stop has come by, after which its supervisor may start it again.
    Held,
    /// A stop that ends it for good has come by, or its end has begun.
    Closed,
    /// It has ended, and its spec stands.
    Ended,
    /// It has ended for good.
    Gone,
}

/// Who has the behaviour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It has started, and no runner has been needed yet.
    Dormant,
    /// The first start is being polled where the spawn was called.
    Starting,
    /// A runner.
    Open,
    /// Nobody, and only a start makes one: before the first, between two incarnations, at the end.
    #[default]
    Gone,
}

/// Who hears of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hears {
    Supervisor,
    /// The stop that has come by: it ends the agent.
    Stop,
    /// Nobody: the agent has ended before.
    Nobody,
}

/// What becomes of an agent that its supervisor starts again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Back {
    /// Its next life begins.
    Again,
    /// The same, and it had ended: it is spawned again.
    Reborn,
    /// A stop has come by since, and says what becomes of it.
    Stopping,
    /// It has ended for good, or a stop is about to say so.
    Never,
}

/// What the bell of a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ring {
    Wakes,
    /// A runner of this generation is to be opened for the dormant agent.
    Opens(u64),
    /// A start, a restart or a stop will look at the mailbox itself.
    Waits,
}

/// How a start that was ready at once comes to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rests {
    Dormant,
    /// A stop has come by meanwhile.
    Fenced,
    /// It was given up meanwhile: its behaviour is nobody's.
    Superseded,
}

/// What an end from outside finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// A runner, or a start: it is to be ordered.
    Runner,
    /// A dormant behaviour, which from here on no runner is opened for.
    Dormant,
    /// Nobody.
    Nobody,
}

/// What was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GivenUp {
    /// A runner, which is stuck from here on.
    Runner,
    /// A dormant behaviour, which is to be dropped.
    Dormant,
    Nobody,
}

/// A seat's own life.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    life: Life,
    presence: Presence,
    generation: u64,
    /// A stop has told its runner to take no other task.
    is_fenced: bool,
    /// A stop that ends it for good has come by.
    is_final: bool,
    /// Its end has begun, and whoever began it sees to all that belongs to it.
    is_ending: bool,
    /// The generations of runners that were given up and are not gone.
    stuck: Vec<u64>,
    /// What is dropped or goes on elsewhere, by its number.
    aside: BTreeMap<u64, Left>,
}

impl Life {
    /// Whether a stop ends it for good or it has ended: it takes nothing any more, but for a new life.
    pub(crate) const fn is_closed(self) -> bool {
        matches!(self, Self::Closed | Self::Ended | Self::Gone)
    }
}

impl Place {
    /// A place that has no behaviour: it is up from its begin, and only holds children.
    pub(crate) fn bare() -> Self {
        Self { life: Life::Up, ..Self::default() }
    }

    pub(crate) const fn life(&self) -> Life {
        self.life
    }

    /// Whether a stop ends it for good or it has ended.
    pub(crate) const fn is_closed(&self) -> bool {
        self.life.is_closed()
    }

    pub(crate) const fn is_gone(&self) -> bool {
        matches!(self.life, Life::Gone)
    }

    pub(crate) const fn presence(&self) -> Presence {
        self.presence
    }

    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) const fn is_fenced(&self) -> bool {
        self.is_fenced
    }

    /// Whether a runner or a start is there.
    pub(crate) const fn has_runner(&self) -> bool {
        matches!(self.presence, Presence::Open | Presence::Starting)
    }

    /// Whether something of it runs that could not be stopped.
    pub(crate) const fn is_stuck(&self) -> bool {
        !self.stuck.is_empty()
    }

    /// Whether its end is under way, with somebody there: what is to be paused is not quiet yet.
    pub(crate) const fn is_on_its_way_out(&self) -> bool {
        match self.life {
            Life::Down | Life::Up => false,
            Life::Held => !matches!(self.presence, Presence::Gone),
            Life::Closed | Life::Ended | Life::Gone => true,
        }
    }

    /// What is left of it.
    pub(crate) fn left(&self) -> Vec<Left> {
        let runners = self.stuck.len() + usize::from(self.has_runner());
        let runners = std::iter::repeat_n(Left::Runner, runners);
        runners.chain(self.aside.values().cloned()).collect()
    }

    /// Whether anything is left of it.
    pub(crate) fn is_occupied(&self) -> bool {
        self.has_runner() || self.is_stuck() || !self.aside.is_empty()
    }

    /// The next life begins, if it is down.
    pub(crate) const fn begins(&mut self) -> bool {
        let begins = matches!(self.life, Life::Down);
        if begins {
            self.life = Life::Up;
        }
        begins
    }

    /// Its incarnation, or its start, has ended by itself.
    ///
    /// Said `by` the runner of a generation, or by nobody's runner: that of one that was given up is not heard.
    pub(crate) fn exits(&mut self, by: Option<u64>) -> Hears {
        match self.life {
            _ if self.is_ending || by.is_some_and(|by| by != self.generation) => Hears::Nobody,
            Life::Down | Life::Held => Hears::Supervisor,
            Life::Up => {
                self.life = Life::Down;
                Hears::Supervisor
            }
            Life::Closed => Hears::Stop,
            Life::Ended | Life::Gone => Hears::Nobody,
        }
    }

    /// A stop comes by. Gives its life until then.
    pub(crate) const fn fence(&mut self, for_good: bool) -> Life {
        let before = self.life;
        self.is_final |= for_good;
        self.life = match self.life {
            Life::Down | Life::Up | Life::Held if for_good => Life::Closed,
            Life::Down | Life::Up => Life::Held,
            Life::Ended if for_good => Life::Gone,
            other => other,
        };
        before
    }

    /// Its runner is told of a stop that has come by. Gives whom the stop finds.
    pub(crate) const fn tell_fenced(&mut self) -> Presence {
        self.is_fenced = true;
        self.presence
    }

    /// Its end begins, by whoever is told that it is the first.
    pub(crate) const fn begins_to_end(&mut self) -> bool {
        let is_first = !self.is_ending;
        self.is_ending = true;
        if !self.is_closed() {
            self.life = Life::Closed;
        }
        is_first
    }

    /// It has ended.
    pub(crate) const fn has_ended(&mut self) {
        if matches!(self.life, Life::Closed) {
            self.life = Life::Ended;
        }
    }

    /// Whether its spec brings it back, if that stands.
    pub(crate) const fn may_come_back(&self) -> bool {
        !self.is_final && !self.is_gone()
    }

    /// It has ended for good, having ended before: its spec is gone too.
    pub(crate) const fn goes(&mut self) {
        (self.is_final, self.is_ending) = (true, true);
        self.life = Life::Gone;
    }

    /// Its supervisor starts it again.
    pub(crate) const fn comes_back(&mut self) -> Back {
        match self.life {
            Life::Gone => Back::Never,
            Life::Ended if !self.may_come_back() => Back::Never,
            Life::Ended => {
                self.life = Life::Down;
                self.is_ending = false;
                Back::Reborn
            }
            Life::Closed => Back::Stopping,
            Life::Held | Life::Down | Life::Up => {
                self.life = Life::Down;
                Back::Again
            }
        }
    }

    /// A start begins where the spawn was called; none if a stop has come by and ended it.
    pub(crate) fn starts_in_place(&mut self) -> Option<u64> {
        if self.is_fenced || self.is_closed() {
            return None;
        }
        let generation = self.opens();
        self.presence = Presence::Starting;
        Some(generation)
    }

    /// That start goes on elsewhere. False if it was given up meanwhile.
    pub(crate) const fn moves(&mut self, generation: u64) -> bool {
        let is_current = self.is_current(generation);
        if is_current {
            self.presence = Presence::Open;
        }
        is_current
    }

    /// That start was ready at once: its behaviour lies in the seat.
    pub(crate) const fn rests(&mut self, generation: u64) -> Rests {
        if !self.is_current(generation) {
            return Rests::Superseded;
        }
        self.presence = Presence::Dormant;
        if self.is_fenced { Rests::Fenced } else { Rests::Dormant }
    }

    const fn is_current(&self, generation: u64) -> bool {
        self.generation == generation
    }

    /// A task has come.
    pub(crate) fn rings(&mut self) -> Ring {
        match self.presence {
            Presence::Open => Ring::Wakes,
            Presence::Dormant if !self.is_fenced && !self.is_closed() => Ring::Opens(self.opens()),
            Presence::Dormant | Presence::Starting | Presence::Gone => Ring::Waits,
        }
    }

    /// The dormant behaviour's hook has its turn; none if the behaviour is gone.
    pub(crate) fn hooks_in_place(&mut self) -> Option<u64> {
        if matches!(self.presence, Presence::Gone) { None } else { Some(self.opens()) }
    }

    /// A runner of the next generation. One that is still there is given up.
    fn opens(&mut self) -> u64 {
        self.gives_up();
        self.presence = Presence::Open;
        self.generation
    }

    /// The next incarnation is to be brought up: by the runner that is there, or by one of the generation that this gives.
    pub(crate) fn restarts(&mut self) -> Restarts {
        if self.is_final {
            return Restarts::Never;
        }
        self.is_fenced = false;
        match self.presence {
            Presence::Open => Restarts::Runner,
            _ => Restarts::Opens(self.opens()),
        }
    }

    /// The incarnation is to end, whatever it does.
    pub(crate) const fn cut(&mut self) -> Cut {
        match self.presence {
            Presence::Open | Presence::Starting => Cut::Runner,
            Presence::Dormant => {
                self.presence = Presence::Gone;
                Cut::Dormant
            }
            Presence::Gone => Cut::Nobody,
        }
    }

    /// The dormant behaviour is taken away; says whether there was one.
    pub(crate) const fn takes_dormant(&mut self) -> bool {
        let is_dormant = matches!(self.presence, Presence::Dormant);
        if is_dormant {
            self.presence = Presence::Gone;
        }
        is_dormant
    }

    /// Whoever has the behaviour is given up: another may have the place, and what it still runs is refused everything.
    pub(crate) fn gives_up(&mut self) -> GivenUp {
        let given_up = match self.presence {
            Presence::Open | Presence::Starting => {
                self.stuck.push(self.generation);
                GivenUp::Runner
            }
            Presence::Dormant => GivenUp::Dormant,
            Presence::Gone => GivenUp::Nobody,
        };
        self.generation += 1;
        self.presence = Presence::Gone;
        given_up
    }

    /// The runner of a generation is gone, the current one or one that was given up.
    pub(crate) fn is_left_by(&mut self, generation: u64) {
        if self.is_current(generation) {
            self.presence = Presence::Gone;
        } else {
            self.stuck.retain(|stuck| *stuck != generation);
        }
    }

    /// Something of it is dropped, or goes on, elsewhere.
    pub(crate) fn puts_aside(&mut self, number: u64, left: Left) {
        self.aside.insert(number, left);
    }

    /// That is over.
    pub(crate) fn is_done_aside(&mut self, number: u64) {
        self.aside.remove(&number);
    }
}

/// Who brings the next incarnation up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restarts {
    Runner,
    Opens(u64),
    /// A stop came by since its supervisor decided.
    Never,
}
