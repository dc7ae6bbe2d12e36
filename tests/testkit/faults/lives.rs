//! What a plan does to lives, clocks and hearts: starts that are none, subtrees and supervisors that are killed, pauses, jumps.

use skep::testkit::{Lab, Point, TestResult};
use skep::{Agent, AgentError, AgentSpec};
use skep::{AgentState, AskError, Context, Outcome, Restart, Shutdown, SpawnError, Stop, Time, Usage};

use crate::forest::{Act, Imp, ms};

#[skep::swarm_test(seeds = 20)]
async fn a_start_that_ignores_leaves_nothing_and_is_no_failure(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::start().of("imp").nth(1).ignores());
    let swarm = lab.start().await;
    let refused = swarm.spawn(Imp::spec("imp")).await;
    assert!(matches!(refused, Err(SpawnError::Ignored { .. })), "{refused:?}");
    swarm.spawn(Imp::spec("imp")).await?.ask(vec![Act::Step]).await?;
    let history = lab.end(swarm).await;
    assert_eq!(history.count("agent_start_failed"), 0);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_start_that_fails_or_hangs_is_one_that_failed(lab: Lab) -> TestResult {
    for rule in [Point::start().of("imp").fails(AgentError::message("no")), Point::start().of("imp").hangs()]
    {
        let lab = Lab::seed(lab.which_seed()).fault(rule);
        let swarm = lab.start().await;
        let refused = swarm.spawn(Imp::spec("imp").start_within(ms(2_000))).await;
        assert!(matches!(refused, Err(SpawnError::Start { .. })), "{refused:?}");
        let history = lab.end(swarm).await;
        assert_eq!(history.count("agent_start_failed"), 1);
    }
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn an_agent_that_is_paused_by_the_plan_stands_and_goes_on_by_itself(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("imp").nth(1).pauses(ms(3_000)));
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let below = swarm.spawn(Imp::spec("below").under(&imp)).await?;
    imp.tell(vec![Act::Step])?;
    tokio::time::sleep(ms(1_000)).await;
    assert_eq!((imp.state(), below.state()), (AgentState::Paused, AgentState::Paused));
    below.ask(vec![Act::Step]).await?;
    assert_eq!(swarm.env().now(), Time::ZERO + ms(3_000), "with its subtree, and no longer");
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("imp"), [Outcome::Done]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_swarm_that_stops_while_the_plan_has_paused_it_waits_for_no_resume(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("imp").pauses(ms(600_000)));
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    imp.tell(vec![Act::Sleep(100)])?;
    tokio::time::sleep(ms(1_000)).await;
    let history = lab.end(swarm).await;
    assert!(history.receipt().is_clean(), "{}", history.receipt());
    Ok(())
}

/// Works for a while in calls that take half a second each.
struct Slow;

impl Agent for Slow {
    type Task = u32;
    type Output = u32;

    async fn handle(&mut self, calls: &u32, cx: &Context) -> Result<u32, AgentError> {
        for call in 0..*calls {
            let env = cx.env();
            cx.effect("call", call)
                .worst_case(Usage::calls(1))
                .run(|call| async move {
                    env.sleep_until(env.now() + ms(500)).await;
                    call.used(Usage::calls(1));
                    Ok(())
                })
                .await?;
        }
        Ok(*calls)
    }
}

#[skep::swarm_test(seeds = 20)]
async fn a_turn_whose_heartbeat_is_lost_is_ended_as_stale_and_its_task_comes_again(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("slow").nth(1).loses_heartbeat());
    let swarm = lab.start().await;
    let spec = AgentSpec::new("slow", || Slow).heartbeat(ms(500), ms(4_000));
    let slow = swarm.spawn(spec).await?;
    // Twenty calls are ten seconds, each of which shows progress; the first attempt's is not seen.
    assert_eq!(slow.ask(20).await?, 20);
    let history = lab.end(swarm).await;
    assert_eq!((history.count("turn_stale"), history.count("task_redelivered")), (1, 1));
    assert_eq!((history.incarnations("slow"), history.outcomes("slow")), (2, vec![Outcome::Done]));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_clock_that_jumps_makes_deadlines_pass_and_nobody_stale(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::step("*").of("imp").nth(1).jumps_clock(ms(60_000)));
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp").heartbeat(ms(1_000), ms(10_000))).await?;
    let other = swarm.spawn(Imp::spec("other").heartbeat(ms(1_000), ms(10_000))).await?;
    let late = other.ask(vec![Act::Sleep(40_000)]).within(ms(50_000));
    let silent = async {
        // It shows nothing of its progress for eight seconds, and for the minute in which nobody could.
        other.tell(vec![]).ok();
        imp.ask(vec![Act::Step, Act::SleepDeaf(8_000)]).within(ms(200_000)).await
    };
    let (late, silent) = tokio::join!(late, silent);
    assert!(late.is_ok() || matches!(late, Err(AskError::Expired(_))), "{late:?}");
    silent?;
    assert!(swarm.env().now() >= Time::ZERO + ms(68_000));
    let history = lab.end(swarm).await;
    assert_eq!(history.count("turn_stale"), 0);
    assert_eq!(history.outcomes("imp"), [Outcome::Done]);
    Ok(())
}

#[skep::swarm_test(seeds = 30)]
async fn a_subtree_that_is_killed_comes_back_as_its_supervisors_say(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("lead").nth(1).kills_subtree());
    let swarm = lab.start().await;
    let child = |name: &str| Imp::spec(name).restart(Restart::Permanent).intensity(3, ms(5_000));
    let spec = child("lead").child(child("left")).child(child("right").child(child("below")));
    let lead = swarm.spawn(spec).await?;
    lead.ask(vec![Act::Step]).await?;
    for name in ["left", "right", "below"] {
        swarm.agent::<Imp>(name)?.ask(vec![Act::Step]).await?;
    }
    let history = lab.end(swarm).await;
    for name in ["lead", "left", "right", "below"] {
        assert_eq!(history.outcomes(name), [Outcome::Done], "{name}");
        assert!(history.incarnations(name) >= 2, "{name} has had another life");
    }
    Ok(())
}

#[skep::swarm_test(seeds = 40)]
async fn a_supervisor_that_is_killed_while_its_child_is_stopped_leaves_no_child(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::stop().of("left").nth(1).kills_supervisor());
    let swarm = lab.start().await;
    let slow = |name: &str| Imp::spec(name).shutdown(Shutdown::within(ms(3_000)));
    let spec = Imp::spec("lead").child(slow("left")).child(slow("right"));
    let lead = swarm.spawn(spec).await?;
    let left = swarm.agent::<Imp>("left")?;
    let all_at_once = lab.dice().chance(500);
    let receipt =
        if all_at_once { lead.stop(Stop::default()).await } else { left.stop(Stop::default()).await };
    lab.saw(&receipt);
    assert!(receipt.nothing_left(), "{receipt}");
    if !all_at_once {
        // Only its child was to be stopped: killed, it comes back, and the other child with it.
        lead.ask(vec![Act::Step]).await?;
        swarm.agent::<Imp>("right")?.ask(vec![Act::Step]).await?;
    }
    let history = lab.end(swarm).await;
    assert_eq!(history.incarnations("lead"), if all_at_once { 1 } else { 2 });
    Ok(())
}
