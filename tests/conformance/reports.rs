//! Reports: S11.

use skep::supervision::Context;
use skep::testkit::{Lab, TestResult};
use skep::{ChildReport, Exit, FailureClass, Restart, Shutdown, Supervisor, What};

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

/// A child that crashes, fails or has to be cut while it is being stopped is reported, once, and that is all: also where no failure is borne.
async fn an_odd_end_is_reported_and_never_fatal(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let spec = Supervisor::one_for_one().intensity(0, ms(5_000)).child(rig.says("a", &[]));
    let hangs = rig.hook("d", Hook::Hangs).shutdown(Shutdown::within(ms(300)));
    let spec = spec.child(rig.hook("b", Hook::Panics)).child(rig.says("c", &[])).child(hangs);
    let sup = rig.start(spec.child(rig.hook("e", Hook::Hangs).shutdown(Shutdown::Brutal))).await;
    let children = sup.children();
    rig.child("a").tell(Does::PanicWhenStopped)?;
    rig.quiet().await;
    children.terminate_child("a").await?;
    for name in ["b", "d", "e"] {
        children.terminate_child(name).await?;
    }
    assert_eq!(seen(&children), "a nothing, b nothing, c running, d nothing, e nothing");
    let history = rig.end().await;
    let odd = history.events().iter().filter_map(|event| match &event.what {
        What::SupervisorReport(report) if report.context == Context::ShutdownError => Some(report),
        _ => None,
    });
    let odd: Vec<_> = odd.map(|report| (report.spec.id.as_str(), report.reason.clone())).collect();
    let ids: Vec<_> = odd.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, ["a", "b", "d"], "each once: {odd:?}");
    assert!(
        matches!(&odd[0].1, Some(Exit::Failed { message, .. }) if message.contains("told to")),
        "{odd:?}"
    );
    assert!(matches!(&odd[2].1, Some(Exit::Failed { class: FailureClass::Killed, .. })), "{odd:?}");
    Ok(())
}

cases! {
    format_log_1 "S11",
    format_log_2 "S11",
    an_odd_end_is_reported_and_never_fatal "S6 S11",
}
