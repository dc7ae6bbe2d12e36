//! Erlang/OTP, where the machine has it: the rows that it has an equal for, in the same run.

use std::process::Command;

use crate::rows::ROWS;
use crate::table::shown;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/erlang.escript");

/// Prints the figures of the rows whose names contain one of the words, or of all; a line where there is no Erlang.
pub(crate) fn print(words: &[String]) {
    if Command::new("escript").arg("--version").output().is_err() {
        println!("\nErlang/OTP: skipped, there is no `escript` on this machine.");
        return;
    }
    println!("\n| of Erlang/OTP, `benches/erlang.escript` | |\n|---|---|");
    for row in ROWS
        .iter()
        .filter(|row| words.is_empty() || words.iter().any(|word| row.name.contains(word.as_str())))
    {
        // Its unit may be no plain letter.
        let plain = row.name.split(';').next().unwrap_or(row.name);
        let said = Command::new("escript").args([SCRIPT, plain]).output().unwrap();
        assert!(said.status.success(), "{}: {}", row.name, String::from_utf8_lossy(&said.stderr));
        if let Ok(figure) = String::from_utf8_lossy(&said.stdout).trim().parse() {
            println!("| {} | {} |", row.name, shown(Some(figure)));
        }
    }
}
