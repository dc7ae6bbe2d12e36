use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Input {
    Begins,
    Exits,
    Fence(bool),
    Tell,
    BeginsToEnd,
    HasEnded,
    Goes,
    ComesBack,
    StartsInPlace,
    Moves,
    Rests,
    Rings,
    Hooks,
    Restarts,
    Cut,
    TakesDormant,
    GivesUp,
    /// The runner of one of the generations that there were.
    LeftBy(u64),
    PutsAside,
    DoneAside(u64),
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        4 => Just(Input::Begins),
        2 => Just(Input::Exits),
        1 => any::<bool>().prop_map(Input::Fence),
        1 => Just(Input::Tell),
        1 => Just(Input::BeginsToEnd),
        2 => Just(Input::HasEnded),
        1 => Just(Input::Goes),
        2 => Just(Input::ComesBack),
        3 => Just(Input::StartsInPlace),
        1 => Just(Input::Moves),
        2 => Just(Input::Rests),
        3 => Just(Input::Rings),
        1 => Just(Input::Hooks),
        2 => Just(Input::Restarts),
        1 => Just(Input::Cut),
        1 => Just(Input::TakesDormant),
        1 => Just(Input::GivesUp),
        3 => (0_u64..12).prop_map(Input::LeftBy),
        1 => Just(Input::PutsAside),
        1 => (0_u64..4).prop_map(Input::DoneAside),
    ]
}

/// What a reader would keep beside a place: who was told to run and has not left, and what was said.
#[derive(Default)]
struct Beside {
    running: BTreeSet<u64>,
    aside: BTreeSet<u64>,
    numbers: u64,
    ending: bool,
    ended: bool,
    is_final: bool,
    gone: bool,
}

impl Beside {
    fn opened(&mut self, generation: u64) {
        assert!(self.running.insert(generation), "a generation has one runner");
    }

    fn take(&mut self, place: &mut Place, input: Input) {
        let before = place.clone();
        match input {
            Input::Begins => {
                let begins = place.begins();
                assert_eq!(begins, before.life() == Life::Down, "invariant 1");
            }
            Input::Exits => {
                let hears = place.exits(None);
                assert_eq!(hears == Hears::Nobody, self.ending, "after an end nobody hears of another");
                assert!(place.life() != Life::Up);
            }
            Input::Fence(for_good) => {
                place.fence(for_good);
                self.is_final |= for_good;
                self.gone |= for_good && self.ended;
                assert!(place.life() != Life::Up, "nothing begins behind a fence");
            }
            Input::Tell => {
                place.tell_fenced();
            }
            Input::BeginsToEnd => {
                assert_eq!(place.begins_to_end(), !self.ending, "invariant 2");
                self.ending = true;
            }
            Input::HasEnded if self.ending => {
                place.has_ended();
                self.ended = true;
            }
            Input::HasEnded => {}
            Input::Goes => {
                place.goes();
                (self.ending, self.ended, self.gone, self.is_final) = (true, true, true, true);
            }
            Input::ComesBack => {
                let back = place.comes_back();
                if matches!(back, Back::Again | Back::Reborn) {
                    assert!(!self.gone && (!self.ended || !self.is_final), "invariant 1");
                    assert_eq!(back == Back::Reborn, self.ended, "only what had ended is spawned again");
                    (self.ending, self.ended) = (false, false);
                }
            }
            // A start in place is the first thing of a seat: nothing else runs there then.
            Input::StartsInPlace if before.presence() == Presence::Gone => {
                if let Some(generation) = place.starts_in_place() {
                    self.opened(generation);
                }
            }
            Input::StartsInPlace => {}
            Input::Moves if before.presence() == Presence::Starting => {
                assert!(place.moves(before.generation()));
            }
            Input::Moves => {
                assert!(!place.moves(before.generation() + 7), "of another generation");
            }
            Input::Rests if before.presence() == Presence::Starting => {
                assert_ne!(place.rests(before.generation()), Rests::Superseded);
                self.running.remove(&before.generation());
            }
            Input::Rests => {
                assert_eq!(place.rests(before.generation() + 7), Rests::Superseded);
                assert_eq!(place.presence(), before.presence(), "one that was given up changes nothing");
            }
            Input::Rings => {
                if let Ring::Opens(generation) = place.rings() {
                    assert!(!before.is_closed() && !before.is_fenced(), "nothing is opened behind a fence");
                    self.opened(generation);
                }
            }
            Input::Hooks => {
                if let Some(generation) = place.hooks_in_place() {
                    self.opened(generation);
                }
            }
            Input::Restarts => match place.restarts() {
                Restarts::Opens(generation) => self.opened(generation),
                Restarts::Runner => assert_eq!(before.presence(), Presence::Open),
                Restarts::Never => assert!(self.is_final),
            },
            Input::Cut => {
                let cut = place.cut();
                assert_eq!(cut == Cut::Runner, before.has_runner());
            }
            Input::TakesDormant => {
                assert_eq!(place.takes_dormant(), before.presence() == Presence::Dormant);
            }
            Input::GivesUp => {
                let given_up = place.gives_up();
                assert_eq!(given_up == GivenUp::Runner, before.has_runner());
                assert_eq!(given_up == GivenUp::Dormant, before.presence() == Presence::Dormant);
            }
            Input::LeftBy(generation) => {
                // Runners leave that are there, each once.
                if self.running.remove(&generation) {
                    place.is_left_by(generation);
                }
            }
            Input::PutsAside => {
                self.numbers += 1;
                self.aside.insert(self.numbers);
                place.puts_aside(self.numbers, Left::Behaviour);
            }
            Input::DoneAside(number) => {
                self.aside.remove(&number);
                place.is_done_aside(number);
            }
        }
        self.hold(place);
    }

