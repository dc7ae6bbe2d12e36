//! Virtual time and the real world: while something real is out, the clock of a simulation stands still.

use std::time::Duration;

use skep::testkit::{Lab, Point, TestResult, examine};
use skep::{Agent, AgentError, AgentSpec, Context, Shutdown, Stop};

/// Waits for the real world twice, under a deadline that a clock which jumps would pass at once. Answers with the
/// nanoseconds of virtual time that went by.
struct Caller;

impl Agent for Caller {
    type Task = ();
    type Output = u64;

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<u64, AgentError> {
        let began = cx.now();
        let socket = cx.effect("socket", ()).free().deadline(Duration::from_secs(60));
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

/// Waits for a thread, which virtual time knows nothing of: where it is told to, or for its peer.
struct Impatient(&'static str);

async fn from_a_thread() {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        tell.send(()).ok();
    });
    told.await.ok();
}

impl Agent for Impatient {
    type Task = ();
    type Output = ();

    async fn start(&mut self, _: &Context) -> Result<(), AgentError> {
        if self.0 == "start" {
            from_a_thread().await;
        }
        Ok(())
    }

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<(), AgentError> {
        let env = cx.env();
        match self.0 {
            "effect" => {
                cx.effect("fetch", ())
                    .run(|_| async {
                        from_a_thread().await;
                        Ok(())
                    })
                    .await?;
            }
            "handle" => from_a_thread().await,
            "held" => {
                let fetch = cx.effect("fetch", ());
                fetch
                    .run(|call| async move {
                        call.outside(from_a_thread()).await;
                        Ok(())
                    })
                    .await?;
            }
            // What the lab knows may well be too slow.
            "sleep" => cx.sleep(Duration::from_secs(40)).await?,
            "slow" => {
                let fetch = cx.effect("fetch", ());
                fetch
                    .run(|_| async {
                        env.sleep_until(env.now() + Duration::from_secs(40)).await;
                        Ok(())
                    })
                    .await?;
            }
            "ask" => {
                let child = cx.spawn(AgentSpec::new("peer", || Impatient("sleep"))).await?;
                cx.effect("fetch", ()).run(|_| async { Ok(child.ask(()).await?) }).await?;
            }
            "scope" => {
                let scope = cx.scope("scope")?;
                let peer = AgentSpec::new("peer", || Impatient("sleep"));
                let peer = scope.spawn(peer.shutdown(Shutdown::within(Duration::from_secs(9)))).await?;
                peer.tell(())?;
                drop(scope.close(Stop::within(Duration::from_secs(8))).await);
                cx.sleep(Duration::from_secs(40)).await?;
            }
            _ => cx.effect("fetch", ()).run(|_| async { Ok(()) }).await?,
        }
        Ok(())
    }
}

/// What a person is told of a test that asks such an agent.
fn story(way: &'static str) -> Option<String> {
    let asks = |lab: Lab| async move {
        let lab = lab.fault(Point::effect("fetch").of("hangs").hangs().may_rest());
        let swarm = lab.start().await;
        let impatient =
            AgentSpec::new(if way == "hangs" { "hangs" } else { "impatient" }, move || Impatient(way));
        swarm.spawn(impatient).await?.ask(()).await?;
        lab.end(swarm).await;
        TestResult::Ok(())
    };
    examine("asks", 1, asks).err().map(|found| found.story(&[], None))
}

#[test]
fn a_clock_that_jumps_over_something_real_is_told_of_call_outside() {
    let effect = story("effect").expect("its deadline passes");
    assert!(effect.contains("deadline"), "{effect}");
    for words in ["effect fetch of impatient", "went on by 30s", "await it in `call.outside(..)`"] {
        assert!(effect.contains(words), "{words} is missing: {effect}");
    }
    for way in ["handle", "start"] {
        let story = story(way).expect("its deadline passes");
        assert!(story.contains("make it an effect") && story.contains("`call.outside(..)`"), "{story}");
    }
}

#[test]
fn a_deadline_that_passes_by_itself_is_not_laid_to_the_world_outside() {
    for way in ["sleep", "slow", "ask", "scope", "hangs"] {
        let story = story(way).expect("its deadline passes");
        assert!(story.contains("deadline") && !story.contains("call.outside"), "{way}: {story}");
    }
    assert_eq!(story("held"), None, "it holds the clock");
}
