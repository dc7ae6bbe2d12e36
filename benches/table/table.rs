//! Runs the rows, side by side and again and again, and prints the table.

use std::process::{Command, Stdio};

use crate::erlang;
use crate::growth;
use crate::rows::{Better, Figures, ROWS, Row};

const SIDES: [&str; 4] = ["bare", "ractor", "kameo", "skep"];

/// Prints the rows whose names contain one of the words, or all; the growth where `growth` is one or there is none.
pub(crate) fn print(times: usize, words: &[String]) {
    println!("| work | bare tokio | ractor | kameo | skep | to bare | to ractor | goal | |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for row in ROWS {
        if words.is_empty() || words.iter().any(|word| row.name.contains(word.as_str())) {
            println!("{}", line(row, times));
        }
    }
    if words.is_empty() || words.iter().any(|word| word == "growth") {
        growth::print();
    }
    erlang::print(words);
    println!("\n{}", load());
}

fn line(row: &Row, times: usize) -> String {
    let mut figures = [const { Vec::new() }; SIDES.len()];
    for _ in 0..times {
        for (figures, side) in figures.iter_mut().zip(SIDES) {
            figures.extend(in_its_own_process(row, side));
        }
    }
    let [bare, ractor, kameo, skep] = figures.map(median);
    let ratio = |to: Option<f64>| match (skep, to) {
        (Some(skep), Some(to)) => format!("{:.2}", skep / to),
        _ => "–".to_owned(),
    };
    let all = |figure: Option<f64>| figure.unwrap_or(f64::NAN);
    let figures = Figures { bare: all(bare), ractor: all(ractor), skep: all(skep) };
    let verdict = match row.goal {
        "none" => "",
        _ if (row.is_met)(figures) => "met",
        _ => "missed",
    };
    let better = if row.better == Better::More { "↑" } else { "↓" };
    let cells = [bare, ractor, kameo, skep].map(shown);
    format!(
        "| {} {better} | {} | {} | {} | {verdict} |",
        row.name,
        cells.join(" | "),
        [ratio(bare), ratio(ractor)].join(" | "),
        row.goal
    )
}

fn in_its_own_process(row: &Row, side: &str) -> Option<f64> {
    row.sides.iter().find(|(name, _)| *name == side)?;
    let this = std::env::current_exe().unwrap();
    // A backtrace of each panic would be most of what a restart takes.
    let output = Command::new(this)
        .args(["one", row.name, side])
        .env("RUST_BACKTRACE", "0")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{} of {side} failed", row.name);
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

pub(crate) fn shown(figure: Option<f64>) -> String {
    match figure {
        None => "–".to_owned(),
        Some(figure) if figure >= 1e6 => format!("{:.2} M", figure / 1e6),
        Some(figure) if figure >= 10_000.0 => format!("{:.0} k", figure / 1e3),
        Some(figure) if figure >= 100.0 => format!("{figure:.0}"),
        Some(figure) => format!("{figure:.1}"),
    }
}

fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("Load at the end: {} on {cores} cores.", load.split_whitespace().next().unwrap_or("unknown"))
}
