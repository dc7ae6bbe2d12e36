//! Review loop: an author drafts, reviewers say what is wrong, the author drafts again.
//!
//! ```text
//!                      ┌── style ── approved ─┐
//! brief ── author ─────┼── facts ── 2 issues ─┼── all approved? ── yes ── draft
//!            ▲         └── legal ── approved ─┘        │
//!            └───────────── draft, issues ─────────────┘ (3 rounds at most)
//! ```
//!
//! **When**: there is a draft that gets better by what others find in it, and somebody who can say that it is good. **When not**:
//! if the reviewers' word is all that is wanted (panel), or a test that costs nothing can say whether it is good
//! ([`try_map`](crate::Work::try_map)).
//!
//! **Costs** rounds × (1 + reviewers) calls, times the attempts. **A failure** of the author ends it, with the draft of the round
//! before. One of a reviewer costs its approval: the draft is not approved without it.

mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use skep_runtime::{Budget, ScopeOwner};

pub use self::report::{Raised, Reviewed, Round, Verdict};
use crate::defaults;
use crate::estimate::Estimate;
use crate::failures::Failures;
use crate::parts::{Part, Parts};
use crate::pattern::runs;
use crate::roster::Roster;
use crate::run::{Phase, Run, Spot};
use crate::terms::{Terms, terms};
use crate::work::{AnyWork, Bounds, Check, Work};

/// Has a brief drafted and reviewed until all approve.
///
/// ```
/// # use skep_runtime::{AgentError, Context, Swarm};
/// # use skep_patterns::{agent_fn, review_loop};
/// use skep_patterns::review_loop::{Round, Verdict};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let swarm = Swarm::builder("docs").start().await?;
/// let writer = agent_fn("writer", |text: String, _: Context| async move { Ok::<_, AgentError>(text) });
/// let critic = agent_fn("critic", |text: String, _: Context| async move {
///     let issues = if text.ends_with('.') { vec![] } else { vec!["it has no end".to_owned()] };
///     Ok::<_, AgentError>(Verdict::from(issues))
/// });
/// let reviewed = review_loop(&swarm, "Bees dance".to_owned())
///     .author(|brief, last: Option<&Round<String, String>>| {
///         (writer.clone(), if last.is_some() { format!("{brief}.") } else { brief.clone() })
///     })
///     .reviewer("style", |_, draft| (critic.clone(), draft.clone()))
///     .await;
/// assert!(reviewed.is_approved() && reviewed.rounds.len() == 2);
/// assert_eq!(reviewed.into_draft().as_deref(), Some("Bees dance."));
/// # Ok(())
/// # }
/// ```
///
/// Of a round the reviewers are asked at the same time, and all of them are heard, so that the author gets all issues at once. It
/// ends when all have approved, when nobody has raised an issue though an approval is missing (so there is nothing for the
/// author to mend), when the author fails, and after the last round.
///
/// Unless told otherwise: three rounds, six reviewers at once, each part that fails is tried twice more, and the whole has 180 s:
/// 30 s for each draft and each review.
#[must_use = "a review loop does nothing until it is awaited"]
pub fn review_loop<'a, B>(owner: impl Into<ScopeOwner>, brief: B) -> ReviewLoopWithoutAuthor<'a, B> {
    let within = defaults::WITHIN * 2 * defaults::REVIEW_ROUNDS;
    let terms = Terms { within, ..Terms::new(owner, "review_loop", Failures::GATHER) };
    ReviewLoopWithoutAuthor { terms, brief }
}

/// A review loop that nobody writes for yet: [`author`](ReviewLoopWithoutAuthor::author) says who.
#[must_use = "a review loop does nothing until it is awaited"]
pub struct ReviewLoopWithoutAuthor<'a, B> {
    terms: Terms<'a>,
    brief: B,
}

