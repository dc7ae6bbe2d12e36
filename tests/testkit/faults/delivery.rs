//! What is done to a message on its way: it arrives never, late, twice or first, and its task has one outcome all the same.

use skep::testkit::{History, Lab, Point, TestResult};
use skep::{AskError, Outcome, Stop, Time, What};

use crate::forest::{Act, Imp, ms};

/// When turns began, in their order, with the number of their task.
fn turns(history: &History) -> Vec<(u64, String)> {
    let began = |event: &std::sync::Arc<skep::Event>| match &event.what {
        What::TurnBegan { .. } => {
            let at = u64::try_from(event.at.since(Time::ZERO).as_millis()).unwrap();
            Some((at, event.task.as_ref().map(ToString::to_string).unwrap_or_default()))
        }
        _ => None,
    };
    history.events().iter().filter_map(began).collect()
}

fn order(history: &History) -> Vec<String> {
    turns(history).into_iter().map(|(_, task)| task.split('#').nth(1).unwrap().to_owned()).collect()
}

#[skep::swarm_test(seeds = 20)]
async fn an_ask_that_is_dropped_never_arrives_and_expires(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::deliver("ask").of("imp").nth(1).drops());
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let lost = imp.ask(vec![Act::Step]).within(ms(700)).await;
    assert!(matches!(lost, Err(AskError::Expired(_))), "{lost:?}");
    assert_eq!(swarm.env().now(), Time::ZERO + ms(700), "its deadline says so, and nothing before");
    imp.ask(vec![Act::Step]).await?;
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("imp"), [Outcome::Expired, Outcome::Done]);
    assert_eq!(turns(&history).len(), 1);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn what_is_told_and_dropped_is_waited_for_by_nobody(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::deliver("tell").nth(1).drops());
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp").mailbox(1)).await?;
    imp.tell(vec![Act::Step])?;
    assert_eq!(imp.status().queued, 0, "it takes no room");
    imp.ask(vec![Act::Step]).await?;
    let began = swarm.env().now();
    let receipt = imp.drain(ms(5_000)).await;
    lab.saw(&receipt);
    assert!(swarm.env().now().since(began) < ms(1_000), "a drain does not wait for it");
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("imp"), [Outcome::Done, Outcome::Stopped]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_message_that_is_delayed_arrives_later_and_behind_others(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::deliver("*").of("imp").nth(1).delays(ms(900)));
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let late = imp.ask(vec![Act::Step]);
    let after = async {
        tokio::time::sleep(ms(10)).await;
        imp.ask(vec![Act::Sleep(100)]).await
    };
    let (late, after) = tokio::join!(late, after);
    late?;
    after?;
    let history = lab.end(swarm).await;
    let turns = turns(&history);
    assert!(turns[0].1.ends_with("#2") && turns[1].1.ends_with("#1"), "{turns:?}");
    assert_eq!(turns[1].0, 900, "{turns:?}");
    assert_eq!(history.outcomes("imp"), [Outcome::Done, Outcome::Done]);
    Ok(())
}

#[skep::swarm_test(seeds = 30)]
async fn a_message_on_its_way_has_its_one_outcome_whatever_comes_first(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::deliver("*").of("imp").delays(ms(900)));
    let swarm = lab.start().await;
    let spec = || Imp::spec("imp").intensity(5, ms(5_000));
    let imp = swarm.spawn(spec()).await?;
    let expired = imp.ask(vec![Act::Step]).within(ms(200)).await;
    assert!(matches!(expired, Err(AskError::Expired(_))), "{expired:?}");
    let withdrawn = tokio::time::timeout(ms(200), imp.ask(vec![Act::Step])).await;
    assert!(withdrawn.is_err(), "dropped while it was on its way");
    let mut over_a_restart = imp.ask(vec![Act::Step]);
    let sent = tokio::time::timeout(ms(100), &mut over_a_restart).await;
    assert!(sent.is_err());
    imp.kill();
    over_a_restart.await?;
    let stopped = imp.ask(vec![Act::Step]);
    let stops = async {
        tokio::time::sleep(ms(100)).await;
        lab.saw(&imp.stop(Stop::default()).await);
    };
    let (stopped, ()) = tokio::join!(stopped, stops);
    assert!(matches!(stopped, Err(AskError::Stopped(_, _, Some(_)))), "its task comes back: {stopped:?}");
    let history = lab.end(swarm).await;
    let outcomes = [Outcome::Expired, Outcome::Withdrawn, Outcome::Done, Outcome::Stopped];
    assert_eq!(history.outcomes("imp"), outcomes);
    Ok(())
}

#[skep::swarm_test(seeds = 30)]
async fn a_message_that_arrives_twice_is_handled_once(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::deliver("*").of("imp").duplicates());
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp").intensity(9, ms(5_000))).await?;
    imp.tell(vec![Act::Step])?;
    imp.ask(vec![Act::Sleep(50)]).await?;
    // A crash has it come again, and its double must not be an attempt beside that.
    imp.ask(vec![Act::PanicOnce]).await?;
    imp.ask(vec![Act::Step]).await?;
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("imp"), [Outcome::Done; 4]);
    assert_eq!(order(&history), ["1", "2", "3", "3", "4"]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_message_can_overtake_those_that_wait(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::deliver("tell").of("imp").nth(4).reorders());
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    imp.tell(vec![Act::Sleep(500)])?;
    tokio::time::sleep(ms(100)).await;
    for _ in 0..3 {
        imp.tell(vec![Act::Step])?;
    }
    imp.ask(vec![Act::Step]).await?;
    let history = lab.end(swarm).await;
    assert_eq!(order(&history), ["1", "4", "2", "3", "5"]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_mailbox_that_is_filled_refuses_and_has_room_again(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::deliver("*").of("imp").nth(1).fills_mailbox(ms(800)));
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let told = imp.tell(vec![Act::Step]);
    assert!(matches!(told, Err(AskError::MailboxFull(_, ref task)) if task.len() == 1), "{told:?}");
    assert!(matches!(imp.try_ask(vec![Act::Step]), Err(AskError::MailboxFull(..))));
    let late = imp.ask(vec![Act::Step]).within(ms(300)).await;
    assert!(matches!(late, Err(AskError::Expired(_))), "{late:?}");
    let (first, second) = (imp.ask(vec![Act::Step]), imp.ask(vec![Act::Step]));
    let (first, second) = tokio::join!(first, second);
    first?;
    second?;
    assert!(swarm.env().now() >= Time::ZERO + ms(800));
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("imp"), [Outcome::Done, Outcome::Done]);
    assert_eq!(turns(&history)[0].0, 800, "they waited for room, and no longer");
    assert_eq!(history.fired(), [1]);
    Ok(())
}
