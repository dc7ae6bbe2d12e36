//! Reviews that are cut short: a partial report and a receipt, and nothing left.

use serde_json::Value;

use crate::bench::{Bench, Ran};

/// A folder that keeps a swarm in chaos busy for two seconds.
fn busy() -> Bench {
    let bench = Bench::with_findings();
    for number in 0..60 {
        bench.write(&format!("src/f{number:02}.rs"), "pub fn a() {\n    todo!()\n}\n");
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
    assert!(!failed.is_empty() && failed.iter().all(|why| why.contains("(1s) was over")), "{failed:?}");
    assert!(report["receipt"].as_str().unwrap().ends_with("nothing left"), "{}", report["receipt"]);
}

#[cfg(unix)]
mod interrupts {
    use super::*;
    use rustix::process::{Pid, Signal, kill_process};
    use std::io::{BufRead as _, BufReader};
    use std::process::Child;

    fn interrupt(child: &Child) {
        kill_process(Pid::from_child(child), Signal::INT).unwrap();
    }

    /// Waits for so many lines of the log with a word in them.
    fn wait_for(child: &mut Child, lines: usize, word: &str) -> impl Send + use<> {
        let mut log = BufReader::new(child.stderr.take().unwrap());
        for _ in 0..lines {
            let mut line = String::new();
            while !line.contains(word) {
                line.clear();
                assert_ne!(log.read_line(&mut line).unwrap(), 0, "it ended before {word:?}");
            }
        }
        log
    }

    #[test]
    fn ctrl_c_stops_the_swarm_and_gives_a_partial_report_and_a_receipt() {
        let bench = busy();
        let mut child = bench.command(&["--format", "json", "--chaos", "1"]).spawn().unwrap();
        // The lead has four specialists; then somebody listens to a signal too.
        let _log = wait_for(&mut child, 4, " begins");
        interrupt(&child);
        let ran = Ran::of(&child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(130));
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(report["complete"], false);
        let receipt = report["receipt"].as_str().unwrap();
        assert!(receipt.contains("5 agents") && receipt.ends_with("nothing left"), "{receipt}");
        assert!(report["reviewers"].to_string().contains("interrupted by Ctrl-C"), "{}", report["reviewers"]);
    }
}
