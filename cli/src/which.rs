//! Which pattern of coordination fits: six questions, and an answer with its reason, its cost and the lines to start from.

mod choose;
mod questions;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use console::Term;

use self::choose::{Choice, choose};
use self::questions::complete;
use crate::args::Which;

/// Could not answer.
const COULD_NOT: u8 = 2;

/// Asks what the options leave open, if there is a terminal, and answers.
pub(crate) fn main(options: Which) -> ExitCode {
    let term = Term::stderr();
    let may_ask = io::stdin().is_terminal() && term.is_term();
    match complete(options, may_ask.then_some(&term)) {
        Ok(work) => {
            // If standard output is closed, there is nobody to tell.
            writeln!(io::stdout(), "{}", answer(&choose(&work))).ok();
            ExitCode::SUCCESS
        }
        Err(why) => {
            writeln!(io::stderr(), "skep which: {why}").ok();
            ExitCode::from(COULD_NOT)
        }
    }
}

fn answer(choice: &Choice) -> String {
    let Choice { pattern, why, cost, instead } = choice;
    let mut text = format!("{}: {why}\n\nCost: {cost}\n", pattern.name());
    for other in instead {
        text.push_str(&format!("Or {other}\n"));
    }
    text.push('\n');
    text.push_str(pattern.starter().trim_end());
    text
}

#[cfg(test)]
mod tests;
