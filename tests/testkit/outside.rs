//! Virtual time and the real world: while something real is out, the clock of a simulation stands still.

use std::time::Duration;

use skep::testkit::Lab;
use skep::{Agent, AgentError, AgentSpec, Context};

/// Waits for the real world twice, under a deadline that a clock which jumps would pass at once. Answers with the
/// nanoseconds of virtual time that went by.
struct Caller;

impl Agent for Caller {
    type Task = ();
    type Output = u64;

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<u64, AgentError> {
        let began = cx.now();
        let socket = cx.effect("socket", ()).deadline(Duration::from_secs(60));
        socket
            .run(|call| async move {
                // This future runs under a clock of its own, which is real.
                call.outside(async { tokio::time::sleep(Duration::from_millis(5)).await }).await;
                call.blocking(|| std::thread::sleep(Duration::from_millis(5))).await;
                Ok(())
            })
            .await?;
        Ok(u64::try_from(cx.now().since(began).as_nanos()).unwrap_or(u64::MAX))
    }
}

#[skep::swarm_test(seeds = 20)]
async fn virtual_time_stands_still_while_something_real_is_out(lab: Lab) {
    let swarm = lab.start().await;
    let caller = swarm.spawn(AgentSpec::new("caller", || Caller)).await.expect("a plain agent starts");
    let passed = caller.ask(()).within(Duration::from_secs(120)).await;
    assert_eq!(passed, Ok(0), "nothing but the real world took time");
    lab.end(swarm).await;
}
