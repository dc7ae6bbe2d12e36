//! What members and the chair get to see, and what a council gives.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use skep_runtime::AgentError;
use skep_runtime::text::OneLine;

use super::ranking::{Ranking, agreement, label};
use super::shuffle::Order;
use crate::parts::Parts;
use crate::pattern::Report;

/// An answer without the name of the member that gave it. `Display` is `B: the answer`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Anonymous<'n, A> {
    /// By which it is ranked.
    pub label: &'n str,
    /// What the member said.
    pub answer: &'n A,
}

impl<A> Clone for Anonymous<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Anonymous<'_, A> {}

impl<A: fmt::Display> fmt::Display for Anonymous<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.label, self.answer)
    }
}

/// What the chair gets: still without names, so that an answer counts for what it says.
///
/// `Display` is text for a model, over several lines: the question, each answer with its mean rank, and how much the members agree.
#[derive(Debug, Serialize)]
pub struct Minutes<'m, Q, A> {
    /// What was asked.
    pub question: &'m Q,
    /// The answers with their mean ranks, from 1: the best first.
    pub answers: Vec<(Anonymous<'m, A>, f64)>,
    /// How many members have ranked them.
    pub rankings: usize,
    /// How much the rankings agree: see [`Counselled::consensus`].
    pub consensus: Option<f64>,
}

impl<Q: fmt::Display, A: fmt::Display> fmt::Display for Minutes<'_, Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Question: {}", self.question)?;
        writeln!(f, "Answers, the best first by {} rankings:", self.rankings)?;
        for (answer, rank) in &self.answers {
            writeln!(f, "[mean rank {rank:.1}] {answer}")?;
        }
        match self.consensus {
            Some(consensus) => write!(f, "Agreement of the rankings, from 0 to 1: {consensus:.2}"),
            None => f.write_str("There are too few rankings to say how much they agree."),
        }
    }
}

/// What a council gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use = "there may be no synthesis"]
pub struct Counselled<A, S> {
    /// The chair's synthesis. None if there was no quorum of answers or of rankings, or the chair failed.
    pub value: Option<S>,
    /// The answers that there are. Once they were ranked, the best first, and until then in the order of the members.
    pub answers: Vec<Answered<A>>,
    /// How much the rankings agree: Kendall's W, from 0 (each answer has the same mean rank) to 1 (all rankings are the same). None
    /// for fewer than two rankings or two answers, as in a council of one: a ranking agrees with itself, and that is no consensus.
    pub consensus: Option<f64>,
    /// The rankings that there are, each with the name of the member that gave it.
    pub rankings: Vec<(String, Ranking)>,
    /// The answers, the rankings and the synthesis, in this order. What came up when it was run again stands behind them.
    pub parts: Parts,
}

/// An answer, with the name of the member that gave it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered<A> {
    /// The member's name.
    pub member: String,
    /// By which the answer was ranked.
    pub label: String,
    /// What the member said.
    pub answer: A,
    /// The mean of its ranks, from 1. None if nobody ranked it.
    pub mean_rank: Option<f64>,
}

impl<A, S> Counselled<A, S> {
    /// Before anybody has answered.
    pub(super) fn open() -> Self {
        let (answers, rankings) = (Vec::new(), Vec::new());
        Self { value: None, answers, consensus: None, rankings, parts: Parts::default() }
    }
}

/// What members have said, in a report that a run goes on in.
pub(super) struct Said<'c, A> {
    pub(super) answers: &'c mut Vec<Answered<A>>,
    pub(super) rankings: &'c mut Vec<(String, Ranking)>,
    pub(super) consensus: &'c mut Option<f64>,
}

impl<A> Said<'_, A> {
    /// Labels the answers, of members of these names. What was ranked by other labels is no ranking of them.
    pub(super) fn relabel(&mut self, names: &[String], order: Order) {
        self.rankings.clear();
        let mut shuffled: Vec<_> = names.iter().collect();
        order.shuffle(&mut shuffled);
        let places: BTreeMap<_, _> = shuffled.into_iter().zip(0..).collect();
        self.answers.sort_by_key(|answer| places.get(&answer.member).copied().unwrap_or(names.len()));
        for (at, answer) in self.answers.iter_mut().enumerate() {
            (answer.label, answer.mean_rank) = (label(at), None);
        }
    }

    /// Says from the rankings how much they agree, and where each answer stands.
    pub(super) fn place(&mut self, names: &[String]) {
        let Self { answers, rankings, consensus } = self;
        let members: BTreeMap<_, _> = names.iter().zip(0..).collect();
        let member = |name: &String| members.get(name).copied().unwrap_or(names.len());
        if rankings.is_empty() {
            **consensus = None;
            answers.sort_by_key(|answer| member(&answer.member));
            return;
        }
        rankings.sort_by_key(|(name, _)| member(name));
        answers.sort_by_key(Answered::at_label);
        let places = answers.iter().enumerate().map(|(at, answer)| (answer.label.as_str(), at));
        let places: BTreeMap<_, _> = places.collect();
        let ranks = |(_, ranking): &(String, Ranking)| {
            let mut ranks = vec![0; answers.len()];
            for (rank, label) in ranking.0.iter().enumerate() {
                if let Some(at) = places.get(label.as_str()).and_then(|at| ranks.get_mut(*at)) {
                    *at = rank + 1;
                }
            }
            ranks
        };
        let all: Vec<_> = rankings.iter().map(ranks).collect();
        **consensus = agreement(&all, answers.len());
        for (at, answer) in answers.iter_mut().enumerate() {
            let sum: usize = all.iter().filter_map(|ranks| ranks.get(at)).sum();
            answer.mean_rank = Some(sum as f64 / all.len() as f64);
        }
        // A stable sort: of equal ones the label decides.
        let rank = |answer: &Answered<A>| answer.mean_rank.unwrap_or_default();
        answers.sort_by(|one, other| rank(one).total_cmp(&rank(other)));
    }
}

impl<A> Answered<A> {
    pub(super) fn anonymous(&self) -> Anonymous<'_, A> {
        Anonymous { label: &self.label, answer: &self.answer }
    }

    /// Where its label stands: A to Z, then AA.
    pub(super) fn at_label(&self) -> (usize, String) {
        (self.label.len(), self.label.clone())
    }
}

impl<A, S> fmt::Display for Counselled<A, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(best) = self.answers.first().filter(|answer| answer.mean_rank.is_some()) {
            write!(f, "{} was ranked best of {}, ", OneLine(&best.member), self.answers.len())?;
        }
        if let Some(consensus) = self.consensus {
            write!(f, "consensus {consensus:.2}, ")?;
        }
        self.parts.fmt(f)
    }
}

impl<A: Send, S: Send> Report for Counselled<A, S> {
    type Value = S;

    fn parts(&self) -> Cow<'_, Parts> {
        Cow::Borrowed(&self.parts)
    }

    fn into_result(self) -> Result<S, AgentError> {
        self.value.ok_or_else(|| self.parts.error())
    }
}
