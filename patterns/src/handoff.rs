//! Handoff: one agent holds the work at a time, and does it or passes it on.
//!
//! ```text
//! work ── triage ──(passes on)── billing ──(passes on)── duty ── value
//!            │                      │
//!            └─ to a name, or to whoever is interested in a topic
//! ```
//!
//! **When**: who can do it is known only to those who look at it: a ticket, a conversation. **When not**: if the order is known
//! (pipeline), if several should work at once (supervise, fan-out).
//!
//! **Costs** a call for each pair of hands, times the attempts: at most one more than there are hops. **A failure** of who
//! holds it gives the work to the first monitor, with what went wrong; without one, or if it is a monitor's own, the report has who
//! held it last, and can be gone on from.

mod package;
mod report;
mod route;

use std::collections::BTreeSet;

use skep_runtime::{AgentError, Budget, Message, ScopeOwner};

pub use self::package::{Hop, Package, Pass};
pub use self::report::HandedOff;
use self::route::{Hands, Route};
use crate::defaults;
use crate::estimate::Estimate;
use crate::failure::Failure;
use crate::failures::Failures;
use crate::parts::Part;
use crate::pattern::runs;
use crate::run::{Run, Spot};
use crate::terms::{Terms, terms};
use crate::work::{AnyWork, Bounds, Work};

/// Lets one agent after the other hold the work, until one of them has done it.
///
/// ```
/// # use skep_runtime::{AgentError, Context, Swarm};
/// # use skep_patterns::{agent_fn, handoff};
/// # use skep_patterns::handoff::{Package, Pass};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let swarm = Swarm::builder("docs").start().await?;
/// let triage = agent_fn("triage", |_: Package<String>, _: Context| async move {
///     Ok::<_, AgentError>(Pass::to("billing", "they want their money back"))
/// });
/// let billing = agent_fn("billing", |ticket: Package<String>, _: Context| async move {
///     Ok::<_, AgentError>(format!("refunded, since {}", ticket.summary))
/// });
/// let done = handoff(&swarm, "ticket 7".to_owned())
///     .worker("triage", |ticket| (triage.clone(), ticket.clone()))
///     .orchestrator("billing", |ticket| (billing.clone(), ticket.clone()))
///     .await;
/// assert_eq!(done.value.as_deref(), Some("refunded, since they want their money back"));
/// assert_eq!((done.holder.as_str(), done.package.history.len()), ("billing", 1));
/// # Ok(())
/// # }
/// ```
///
/// The first of the hands begins. A pass that leads nowhere is a failed attempt, and the next finds in
/// [`Context::last_error`](skep_runtime::Context::last_error) what to do instead: to oneself, to a name or a topic that nobody has, one
/// more than the hops that are left (5 by default), or to one that knows the package already, with the same work and the same summary.
/// Unless told otherwise a failed attempt is tried again twice, and three failures end it.
#[must_use = "a handoff does nothing until it is awaited"]
pub fn handoff<'a, S, O>(owner: impl Into<ScopeOwner>, work: S) -> Handoff<'a, S, O> {
    let terms = Terms::new(owner, "handoff", Failures::number(defaults::FAILURES, false));
    Handoff { terms, work, hands: Vec::new(), mediate: None, hops: defaults::HOPS }
}

/// A handoff: see [`handoff`].
#[must_use = "a handoff does nothing until it is awaited"]
pub struct Handoff<'a, S, O> {
    terms: Terms<'a>,
    work: S,
    hands: Vec<Hand<'a, S, O>>,
    mediate: Option<Mediate<'a, S>>,
    hops: u32,
}

/// Who may hold the work.
struct Hand<'a, S, O> {
    name: String,
    is_monitor: bool,
    topics: BTreeSet<String>,
    costing: Option<Budget>,
    work: Asking<'a, S, O>,
    takes: fn(&Bounds<'_>) -> Option<Estimate>,
}

type Asking<'a, S, O> = Box<dyn Fn(&Package<S>) -> AnyWork<Pass<S, O>> + Send + Sync + 'a>;
type Mediate<'a, S> = Box<dyn Fn(&str, &str, Package<S>) -> Package<S> + Send + Sync + 'a>;

