//! What a vote gives.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use skep_runtime::AgentError;
use skep_runtime::text::OneLine;

use super::ballot::Ballot;
use crate::parts::Parts;
use crate::pattern::Report;

/// What a vote gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use = "there may be no winner"]
pub struct Voted<C> {
    /// What has won.
    pub winner: Option<C>,
    /// Why nothing has; none if something has.
    pub undecided: Option<Undecided>,
    /// What each choice has, by the ballots' first choices: the most first.
    pub tally: Vec<Tallied<C>>,
    /// Each ballot that was counted, with the name of its voter, in the voters' order.
    pub ballots: Vec<(String, Ballot<C>)>,
    /// How many voters had been heard, with those that failed, when it was decided.
    pub decided_after: usize,
    /// The voters, in their order.
    pub parts: Parts,
}

impl<C> Voted<C> {
    /// Before anybody has voted.
    pub(super) fn open() -> Self {
        Self {
            winner: None,
            undecided: Some(Undecided::CutShort),
            tally: Vec::new(),
            ballots: Vec::new(),
            decided_after: 0,
            parts: Parts::default(),
        }
    }
}

/// What a choice has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tallied<C> {
    /// The choice.
    pub choice: C,
    /// Of all that put it first.
    pub weight: f64,
    /// How many put it first.
    pub voters: usize,
}

/// Why nothing has won.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undecided {
    /// Too few have voted.
    NoQuorum {
        /// So many have, with those that abstained.
        voted: usize,
        /// So many had to.
        quorum: usize,
    },
    /// Nobody has voted for anything.
    AllAbstained,
    /// Nothing has more than half.
    NoMajority,
    /// Not all are for the same, or some have not voted.
    NotUnanimous,
    /// Several have the same, and nothing was said of ties.
    Tied,
    /// The vote was cut short by its owner's end, or by as many failures as it bears, before it was decided.
    CutShort,
}

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoQuorum { voted, quorum } => write!(f, "{voted} voted, and the quorum is {quorum}"),
            Self::AllAbstained => f.write_str("nobody voted for anything"),
            Self::NoMajority => f.write_str("nothing has a majority"),
            Self::NotUnanimous => f.write_str("it was not unanimous"),
            Self::Tied => f.write_str("it is tied"),
            Self::CutShort => f.write_str("it was cut short"),
        }
    }
}

/// One line. A choice is shown as JSON.
impl<C: Serialize> fmt::Display for Voted<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { winner, tally, decided_after, parts, .. } = self;
        match winner.as_ref().map(serde_json::to_string) {
            None => {
                let why = self.undecided.as_ref().map(ToString::to_string).unwrap_or_default();
                write!(f, "no winner: {why}; {parts}")
            }
            Some(shown) => {
                let shown = shown.unwrap_or_else(|_| "a choice".to_owned());
                write!(
                    f,
                    "{} has won, after {decided_after} of {} voters: ",
                    OneLine(&shown),
                    parts.parts.len()
                )?;
                for (at, tallied) in tally.iter().take(crate::defaults::NAMED_FAILURES).enumerate() {
                    let choice = serde_json::to_string(&tallied.choice).unwrap_or_else(|_| "?".to_owned());
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{} {}", OneLine(&choice), tallied.weight)?;
                }
                Ok(())
            }
        }
    }
}

impl<C: Serialize + Send> Report for Voted<C> {
    type Value = C;

    fn parts(&self) -> Cow<'_, Parts> {
        Cow::Borrowed(&self.parts)
    }

    fn into_result(self) -> Result<C, AgentError> {
        let error = self.parts.error_of(&self);
        self.winner.ok_or(error)
    }
}
