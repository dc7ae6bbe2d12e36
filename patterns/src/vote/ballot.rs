//! What voters say, and by which rule that is counted.

use serde::{Deserialize, Serialize};

/// What a voter says. A plain choice is a ballot for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ballot<C> {
    /// One choice.
    For(C),
    /// Several, the best first. Only [`Rule::Ranked`] looks beyond the first. A choice that is named twice counts where it stood
    /// first, and a ranking without choices is an abstention.
    Ranked(Vec<C>),
    /// None: it counts for the quorum, and for nothing else.
    Abstain,
}

impl<C> From<C> for Ballot<C> {
    fn from(choice: C) -> Self {
        Self::For(choice)
    }
}

impl<C: Ord> Ballot<C> {
    /// The choices, each once, the best first.
    pub(super) fn choices(&self) -> Vec<&C> {
        let mut seen = std::collections::BTreeSet::new();
        let all = match self {
            Self::For(choice) => std::slice::from_ref(choice),
            Self::Ranked(choices) => choices,
            Self::Abstain => &[],
        };
        all.iter().filter(|choice| seen.insert(*choice)).collect()
    }

    /// The best.
    pub(super) fn first(&self) -> Option<&C> {
        match self {
            Self::For(choice) => Some(choice),
            Self::Ranked(choices) => choices.first(),
            Self::Abstain => None,
        }
    }
}

/// By which rule a vote is counted. Each counts weights, which are 1 unless told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// More than half of the ballots that are for something: abstentions and voters who failed are not among them. The default.
    /// Two halves are no majority, whatever is said of ties.
    #[default]
    Majority,
    /// The most.
    Plurality,
    /// All voters have voted, and those who did not abstain are for the same. A voter who failed does not agree.
    Unanimous,
    /// Instant run-off: until one has more than half of the ballots that still name somebody, the choice with the least goes
    /// out, and each of its ballots goes to the next choice on it. Unlike a Borda count it never passes over a choice that more
    /// than half put first, and a ballot that names only some of the choices needs no guess about the rest.
    ///
    /// Where several have the least, they go out together if all of them have less than the next one up, since then their
    /// order changes nothing. If not, that is a tie.
    Ranked,
}

/// What becomes of a tie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ties {
    /// It stays open: nothing has won. The default.
    #[default]
    Open,
    /// The choice has it that was named first, in the order of the voters and of their rankings, whoever answered first.
    First,
}
