//! What a decision costs, in visits of the table: independent of how many children there are.

use std::sync::atomic::Ordering;

use super::*;
use crate::decide::supervision::table::TableChild;

fn visits(desk: &mut Desk, work: impl FnOnce(&mut Desk)) -> u64 {
    let before = desk.core.table.visits.load(Ordering::Relaxed);
    work(desk);
    desk.core.table.visits.load(Ordering::Relaxed) - before
}

fn swarm(count: usize, strategy: Strategy, policy: &ChildPolicy) -> Desk {
    Desk::new(strategy, u32::MAX).running(&vec![policy.clone(); count])
}

#[test]
fn an_idle_child_is_forty_bytes() {
    assert!(size_of::<TableChild>() <= 40, "{}", size_of::<TableChild>());
}

#[test]
fn one_exit_among_a_hundred_thousand_costs_what_it_costs_among_ten() {
    let exit = |count: usize, strategy, policy: &ChildPolicy| {
        let mut desk = swarm(count, strategy, policy);
        visits(&mut desk, |desk| {
            desk.exited(5, crash());
            desk.started(5, Started::Ok);
        })
    };
    for policy in [child(Restart::Permanent), dynamic(Restart::Permanent), dynamic(Restart::Temporary)] {
        assert_eq!(exit(10, Strategy::OneForOne, &policy), exit(100_000, Strategy::OneForOne, &policy));
    }
    let instance = dynamic(Restart::Permanent);
    assert_eq!(exit(10, Strategy::OneForAll, &instance), exit(100_000, Strategy::OneForAll, &instance));
}

/// Restated: `scale_start_stop_many_children`.
#[test]
fn scale_start_stop_many_children() {
    let each = |count: u32| {
        let mut desk = Desk::new(Strategy::OneForOne, 1);
        let all = visits(&mut desk, |desk| {
            for key in 1..=count {
                desk.core.insert(key, child(Restart::Permanent)).unwrap();
                desk.started(key, Started::Ok);
            }
            for key in 1..=count {
                desk.terminate(key, key.into());
                desk.stopped(key);
                desk.delete(key, key.into());
            }
        });
        all / u64::from(count)
    };
    assert_eq!(each(1_000), each(100_000));
}

#[test]
fn a_crash_of_all_at_once_is_not_quadratic_in_a_round() {
    let each = |count: u32| {
        let mut desk = swarm(count as usize, Strategy::OneForAll, &child(Restart::Permanent));
        let all = visits(&mut desk, |desk| {
            desk.exited(1, crash());
            for key in (2..count).rev() {
                desk.exited(key, crash());
            }
            desk.stopped(count);
            for key in 1..=count {
                desk.started(key, Started::Ok);
            }
        });
        assert_eq!(desk.core.counts().active, count as usize);
        all / u64::from(count)
    };
    assert!(each(20_000) <= each(1_000) + 1, "{} {}", each(20_000), each(1_000));
}
