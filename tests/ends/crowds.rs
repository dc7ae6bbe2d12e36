//! Nobody without work is anything but Clean before a stop's deadline, however many there are and however slow the machine is.

use std::time::Duration;

use skep::receipt::HookFault;
use skep::testkit::{Lab, TestResult};
use skep::{Agent, AgentError, AgentSpec, Context, End, Shutdown, Stop, StopContext, Supervisor, Swarm};

/// Answers, and stops at once unless its hook hangs.
struct Clerk {
    hangs: bool,
}

impl Agent for Clerk {
    type Task = ();
    type Output = ();

    async fn handle(&mut self, (): &(), _: &Context) -> Result<(), AgentError> {
        Ok(())
    }

    async fn stop(&mut self, _: &StopContext) -> Result<(), AgentError> {
        if self.hangs {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

fn clerk(name: impl Into<String>, hangs: bool) -> AgentSpec<Clerk> {
    AgentSpec::new(name.into(), move || Clerk { hangs })
}

#[test]
fn two_thousand_that_have_answered_stop_clean_while_others_hold_every_worker() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let swarm = Swarm::builder("s").start().await.unwrap();
        for number in 0..2_000 {
            swarm.spawn(clerk(number.to_string(), false)).await.unwrap().ask(()).await.unwrap();
        }
        // For longer than a sibling's part of the stop and what was waited for it.
        for _ in 0..2 {
            tokio::spawn(async { std::thread::sleep(Duration::from_secs(1)) });
        }
        let receipt = swarm.stop(Stop::within(Duration::from_secs(60))).await;
        assert!(receipt.is_clean(), "{receipt}");
    });
}

#[skep::swarm_test(seeds = 5)]
async fn one_that_hangs_among_idle_ones_is_the_only_one_that_is_cut(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let desk = |desk: u32| {
        (0..20).fold(Supervisor::one_for_one().named(format!("desk-{desk}")), |supervisor, number| {
            let hangs = desk == 3 && number % 7 == 5;
            supervisor.child(clerk(format!("{desk}-{number}"), hangs).shutdown(Shutdown::UntilDeadline))
        })
    };
    for number in 0..6 {
        swarm.spawn(desk(number)).await?;
    }
    let receipt = swarm.stop(Stop::within(Duration::from_secs(10))).await;
    for row in receipt.rows() {
        let hangs = ["3-5", "3-12", "3-19"].contains(&row.name.as_str());
        let expected = if hangs { (End::Aborted, Some(HookFault::Hung)) } else { (End::Clean, None) };
        assert_eq!((row.end, row.hook.clone()), expected, "{}", row.name);
    }
    assert!(receipt.took() < Duration::from_secs(10) && receipt.nothing_left());
    lab.saw(&receipt);
    lab.conclude(receipt).await?;
    Ok(())
}
