//! The findings of a swarm that is being broken are those of one that is not.

use serde_json::Value;

use crate::bench::{Bench, findings};

/// Enough files for several batches of every specialist.
fn bench() -> Bench {
    let bench = Bench::with_findings();
    for number in 0..60 {
        bench.write(&format!("src/f{number:02}.rs"), "pub fn a() {\n    todo!()\n}\n");
    }
    bench.write("logo.png", b"\x89PNG\0\0");
    bench
}

#[test]
fn crashes_hangs_kills_and_lost_cells_change_no_finding() {
    let bench = bench();
    let calm = bench.json(&[]);
    assert_eq!(findings(&calm).len(), 64);
    let seeds: Vec<u64> = (1..=4).collect();
    // Most of the time of a chaos is waiting, so all of them go at once.
    let running: Vec<_> = seeds
        .iter()
        .map(|seed| bench.command(&["--format", "json", "--chaos", &seed.to_string()]).spawn().unwrap())
        .collect();
    for (seed, run) in seeds.iter().zip(running) {
        let output = run.wait_with_output().unwrap();
        let broken: Value = serde_json::from_slice(&output.stdout).unwrap();
        for same in ["findings", "notes", "files", "complete", "counts"] {
            assert_eq!(calm[same], broken[same], "seed {seed}: {same}");
        }
        assert!(broken["receipt"].as_str().unwrap().ends_with("nothing left"), "{}", broken["receipt"]);
        let chaos = &broken["chaos"];
        let words = |field: &str| chaos[field].to_string();
        assert!(chaos["faults"].as_array().unwrap().len() >= 8, "{chaos}");
        for action in ["made to panic", "was made to hang", "was slowed", "was killed", "lost its cell"] {
            assert!(words("faults").contains(action), "seed {seed}: {action}: {chaos}");
        }
        for answer in ["restart", "delivered again", "stale turn", "lost cell", "bill: $"] {
            assert!(words("answers").contains(answer), "seed {seed}: {answer}: {chaos}");
        }
        // What was done twice is billed twice.
        assert!(broken["cost"]["nano_usd"].as_u64() >= calm["cost"]["nano_usd"].as_u64(), "seed {seed}");
    }
}

#[test]
fn a_chaos_of_one_small_batch_survives_too() {
    let bench = Bench::with_findings();
    let calm = bench.json(&[]);
    let broken = bench.json(&["--chaos", "9"]);
    assert_eq!(calm["findings"], broken["findings"]);
    assert_eq!(broken["complete"], true);
}