impl<'a, S, O> Handoff<'a, S, O>
where
    S: Message + Clone,
    O: Send + Sync + 'static,
{
    terms!();

    /// One that does it or passes it on.
    pub fn worker<W: Work<Output = Pass<S, O>>>(
        self,
        name: impl Into<String>,
        work: impl Fn(&Package<S>) -> W + Send + Sync + 'a,
    ) -> Self {
        self.hand(name.into(), false, W::takes, move |package| work(package).boxed())
    }

    /// One that gets the work too when another has failed with it, and may do it or pass it on.
    pub fn monitor<W: Work<Output = Pass<S, O>>>(
        self,
        name: impl Into<String>,
        work: impl Fn(&Package<S>) -> W + Send + Sync + 'a,
    ) -> Self {
        self.hand(name.into(), true, W::takes, move |package| work(package).boxed())
    }

    /// One that does it, and never passes it on: its output is the value.
    pub fn orchestrator<W: Work<Output = O>>(
        self,
        name: impl Into<String>,
        work: impl Fn(&Package<S>) -> W + Send + Sync + 'a,
    ) -> Self {
        self.hand(name.into(), false, W::takes, move |package| work(package).map(Pass::Done).boxed())
    }

    fn hand(
        mut self,
        name: String,
        is_monitor: bool,
        takes: fn(&Bounds<'_>) -> Option<Estimate>,
        work: impl Fn(&Package<S>) -> AnyWork<Pass<S, O>> + Send + Sync + 'a,
    ) -> Self {
        let (topics, costing, work) = (BTreeSet::new(), None, Box::new(work));
        self.hands.push(Hand { name, is_monitor, topics, costing, work, takes });
        self
    }

    /// What the one before this would take from [`Pass::ToWhoever`]. Of several that are interested, and are not the one that passes
    /// it on, it goes to the one that has held it least often, and of these to the first: nobody has to be asked, so an offer costs
    /// nothing.
    pub fn interested<T: Into<String>>(mut self, topics: impl IntoIterator<Item = T>) -> Self {
        if let Some(hand) = self.hands.last_mut() {
            hand.topics.extend(topics.into_iter().map(Into::into));
        }
        self
    }

    /// What each time in the hands before this may cost at most, with everything below it.
    pub fn costing(mut self, most: Budget) -> Self {
        if let Some(hand) = self.hands.last_mut() {
            hand.costing = Some(most);
        }
        self
    }

    /// Is given each package on its way, with the names of who passes it on and who gets it, and gives what arrives. It runs where
    /// the handoff is awaited.
    pub fn mediate(
        mut self,
        transform: impl Fn(&str, &str, Package<S>) -> Package<S> + Send + Sync + 'a,
    ) -> Self {
        self.mediate = Some(Box::new(transform));
        self
    }

    /// How often it is passed on at most; 5 by default. Who gets it then has to do it.
    pub const fn hops(mut self, most: u32) -> Self {
        self.hops = most;
        self
    }

    /// What it takes at most: each time the dearest of the hands. One that is a pattern is known only by what it may cost.
    pub fn estimate(&self) -> Estimate {
        let each = self.hands.iter().map(|hand| {
            let bounds = self.terms.bounds(&hand.name, hand.costing.as_ref());
            (hand.takes)(&bounds).unwrap_or_else(|| Estimate::unknown(&hand.name, hand.costing.as_ref()))
        });
        let dearest = each.reduce(Estimate::or).unwrap_or_else(Estimate::nothing);
        dearest.times(u64::from(self.hops).saturating_add(1)).within(self.terms.budget.as_ref())
    }

    /// Runs it. It never fails.
    ///
    /// # Cancel safety
    /// Dropping it stops everything that it has begun, in the background.
    pub async fn run(&self) -> HandedOff<S, O> {
        let first = self.hands.first().map(|hand| hand.name.clone()).unwrap_or_default();
        let mut report = HandedOff::new(Package::new(self.work.clone()), first);
        self.go_on(&mut report).await;
        report
    }

    /// Goes on with the one that held it last, if there is no value yet; also with a report that was read back from JSON. All
    /// limits start fresh; parts add up.
    ///
    /// # Cancel safety
    /// Dropping it stops what it has begun, in the background; the report keeps who held it, with what.
    pub async fn retry_failed(&self, report: &mut HandedOff<S, O>) {
        if report.value.is_none() {
            self.go_on(report).await;
        }
    }

    async fn go_on(&self, report: &mut HandedOff<S, O>) {
        let mut run = Run::new(&self.terms, None);
        let names = self.hands.iter().map(|hand| (hand.name.as_str(), hand.is_monitor, &hand.topics));
        report.package.hops_left = self.hops;
        match Hands::of(names) {
            Err(why) => not_begun(&mut run, &report.holder, why),
            Ok(hands) => self.pass_on(&mut run, Route::new(hands, &report.package), report).await,
        }
        let before = std::mem::take(&mut report.parts);
        report.parts = before.followed_by(run.close().await);
    }

    async fn pass_on(&self, run: &mut Run<'_>, mut route: Route, report: &mut HandedOff<S, O>) {
        let mut before = None;
        loop {
            let HandedOff { package, holder, value, .. } = &mut *report;
            let Some((at, hand)) = self.hands.iter().enumerate().find(|(_, hand)| hand.name == *holder)
            else {
                return not_begun(run, holder, format!("there is nobody called {holder:?}"));
            };
            route.hold(at, package);
            let work = (hand.work)(package).accepting(route.check(at, package));
            let spot = Spot::named(&hand.name).keyed(format!("{}:{}", package.history.len(), hand.name));
            let spot = spot.after(before).costing(hand.costing.as_ref());
            let (part, result) = run.one(spot, work).await;
            before = Some(part);
            let passed = match result {
                Ok(pass) => route.passed(at, pass, package),
                Err(failure) => route.failed(at, &failure, package).filter(|_| !run.is_over()).map(Err),
            };
            match passed {
                None => return,
                Some(Ok(done)) => {
                    *value = Some(done);
                    return;
                }
                Some(Err(to)) => {
                    let to = self.hands[to].name.clone();
                    if let Some(mediate) = &self.mediate {
                        *package = mediate(holder, &to, package.clone());
                    }
                    *holder = to;
                }
            }
        }
    }
}

/// Says why there are no hands for it.
fn not_begun(run: &mut Run<'_>, name: &str, why: String) {
    let failure = Some(Failure::NotBegun(AgentError::message(why)));
    run.add_ended(Part { failure, ..Part::new(name.to_owned(), Vec::new()) });
}

runs!([S: Message + Clone, O: Send + Sync + 'static] Handoff<'a, S, O> => HandedOff<S, O>);
