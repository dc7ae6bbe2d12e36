//! A turn that shows no progress is stale: by what it could have done, not by a clock that ran on without it.

use skep::testkit::{Lab, Point, TestResult};
use skep::{AgentState, FailureClass, OnStale, Outcome, Stop, What};

use super::forest::{Act, Imp, ms};

/// The first report of a stale turn: when, and how long it had been silent.
fn first_report(lab: &Lab) -> Option<(std::time::Duration, std::time::Duration)> {
    lab.events().iter().find_map(|event| match event.what {
        What::TurnStale { silent } => Some((event.at.since(skep::Time::ZERO), silent)),
        _ => None,
    })
}

#[skep::swarm_test(seeds = 20)]
async fn time_in_which_the_whole_process_stood_still_is_no_silence(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp").heartbeat(ms(1_000), ms(10_000))).await?;
    imp.tell(vec![Act::Hang])?;
    tokio::time::sleep(ms(3_100)).await;
    // Nothing at all runs meanwhile: no beat, no turn, no timer.
    tokio::time::advance(ms(100_000)).await;
    tokio::time::sleep(ms(4_000)).await;
    assert_eq!(first_report(&lab), None, "it has had seven seconds");
    tokio::time::sleep(ms(8_000)).await;
    let (at, silent) = first_report(&lab).expect("by now it has had more than ten");
    assert!(at >= ms(109_000) && silent >= ms(10_000) && silent < ms(12_000), "{silent:?} at {at:?}");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_stale_turn_is_ended_or_only_reported_as_its_spec_says(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let spec = |name: &str| Imp::spec(name).heartbeat(ms(500), ms(2_000)).intensity(9, ms(5_000));
    let ended = swarm.spawn(spec("ended").attempts(1)).await?;
    let reported = swarm.spawn(spec("reported").on_stale(OnStale::Report)).await?;
    let waits = swarm.spawn(spec("waits")).await?;
    ended.tell(vec![Act::Hang])?;
    reported.tell(vec![Act::SleepDeaf(6_000)])?;
    waits.tell(vec![Act::Sleep(6_000)])?;
    tokio::time::sleep(ms(7_000)).await;
    let history = lab.end(swarm).await;
    let stale =
        |name: &str| history.of(name).iter().filter(|event| event.what.name() == "turn_stale").count();
    assert_eq!((stale("ended"), stale("waits")), (1, 0));
    assert!(stale("reported") > 0);
    assert_eq!(history.outcomes("ended"), [Outcome::Poisoned]);
    assert_eq!((history.incarnations("ended"), history.incarnations("reported")), (2, 1));
    assert_eq!(
        (history.outcomes("reported"), history.outcomes("waits")),
        (vec![Outcome::Done], vec![Outcome::Done])
    );
    Ok(())
}

#[skep::swarm_test(seeds = 30)]
async fn a_killed_turn_that_holds_its_thread_is_given_up_and_named(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("imp").nth(1).blocks(ms(20_000)));
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    imp.tell(vec![])?;
    imp.tell(vec![Act::Step])?;
    tokio::time::sleep(ms(100)).await;
    imp.kill();
    tokio::time::sleep(ms(1_500)).await;
    assert_eq!(
        (imp.state(), imp.status().incarnation),
        (AgentState::Idle, 2),
        "it goes on without that thread"
    );
    let receipt = imp.stop(Stop::within(ms(1_000))).await;
    assert_eq!(receipt.stuck(), 1, "what still runs is named: {receipt}");
    lab.saw(&receipt);
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("imp"), [Outcome::Failed, Outcome::Done]);
    Ok(())
}

#[skep::swarm_test(seeds = 30)]
async fn a_stale_turn_that_holds_its_thread_is_given_up_too(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("imp").nth(1).blocks(ms(60_000)));
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp").heartbeat(ms(500), ms(5_000))).await?;
    imp.tell(vec![])?;
    tokio::time::sleep(ms(8_000)).await;
    assert_eq!((imp.state(), imp.status().incarnation), (AgentState::Idle, 2));
    let history = lab.end(swarm).await;
    let is_stale = |what: &What| {
        matches!(what, What::AgentExited { exit: skep::Exit::Failed { class: FailureClass::Stale, .. } })
    };
    assert!(history.of("imp").iter().any(|event| is_stale(&event.what)));
    Ok(())
}