/// A review loop without reviewers: [`reviewer`](ReviewLoopWithoutReviewer::reviewer) gives it the first.
#[must_use = "a review loop does nothing until it is awaited"]
pub struct ReviewLoopWithoutReviewer<'a, B, D, F> {
    terms: Terms<'a>,
    brief: B,
    author: Author<'a, B, D, F>,
}

/// A review loop: see [`review_loop`].
#[must_use = "a review loop does nothing until it is awaited"]
pub struct ReviewLoop<'a, B, D, F> {
    terms: Terms<'a>,
    brief: B,
    author: Author<'a, B, D, F>,
    reviewers: Roster<Reviewing<'a, B, D, F>>,
    /// Of each reviewer.
    takes: Vec<Takes>,
    rounds: u32,
}

struct Author<'a, B, D, F> {
    work: Box<Writing<'a, B, D, F>>,
    costing: Option<Budget>,
    takes: Takes,
}

type Writing<'a, B, D, F> = dyn Fn(&B, Option<&Round<D, F>>) -> AnyWork<D> + Send + Sync + 'a;
type Reviewing<'a, B, D, F> = dyn Fn(&B, &D) -> AnyWork<Verdict<F>> + Send + Sync + 'a;
/// What work of a type takes, before there is any.
type Takes = fn(&Bounds<'_>) -> Option<Estimate>;

impl<'a, B: Send + Sync + 'a> ReviewLoopWithoutAuthor<'a, B> {
    terms!();

    /// Who writes: the first time from the brief, later with the last round, which has the draft and what was found in it. The
    /// closure names the type of the issues, since it stands before what gives them: `|brief, last: Option<&Round<_, Issue>>|`.
    pub fn author<F, W: Work>(
        self,
        work: impl Fn(&B, Option<&Round<W::Output, F>>) -> W + Send + Sync + 'a,
    ) -> ReviewLoopWithoutReviewer<'a, B, W::Output, F> {
        let Self { terms, brief } = self;
        let work = Box::new(move |brief: &B, last: Option<&_>| work(brief, last).boxed());
        ReviewLoopWithoutReviewer { terms, brief, author: Author { work, costing: None, takes: W::takes } }
    }
}

impl<'a, B, D, F> ReviewLoopWithoutReviewer<'a, B, D, F>
where
    B: Send + Sync + 'a,
    D: Send + Sync + 'static,
    F: Send + Sync + 'static,
{
    terms!();

    /// What each draft may cost at most, with everything below it.
    pub fn costing(mut self, most: Budget) -> Self {
        self.author.costing = Some(most);
        self
    }

    /// The first who reviews.
    pub fn reviewer<W: Work<Output = Verdict<F>>>(
        self,
        name: impl Into<String>,
        work: impl Fn(&B, &D) -> W + Send + Sync + 'a,
    ) -> ReviewLoop<'a, B, D, F> {
        self.begin().reviewer(name, work)
    }

    /// The first who review, named after these. Without any, no draft is approved.
    pub fn reviewers<I, W>(
        self,
        names: impl IntoIterator<Item = I>,
        work: impl Fn(I, &B, &D) -> W + Send + Sync + 'a,
    ) -> ReviewLoop<'a, B, D, F>
    where
        I: fmt::Display + Clone + Send + Sync + 'a,
        W: Work<Output = Verdict<F>>,
    {
        self.begin().reviewers(names, work)
    }

    fn begin(self) -> ReviewLoop<'a, B, D, F> {
        let Self { terms, brief, author } = self;
        let (reviewers, takes, rounds) = (Roster::new(), Vec::new(), defaults::REVIEW_ROUNDS);
        ReviewLoop { terms, brief, author, reviewers, takes, rounds }
    }
}

