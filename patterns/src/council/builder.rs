//! A council that is not complete yet.

use std::fmt::Display;

use skep_runtime::Budget;

use super::minutes::{Anonymous, Minutes};
use super::ranking::Ranking;
use super::{Answering, Asked, Council, Members, RankingBy};
use crate::quorum::Quorum;
use crate::terms::{Terms, terms};
use crate::work::Work;

/// A council whose members do not answer yet: [`answer`](CouncilWithoutAnswers::answer) says how.
#[must_use = "a council does nothing until it is awaited"]
pub struct CouncilWithoutAnswers<'a, Q, M> {
    pub(super) terms: Terms<'a>,
    pub(super) question: Q,
    pub(super) names: Vec<M>,
}

/// A council whose members do not rank yet: [`rank`](CouncilWithoutRanks::rank) says how.
#[must_use = "a council does nothing until it is awaited"]
pub struct CouncilWithoutRanks<'a, Q, M, A> {
    terms: Terms<'a>,
    question: Q,
    names: Vec<M>,
    answer: Asked<Answering<'a, Q, M, A>>,
}

/// A council without a chair: [`chair`](CouncilWithoutChair::chair) says who it is.
#[must_use = "a council does nothing until it is awaited"]
pub struct CouncilWithoutChair<'a, Q, M, A> {
    terms: Terms<'a>,
    members: Members<'a, Q, M, A>,
}

impl<'a, Q: Send + Sync + 'a, M: Display + Clone + Send + Sync + 'a> CouncilWithoutAnswers<'a, Q, M> {
    terms!();

    /// How a member answers the question.
    pub fn answer<W: Work>(
        self,
        work: impl Fn(M, &Q) -> W + Send + Sync + 'a,
    ) -> CouncilWithoutRanks<'a, Q, M, W::Output> {
        let Self { terms, question, names } = self;
        let work = Box::new(move |member: M, question: &Q| work(member, question).boxed());
        let answer = Asked { work: work as Box<_>, costing: None, takes: W::takes };
        CouncilWithoutRanks { terms, question, names, answer }
    }
}

impl<'a, Q, M, A> CouncilWithoutRanks<'a, Q, M, A>
where
    Q: Send + Sync + 'a,
    M: Display + Clone + Send + Sync + 'a,
    A: Send + Sync + 'static,
{
    terms!();

    /// What each answer may cost at most, with everything below it.
    pub fn costing(mut self, most: Budget) -> Self {
        self.answer.costing = Some(most);
        self
    }

    /// How a member ranks the answers, which come in an order of its own.
    pub fn rank<W: Work<Output = Ranking>>(
        self,
        work: impl Fn(M, &Q, &[Anonymous<'_, A>]) -> W + Send + Sync + 'a,
    ) -> CouncilWithoutChair<'a, Q, M, A> {
        let Self { terms, question, names, answer } = self;
        let work = move |member: M, question: &Q, answers: &[Anonymous<'_, A>]| {
            work(member, question, answers).boxed()
        };
        let work: Box<RankingBy<'a, Q, M, A>> = Box::new(work);
        let rank = Asked { work, costing: None, takes: W::takes };
        CouncilWithoutChair { terms, members: Members { question, names, answer, rank } }
    }
}

impl<'a, Q, M, A> CouncilWithoutChair<'a, Q, M, A>
where
    Q: Send + Sync + 'a,
    M: Display + Clone + Send + Sync + 'a,
    A: Send + Sync + 'static,
{
    terms!();

    /// What each ranking may cost at most, with everything below it.
    pub fn costing(mut self, most: Budget) -> Self {
        self.members.rank.costing = Some(most);
        self
    }

    /// Who makes one answer of all.
    pub fn chair<W: Work>(
        self,
        work: impl Fn(&Minutes<'_, Q, A>) -> W + Send + Sync + 'a,
    ) -> Council<'a, Q, M, A, W::Output> {
        let Self { terms, members } = self;
        let work = Box::new(move |minutes: &Minutes<'_, Q, A>| work(minutes).boxed());
        let chair = Asked { work: work as Box<_>, costing: None, takes: W::takes };
        Council { terms, members, chair, quorum: Quorum::default() }
    }
}
