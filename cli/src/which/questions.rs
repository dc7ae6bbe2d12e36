//! The six questions, and what an answer to each may be.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use console::Term;

use crate::args::{Goal, Order, Splits, Which, Who};

/// What is known of the work once all questions are answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    pub(super) minutes: u64,
    pub(super) pieces: u64,
    pub(super) order: Order,
    pub(super) goal: Goal,
    pub(super) who: Who,
    pub(super) splits: bool,
}

/// Asks for what the options do not say.
pub(super) fn complete(options: Which, term: Option<&Term>) -> Result<Work, String> {
    let Which { minutes, pieces, order, goal, who, splits } = options;
    let mut asked = Asked { term, missing: Vec::new() };
    let minutes = asked.number(minutes, "--minutes", "How many minutes would one agent take for all of it?");
    let pieces = asked.number(pieces, "--pieces", "How many pieces does it have?");
    let order = asked.word(order, "--order", "Does a piece need what another gives?");
    let goal = asked.word(goal, "--goal", "What should there be in the end?");
    let who = asked.word(who, "--who", "Who does it?");
    let splits = asked.word(splits, "--splits", "May a piece turn out to be too large and have to be split?");
    match (minutes, pieces, order, goal, who, splits) {
        (Some(minutes), Some(pieces), Some(order), Some(goal), Some(who), Some(splits)) => {
            let splits = splits == Splits::Yes;
            Ok(Work { minutes, pieces, order, goal, who, splits })
        }
        _ => Err(format!(
            "not answered: {}; say it as an option, or run it in a terminal to be asked",
            asked.missing.join(", ")
        )),
    }
}

struct Asked<'t> {
    term: Option<&'t Term>,
    missing: Vec<&'static str>,
}

impl Asked<'_> {
    fn number(&mut self, said: Option<u64>, option: &'static str, question: &str) -> Option<u64> {
        said.or_else(|| self.ask(option, question, "a number", |text| text.parse().ok()))
    }

    /// A question whose answers are the words of an option, with what each means.
    fn word<A: ValueEnum>(&mut self, said: Option<A>, option: &'static str, question: &str) -> Option<A> {
        let variants =
            A::value_variants().iter().filter_map(|answer| Some((answer, answer.to_possible_value()?)));
        let all: Vec<_> = variants.collect();
        let width = all.iter().map(|(_, word)| word.get_name().len()).max().unwrap_or(0);
        let means = |word: &PossibleValue| word.get_help().map(ToString::to_string).unwrap_or_default();
        let lines = all.iter().map(|(_, word)| format!("\n  {:width$}  {}", word.get_name(), means(word)));
        let question = format!("{question}{}", lines.collect::<String>());
        let words = all.iter().map(|(_, word)| word.get_name()).collect::<Vec<_>>().join(", ");
        // The beginning of a word will do where it is that of no other.
        let read = |text: &str| {
            let mut fits =
                all.iter().filter(|(_, word)| !text.is_empty() && word.get_name().starts_with(text));
            let (answer, _) = fits.next().filter(|_| fits.next().is_none())?;
            Some((*answer).clone())
        };
        said.or_else(|| self.ask(option, &question, &words, read))
    }

    /// Asks until the answer can be read, or the input ends.
    fn ask<T>(
        &mut self,
        option: &'static str,
        question: &str,
        expects: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        if let Some(term) = self.term {
            term.write_line(question).ok();
            loop {
                term.write_str("> ").ok();
                match term.read_line() {
                    Ok(line) if !line.is_empty() => {
                        if let Some(answer) = read(line.trim().to_lowercase().as_str()) {
                            return Some(answer);
                        }
                        term.write_line(&format!("Please answer with {expects}.")).ok();
                    }
                    // An empty line of a terminal is a wish to leave.
                    _ => break,
                }
            }
        }
        self.missing.push(option);
        None
    }
}
