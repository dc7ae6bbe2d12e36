//! A test that has shown nothing fails, and says what is missing: it has ended no swarm, or started none.

use std::panic::{AssertUnwindSafe, catch_unwind};

use skep::testkit::{FaultPlan, Lab, Point, TestResult, examine, twice};
use skep::{Stop, Swarm};

use super::forest::{Act, Imp};

/// What a person is told of a body, if it fails.
fn told<F, Fut, V>(body: F) -> Option<String>
where
    F: Fn(Lab) -> Fut,
    Fut: Future<Output = V>,
    V: skep::testkit::Verdict,
{
    examine("body", 1, body).err().map(|found| found.story(&[], None))
}

async fn works(lab: &Lab) -> Swarm {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await.unwrap();
    imp.ask(vec![Act::Step]).await.unwrap();
    swarm
}

#[test]
fn a_test_that_forgets_lab_end_fails_and_is_told_so() {
    let forgets = told(|lab| async move { drop(works(&lab).await) }).unwrap();
    assert!(
        forgets.contains("`lab.end(swarm).await`") && forgets.contains("no promise was checked"),
        "{forgets}"
    );
    let stops = told(|lab| async move { drop(works(&lab).await.stop(Stop::default()).await) }).unwrap();
    assert!(stops.contains("`lab.conclude(receipt).await`"), "{stops}");
    for plan in [Point::turn().of("nobody").panics(), Point::effect("no-such").hangs()] {
        let rule = plan.to_string();
        let forgets = told(|lab| {
            let lab = lab.fault(plan.clone());
            async move { drop(works(&lab).await) }
        });
        let forgets = forgets.unwrap();
        assert!(forgets.contains("`lab.end(swarm).await`"), "{forgets}");
        assert!(
            forgets.contains(&format!("never fired: {rule}")) && forgets.contains("step step of imp"),
            "{forgets}"
        );
    }
}

#[test]
fn what_a_test_fails_with_comes_before_what_it_forgets() {
    let errs = told(|lab| async move {
        works(&lab).await;
        Err::<(), _>("no such luck")
    });
    assert!(
        errs.as_ref().is_some_and(|told| told.contains("no such luck") && !told.contains("lab.end")),
        "{errs:?}"
    );
    // Also of a lab of its own, which is dropped before the error is seen.
    let errs = told(|lab| async move {
        let other = Lab::seed(lab.which_seed());
        works(&other).await;
        Err::<(), _>("no such luck")
    });
    assert!(
        errs.as_ref().is_some_and(|told| told.contains("no such luck") && !told.contains("lab.end")),
        "{errs:?}"
    );
    let panics = told(|lab| async move {
        works(&lab).await;
        assert!(std::hint::black_box(false), "out of luck");
    });
    assert!(panics.as_ref().is_some_and(|told| told.contains("out of luck")), "{panics:?}");
}

#[test]
fn every_way_to_end_a_swarm_in_its_lab_is_one() {
    let ends = told(|lab| async move { drop(lab.end(works(&lab).await).await) });
    let tries = told(|lab| async move { drop(lab.try_end(works(&lab).await).await) });
    let concludes = told(|lab| async move {
        let receipt = works(&lab).await.stop(Stop::default()).await;
        lab.conclude(receipt).await.map(drop)
    });
    let has_none = told(|lab| async move { drop(lab.dice()) });
    assert_eq!([ends, tries, concludes, has_none], [None, None, None, None]);
}

#[test]
fn a_lab_of_ones_own_says_it_too() {
    let told = told(|lab| async move { drop(works(&Lab::seed(lab.which_seed())).await) }).unwrap();
    assert!(told.contains("`lab.end(swarm).await`"), "{told}");
    let runtime = |is_real: bool| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().start_paused(!is_real).build().unwrap()
    };
    for is_real in [true, false] {
        let body = async {
            let lab = if is_real { Lab::real_io() } else { Lab::seed(1) };
            drop(works(&lab).await);
        };
        let panic = catch_unwind(AssertUnwindSafe(|| runtime(is_real).block_on(body))).unwrap_err();
        let told = panic.downcast::<String>().unwrap();
        assert!(told.contains("`lab.end(swarm).await`"), "{told}");
    }
}

#[test]
fn two_runs_that_are_compared_are_ended_too() {
    let twice = catch_unwind(|| twice(1, |lab| async move { drop(works(&lab).await) }));
    let told = twice.unwrap_err().downcast::<String>().unwrap();
    assert!(told.contains("`lab.end(swarm).await`"), "{told}");
}

#[test]
fn a_test_that_starts_no_swarm_in_its_lab_is_told_of_start_and_wrap() {
    let elsewhere = told(|lab| async move {
        let swarm = Swarm::builder("app").start().await?;
        lab.try_end(swarm).await?;
        TestResult::Ok(())
    });
    let planned = told(|lab| async move {
        let _lab = lab.plan(FaultPlan::default().rule(Point::turn().panics()));
        drop(Swarm::builder("app").start().await.unwrap());
    });
    let waits = told(|lab| async move { drop(lab.until(|_| true, std::time::Duration::ZERO).await) });
    let hangs = told(|_| std::future::pending::<()>()).unwrap();
    assert!(hangs.contains("it hangs") && hangs.contains("`lab.wrap`"), "{hangs}");
    for told in [elsewhere, planned, waits] {
        let told = told.unwrap();
        assert!(told.contains("no swarm was started in this lab"), "{told}");
        assert!(told.contains("`lab.wrap(builder).await`") && told.contains("`lab.start().await`"), "{told}");
    }
}
