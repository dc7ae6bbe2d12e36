//! Race: the first good answer wins, and the rest are stopped and billed.
//!
//! ```text
//!             ┌── fast ───── answer: good? ── yes ── wins
//! question ───┼── smart ──── stopped
//!             └── own ────── stopped
//! ```
//!
//! **When**: several ways to one answer, and the quickest that is good enough will do. In turn
//! ([`in_turn`](Race::in_turn)) it is a cascade: the cheap one first, and the dear one only where that was not sure. Staggered
//! ([`stagger`](Race::stagger)) it is a hedge against a slow one. **When not**: if the answers are to be weighed (vote, council,
//! panel).
//!
//! **Costs** one call for each runner at most, also of those that lose: what they have used until they are stopped. **A
//! failure** of a runner costs nothing but its price: the race goes on while another runs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep_runtime::text::OneLine;
use skep_runtime::{AgentError, Budget, ScopeOwner};

use crate::cut::Cut;
use crate::estimate::Estimate;
use crate::failure::Failure;
use crate::failures::Failures;
use crate::parts::{Part, Parts};
use crate::pattern::{Report, runs};
use crate::roster::Roster;
use crate::run::{Arrival, Phase, Run, Spot};
use crate::terms::{Terms, terms};
use crate::work::{AnyWork, Work};

/// Asks several at once and takes the first good answer.
///
/// ```
/// # use std::time::Duration;
/// # use skep_runtime::{AgentError, Context, Swarm};
/// # use skep_patterns::{agent_fn, race};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let swarm = Swarm::builder("docs").start().await?;
/// let answer = |name: &str, confidence: u32| {
///     agent_fn(name, move |_: String, _: Context| async move { Ok::<_, AgentError>(confidence) })
/// };
/// let raced = race(&swarm, "Which port?".to_owned())
///     .runner("cheap", |question| (answer("cheap", 40), question.clone()))
///     .runner("dear", |question| (answer("dear", 90), question.clone()))
///     .accept(|confidence| if *confidence > 80 { Ok(()) } else { Err("unsure") })
///     .in_turn()
///     .await;
/// assert_eq!(raced.winner, Some(("dear".to_owned(), 90)));
/// assert!(raced.parts.part("cheap").is_some_and(|cheap| cheap.failure.is_some()), "it was asked first");
/// # Ok(())
/// # }
/// ```
///
/// A runner is asked once ([`retries`](Race::retries) 0), since there are others. An answer that arrives while the rest are being
/// stopped is billed and not taken.
#[must_use = "a race does nothing until it is awaited"]
pub fn race<'a, Q, O>(owner: impl Into<ScopeOwner>, question: Q) -> Race<'a, Q, O> {
    let terms = Terms { retries: 0, ..Terms::new(owner, "race", Failures::GATHER) };
    Race { terms, question, runners: Roster::new(), accept: None, begins: Begins::AtOnce }
}

/// A race: see [`race`].
#[must_use = "a race does nothing until it is awaited"]
pub struct Race<'a, Q, O> {
    terms: Terms<'a>,
    question: Q,
    runners: Roster<Running<'a, Q, O>>,
    accept: Option<Accept<'a, O>>,
    begins: Begins,
}

type Running<'a, Q, O> = dyn Fn(&Q) -> AnyWork<O> + Send + Sync + 'a;

type Accept<'a, O> = Box<dyn Fn(&O) -> Result<(), String> + Send + Sync + 'a>;

/// When the next runner begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begins {
    AtOnce,
    /// So long after the one before, or when one has failed.
    After(Duration),
    /// When the one before has failed.
    InTurn,
}

/// What ends a race, as its rows say it.
const ENOUGH: Cut = Cut::Enough("another was first");

impl<'a, Q: Send + Sync + 'a, O: Send + Sync + 'static> Race<'a, Q, O> {
    terms!();

    /// One more that runs.
    pub fn runner<W: Work<Output = O>>(
        self,
        name: impl Into<String>,
        work: impl Fn(&Q) -> W + Send + Sync + 'a,
    ) -> Self {
        self.runners([name.into()], move |_, question| work(question))
    }

    /// One more for each of these, named after it.
    pub fn runners<I, W>(
        mut self,
        names: impl IntoIterator<Item = I>,
        work: impl Fn(I, &Q) -> W + Send + Sync + 'a,
    ) -> Self
    where
        I: fmt::Display + Clone + Send + Sync + 'a,
        W: Work<Output = O>,
    {
        let work = Arc::new(work);
        self.runners.add(names.into_iter().map(|name| {
            let (shown, work) = (name.to_string(), Arc::clone(&work));
            let running: Box<Running<'a, Q, O>> =
                Box::new(move |question| work(name.clone(), question).boxed());
            (shown, running)
        }));
        self
    }

    /// What the runner before this may cost at most, or each of the runners before it, with everything below it.
    pub fn costing(mut self, most: Budget) -> Self {
        self.runners.costing(most);
        self
    }

