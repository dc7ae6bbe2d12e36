//! Who is called next, and when: pure.

use std::time::Duration;

use skep_runtime::Time;

use super::Reaction;

/// One that can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Which of the route's models it is; the first is called first.
    pub(crate) model: usize,
    /// The tokens that it can take; none if nobody knows.
    pub(crate) window: Option<u64>,
}

/// How one stands when somebody is to be chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Calls that are going on there.
    pub(crate) open: usize,
    /// How long its limits let nobody pass.
    pub(crate) shut: Duration,
}

/// Who may be called still.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    all: Vec<Tried>,
    /// How often each may be called.
    tries: u32,
    /// The pause after a first failure that says none; it doubles.
    pause: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Tried {
    choice: Choice,
    tries: u32,
    not_before: Time,
    is_out: bool,
}

impl Choices {
    pub(crate) fn new(all: impl IntoIterator<Item = Choice>, tries: u32, pause: Duration) -> Self {
        let tried = |choice| Tried { choice, tries: 0, not_before: Time::ZERO, is_out: false };
        Self { all: all.into_iter().map(tried).collect(), tries: tries.max(1), pause }
    }

    /// Who is next, and after which pause of its own: whoever is free first; of those, of the first model; of those, who has least to
    /// do. What its limits let wait waits there, in the order in which it came.
    pub(crate) fn next(&self, now: Time, standing: impl Fn(usize) -> Standing) -> Option<(usize, Duration)> {
        let may = self.all.iter().enumerate().filter(|(_, tried)| !tried.is_out && tried.tries < self.tries);
        let ranked = may.map(|(at, tried)| {
            let Standing { open, shut } = standing(at);
            let wait = tried.not_before.since(now).max(shut);
            (wait, tried.choice.model, open, at)
        });
        ranked.min().map(|(.., at)| (at, self.all[at].not_before.since(now)))
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> u32 {
        self.all.iter().map(|tried| tried.tries).fold(0, u32::saturating_add)
    }

    /// One was called, and this follows from its error. `jitter` is a part of a whole in 65,536ths, added to a pause that is ours.
    pub(crate) fn failed(&mut self, at: usize, reaction: Reaction, jitter: u16, now: Time) {
        let Some(tried) = self.all.get_mut(at) else { return };
        tried.tries = tried.tries.saturating_add(1);
        let Choice { model, window } = tried.choice;
        match reaction {
            Reaction::Later(said) => {
                let doubled = self.pause.saturating_mul(1 << (tried.tries - 1).min(16));
                let quarter = doubled / 4 / 65_536 * u32::from(jitter);
                tried.not_before = now + said.unwrap_or(doubled.saturating_add(quarter));
            }
            Reaction::Never => tried.is_out = true,
            Reaction::Larger => {
                // Of one that does not say how much it can take, nobody knows that it is more, unless it is another model.
                let is_no_larger = |other: &Choice| match (window, other.window) {
                    (Some(this), Some(other)) => other <= this,
                    _ => other.model == model,
                };
                self.all
                    .iter_mut()
                    .filter(|other| is_no_larger(&other.choice))
                    .for_each(|other| other.is_out = true);
            }
            Reaction::End => self.all.iter_mut().for_each(|other| other.is_out = true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PAUSE: Duration = Duration::from_secs(1);

    const fn of(model: usize, window: Option<u64>) -> Choice {
        Choice { model, window }
    }

    const fn at(secs: u64) -> Time {
        Time::from_nanos(secs * 1_000_000_000)
    }

    fn free(_: usize) -> Standing {
        Standing::default()
    }

    #[test]
    fn the_first_model_is_called_first_and_there_who_has_least_to_do() {
        let choices = Choices::new([of(0, None), of(0, None), of(1, None)], 3, PAUSE);
        let busy = |at: usize| Standing { open: [5, 2, 0][at], shut: Duration::ZERO };
        assert_eq!(choices.next(at(0), busy), Some((1, Duration::ZERO)));
        let shut = |at: usize| Standing { open: 0, shut: [PAUSE, PAUSE, Duration::ZERO][at] };
        assert_eq!(choices.next(at(0), shut), Some((2, Duration::ZERO)));
    }

    #[test]
    fn one_that_is_overloaded_is_waited_for_only_if_no_other_is_free_sooner() {
        let mut choices = Choices::new([of(0, None), of(1, None)], 2, PAUSE);
        choices.failed(0, Reaction::Later(Some(7 * PAUSE)), 0, at(0));
        assert_eq!(choices.next(at(0), free), Some((1, Duration::ZERO)));
        choices.failed(1, Reaction::Later(None), u16::MAX, at(0));
        let (who, wait) = choices.next(at(0), free).unwrap();
        assert!(who == 1 && wait > PAUSE && wait <= PAUSE * 5 / 4);
        choices.failed(1, Reaction::Later(None), 0, at(2));
        assert_eq!(choices.next(at(4), free), Some((0, 3 * PAUSE)), "the other has had its tries");
    }

    #[test]
    fn too_long_a_request_goes_to_whoever_has_more_room_and_else_to_another_model() {
        let mut choices =
            Choices::new([of(0, Some(8)), of(0, Some(8)), of(1, Some(4)), of(2, Some(9))], 3, PAUSE);
        choices.failed(0, Reaction::Larger, 0, at(0));
        assert_eq!(choices.next(at(0), free), Some((3, Duration::ZERO)));
        choices.failed(3, Reaction::Larger, 0, at(0));
        assert_eq!(choices.next(at(0), free), None);
        let mut unknown = Choices::new([of(0, None), of(0, None), of(1, None)], 3, PAUSE);
        unknown.failed(0, Reaction::Larger, 0, at(0));
        assert_eq!(unknown.next(at(0), free), Some((2, Duration::ZERO)));
    }

    proptest! {
        /// Whatever fails how: nobody is called more often than they may, nobody who is out is called, and it ends.
        #[test]
        fn it_ends_and_nobody_is_called_too_often(
            models in prop::collection::vec((0_usize..3, prop::option::of(1_u64..4)), 1..6),
            reactions in prop::collection::vec((0_u8..5, 0_u64..3, any::<u16>()), 40),
            tries in 0_u32..4,
        ) {
            let all: Vec<Choice> = models.into_iter().map(|(model, window)| of(model, window)).collect();
            let mut choices = Choices::new(all.clone(), tries, PAUSE);
            let (mut now, mut called) = (at(0), vec![0; all.len()]);
            let mut out = vec![false; all.len()];
            for (reaction, secs, jitter) in reactions {
                let Some((who, wait)) = choices.next(now, free) else { break };
                prop_assert!(!out[who]);
                now = now + wait;
                called[who] += 1;
                let reaction = match reaction {
                    0 => Reaction::Never,
                    1 => Reaction::Larger,
                    2 => Reaction::Later(Some(Duration::from_secs(secs))),
                    _ => Reaction::Later(None),
                };
                out[who] |= matches!(reaction, Reaction::Never | Reaction::Larger);
                choices.failed(who, reaction, jitter, now);
            }
            prop_assert!(called.iter().all(|calls| *calls <= tries.max(1)));
            prop_assert_eq!(choices.calls(), called.iter().sum::<u32>());
            prop_assert!(choices.next(now, free).is_none(), "forty calls are more than there may be");
        }
    }
}