impl<'a, B, D, F> ReviewLoop<'a, B, D, F>
where
    B: Send + Sync + 'a,
    D: Send + Sync + 'static,
    F: Send + Sync + 'static,
{
    terms!();

    /// One more who reviews.
    pub fn reviewer<W: Work<Output = Verdict<F>>>(
        self,
        name: impl Into<String>,
        work: impl Fn(&B, &D) -> W + Send + Sync + 'a,
    ) -> Self {
        self.reviewers([name.into()], move |_, brief, draft| work(brief, draft))
    }

    /// One more for each of these, named after it.
    pub fn reviewers<I, W>(
        mut self,
        names: impl IntoIterator<Item = I>,
        work: impl Fn(I, &B, &D) -> W + Send + Sync + 'a,
    ) -> Self
    where
        I: fmt::Display + Clone + Send + Sync + 'a,
        W: Work<Output = Verdict<F>>,
    {
        let work = Arc::new(work);
        self.reviewers.add(names.into_iter().map(|name| {
            let (shown, work) = (name.to_string(), Arc::clone(&work));
            let reviewing: Box<Reviewing<'a, B, D, F>> =
                Box::new(move |brief, draft| work(name.clone(), brief, draft).boxed());
            (shown, reviewing)
        }));
        self.takes.resize(self.reviewers.len(), W::takes);
        self
    }

    /// What each review by the reviewer before this may cost at most, or by each of the reviewers before it, with everything
    /// below it.
    pub fn costing(mut self, most: Budget) -> Self {
        self.reviewers.costing(most);
        self
    }

    /// How often it is drafted and reviewed at most, at least once; 3 times by default.
    pub const fn rounds(mut self, most: u32) -> Self {
        self.rounds = if most == 0 { 1 } else { most };
        self
    }

    /// What it takes at most. Of parts that are patterns of their own only the first draft is known.
    pub fn estimate(&self) -> Estimate {
        let author = self.terms.bounds("author", self.author.costing.as_ref());
        let first = (self.author.work)(&self.brief, None).estimate(&author);
        let again = Estimate::later(self.author.takes, &author).times(u64::from(self.rounds) - 1);
        let each = self.reviewers.iter().zip(&self.takes).map(|(reviewer, takes)| {
            Estimate::later(*takes, &self.terms.bounds(&reviewer.name, reviewer.costing.as_ref()))
        });
        let reviews = Estimate::side_by_side(each, self.terms.at_most).times(self.rounds.into());
        let drafts = if self.rounds > 1 { first.then(again) } else { first };
        drafts.then(reviews).within(self.terms.budget.as_ref())
    }

    /// Runs it. It never fails.
    ///
    /// # Cancel safety
    /// Dropping it stops everything that it has begun, in the background.
    pub async fn run(&self) -> Reviewed<D, F> {
        let mut reviewed = Reviewed { rounds: Vec::new(), parts: Parts::default() };
        self.go_on(&mut reviewed).await;
        reviewed
    }

    /// Goes on with a draft that is not approved, also with a report that was read back from JSON. Reviewers without a verdict on
    /// the last draft are asked again, unless others have raised issues about it; then the author mends it, while there are
    /// [`rounds`](Self::rounds) left. Attempts, cost and time add up. All limits but the rounds start fresh. A last draft that
    /// others have reviewed is left as it is.
    ///
    /// # Cancel safety
    /// Dropping it stops what it has begun, in the background. The report has what there was by then.
    pub async fn retry_failed(&self, reviewed: &mut Reviewed<D, F>) {
        if !reviewed.is_approved() && self.has_reviewed(reviewed) {
            self.go_on(reviewed).await;
        }
    }

    /// Whether these reviewers, and nobody else, have given the verdicts on the last draft, or have to.
    fn has_reviewed(&self, Reviewed { rounds, parts }: &Reviewed<D, F>) -> bool {
        let Some(last) = rounds.last() else { return true };
        let missing: BTreeSet<_> = last.missing.iter().map(String::as_str).collect();
        let done: BTreeSet<_> =
            parts.parts.iter().filter(|part| part.failure.is_none()).map(|part| part.name.as_str()).collect();
        let is_known = |name| missing.contains(name) || done.contains(&*review_part(name, rounds.len()));
        let all: BTreeSet<_> = self.reviewers.names().collect();
        missing.is_subset(&all) && all.into_iter().all(is_known)
    }

    async fn go_on(&self, reviewed: &mut Reviewed<D, F>) {
        let Reviewed { rounds, parts } = reviewed;
        let mut run = Run::going_on(&self.terms, None, parts);
        loop {
            // A draft of which nobody has said anything is only to be reviewed.
            if rounds.last().is_none_or(|last| !last.raised.is_empty()) {
                let number = rounds.len() + 1;
                if number > usize::try_from(self.rounds).unwrap_or(usize::MAX) {
                    break;
                }
                let spot = Spot::named(author_part(number)).keyed(format!("{number}:author"));
                let spot = spot.after(self.reviews(run.parts(), number - 1));
                let work = (self.author.work)(&self.brief, rounds.last());
                let (_, Ok(draft)) = run.one(spot.costing(self.author.costing.as_ref()), work).await else {
                    break;
                };
                rounds.push(Round::open(draft, self.reviewers.names()));
            }
            let number = rounds.len();
            let Some(round) = rounds.last_mut() else { break };
            self.review(&mut run, number, round).await;
            // Approved, or without anything to mend.
            if round.raised.is_empty() {
                break;
            }
        }
        let ended = run.close().await;
        *parts = ended;
    }

    /// Has the draft of a round reviewed by those who have not given a verdict.
    async fn review(&self, run: &mut Run<'_>, number: usize, round: &mut Round<D, F>) {
        let check: Check<Verdict<F>> = Arc::new(Verdict::check);
        let draft = author_part(number);
        let after = run.parts().iter().position(|part| part.name == draft);
        let mut phase = Phase::new(run).accepting(Some(check));
        let missing: BTreeSet<_> = std::mem::take(&mut round.missing).into_iter().collect();
        round.missing =
            self.reviewers.names().filter(|name| missing.contains(*name)).map(str::to_owned).collect();
        let mut asked = BTreeMap::new();
        for (at, reviewer) in self.reviewers.iter().enumerate() {
            if missing.contains(&reviewer.name) {
                let spot = Spot::named(review_part(&reviewer.name, number));
                let spot = spot.keyed(format!("{number}:{at}:{}", reviewer.name)).after(after);
                let work = (reviewer.work)(&self.brief, &round.draft);
                asked.insert(phase.add(spot.costing(reviewer.costing.as_ref()), work), &reviewer.name);
            }
        }
        while let Some((at, result)) = phase.next().await {
            let (Some(name), Ok(verdict)) = (asked.get(&at), result) else { continue };
            round.missing.retain(|missing| missing != *name);
            if let Verdict::Issues(issues) = verdict {
                round.raised.extend(issues.into_iter().map(|issue| Raised { by: (*name).clone(), issue }));
            }
        }
        let order: BTreeMap<_, _> = self.reviewers.names().zip(0..).collect();
        round.raised.sort_by_key(|raised| order.get(raised.by.as_str()).copied());
        round.is_approved = round.raised.is_empty() && round.missing.is_empty() && self.reviewers.len() > 0;
    }

    /// Where the reviews of a round stand.
    fn reviews(&self, parts: &[Part], number: usize) -> Vec<usize> {
        let reviews: BTreeSet<_> = self.reviewers.names().map(|name| review_part(name, number)).collect();
        (0..parts.len()).filter(|at| reviews.contains(&parts[*at].name)).collect()
    }
}

fn author_part(number: usize) -> String {
    format!("author {number}")
}

fn review_part(name: &str, number: usize) -> String {
    format!("{name} {number}")
}

runs!([
    B: Send + Sync + 'a, D: Send + Sync + 'static, F: Send + Sync + 'static
] ReviewLoop<'a, B, D, F> => Reviewed<D, F>);
