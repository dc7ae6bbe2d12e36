//! Reviews that are cut short: a partial report and a receipt, and nothing left.

use serde_json::Value;

use crate::bench::{Bench, Ran};

/// A folder that keeps a swarm busy for much longer than it is given: the slower the machine, the longer.
fn busy() -> Bench {
    let bench = Bench::with_findings();
    for number in 0..3_000 {
        bench.write(&format!("src/f{number:04}.rs"), "pub fn a() {\n    todo!()\n}\n");
    }
    bench
}

#[test]
fn time_that_is_over_gives_a_partial_report_with_a_row_for_each_reviewer() {
    let bench = busy();
    let ran = bench.review(&["--format", "json", "--chaos", "1", "--within", "1s"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &report["complete"]), (Some(0), &Value::Bool(false)), "{}", ran.err);
    let failed: Vec<&str> =
        report["reviewers"].as_array().unwrap().iter().filter_map(|r| r["failed"].as_str()).collect();
    assert!(
        !failed.is_empty() && failed.iter().all(|why| why.contains("time limit of 1s was reached")),
        "{failed:?}"
    );
    assert!(report["receipt"].as_str().unwrap().ends_with("nothing left"), "{}", report["receipt"]);
}

#[test]
fn no_time_and_hardly_any_are_both_a_review_that_was_cut_short() {
    let bench = busy();
    for within in ["0s", "1ms"] {
        let ran = bench.review(&["--format", "json", "--within", within]);
        let report: Value =
            serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.err));
        assert_eq!((ran.code, &report["complete"]), (Some(0), &Value::Bool(false)), "{within}: {}", ran.err);
        assert!(
            report.to_string().contains(&format!("time limit of {within} was reached")),
            "{within}: {report}"
        );
        assert!(report["receipt"].as_str().unwrap().ends_with("nothing left"), "{}", report["receipt"]);
        let gate = bench.review(&["--within", within, "--fail-on", "critical"]);
        assert_eq!(gate.code, Some(1), "{within}");
        assert!(gate.out.contains("The review was cut short"), "{}", gate.out);
    }
}

#[cfg(unix)]
mod interrupts {
    use super::*;
    use rustix::fs::{OFlags, fcntl_setfl};
    use rustix::process::{Pid, Signal, kill_process};
    use std::io::{BufRead as _, BufReader, ErrorKind, PipeReader, PipeWriter, Write as _, pipe};
    use std::process::{Child, ChildStderr};
    use std::time::{Duration, Instant};

    fn interrupt(child: &Child) {
        kill_process(Pid::from_child(child), Signal::INT).unwrap();
    }

    /// What a review writes to its log.
    struct Log(BufReader<ChildStderr>);

    impl Log {
        fn of(child: &mut Child) -> Self {
            Self(BufReader::new(child.stderr.take().unwrap()))
        }

        /// Waits for so many lines with a word in them.
        fn wait_for(&mut self, lines: usize, word: &str) {
            for _ in 0..lines {
                let mut line = String::new();
                while !line.contains(word) {
                    line.clear();
                    assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "it ended before {word:?}");
                }
            }
        }
    }

    /// A pipe into which nothing goes any more: whoever writes to it waits for ever.
    fn full_pipe() -> (PipeReader, PipeWriter) {
        let (reader, mut writer) = pipe().unwrap();
        fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
        let mut bytes: &[u8] = &[0; 4_096];
        loop {
            match writer.write(bytes) {
                Ok(_) => {}
                // What does not fit as a page may as a byte.
                Err(error) if error.kind() == ErrorKind::WouldBlock && bytes.len() > 1 => bytes = &[0],
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    break;
                }
            }
        }
        fcntl_setfl(&writer, OFlags::empty()).unwrap();
        (reader, writer)
    }

    /// The exit code; a process that does not end is killed, so that the test fails instead of waiting for it.
    fn code_of(mut child: Child) -> Option<i32> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(60) {
            if let Some(status) = child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        panic!("it does not end");
    }

    #[test]
    fn ctrl_c_stops_the_swarm_and_gives_a_partial_report_and_a_receipt() {
        let bench = busy();
        let mut child = bench.command(&["--format", "json", "--chaos", "1"]).spawn().unwrap();
        // The lead has four specialists; then somebody listens to a signal too.
        let mut log = Log::of(&mut child);
        log.wait_for(4, " starts");
        interrupt(&child);
        let ran = Ran::of(&child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(130));
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(report["complete"], false);
        let receipt = report["receipt"].as_str().unwrap();
        assert!(receipt.contains("5 agents") && receipt.ends_with("nothing left"), "{receipt}");
        assert!(report["reviewers"].to_string().contains("interrupted by Ctrl-C"), "{}", report["reviewers"]);
    }
    #[test]
    fn a_second_ctrl_c_ends_at_once_also_where_nobody_takes_the_report() {
        let bench = busy();
        let (_unread, full) = full_pipe();
        let mut child = bench.command(&["--chaos", "1"]).stdout(full).spawn().unwrap();
        let mut log = Log::of(&mut child);
        log.wait_for(4, " starts");
        interrupt(&child);
        log.wait_for(1, "press again to end at once");
        interrupt(&child);
        assert_eq!(code_of(child), Some(130));
    }
}
