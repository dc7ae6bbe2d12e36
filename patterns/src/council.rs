//! Council: members answer, all rank the answers without knowing whose they are, and the chair makes one of them.
//!
//! ```text
//!            ┌── optimist ── answer ──┐   ┌── optimist ── C > A > B ──┐
//! question ──┼── sceptic ─── answer ──┼───┼── sceptic ─── C > B > A ──┼── chair ── synthesis
//!            └── engineer ── answer ──┘   └── engineer ── A > C > B ──┘
//!                                (A, B, C, shuffled)      (consensus 0.44)
//! ```
//!
//! **When**: a question that several can answer as a whole, where it is not known whose answer is best, and it is worth the calls
//! to find out. **When not**: if each knows another side (panel), if the answers are choices (vote), if the first good one will do
//! (race).
//!
//! **Costs** 3N + 1 calls at most: each member answers in one attempt and ranks in two at most, and the chair has one. **A
//! failure** of a member leaves it out: who has not answered does not rank. Fewer than a quorum of answers or of rankings end it
//! without a synthesis; the answers are in the report.

mod builder;
mod minutes;
mod ranking;
mod shuffle;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::Arc;

use serde::Serialize;
use skep_runtime::{Budget, ScopeOwner};

pub use self::builder::{CouncilWithoutAnswers, CouncilWithoutChair, CouncilWithoutRanks};
use self::minutes::Said;
pub use self::minutes::{Anonymous, Answered, Counselled, Minutes};
pub use self::ranking::Ranking;
use self::shuffle::Order;
use crate::defaults;
use crate::estimate::Estimate;
use crate::failures::Failures;
use crate::parts::Part;
use crate::pattern::runs;
use crate::quorum::{Quorum, gather, not_reached, require};
use crate::roster::Names;
use crate::run::{Phase, Run, Spot};
use crate::terms::{Terms, terms};
use crate::work::{AnyWork, Bounds, Check};

/// Has members answer a question, rank the answers, and the chair make one of them.
///
/// ```
/// # use skep_runtime::{AgentError, Context, Swarm};
/// # use skep_patterns::{Work as _, agent_fn, council};
/// use skep_patterns::council::Ranking;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let swarm = Swarm::builder("docs").start().await?;
/// // Stands for a model: it answers its own name, and ranks as it was prompted.
/// let model = |name: &str| {
///     agent_fn(name, |prompt: String, _: Context| async move { Ok::<_, AgentError>(prompt) })
/// };
/// let counselled = council(&swarm, "Which door?".to_owned(), ["left", "middle", "right"])
///     .answer(|who, _| (model(who), who.to_owned()))
///     .rank(|who, _, answers| {
///         let mut answers = answers.to_vec();
///         answers.sort_by_key(|answer| answer.answer.len()); // the short ones first
///         let labels: Vec<_> = answers.iter().map(|answer| answer.label).collect();
///         (model(who), labels.join(" > ")).try_map(Ranking::parse)
///     })
///     .chair(|minutes| (model("chair"), minutes.answers[0].0.answer.clone()))
///     .await;
/// assert_eq!(counselled.value.as_deref(), Some("left"));
/// assert_eq!(counselled.consensus, Some(1.0));
/// # Ok(())
/// # }
/// ```
///
/// The answers bear labels (A to Z, then AA, AB and so on) that say nothing of whose they are, and each member gets them in another
/// order, so that no answer gains by its place. A member's own answer is among them as any other. Labels and orders come from the
/// question and the members, so they are the same when the owner's task is tried again, and no ranking is paid for twice.
///
/// A ranking has to name each label once: see [`Ranking::parse`] for what models say. The mean of its ranks places an answer;
/// of equal ones the label decides.
///
/// Unless told otherwise: more than half of the members are a quorum, six work at once, only a ranking is tried again
/// ([`retries`](Council::retries) 1), and the whole has 90 s: 30 s for each step.
#[must_use = "a council does nothing until it is awaited"]
pub fn council<'a, Q, M>(
    owner: impl Into<ScopeOwner>,
    question: Q,
    members: impl IntoIterator<Item = M>,
) -> CouncilWithoutAnswers<'a, Q, M> {
    let terms = Terms::new(owner, "council", Failures::GATHER);
    let terms = Terms { within: defaults::WITHIN * 3, retries: defaults::RANKING_RETRIES, ..terms };
    CouncilWithoutAnswers { terms, question, names: members.into_iter().collect() }
}

/// A council: see [`council`].
#[must_use = "a council does nothing until it is awaited"]
pub struct Council<'a, Q, M, A, S> {
    terms: Terms<'a>,
    members: Members<'a, Q, M, A>,
    chair: Asked<Chairing<'a, Q, A, S>>,
    quorum: Quorum,
}

/// Who sits in it, and what each of them is asked.
struct Members<'a, Q, M, A> {
    question: Q,
    names: Vec<M>,
    answer: Asked<Answering<'a, Q, M, A>>,
    rank: Asked<RankingBy<'a, Q, M, A>>,
}