    /// What a good answer is; any, unless told. One that is not good is a failure with this reason.
    pub fn accept<E: fmt::Display>(mut self, check: impl Fn(&O) -> Result<(), E> + Send + Sync + 'a) -> Self {
        self.accept = Some(Box::new(move |output| check(output).map_err(|reason| reason.to_string())));
        self
    }

    /// A hedge: the next begins so long after the one before, or as soon as one has failed.
    pub const fn stagger(mut self, pause: Duration) -> Self {
        self.begins = Begins::After(pause);
        self
    }

    /// A cascade: the next begins when the one before has failed or was not good.
    pub const fn in_turn(mut self) -> Self {
        self.begins = Begins::InTurn;
        self
    }

    /// What it takes at most.
    pub fn estimate(&self) -> Estimate {
        let each = self.runners.iter().map(|runner| {
            (runner.work)(&self.question).estimate(&self.terms.bounds(&runner.name, runner.costing.as_ref()))
        });
        Estimate::side_by_side(each, self.at_once()).within(self.terms.budget.as_ref())
    }

    const fn at_once(&self) -> usize {
        match self.begins {
            Begins::InTurn => 1,
            Begins::AtOnce | Begins::After(_) => self.terms.at_most,
        }
    }

    /// Runs it. It never fails.
    ///
    /// # Cancel safety
    /// Dropping it stops everything that it has begun, in the background.
    pub async fn run(&self) -> Raced<O> {
        let terms = Terms { at_most: self.at_once(), ..self.terms.clone() };
        let env = terms.owner.env();
        let mut run = Run::new(&terms, Some(self.runners.len()));
        let mut phase = Phase::new(&mut run);
        let mut winner = None;
        let mut next = self.runners.iter().enumerate();
        // When one more begins, though none has failed.
        let mut due = None;
        loop {
            let is_due = due.is_none_or(|due| env.now() >= due);
            if winner.is_none()
                && (is_due || phase.is_idle())
                && let Some((at, runner)) = next.next()
            {
                let spot = Spot::named(&runner.name).keyed(format!("{at}:{}", runner.name));
                let spot = spot.costing(runner.costing.as_ref());
                phase.add(spot, (runner.work)(&self.question));
                if let Begins::After(pause) = self.begins {
                    due = Some(env.now() + pause);
                }
                continue;
            }
            let ended = match due.filter(|_| winner.is_none() && next.len() > 0) {
                Some(due) => phase.next_or(env.sleep_until(due)).await,
                None => match phase.next().await {
                    Some((at, result)) => Arrival::Ended(at, result),
                    None => Arrival::Over,
                },
            };
            match ended {
                Arrival::Over => break,
                Arrival::Other(()) => {}
                Arrival::Ended(at, Ok(output)) if winner.is_none() => match self.is_good(&output) {
                    Ok(()) => {
                        let name = phase.run.parts()[at].name.clone();
                        winner = Some((name, output));
                        phase.run.end(ENOUGH);
                    }
                    Err(reason) => {
                        due = None;
                        phase.run.reject(at, Failure::Failed(AgentError::message(reason)));
                    }
                },
                Arrival::Ended(at, Ok(_)) => {
                    phase.run.reject(at, Failure::NotNeeded(ENOUGH.error()));
                }
                Arrival::Ended(_, Err(_)) => due = None,
            }
        }
        for (_, runner) in next {
            let failure = Some(phase.run.not_begun());
            phase.run.add_ended(Part { failure, ..Part::new(runner.name.clone(), Vec::new()) });
        }
        Raced { winner, parts: run.close().await }
    }

    fn is_good(&self, output: &O) -> Result<(), String> {
        self.accept.as_ref().map_or(Ok(()), |accept| accept(output))
    }
}

runs!([Q: Send + Sync + 'a, O: Send + Sync + 'static] Race<'a, Q, O> => Raced<O>);

/// What a race gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use = "there may be no winner"]
pub struct Raced<O> {
    /// The name of the first runner whose answer was good, and the answer.
    pub winner: Option<(String, O)>,
    /// The runners, in their order.
    pub parts: Parts,
}

impl<O> fmt::Display for Raced<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.winner {
            Some((name, _)) => write!(
                f,
                "{} was first of {} in {:.1?}, {} in all",
                OneLine(name),
                self.parts.parts.len(),
                self.parts.took,
                self.parts.cost()
            ),
            None => self.parts.fmt(f),
        }
    }
}

impl<O: Send> Report for Raced<O> {
    type Value = O;

    fn parts(&self) -> std::borrow::Cow<'_, Parts> {
        std::borrow::Cow::Borrowed(&self.parts)
    }

    fn into_result(self) -> Result<O, AgentError> {
        self.winner.map(|(_, output)| output).ok_or_else(|| self.parts.error())
    }
}
