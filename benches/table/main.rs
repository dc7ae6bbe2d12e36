//! The table of speed: each row measured for each side, interleaved, each measurement in a process of its own.
//!
//! `cargo bench -p skep-benches --bench table` prints it; words after `--` choose the rows that contain one of them, and
//! `--times n` says how often each is measured. Ratios are the result: a machine's seconds are its own affair.
#![allow(missing_docs, reason = "nobody depends on it")]
#![allow(clippy::disallowed_methods, reason = "a bench stands outside every swarm")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints a table")]
#![allow(clippy::unwrap_used, reason = "a measurement that fails is none")]

mod erlang;
mod growth;
mod rows;
mod sides;
mod table;

/// The same for all sides.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // Features unify over a whole build: with the lab's fault points and census it would measure those.
    let has_lab = skep_runtime::fault::HAS_LAB;
    assert!(!has_lab, "build with `-p skep-benches`, or the lab is in it");
    let mut words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let given: Vec<&str> = words.iter().map(String::as_str).collect();
    match given[..] {
        ["one", row, side] => {
            return println!("{}", rows::measure(row, side).expect("a row and a side of it"));
        }
        ["grow", size] => return println!("{}", growth::measure(size.parse().expect("a number of agents"))),
        _ => {}
    }
    let mut times = 3;
    if let Some(at) = words.iter().position(|word| word == "--times") {
        times = words.remove(at + 1).parse().expect("a number of times");
        words.remove(at);
    }
    table::print(times, &words);
}
