//! Panel: experts with different roles say what they think, and one brief is made of it.
//!
//! ```text
//!        ┌── legal ──── opinion, 0.4 ──┐
//! case ──┼── finance ── opinion, 0.9 ──┼── merge ── brief
//!        └── market ─── failed         ┘
//! ```
//!
//! **When**: one case that has to be seen from several sides, each by somebody who knows that side. **When not**: if all are
//! asked the same and the best answer counts (council), or only the number of yes and no (vote).
//!
//! **Costs** n + 1 calls, times the attempts. **A failure** of an expert costs its opinion: the brief is made of the others', if
//! they are a quorum. Without one the rest is stopped and nothing is merged.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use skep_runtime::{AgentError, Budget, ScopeOwner};

use crate::defaults;
use crate::estimate::Estimate;
use crate::failures::Failures;
use crate::parts::{Part, Parts};
use crate::pattern::{Report, runs};
use crate::quorum::{Quorum, gather, not_reached, require};
use crate::roster::Roster;
use crate::run::{Phase, Run, Spot};
use crate::terms::{Terms, terms};
use crate::work::{AnyWork, Bounds, Work};

/// Asks experts and merges their opinions.
///
/// ```
/// # use skep_runtime::{AgentError, Context, Swarm};
/// # use skep_patterns::{agent_fn, panel};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let swarm = Swarm::builder("docs").start().await?;
/// let expert = |name: &str, score: f64| {
///     agent_fn(name, move |_: String, _: Context| async move { Ok::<_, AgentError>(score) })
/// };
/// let mean = agent_fn("editor", |scores: Vec<f64>, _: Context| async move {
///     Ok::<_, AgentError>(scores.iter().sum::<f64>() / scores.len() as f64)
/// });
/// let brief = panel(&swarm, "Buy the mill?".to_owned())
///     .expert("legal", |case| (expert("lawyer", 0.5), case.clone()))
///     .expert("finance", |case| (expert("cfo", 1.0), case.clone()))
///     .rate(|score| *score)
///     .merge(|_, opinions| (mean.clone(), opinions.iter().map(|opinion| opinion.opinion).collect()))
///     .await;
/// assert_eq!(brief.value, Some(0.75));
/// assert_eq!(brief.rating("legal"), Some(0.5));
/// # Ok(())
/// # }
/// ```
///
/// Unless told otherwise: more than half of the experts are a quorum, six work at once, each part that fails is tried twice
/// more, and the whole has 60 s: 30 s for the experts and 30 s for the merge.
#[must_use = "a panel does nothing until it is awaited"]
pub fn panel<'a, Q, O>(owner: impl Into<ScopeOwner>, case: Q) -> PanelWithoutMerge<'a, Q, O> {
    let terms = Terms { within: defaults::WITHIN * 2, ..Terms::new(owner, "panel", Failures::GATHER) };
    PanelWithoutMerge { terms, case, experts: Roster::new(), rate: None, quorum: Quorum::default() }
}

/// A panel whose opinions nobody merges yet: [`merge`](PanelWithoutMerge::merge) says who.
#[must_use = "a panel does nothing until it is awaited"]
pub struct PanelWithoutMerge<'a, Q, O> {
    terms: Terms<'a>,
    case: Q,
    experts: Roster<Judging<'a, Q, O>>,
    rate: Option<Rate<'a, O>>,
    quorum: Quorum,
}

/// A panel: see [`panel`].
#[must_use = "a panel does nothing until it is awaited"]
pub struct Panel<'a, Q, O, B> {
    terms: Terms<'a>,
    case: Q,
    experts: Roster<Judging<'a, Q, O>>,
    rate: Option<Rate<'a, O>>,
    quorum: Quorum,
    merge: Merge<'a, Q, O, B>,
    costing: Option<Budget>,
    takes: fn(&Bounds<'_>) -> Option<Estimate>,
}

type Judging<'a, Q, O> = dyn Fn(&Q) -> AnyWork<O> + Send + Sync + 'a;
type Rate<'a, O> = Box<dyn Fn(&O) -> f64 + Send + Sync + 'a>;
type Merge<'a, Q, O, B> = Box<dyn Fn(&Q, &[Opinion<O>]) -> AnyWork<B> + Send + Sync + 'a>;

