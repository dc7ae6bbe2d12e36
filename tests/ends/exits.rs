//! An exit that an agent asks for is its own end, also where a stop has come by.

use skep::testkit::{Lab, TestResult};
use skep::{Agent, AgentError, AgentSpec, Context, End, Exit, FailureClass, Stop, StopContext, What};
use std::time::Duration;

/// Ends by itself with this exit when it is cancelled.
struct Leaver(Exit);

impl Agent for Leaver {
    type Task = ();
    type Output = ();

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<(), AgentError> {
        cx.sleep(Duration::from_secs(60)).await.ok();
        cx.exit(self.0.clone());
        Ok(())
    }

    async fn stop(&mut self, _: &StopContext) -> Result<(), AgentError> {
        panic!("it has ended by itself: no hook of it runs");
    }
}

#[skep::swarm_test(seeds = 20)]
async fn an_exit_after_the_fence_is_written_down_and_its_row_says_so(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let failed = Exit::failed(FailureClass::Failed, "out of paper");
    for (name, exit, end) in [
        ("failed", failed.clone(), End::Aborted),
        ("normal", Exit::Normal, End::AlreadyStopped),
        ("shutdown", Exit::Shutdown, End::AlreadyStopped),
    ] {
        let own = exit.clone();
        let agent = swarm.spawn(AgentSpec::new(name, move || Leaver(own.clone()))).await?;
        agent.tell(())?;
        while !agent.state().is_working() {
            tokio::task::yield_now().await;
        }
        let receipt = agent.stop(Stop::within(Duration::from_secs(5))).await;
        assert_eq!(receipt.rows()[0].end, end, "{name}: {receipt}");
        let said = swarm.events_so_far().into_iter().find_map(|event| match &event.what {
            What::AgentExited { exit } if event.agent == *agent.id() => Some(exit.clone()),
            _ => None,
        });
        assert_eq!(said, Some(exit));
    }
    lab.end(swarm).await;
    Ok(())
}
