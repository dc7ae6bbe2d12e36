//! What a fault plan has the drop of a task or an output do is borne like what a user's own drop does.

use skep::testkit::{Lab, Point, TestResult};
use skep::{Outcome, Stop};

use super::fuse::{Carrier, Count, Deed, Load};
use super::ms;

#[skep::swarm_test(seeds = 20)]
async fn a_message_whose_drop_takes_a_while_is_dropped_then_and_keeps_nobody(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::deliver("*").of("carrier").nth(1).drops_slowly(ms(3_000)));
    let swarm = lab.start().await;
    let carrier = swarm.spawn(Carrier::spec("carrier")).await?;
    let count = Count::default();
    for _ in 0..2 {
        carrier.ask(Load::default().with(count.fuse())).await.map_err(|_| "an answer")?;
    }
    tokio::time::sleep(ms(2_990)).await;
    assert_eq!(count.get(), 1, "that of the second alone");
    tokio::time::sleep(ms(20)).await;
    assert_eq!(count.get(), 2);
    let history = lab.end(swarm).await;
    assert_eq!(history.count("fault_injected"), 1);
    assert_eq!(history.outcomes("carrier"), [Outcome::Done, Outcome::Done]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn an_output_that_nobody_takes_and_whose_drop_takes_a_while_keeps_no_stop(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("carrier").nth(1).drops_slowly(ms(60_000)));
    let swarm = lab.start().await;
    let carrier = swarm.spawn(Carrier::spec("carrier")).await?;
    let count = Count::default();
    carrier.tell(Load::default().answered_with(count.fuse())).map_err(|_| "room")?;
    carrier.ask(Load::of(Deed::Answer)).await.map_err(|_| "an answer")?;
    assert_eq!(count.get(), 0);
    let receipt = swarm.stop(Stop::within(ms(1_000))).await;
    assert!(receipt.is_clean() && receipt.nothing_left() && receipt.took() < ms(100), "{receipt}");
    lab.conclude(receipt).await?;
    tokio::time::sleep(ms(1)).await;
    assert_eq!(count.get(), 1, "with its swarm it ends");
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn what_panics_in_its_drop_by_a_plan_costs_nobody_anything(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::deliver("*").panics_in_drop()).fault(Point::turn().panics_in_drop());
    let swarm = lab.start().await;
    let carrier = swarm.spawn(Carrier::spec("carrier")).await?;
    let count = Count::default();
    for _ in 0..3 {
        carrier.tell(Load::default().with(count.fuse()).answered_with(count.fuse())).map_err(|_| "room")?;
    }
    let failed = carrier.ask(Load::of(Deed::Fail)).await;
    assert!(failed.is_err());
    assert_eq!(count.get(), 6, "what was to be dropped is");
    let receipt = swarm.stop(Stop::within(ms(1_000))).await;
    assert!(receipt.is_clean() && receipt.nothing_left(), "{receipt}");
    let history = lab.conclude(receipt).await?;
    assert_eq!((history.incarnations("carrier"), history.count("agent_exited")), (1, 0));
    assert_eq!(history.count("fault_injected"), 8, "four messages, four turns");
    Ok(())
}