/// The name of the part that merges.
const MERGE: &str = "merge";

/// What an expert thinks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opinion<O> {
    /// The expert's name.
    pub domain: String,
    /// What the expert said.
    pub opinion: O,
    /// How the case does in this domain, on the scale of the panel's user. None if nothing rates, or what rates gave no
    /// finite number.
    pub rating: Option<f64>,
}

impl<'a, Q: Send + Sync + 'a, O: Send + Sync + 'static> PanelWithoutMerge<'a, Q, O> {
    terms!();

    /// One more expert, named after what it knows about.
    pub fn expert<W: Work<Output = O>>(
        self,
        domain: impl Into<String>,
        work: impl Fn(&Q) -> W + Send + Sync + 'a,
    ) -> Self {
        self.experts([domain.into()], move |_, case| work(case))
    }

    /// One more expert for each of these, named after it.
    pub fn experts<I, W>(
        mut self,
        domains: impl IntoIterator<Item = I>,
        work: impl Fn(I, &Q) -> W + Send + Sync + 'a,
    ) -> Self
    where
        I: fmt::Display + Clone + Send + Sync + 'a,
        W: Work<Output = O>,
    {
        let work = Arc::new(work);
        self.experts.add(domains.into_iter().map(|domain| {
            let (shown, work) = (domain.to_string(), Arc::clone(&work));
            let judging: Box<Judging<'a, Q, O>> = Box::new(move |case| work(domain.clone(), case).boxed());
            (shown, judging)
        }));
        self
    }

    /// What the expert before this may cost at most, or each of the experts before it, with everything below it.
    pub fn costing(mut self, most: Budget) -> Self {
        self.experts.costing(most);
        self
    }

    /// How an opinion rates the case, on a scale of one's own. Runs where the panel is awaited.
    pub fn rate(mut self, rate: impl Fn(&O) -> f64 + Send + Sync + 'a) -> Self {
        self.rate = Some(Box::new(rate));
        self
    }

    /// How many experts have to have an opinion, at least 1; more than half of them by default.
    pub const fn quorum(mut self, experts: usize) -> Self {
        self.quorum = Quorum::number(experts);
        self
    }

    /// Who makes the brief, of the case and the opinions that there are, in the order of the experts. Who is missing is not
    /// among them.
    pub fn merge<W: Work>(
        self,
        work: impl Fn(&Q, &[Opinion<O>]) -> W + Send + Sync + 'a,
    ) -> Panel<'a, Q, O, W::Output> {
        let Self { terms, case, experts, rate, quorum } = self;
        let merge: Merge<'a, Q, O, W::Output> = Box::new(move |case, opinions| work(case, opinions).boxed());
        Panel { terms, case, experts, rate, quorum, merge, costing: None, takes: W::takes }
    }
}

