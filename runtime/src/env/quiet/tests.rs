use std::panic::{catch_unwind, panic_any, resume_unwind};

use super::*;

fn caught_of(run: impl FnOnce()) -> Panic {
    install(|| None);
    caught(run).expect_err("it panics")
}

#[test]
fn a_panic_keeps_its_place_and_all_of_its_lines() {
    let line = line!() + 1;
    let panic = caught_of(|| assert_eq!(1 + 1, 3, "sums\nof two"));
    let place = format!("{}:{line}:", file!());
    assert!(panic.place().is_some_and(|at| at.starts_with(&place)), "{panic:?}");
    assert_eq!(panic.message(), "assertion `left == right` failed: sums\nof two\n  left: 2\n right: 3");
    assert_eq!(panic.to_string().lines().count(), 1);
    assert!(panic.to_string().ends_with("failed: sums\\nof two\\n  left: 2\\n right: 3"), "{panic}");
}

#[test]
fn a_long_message_is_cut_between_two_characters() {
    for long in ["é".repeat(5_000), format!("x{}", "é".repeat(5_000)), "✓".repeat(100_000)] {
        let panic = caught_of(|| panic!("{long}"));
        assert!(panic.message().len() <= 4 << 10 && panic.message().len() > 4_000);
        assert!(long.starts_with(panic.message().strip_suffix('…').expect("it says that it was cut")));
    }
}

#[test]
fn a_payload_that_panics_when_it_is_dropped_is_caught_with_it() {
    struct Grudge(u32);
    impl Drop for Grudge {
        fn drop(&mut self) {
            if self.0 > 0 {
                panic_any(Grudge(self.0 - 1));
            }
        }
    }
    let panic = caught_of(|| panic_any(Grudge(5)));
    assert_eq!(panic.message(), "a panic without a message");
    assert!(panic.place().is_some_and(|at| at.starts_with(file!())));
}

#[test]
fn the_place_is_that_of_the_panic_that_came_out_and_of_none_that_was_caught_before() {
    install(|| None);
    let first = line!() + 2;
    let panic = caught_of(|| {
        let kept = catch_unwind(|| panic!("the one that matters")).expect_err("it panics");
        catch_unwind(|| panic!("a later one")).expect_err("it panics too");
        resume_unwind(kept);
    });
    assert!(panic.place().is_some_and(|at| at.contains(&format!(":{first}:"))), "{panic:?}");
    let elsewhere = caught_of(|| {
        catch_unwind(|| panic!("here")).expect_err("it panics");
        resume_unwind(Box::new("from elsewhere"));
    });
    assert_eq!((elsewhere.place(), elsewhere.message()), (None, "from elsewhere"));
    assert_eq!(elsewhere.to_string(), "panicked: from elsewhere");
}

#[test]
fn a_drop_guard_that_catches_panics_of_its_own_does_not_take_the_place_away() {
    struct Cleans;
    impl Drop for Cleans {
        fn drop(&mut self) {
            caught(|| panic!("while it cleans up")).expect_err("it panics");
        }
    }
    let line = line!() + 3;
    let panic = caught_of(|| {
        let _cleans = Cleans;
        panic!("first");
    });
    assert!(panic.place().is_some_and(|at| at.contains(&format!(":{line}:"))), "{panic:?}");
    assert_eq!(panic.message(), "first");
}

#[test]
#[allow(clippy::disallowed_methods, reason = "it is about another thread")]
fn work_on_another_thread_that_panics_keeps_its_place() {
    install(|| None);
    let line = line!() + 1;
    let work = for_another_thread(|| panic!("out there"));
    let came = std::thread::spawn(work).join().expect("it is a value");
    let panic = caught_of(|| came.unwrap_or_else(|thrown| thrown.resume()));
    assert!(panic.place().is_some_and(|at| at.contains(&format!(":{line}:"))), "{panic:?}");
}
