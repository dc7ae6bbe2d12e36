//! Scale, counted in events and not in time: what a child costs does not depend on how many there are. The core's own cost is
//! counted in visits of its table, in `supervision/tests/scale.rs`.

use skep::testkit::{Lab, TestResult};
use skep::{AgentSpec, Exit, Restart, Supervisor};

use crate::rig::*;

/// Events for each child, from its start to its end with the supervisor.
async fn events_a_child(
    lab: Lab,
    spec: AgentSpec<Supervisor>,
    restart: Restart,
    count: usize,
    ends: bool,
) -> TestResult {
    let rig = Rig::new(lab.clone()).await;
    let sup = rig.start(spec).await;
    let before = lab.events().len();
    for number in 0..count {
        sup.children().start_child(rig.kid(&format!("k{number}"), restart)).await?;
    }
    if ends {
        for number in 0..count {
            rig.child(&format!("k{number}")).tell(Does::Exit(Exit::Normal))?;
        }
        rig.quiet().await;
        assert_eq!(counted(&sup.children()), [1, 0, 0, 0]);
    }
    let receipt = sup.stop(skep::Stop::default()).await;
    lab.saw(&receipt);
    let each = (lab.events().len() - before) as f64 / count as f64;
    assert!(each < 12.0, "{count} children cost {each} events each");
    rig.end().await;
    Ok(())
}

/// 100 against 1,000 children, by the seed.
fn count(lab: &Lab) -> usize {
    if lab.which_seed() == 1 { 1_000 } else { 100 }
}

async fn scale_start_stop_many_children(lab: Lab) -> TestResult {
    let count = count(&lab);
    events_a_child(lab, Supervisor::one_for_one(), Restart::Permanent, count, false).await
}

async fn simple_one_for_one_scale_many_temporary_children(lab: Lab) -> TestResult {
    let count = count(&lab);
    events_a_child(lab, Supervisor::dynamic(), Restart::Temporary, count, true).await
}

cases! {
    scale_start_stop_many_children "S7",
    simple_one_for_one_scale_many_temporary_children "S2",
}