    fn hold(&self, place: &Place) {
        assert_eq!(place.is_gone(), self.gone, "what is gone stays gone, and nothing else is");
        assert!(!self.ending || place.life() != Life::Up, "nothing begins after an end");
        assert_eq!(place.may_come_back(), !self.is_final, "no spec brings back what a stop has ended");
        let is_left = !self.running.is_empty() || !self.aside.is_empty();
        assert_eq!(place.is_occupied(), is_left, "invariants 3 and 4: {:?} {place:?}", self.running);
        assert_eq!(place.left().len(), self.running.len() + self.aside.len(), "each is named");
        let current = self.running.contains(&place.generation());
        assert_eq!(place.has_runner(), current, "at most one runner is current");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_place_is_vacant_when_all_that_it_ran_has_left_and_gone_for_good(
        inputs in prop::collection::vec(input(), 0..60),
    ) {
        let (mut place, mut beside) = (Place::default(), Beside::default());
        for input in inputs {
            beside.take(&mut place, input);
        }
    }
}

#[test]
fn a_start_that_was_given_up_leaves_no_behaviour_behind() {
    let mut place = Place::default();
    let generation = place.starts_in_place().expect("nothing has come by");
    assert!(place.begins());
    place.fence(true);
    place.tell_fenced();
    assert_eq!(place.gives_up(), GivenUp::Runner);
    assert!(place.begins_to_end());
    place.has_ended();
    place.goes();
    assert_eq!(place.rests(generation), Rests::Superseded);
    assert!(place.is_stuck());
    place.is_left_by(generation);
    assert!(!place.is_occupied());
}

#[test]
fn what_has_ended_is_cut_no_more() {
    let mut place = Place::default();
    let generation = place.starts_in_place().expect("nothing has come by");
    assert!(place.begins());
    assert_eq!(place.rests(generation), Rests::Dormant);
    assert!(place.begins_to_end());
    assert!(place.takes_dormant());
    place.has_ended();
    assert_eq!(place.cut(), Cut::Nobody);
    assert_eq!(place.exits(None), Hears::Nobody);
}

#[test]
fn a_runner_that_was_given_up_ends_nobody_elses_life() {
    let mut place = Place::default();
    assert_eq!(place.restarts(), Restarts::Opens(1));
    assert!(place.begins());
    assert_eq!(place.gives_up(), GivenUp::Runner);
    assert_eq!(place.exits(None), Hears::Supervisor);
    assert_eq!(place.comes_back(), Back::Again);
    let next = place.restarts();
    assert!(matches!(next, Restarts::Opens(generation) if generation > 1));
    assert!(place.begins());
    assert_eq!((place.exits(Some(1)), place.life()), (Hears::Nobody, Life::Up));
}

#[test]
fn a_runner_that_restarted_in_its_place_is_not_stuck() {
    let mut place = Place::default();
    assert_eq!(place.restarts(), Restarts::Opens(1));
    assert!(place.begins());
    assert_eq!(place.exits(None), Hears::Supervisor);
    assert_eq!(place.comes_back(), Back::Again);
    assert_eq!(place.restarts(), Restarts::Runner);
    place.is_left_by(1);
    assert!(!place.is_occupied());
}
