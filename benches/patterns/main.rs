//! What patterns add: each around one agent that answers at once, beside a `JoinSet` of one task; a queue of a million tasks, and
//! waves over a graph of ten thousand nodes.
//!
//! `cargo bench -p skep-benches --bench patterns` prints the tables; words after `--` choose the rows that contain one of them. Each
//! row is measured in a process of its own, in turn with the others, three times over; the median is shown.
#![allow(missing_docs, reason = "nobody depends on it")]
#![allow(clippy::disallowed_methods, reason = "a bench stands outside every swarm")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints a table")]
#![allow(clippy::unwrap_used, reason = "a measurement that fails is none")]

mod large;
mod one;

use std::process::{Command, Stdio};

/// The same for both sides.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TIMES: usize = 3;

fn main() {
    // Features unify over a whole build: with the lab's fault points and census it would measure those.
    let has_lab = skep_runtime::fault::HAS_LAB;
    assert!(!has_lab, "build with `-p skep-benches`, or the lab is in it");
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let ["one", row] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        let small = one::measure(row).map(|figure| figure.to_string());
        let figure = small.or_else(|| large::measure(row)).expect("a row");
        return println!("{figure}");
    }
    let is_wanted = |row: &&str| words.is_empty() || words.iter().any(|word| row.contains(word.as_str()));
    let rows: Vec<_> = one::ROWS.iter().copied().filter(is_wanted).collect();
    let large: Vec<_> = large::ROWS.iter().copied().filter(is_wanted).collect();
    let mut figures: Vec<(&str, Vec<String>)> =
        rows.iter().chain(&large).map(|row| (*row, Vec::new())).collect();
    for _ in 0..TIMES {
        for (row, measured) in &mut figures {
            measured.push(in_its_own_process(row));
        }
    }
    println!("| | µs | to a JoinSet |\n|---|---|---|");
    let median = |row: &str| {
        let (_, all) = figures.iter().find(|(name, _)| *name == row)?;
        let mut all: Vec<f64> = all.iter().filter_map(|figure| figure.parse().ok()).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied()
    };
    let bare = median(one::BARE);
    for row in rows {
        let figure = median(row).unwrap_or(f64::NAN);
        println!(
            "| {row} | {figure:.1} | {} |",
            bare.map_or("–".to_owned(), |bare| format!("{:.1}", figure / bare))
        );
    }
    for (row, measured) in figures.iter().filter(|(row, _)| large.contains(row)) {
        println!("\n{row}: {}", measured.join("; "));
    }
}

fn in_its_own_process(row: &str) -> String {
    let this = std::env::current_exe().unwrap();
    let output = Command::new(this).args(["one", row]).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{row} failed");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
