//! Properties where each answer comes at once: the order within a round, and the window against a plain list.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::{Just, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy as Generate;

use super::interleavings::{any_child, any_policy};
use super::*;
use crate::decide::supervision::ChildState;
use crate::words::child::Decision;

/// Times of restarts, of the whole supervisor (`None`) or of one child.
#[derive(Default)]
struct PlainWindows(BTreeMap<Option<ChildKey>, Vec<Time>>);

impl PlainWindows {
    /// Whether one more is too many.
    fn exceeded(&mut self, desk: &Desk, policy: &Policy, key: ChildKey) -> bool {
        let restarts = self.0.entry(policy.each_child_alone.then_some(key)).or_default();
        restarts.push(desk.now);
        let recent = restarts.iter().filter(|then| desk.now.since(**then) <= policy.intensity.period);
        recent.count() > policy.intensity.restarts as usize
    }
}

/// Runs an event and all that follows; each start answers what `answers` says next, and `Ok` when that is used up. Says
/// what was done, and whether a child or the supervisor was to escalate.
fn play(
    desk: &mut Desk,
    policy: &Policy,
    windows: &mut PlainWindows,
    event: Event,
    answers: &mut VecDeque<Started>,
) -> (Vec<Action>, bool) {
    let mut done = Vec::new();
    let mut exceeded = false;
    let mut failed = BTreeSet::new();
    let mut actions = VecDeque::from(desk.hear(event));
    while let Some(action) = actions.pop_front() {
        done.push(action.clone());
        let next = match action {
            Action::Start { key, .. } => {
                let result = answers.pop_front().unwrap_or(Started::Ok);
                if matches!(result, Started::Failed(_)) {
                    failed.insert(key);
                }
                Event::Started { key, result }
            }
            Action::Stop { key, .. } => Event::Stopped { key, odd: None },
            Action::Wait { key, .. } => {
                if failed.remove(&key) && desk.core.policy(key).unwrap().counted {
                    exceeded |= windows.exceeded(desk, policy, key);
                }
                Event::Due { key }
            }
            // A child's own window goes with its life.
            Action::Ended { key, .. } | Action::Forget { key, .. } => {
                windows.0.remove(&Some(key));
                continue;
            }
            _ => continue,
        };
        actions.extend(desk.hear(next));
    }
    (done, exceeded)
}

fn escalated(action: &Action) -> bool {
    match action {
        Action::GiveUp { .. } => true,
        Action::Ended { exit, .. } | Action::Forget { exit, .. } => matches!(exit, Exit::Escalated { .. }),
        _ => false,
    }
}

/// Between two pauses: all stops, from the last to the first, then all starts, from the first to the last.
fn in_order(attempt: &[Action]) -> bool {
    let stops: Vec<_> = attempt.iter().filter_map(|action| key_if(action, true)).collect();
    let starts: Vec<_> = attempt.iter().filter_map(|action| key_if(action, false)).collect();
    let last_stop = attempt.iter().rposition(|action| matches!(action, Action::Stop { .. }));
    let first_start = attempt.iter().position(|action| matches!(action, Action::Start { .. }));
    stops.is_sorted_by(|a, b| a > b)
        && starts.is_sorted_by(|a, b| a < b)
        && last_stop.zip(first_start).is_none_or(|(stop, start)| stop < start)
}

fn key_if(action: &Action, stop: bool) -> Option<ChildKey> {
    match action {
        Action::Stop { key, .. } if stop => Some(*key),
        Action::Start { key, .. } if !stop => Some(*key),
        _ => None,
    }
}

fn answer() -> impl Generate<Value = Started> {
    prop_oneof![
        6 => Just(Started::Ok),
        1 => Just(Started::Ignored),
        3 => Just(Started::Failed("no".to_owned())),
    ]
}

proptest! {
    #[test]
    fn a_supervisor_gives_up_exactly_when_the_window_is_exceeded_and_keeps_the_order(
        policy in any_policy(),
        children in proptest::collection::vec(any_child(), 1..6),
        steps in proptest::collection::vec(
            (0_u32..6, any::<u8>(), 0_u64..4, proptest::collection::vec(answer(), 0..5)), 1..30),
    ) {
        let policy = Policy { auto_shutdown: AutoShutdown::Never, ..policy };
        let children: Vec<_> =
            children.into_iter().map(|child| ChildPolicy { significant: false, on_failure: Vec::new(), ..child }).collect();
        let mut desk = Desk::with(policy).running(&children);
        let mut windows = PlainWindows::default();
        for (pick, how, seconds, answers) in steps {
            desk.pass(seconds);
            let key = pick + 1;
            if desk.core.state(key) != Some(ChildState::Running) {
                continue;
            }
            let exit = match how % 3 { 0 => Exit::Normal, 1 => Exit::Shutdown, _ => crash() };
            let counted = how < 200;
            let child = desk.core.policy(key).unwrap();
            let restarted = crate::words::child::by_restart(child.restart, &exit) == Decision::Restart;
            let mut exceeded =
                restarted && counted && child.counted && windows.exceeded(&desk, &policy, key);
            let event = Event::Exited { key, exit, counted };
            let (done, later) = play(&mut desk, &policy, &mut windows, event, &mut answers.into());
            exceeded |= later;
            prop_assert_eq!(done.iter().any(escalated), exceeded, "{:?}", done);
            prop_assert!(done.split(|action| matches!(action, Action::Wait { .. })).all(in_order), "{:?}", done);
            if done.iter().any(|action| matches!(action, Action::GiveUp { .. })) {
                break;
            }
        }
    }
}