/// What one of its steps asks. `F` is the type of the closure that gives the work.
struct Asked<F: ?Sized> {
    work: Box<F>,
    costing: Option<Budget>,
    takes: fn(&Bounds<'_>) -> Option<Estimate>,
}

type Answering<'a, Q, M, A> = dyn Fn(M, &Q) -> AnyWork<A> + Send + Sync + 'a;
type RankingBy<'a, Q, M, A> = dyn Fn(M, &Q, &[Anonymous<'_, A>]) -> AnyWork<Ranking> + Send + Sync + 'a;
type Chairing<'a, Q, A, S> = dyn Fn(&Minutes<'_, Q, A>) -> AnyWork<S> + Send + Sync + 'a;

impl<'a, Q, M, A, S> Council<'a, Q, M, A, S>
where
    Q: Serialize + Send + Sync + 'a,
    M: Display + Clone + Send + Sync + 'a,
    A: Send + Sync + 'static,
    S: Send + Sync + 'static,
{
    terms!();

    /// What the chair may cost at most, with everything below it.
    pub fn costing(mut self, most: Budget) -> Self {
        self.chair.costing = Some(most);
        self
    }

    /// How many members have to answer, and how many of these to rank, at least 1; more than half of all by default.
    pub const fn quorum(mut self, members: usize) -> Self {
        self.quorum = Quorum::number(members);
        self
    }

    /// What it takes at most.
    pub fn estimate(&self) -> Estimate {
        let Members { question, names, answer, rank } = &self.members;
        let bounds = |asked| self.terms.bounds(CHAIR, asked);
        let named = self.names();
        let answers = names.iter().zip(&named).map(|(member, name)| {
            let bounds = Bounds { name, retries: 0, ..bounds(answer.costing.as_ref()) };
            (answer.work)(member.clone(), question).estimate(&bounds)
        });
        let rankings = named.iter().map(|name| {
            let name = format!("{name} ranks");
            Estimate::later(rank.takes, &Bounds { name: &name, ..bounds(rank.costing.as_ref()) })
        });
        let chair = Bounds { retries: 0, ..bounds(self.chair.costing.as_ref()) };
        Estimate::side_by_side(answers, self.terms.at_most)
            .then(Estimate::side_by_side(rankings, self.terms.at_most))
            .then(Estimate::later(self.chair.takes, &chair))
            .within(self.terms.budget.as_ref())
    }

    /// Runs it. It never fails.
    ///
    /// # Cancel safety
    /// Dropping it stops everything that it has begun, in the background.
    pub async fn run(&self) -> Counselled<A, S> {
        let mut counselled = Counselled::open();
        self.go_on(&mut counselled).await;
        counselled
    }

    /// Asks the members without an answer again, and those without a ranking; also with a report that was read back from JSON.
    /// With a new answer all are ranked anew, since nobody has compared it. Then the chair is asked again, if there is anything new
    /// or no synthesis. Attempts, cost and time add up. All limits start fresh. A synthesis that there was stays until a new one
    /// is made. A report of other members is left as it is.
    ///
    /// # Cancel safety
    /// Dropping it stops what it has begun, in the background. The report has what there was by then.
    pub async fn retry_failed(&self, counselled: &mut Counselled<A, S>) {
        let parts = &counselled.parts;
        let names = self.names();
        let is_ours = parts.parts.len() > names.len()
            && parts.parts.iter().zip(&names).all(|(part, name)| part.name == *name);
        if is_ours && !parts.is_complete() {
            self.go_on(counselled).await;
        }
    }

    /// What the members are called. A taken name gets a number.
    fn names(&self) -> Vec<String> {
        let mut names = Names::default();
        self.members.names.iter().map(|member| names.free(&member.to_string())).collect()
    }

    async fn go_on(&self, Counselled { value, answers, consensus, rankings, parts }: &mut Counselled<A, S>) {
        let names = self.names();
        let quorum = self.quorum.of(names.len());
        let order = Order::of(&self.members.question, &names);
        let mut said = Said { answers, rankings, consensus };
        let mut run = Run::going_on(&self.terms, Some(2 * names.len() + 1), parts);
        self.answer(&mut run, &names, quorum, &mut said).await;
        if said.answers.iter().any(|answer| answer.label.is_empty()) {
            said.relabel(&names, order);
        }
        if said.answers.len() >= quorum && run.cut().is_none() {
            self.rank(&mut run, &names, order, quorum, &mut said).await;
        }
        said.place(&names);
        let chair = chair_in(run.parts(), names.len());
        if value.is_none() || chair.is_some_and(|at| run.is_open(at)) {
            chair.into_iter().for_each(|at| run.reopen(at));
            if let Some(made) = self.chair(&mut run, names.len(), quorum, &said).await {
                *value = Some(made);
            }
        }
        let ended = run.close().await;
        *parts = ended;
    }

    /// Asks those that have not answered.
    async fn answer(&self, run: &mut Run<'_>, names: &[String], quorum: usize, said: &mut Said<'_, A>) {
        let Asked { work, costing, .. } = &self.members.answer;
        require(run, names.len(), quorum);
        let mut phase = Phase::new(run);
        let mut asked = BTreeMap::new();
        let has: BTreeSet<_> = said.answers.iter().map(|answer| answer.member.clone()).collect();
        for (at, (member, name)) in self.members.names.iter().zip(names).enumerate() {
            if !has.contains(name) {
                let spot = Spot::named(name).keyed(format!("answer:{at}")).retries(0);
                let work = work(member.clone(), &self.members.question);
                asked.insert(phase.add(spot.costing(costing.as_ref()), work), name);
            }
        }
        phase.run.expect(Some(asked.len() + names.len() + 1));
        let keep = |run: &mut Run<'_>, part: usize, answer| {
            let Some(member) = asked.get(&part) else { return };
            let member = (*member).clone();
            said.answers.push(Answered { member, label: String::new(), answer, mean_rank: None });
            // No ranking has compared it, and no synthesis has it.
            (names.len()..run.parts().len()).for_each(|at| run.reopen(at));
        };
        gather(&mut phase, names.len(), quorum, keep).await;
        run.expect(Some(asked.len() + said.answers.len() + 1));
    }

    /// Asks those that have answered and not ranked.
    async fn rank(
        &self,
        run: &mut Run<'_>,
        names: &[String],
        order: Order,
        quorum: usize,
        Said { answers, rankings, .. }: &mut Said<'_, A>,
    ) {
        let Members { question, rank, .. } = &self.members;
        answers.sort_by_key(Answered::at_label);
        let labels: BTreeSet<_> = answers.iter().map(|answer| answer.label.clone()).collect();
        let check: Check<Ranking> = Arc::new(move |ranking: &Ranking| ranking.check(&labels));
        let mut phase = Phase::new(run).accepting(Some(check));
        let has: BTreeSet<_> = rankings.iter().map(|(member, _)| member.clone()).collect();
        let answered: BTreeSet<_> = answers.iter().map(|answer| &answer.member).collect();
        let mut asked = BTreeMap::new();
        for (at, (member, name)) in self.members.names.iter().zip(names).enumerate() {
            if has.contains(name) || !answered.contains(name) {
                continue;
            }
            let mut shown: Vec<_> = answers.iter().map(Answered::anonymous).collect();
            order.of_member(at).shuffle(&mut shown);
            let spot = Spot::named(format!("{name} ranks")).keyed(format!("rank:{at}")).after(0..names.len());
            let work = (rank.work)(member.clone(), question, &shown);
            asked.insert(phase.add(spot.costing(rank.costing.as_ref()), work), name);
        }
        let keep = |run: &mut Run<'_>, part: usize, ranking| {
            let Some(member) = asked.get(&part) else { return };
            rankings.push(((*member).clone(), ranking));
            // The synthesis does not go by it.
            chair_in(run.parts(), names.len()).into_iter().for_each(|at| run.reopen(at));
        };
        gather(&mut phase, answers.len(), quorum, keep).await;
    }

    /// The synthesis, if enough have ranked.
    async fn chair(
        &self,
        run: &mut Run<'_>,
        members: usize,
        quorum: usize,
        Said { answers, rankings, consensus }: &Said<'_, A>,
    ) -> Option<S> {
        let chair = chair_in(run.parts(), members);
        let first = if rankings.is_empty() { 0 } else { members };
        let after: Vec<_> = (first..run.parts().len()).filter(|at| Some(*at) != chair).collect();
        if rankings.len() >= quorum && run.cut().is_none() {
            let all = answers.iter().map(|answer| (answer.anonymous(), answer.mean_rank.unwrap_or_default()));
            let (question, consensus) = (&self.members.question, **consensus);
            let minutes = Minutes { question, answers: all.collect(), rankings: rankings.len(), consensus };
            let spot = Spot::named(CHAIR).after(after).retries(0).costing(self.chair.costing.as_ref());
            return run.one(spot, (self.chair.work)(&minutes)).await.1.ok();
        }
        let reached = if rankings.is_empty() { answers.len() } else { rankings.len() };
        let failure = if reached < quorum { not_reached(reached, quorum) } else { run.not_begun() };
        run.add_ended(Part { failure: Some(failure), ..Part::new(CHAIR.to_owned(), after) });
        None
    }
}

/// The name of the part that makes the synthesis.
const CHAIR: &str = "chair";

/// Where the chair's part stands, behind those of the members, of whom one may have its name.
fn chair_in(parts: &[Part], members: usize) -> Option<usize> {
    (members..parts.len()).find(|at| parts[*at].name == CHAIR)
}

runs!([
    Q: Serialize + Send + Sync + 'a,
    M: Display + Clone + Send + Sync + 'a,
    A: Send + Sync + 'static,
    S: Send + Sync + 'static
] Council<'a, Q, M, A, S> => Counselled<A, S>);
