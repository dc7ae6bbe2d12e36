//! How long a turn has really been silent: time in which it could not have gone on does not count.
//!
//! Two things tell that a runtime stood still, both seen from the control thread, whose heart beats every so often while turns
//! are open. A beat that comes late: then the whole process stood still (a suspended machine, a stopped process). And a probe
//! that is sent to the runtime of the turns with a beat and runs late: then all workers there were taken, so no turn could go
//! on but those that took them.
//!
//! # Invariants
//! 1. Spans of one kind are apart from each other and in order: what two of them would share is counted once.
//! 2. A silence is never longer than the time from its begin to now, and more standing still never makes it longer.

use std::time::Duration;

use crate::words::time::Time;

/// Spans of time, apart from each other and in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Spans(Vec<(Time, Time)>);

impl Spans {
    /// Adds a span that ends no earlier than any before it.
    fn add(&mut self, mut from: Time, to: Time) {
        while let Some((began, _)) = self.0.pop_if(|(_, ended)| *ended >= from) {
            from = from.min(began);
        }
        if from < to {
            self.0.push((from, to));
        }
    }

    fn forget_before(&mut self, at: Time) {
        self.0.retain(|(_, to)| *to > at);
    }
}

/// How much of a span lies in either of two lists of spans.
fn covered(from: Time, to: Time, lists: [&Spans; 2]) -> Duration {
    let mut all: Vec<_> = lists.into_iter().flat_map(|spans| &spans.0).copied().collect();
    all.sort_unstable();
    let mut sum = Duration::ZERO;
    let mut reached = from;
    for (began, ended) in all {
        let (began, ended) = (began.max(reached), ended.min(to));
        sum += ended.since(began);
        reached = reached.max(ended);
    }
    sum
}

/// What beats and probes have shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standstill {
    last_beat: Option<Time>,
    /// What comes late by no more than this, half of the time between two beats, is only a busy machine.
    slack: Duration,
    /// When the probe was sent that has not come back.
    probe: Option<Time>,
    process: Spans,
    runtime: Spans,
}

impl Standstill {
    /// The heart begins to beat.
    pub(crate) fn begin(&mut self, now: Time) {
        self.last_beat.get_or_insert(now);
    }

    /// A beat, with the moment at which it was due and the time between two. Says whether a probe is to be sent with it.
    pub(crate) fn beat(&mut self, now: Time, due: Time, every: Duration) -> bool {
        self.slack = every / 2;
        if let Some(last) = self.last_beat.replace(now).filter(|_| now.since(due) > self.slack) {
            // Where in the gap it began nobody knows: all of it is given to the turns.
            self.process.add(last, now);
        }
        match self.probe {
            Some(sent) if now.since(sent) > self.slack => self.runtime.add(sent, now),
            Some(_) => {}
            None => {
                self.probe = Some(now);
                return true;
            }
        }
        false
    }

    /// The heart rests: nobody is there to be watched.
    pub(crate) fn rest(&mut self) {
        self.last_beat = None;
    }

    /// The probe has run.
    pub(crate) fn probed(&mut self, now: Time) {
        if let Some(sent) = self.probe.take().filter(|sent| now.since(*sent) > self.slack) {
            self.runtime.add(sent, now);
        }
    }

    /// What lies before all turns that are open is of no use.
    pub(crate) fn forget_before(&mut self, at: Time) {
        self.process.forget_before(at);
        self.runtime.forget_before(at);
    }

    /// How long a turn has been silent that last got on at `since`. Who `blocks` a worker itself is not excused by that.
    pub(crate) fn silence(&self, since: Time, now: Time, blocks: bool) -> Duration {
        let none = Spans::default();
        let runtime = if blocks { &none } else { &self.runtime };
        now.since(since).saturating_sub(covered(since, now, [&self.process, runtime]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVERY: Duration = Duration::from_secs(10);

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A world in which each second the process runs or is stopped, and its workers are free or taken.
    fn worlds() -> impl Strategy<Value = Vec<(bool, bool)>> {
        let stretch = (any::<bool>(), any::<bool>(), 1_usize..60);
        prop::collection::vec(stretch, 1..12).prop_map(|stretches| {
            stretches.into_iter().flat_map(|(runs, free, length)| vec![(runs, free); length]).collect()
        })
    }

    /// Beats on time while the process runs, and as soon as it does again; probes run as soon as a worker is free.
    fn lived(world: &[(bool, bool)]) -> Standstill {
        let mut standstill = Standstill::default();
        let mut due = 0;
        standstill.begin(at(0));
        let mut is_out = false;
        for (second, (runs, free)) in world.iter().enumerate() {
            let now = at(second as u64);
            if *runs && is_out && *free {
                standstill.probed(now);
                is_out = false;
            }
            if *runs && second >= due {
                is_out |= standstill.beat(now, at(due as u64), EVERY);
                due = second + 10;
            }
        }
        standstill
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn a_silence_is_no_longer_than_the_time_and_no_shorter_than_what_was_free(world in worlds(), since in prop_oneof![0_u64..3, 0_u64..200]) {
            let now = world.len() as u64;
            let since = since.min(now);
            let standstill = lived(&world);
            let silence = standstill.silence(at(since), at(now), false);
            prop_assert!(silence <= secs(now - since));
            prop_assert!(silence <= standstill.silence(at(since), at(now), true), "who blocks is excused less");
            if world.iter().all(|(runs, free)| *runs && *free) {
                prop_assert_eq!(silence, secs(now - since), "nothing stood still");
            }
        }

        #[test]
        fn a_process_that_stood_still_for_long_is_excused_for_all_of_it(before in 1_u64..100, stood in 16_u64..1_000) {
            let mut world = vec![(true, true); before as usize];
            world.extend(vec![(false, true); stood as usize]);
            world.push((true, true));
            let silence = lived(&world).silence(at(0), at(before + stood), true);
            prop_assert!(silence <= secs(before), "{silence:?} of {before} s");
            prop_assert!(silence + EVERY >= secs(before), "no more than one beat too much is excused");
        }

        #[test]
        fn workers_that_were_taken_excuse_all_but_who_took_them(before in 1_u64..100, taken in 30_u64..1_000) {
            let mut world = vec![(true, true); before as usize];
            world.extend(vec![(true, false); taken as usize]);
            world.push((true, true));
            let now = before + taken;
            let standstill = lived(&world);
            prop_assert_eq!(standstill.silence(at(0), at(now), true), secs(now));
            let silence = standstill.silence(at(0), at(now), false);
            prop_assert!(silence <= secs(before) + EVERY * 2, "{silence:?} of {before} s");
        }
    }

    #[test]
    fn what_is_forgotten_lies_before_every_open_turn() {
        let mut standstill = Standstill::default();
        for second in [0, 10, 100, 110, 300] {
            let due = standstill.last_beat.map_or(at(0), |last| last + EVERY);
            standstill.beat(at(second), due, EVERY);
            standstill.probed(at(second));
        }
        let silence = standstill.silence(at(105), at(300), false);
        standstill.forget_before(at(105));
        assert_eq!(standstill.silence(at(105), at(300), false), silence);
        assert_eq!(standstill.process.0.len(), 1);
        standstill.rest();
        standstill.begin(at(9_000));
        standstill.beat(at(9_010), at(9_010), EVERY);
        assert_eq!(standstill.process.0.len(), 1, "while nobody is watched nothing stands still");
    }
}
