//! What follows from a child's end: S2.

use skep::testkit::{Lab, TestResult};
use skep::{Exit, Restart, Supervisor, What};

use crate::rig::*;

/// What becomes of a child that ends so: whether it is started again, what is there of it then, and whether that is reported.
async fn after(lab: Lab, restart: Restart, exit: Exit) -> (bool, String, bool) {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::one_for_one().child(rig.kid("a", restart))).await;
    rig.log.take();
    rig.exit("a", exit).await;
    let is_started = rig.log.take() == "+a";
    let seen = seen(&sup.children());
    let history = rig.end().await;
    let is_reported = history.events().iter().any(|event| match &event.what {
        What::SupervisorReport(report) => report.context == skep::supervision::Context::ChildTerminated,
        _ => false,
    });
    (is_started, seen, is_reported)
}

macro_rules! an_end {
    ($($name:ident: $restart:ident, $exit:expr => $started:literal, $seen:literal, $reported:literal;)+) => {
        $(async fn $name(lab: Lab) -> TestResult {
            let what = after(lab, Restart::$restart, $exit).await;
            assert_eq!(what, ($started, $seen.to_owned(), $reported));
            Ok(())
        })+
    };
}

an_end! {
    permanent_normal: Permanent, Exit::Normal => true, "a running", true;
    transient_normal: Transient, Exit::Normal => false, "a nothing", false;
    temporary_normal: Temporary, Exit::Normal => false, "", false;
    permanent_shutdown: Permanent, Exit::Shutdown => true, "a running", true;
    transient_shutdown: Transient, Exit::Shutdown => false, "a nothing", false;
    temporary_shutdown: Temporary, Exit::Shutdown => false, "", false;
    permanent_abnormal: Permanent, crash() => true, "a running", true;
    transient_abnormal: Transient, crash() => true, "a running", true;
    temporary_abnormal: Temporary, crash() => false, "", true;
}

/// A whole tree that ends with an ordered shutdown below a transient place is not restarted, and that is no failure of those
/// above.
async fn faulty_application_shutdown(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let inner = rig.kid("application", Restart::Transient).as_supervisor().child(rig.says("a", &[]));
    let sup = rig.start(Supervisor::one_for_one().intensity(0, ms(5_000)).child(inner)).await;
    rig.exit("application", Exit::Shutdown).await;
    assert_eq!(rig.log.take(), "+application +a -a");
    assert_eq!(seen(&sup.children()), "application nothing");
    rig.end().await;
    Ok(())
}

cases! {
    permanent_normal "S2",
    transient_normal "S2",
    temporary_normal "S2",
    permanent_shutdown "S2",
    transient_shutdown "S2",
    temporary_shutdown "S2",
    faulty_application_shutdown "S2 S7",
    permanent_abnormal "S2",
    transient_abnormal "S2",
    temporary_abnormal "S2",
}
