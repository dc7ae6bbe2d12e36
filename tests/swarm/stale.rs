//! A turn that shows no progress is stale: by what it could have done, not by a clock that ran on without it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use skep::testkit::{Lab, Point, TestResult};
use skep::{
    Agent, AgentError, AgentSpec, AgentState, Context, FailureClass, OnStale, Outcome, Stop, Swarm, What,
};

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

const STALE: Duration = Duration::from_secs(4);

/// Says that its turn has begun, and ends it when its process is told nothing more.
struct Silent;

impl Agent for Silent {
    type Task = ();
    type Output = u32;
    async fn handle(&mut self, (): &(), cx: &Context) -> Result<u32, AgentError> {
        writeln!(std::io::stdout(), "the turn has begun").map_err(AgentError::failed)?;
        // Not by `cx`, so it shows no progress.
        let told = tokio::task::spawn_blocking(|| std::io::stdin().lines().count());
        told.await.map_err(AgentError::failed)?;
        Ok(cx.attempt())
    }
}

#[test]
#[ignore = "the process that the next test stops and continues"]
fn a_silent_turn_in_a_process_of_its_own() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let swarm = Swarm::builder("stopped").start().await.unwrap();
        let silent = AgentSpec::new("silent", || Silent).heartbeat(ms(100), STALE);
        let silent = swarm.spawn(silent).await.unwrap();
        assert_eq!(silent.ask(()).within(STALE * 20).await.unwrap(), 1, "its first attempt");
        assert!(!swarm.events_so_far().iter().any(|event| event.what.name() == "turn_stale"));
        assert!(swarm.stop(Stop::default()).await.is_clean());
    });
}

/// As a laptop does that is closed: its clock goes on, and nothing in it could have.
#[cfg(unix)]
#[test]
fn a_process_that_was_stopped_and_continued_has_no_stale_turn() {
    let mut process = Process(
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "stale::a_silent_turn_in_a_process_of_its_own", "--ignored", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut said = BufReader::new(process.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line.contains("the turn has begun")));
    process.signal("STOP");
    std::thread::sleep(STALE * 2);
    process.signal("CONT");
    // It is looked at now, and is still silent.
    std::thread::sleep(STALE / 4);
    drop(process.0.stdin.take());
    let said: Vec<String> = said.collect();
    assert!(process.0.wait().unwrap().success(), "{said:?}");
}

/// Gone with its test, however that ends.
struct Process(Child);

impl Process {
    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.0.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
    }
}