impl<'a, Q: Send + Sync + 'a, O: Send + Sync + 'static, B: Send + Sync + 'static> Panel<'a, Q, O, B> {
    terms!();

    /// What the merge may cost at most, with everything below it.
    pub fn costing(mut self, most: Budget) -> Self {
        self.costing = Some(most);
        self
    }

    /// As [`PanelWithoutMerge::quorum`].
    pub const fn quorum(mut self, experts: usize) -> Self {
        self.quorum = Quorum::number(experts);
        self
    }

    /// What it takes at most. A merge that is a pattern of its own is not known before there are opinions.
    pub fn estimate(&self) -> Estimate {
        let each = self.experts.iter().map(|expert| {
            (expert.work)(&self.case).estimate(&self.terms.bounds(&expert.name, expert.costing.as_ref()))
        });
        let experts = Estimate::side_by_side(each, self.terms.at_most);
        let merge = Estimate::later(self.takes, &self.terms.bounds(MERGE, self.costing.as_ref()));
        experts.then(merge).within(self.terms.budget.as_ref())
    }

    /// Runs it. It never fails.
    ///
    /// # Cancel safety
    /// Dropping it stops everything that it has begun, in the background.
    pub async fn run(&self) -> Brief<O, B> {
        let mut brief = Brief { value: None, opinions: Vec::new(), parts: Parts::default() };
        self.go_on(&mut brief).await;
        brief
    }

    /// Asks the experts without an opinion again, and merges again if there are new opinions or there is no brief; also with a
    /// report that was read back from JSON. Attempts, cost and time add up. All limits start fresh. A brief that there was stays
    /// until a new one is made. A report of other experts is left as it is.
    ///
    /// # Cancel safety
    /// Dropping it stops what it has begun, in the background. The report has what there was by then.
    pub async fn retry_failed(&self, brief: &mut Brief<O, B>) {
        let names = self.experts.names().chain([MERGE]);
        if !brief.parts.is_complete() && brief.parts.are_named(names) {
            self.go_on(brief).await;
        }
    }

    async fn go_on(&self, Brief { value, opinions, parts }: &mut Brief<O, B>) {
        let (all, quorum) = (self.experts.len(), self.quorum.of(self.experts.len()));
        let has: BTreeSet<_> = opinions.iter().map(|opinion| opinion.domain.clone()).collect();
        let open = self.experts.iter().enumerate().filter(|(_, expert)| !has.contains(&expert.name));
        let mut run = Run::going_on(&self.terms, Some(all - has.len().min(all) + 1), parts);
        require(&mut run, all, quorum);
        let mut phase = Phase::new(&mut run);
        let mut asked = BTreeMap::new();
        for (at, expert) in open {
            let spot = Spot::named(&expert.name).keyed(format!("{at}:{}", expert.name));
            let part = phase.add(spot.costing(expert.costing.as_ref()), (expert.work)(&self.case));
            asked.insert(part, &expert.name);
        }
        let keep = |run: &mut Run<'_>, part: usize, opinion| {
            let Some(domain) = asked.get(&part) else { return };
            opinions.push(Opinion { domain: (*domain).clone(), opinion, rating: None });
            // The brief lacks it.
            run.reopen(all);
            if let (Some(rate), Some(new)) = (&self.rate, opinions.last_mut()) {
                new.rating = Some(rate(&new.opinion)).filter(|rating| rating.is_finite());
            }
        };
        gather(&mut phase, all, quorum, keep).await;
        let order: BTreeMap<_, _> = self.experts.names().zip(0..).collect();
        opinions.sort_by_key(|opinion| order.get(opinion.domain.as_str()).copied().unwrap_or(all));
        if value.is_none() || run.is_open(all) {
            run.reopen(all);
            if let Some(merged) = self.merge(&mut run, opinions, quorum).await {
                *value = Some(merged);
            }
        }
        let ended = run.close().await;
        *parts = ended;
    }

    async fn merge(&self, run: &mut Run<'_>, opinions: &[Opinion<O>], quorum: usize) -> Option<B> {
        let all = self.experts.len();
        if opinions.len() >= quorum && run.cut().is_none() {
            let spot = Spot::named(MERGE).after(0..all).costing(self.costing.as_ref());
            return run.one(spot, (self.merge)(&self.case, opinions)).await.1.ok();
        }
        let is_short = opinions.len() < quorum;
        let failure = Some(if is_short { not_reached(opinions.len(), quorum) } else { run.not_begun() });
        run.add_ended(Part { failure, ..Part::new(MERGE.to_owned(), (0..all).collect()) });
        None
    }
}

runs!([
    Q: Send + Sync + 'a, O: Send + Sync + 'static, B: Send + Sync + 'static
] Panel<'a, Q, O, B> => Brief<O, B>);

/// What a panel gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use = "there may be no brief"]
pub struct Brief<O, B> {
    /// What the opinions were merged to. None if they were no quorum, or the merge failed.
    pub value: Option<B>,
    /// The opinions that there are, in the order of the experts.
    pub opinions: Vec<Opinion<O>>,
    /// The experts in their order, and then the merge.
    pub parts: Parts,
}

impl<O, B> Brief<O, B> {
    /// How the case does in this domain. None if its expert failed or nothing rates.
    #[must_use]
    pub fn rating(&self, domain: &str) -> Option<f64> {
        self.opinions.iter().find(|opinion| opinion.domain == domain)?.rating
    }
}

impl<O, B> fmt::Display for Brief<O, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.fmt(f)
    }
}

impl<O: Send, B: Send> Report for Brief<O, B> {
    type Value = B;

    fn parts(&self) -> Cow<'_, Parts> {
        Cow::Borrowed(&self.parts)
    }

    fn into_result(self) -> Result<B, AgentError> {
        self.value.ok_or_else(|| self.parts.error())
    }
}
