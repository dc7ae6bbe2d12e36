//! Reports: S11.

use skep::supervision::Context;
use skep::testkit::{Lab, TestResult};
use skep::{ChildReport, Restart, Supervisor, What};

use crate::rig::*;

async fn reports(lab: Lab) -> Result<Vec<ChildReport>, Box<dyn std::error::Error + Send + Sync>> {
    let rig = Rig::new(lab).await;
    let spec =
        Supervisor::one_for_one().intensity(2, ms(5_000)).child(rig.says("a", &[Says::Ok, Says::Error]));
    let sup = rig.start(spec.child(rig.kid("t", Restart::Temporary))).await;
    rig.exit("t", crash()).await;
    rig.exit("a", crash()).await;
    rig.exit("a", crash()).await;
    let id = sup.id().clone();
    let history = rig.end().await;
    let reports =
        history.events().iter().filter(|event| event.agent == id).filter_map(|event| match &event.what {
            What::SupervisorReport(report) => Some((**report).clone()),
            _ => None,
        });
    Ok(reports.collect())
}

/// Each kind of report, as one line: context, child with its spec, reason.
async fn format_log_1(lab: Lab) -> TestResult {
    let lines: Vec<_> = reports(lab).await?.iter().map(ToString::to_string).collect();
    assert!(lines.iter().all(|line| !line.contains('\n')), "{lines:?}");
    let a = "child \"a\" (lab.1.1, permanent worker, shutdown 5s)";
    assert_eq!(
        lines,
        [
            format!("progress: {a}"),
            "progress: child \"t\" (lab.1.2, temporary worker, shutdown 5s)".to_owned(),
            "child_terminated: child \"t\" (lab.1.2, temporary worker, shutdown 5s): failed (Bug): crash"
                .to_owned(),
            format!("child_terminated: {a}: failed (Bug): crash"),
            format!("start_error: {a}: failed (Start): told to"),
            format!("progress: {a}"),
            format!("child_terminated: {a}: failed (Bug): crash"),
            format!(
                "shutdown: {a}: escalated: child 1 ended: failed (Bug): crash; the limit is 2 restarts in 5s"
            ),
        ]
    );
    Ok(())
}

/// The same as JSON, which reads back.
async fn format_log_2(lab: Lab) -> TestResult {
    let reports = reports(lab).await?;
    let terminated = reports.iter().find(|report| report.context == Context::ChildTerminated).unwrap();
    let object = serde_json::to_value(terminated)?;
    assert_eq!(
        object,
        serde_json::json!({
            "context": "child_terminated",
            "reason": { "failed": { "class": "bug", "message": "crash" } },
            "child": "lab.1.2",
            "spec": { "id": "t", "restart": "temporary", "significant": false, "shutdown": 5000, "type": "worker" },
        })
    );
    assert_eq!(serde_json::from_value::<ChildReport>(object)?, *terminated);
    for report in &reports {
        let text = serde_json::to_string(report)?;
        assert!(!text.contains('\n'));
        assert_eq!(serde_json::from_str::<ChildReport>(&text)?, *report);
    }
    Ok(())
}

/// A child that is stopped and ends in another way is reported, and that is all.
async fn an_odd_end_is_reported_and_never_fatal(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let spec = Supervisor::one_for_one().intensity(0, ms(5_000)).child(rig.hook("a", Hook::Panics));
    let sup = rig.start(spec.child(rig.says("b", &[]))).await;
    sup.children().terminate_child("a").await?;
    assert_eq!(seen(&sup.children()), "a nothing, b running");
    rig.end().await;
    Ok(())
}

cases! {
    format_log_1 "S11",
    format_log_2 "S11",
    an_odd_end_is_reported_and_never_fatal "S6 S11",
}
