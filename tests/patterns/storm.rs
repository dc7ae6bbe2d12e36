//! A pattern in trouble: parts that fail, crash, hang and do not start, an owner that crashes or is stopped, budgets that refuse,
//! deadlines, and runs that are dropped in the middle. Whatever befalls it, nothing is left, the report is the bill, the
//! estimate held, and what an earlier attempt of the owner has paid for is not paid again.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use skep::testkit::{Dice, Lab, Point, TestResult};
use skep::work::AgentFn;
use skep::{
    Agent, AgentError, AgentSpec, Budget, Context, Estimate, Message, NanoUsd, Parts, Pattern, Report,
    ScopeOwner, Stop, Usage, agent_fn,
};

/// What one call of a hand costs.
pub(crate) const PRICE: NanoUsd = NanoUsd(1_000_000);

fn price() -> Usage {
    Usage::calls(1).with_money(PRICE)
}

/// What was done to its end, of all hands of one storm.
#[derive(Clone, Default)]
pub(crate) struct Done(Arc<AtomicU64>);

/// The agents of a storm's parts.
#[derive(Clone, Default)]
pub(crate) struct Hands {
    done: Done,
}

type Answering<O> = Pin<Box<dyn Future<Output = Result<O, AgentError>> + Send>>;

impl Hands {
    /// How many have answered so far.
    pub(crate) fn done(&self) -> u64 {
        self.done.0.load(Ordering::SeqCst)
    }

    /// An agent that takes a while, makes one call that costs [`PRICE`], takes a while again, and answers as `answer` says.
    /// All faults of the storm may befall it, by its name, which begins with `h-`.
    pub(crate) fn hand<T, O, F>(
        &self,
        name: &str,
        answer: F,
    ) -> AgentSpec<
        AgentFn<T, O, impl Fn(T, Context) -> Answering<O> + Clone + Send + Sync + 'static + use<T, O, F>>,
    >
    where
        T: Message + Clone,
        O: Message,
        F: Fn(&T) -> Result<O, AgentError> + Send + Sync + 'static,
    {
        let (answer, done) = (Arc::new(answer), self.done.clone());
        agent_fn(format!("h-{name}"), move |task: T, cx: Context| {
            let (answer, done) = (Arc::clone(&answer), done.clone());
            let answering: Answering<O> = Box::pin(async move {
                cx.sleep(Duration::from_millis(cx.random() % 300)).await?;
                let paid = cx.effect("work", cx.attempt()).worst_case(price()).run(move |call| async move {
                    call.used(price());
                    Ok(())
                });
                paid.await?;
                cx.step("part").await?;
                cx.sleep(Duration::from_millis(cx.random() % 100)).await?;
                let answer = answer(&task)?;
                done.0.fetch_add(1, Ordering::SeqCst);
                Ok(answer)
            });
            answering
        })
    }
}

/// What befalls a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Nothing,
    /// Parts fail, crash, hang, do not start.
    Parts,
    /// The turn that owns it crashes in the middle, once or twice.
    OwnerCrashes,
    /// The owner is stopped in the middle.
    OwnerStops,
    /// Whoever runs it drops it in the middle.
    Dropped,
    /// A budget of the owner's refuses in the middle.
    OverBudget,
    /// Its own deadline comes in the middle, so all that is told of it is that nothing is left.
    Late,
}

const TROUBLES: [Trouble; 7] = [
    Trouble::Nothing,
    Trouble::Parts,
    Trouble::OwnerCrashes,
    Trouble::OwnerStops,
    Trouble::Dropped,
    Trouble::OverBudget,
    Trouble::Late,
];

/// Builds the pattern of a storm under an owner. It is built once for each attempt, and must then be the same.
pub(crate) type Build<P> = Arc<dyn Fn(ScopeOwner) -> P + Send + Sync>;

/// Runs the pattern in its turn.
struct Lead<P> {
    build: Build<P>,
    crashes: Vec<u64>,
    told: Told,
}

type Told = Arc<Mutex<Option<Seen>>>;

/// What is looked at of a report, whatever its type.
#[derive(Clone)]
struct Seen {
    parts: Parts,
    line: String,
    has_value: bool,
}

fn see<R: Report + Serialize + DeserializeOwned>(report: R) -> Seen {
    let (parts, line) = (report.parts().into_owned(), report.to_string());
    let text = serde_json::to_string(&report).unwrap();
    let back: R = serde_json::from_str(&text).unwrap();
    assert_eq!(*back.parts(), parts, "a report can be written down and read back");
    let _ = (parts.tree(), parts.mermaid(), parts.dot(), parts.critical_path().len());
    Seen { parts, line, has_value: report.into_result().is_ok() }
}

impl<P> Agent for Lead<P>
where
    P: Pattern + 'static,
    P::Report: Serialize + DeserializeOwned,
{
    type Task = ();
    type Output = ();

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<(), AgentError> {
        let pattern = (self.build)(ScopeOwner::from(cx));
        let crash = self.crashes.get(cx.attempt() as usize - 1).copied();
        let crashing = async {
            match crash {
                Some(at) => cx.sleep(Duration::from_millis(at)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            report = pattern.run() => *self.told.lock().unwrap() = Some(see(report)),
            Ok(()) = crashing => panic!("in the middle of it"),
        }
        Ok(())
    }
}

/// A storm: a pattern of these hands, under this lab's seed. `build` gives the pattern, and may throw the dice first to choose
/// which. `wastes` says that a run in which nothing goes wrong may do more than its report has, as a race does.
pub(crate) async fn storm<P>(
    lab: Lab,
    wastes: bool,
    build: impl FnOnce(&mut Dice, Hands) -> Build<P>,
) -> TestResult
where
    P: Pattern + 'static,
    P::Report: Serialize + DeserializeOwned,
{
    let mut dice = lab.dice();
    let trouble = *dice.pick(&TROUBLES);
    let lab = if trouble == Trouble::Parts { plan(lab, &mut dice) } else { lab };
    let done = Done::default();
    let build = build(&mut dice, Hands { done: done.clone() });
    let swarm = lab.start_with(|builder| builder.intensity(1_000, Duration::from_secs(1))).await;
    let estimate = build(ScopeOwner::from(&swarm)).estimate();
    let told = Told::default();
    let crashes = match trouble {
        Trouble::OwnerCrashes => (0..dice.between(1, 2)).map(|_| dice.between(1, 1_500)).collect(),
        _ => Vec::new(),
    };
    let spec = {
        let (build, told) = (Arc::clone(&build), Arc::clone(&told));
        AgentSpec::new("lead", move || Lead {
            build: Arc::clone(&build),
            crashes: crashes.clone(),
            told: Arc::clone(&told),
        })
    };
    let spec = match trouble {
        Trouble::OverBudget => spec.budget(Budget::new().calls(dice.below(estimate.calls.max(1)))),
        _ => spec,
    };
    let lead = swarm.spawn(spec.intensity(1_000, Duration::from_secs(1))).await?;
    let middle = Duration::from_millis(dice.between(0, 1_500));
    let in_turn = async {
        let within = if trouble == Trouble::Late { middle } else { Duration::from_secs(7_200) };
        let asked = lead.ask(()).within(within).await;
        assert!(asked.is_ok() || matches!(trouble, Trouble::Late | Trouble::OwnerStops), "{asked:?}");
        told.lock().unwrap().clone()
    };
    let (is_swarms, is_in_turn) = (dice.chance(500), dice.chance(500));
    let outside = async {
        let owner = if is_swarms { ScopeOwner::from(&swarm) } else { ScopeOwner::from(&lead) };
        let pattern = build(owner);
        Some(see(pattern.run().await))
    };
    let run = async {
        // A crash, a cancelled turn and a budget of the owner's are an owner's that is an agent at work.
        let is_turns = matches!(trouble, Trouble::OwnerCrashes | Trouble::Late | Trouble::OverBudget);
        if is_turns || is_in_turn { in_turn.await } else { outside.await }
    };
    let seen = match trouble {
        Trouble::Dropped => tokio::select! {
            biased;
            seen = run => seen,
            () = tokio::time::sleep(middle) => None,
        },
        Trouble::OwnerStops => {
            let stopping = async {
                tokio::time::sleep(middle).await;
                lab.saw(&lead.stop(Stop::within(Duration::from_secs(60))).await);
            };
            tokio::join!(run, stopping).0
        }
        _ => run.await,
    };
    // What is stopped in the background has its time.
    tokio::time::sleep(Duration::from_secs(120)).await;
    let spent = swarm.cost();
    assert_eq!(spent.reserved, Usage::ZERO, "{trouble:?}");
    let left = swarm.status().into_iter().filter(|status| status.name != "lead" && status.id != *swarm.id());
    let left: Vec<_> =
        left.map(|status| format!("{} {}: {}", status.id, status.name, status.state)).collect();
    assert_eq!(left, [""; 0], "nothing is left of it: {trouble:?}");
    if let Some(seen) = seen {
        check(trouble, &seen, &estimate, spent.spent, done.0.load(Ordering::SeqCst), wastes);
    }
    lab.end(swarm).await;
    Ok(())
}

/// Faults of the parts.
fn plan(lab: Lab, dice: &mut Dice) -> Lab {
    let at = |dice: &mut Dice| {
        let point = match dice.below(3) {
            0 => Point::effect("work"),
            1 => Point::step("part"),
            _ => Point::turn(),
        };
        point.of("h-*").chance(dice.between(50, 400))
    };
    let mut lab = lab;
    for _ in 0..dice.between(1, 3) {
        let at = at(dice);
        let rule = match dice.below(5) {
            0 => at.panics(),
            1 => at.kills(),
            2 => at.slows(Duration::from_millis(dice.between(1, 900))),
            3 => at.loses_cell(),
            _ => at.fails(AgentError::message("the tool broke")),
        };
        lab = lab.fault(rule.may_rest());
    }
    if dice.chance(300) {
        lab = lab.fault(Point::start().of("h-*").chance(200).fails(AgentError::message("no key")).may_rest());
    }
    lab
}

fn check(trouble: Trouble, seen: &Seen, estimate: &Estimate, spent: Usage, done: u64, wastes: bool) {
    let Seen { parts, line, has_value } = seen;
    assert_eq!(line.lines().count(), 1, "{line}");
    let totals = totals(parts);
    if trouble != Trouble::OwnerCrashes {
        assert_eq!(parts.cost(), spent, "{trouble:?}: the report is the bill\n{}", parts.tree());
        if estimate.unknown.is_empty() {
            assert!(totals.attempts <= estimate.calls, "{} > {estimate}\n{}", totals.attempts, parts.tree());
        }
    }
    if let Some(most) = &estimate.cost {
        assert!(spent.money <= most.money || trouble == Trouble::OwnerCrashes, "{spent} > {estimate}");
    }
    if matches!(trouble, Trouble::Nothing | Trouble::OwnerCrashes) && !wastes {
        assert!(*has_value, "{trouble:?}: {line}");
        assert_eq!(done, totals.done, "{trouble:?}: nothing is done twice\n{}", parts.tree());
    }
}

#[derive(Default)]
pub(crate) struct Totals {
    attempts: u64,
    /// Parts that agents have done.
    pub(crate) done: u64,
}

pub(crate) fn totals(parts: &Parts) -> Totals {
    let mut all = Totals::default();
    for part in &parts.parts {
        match &part.inner {
            Some(inner) => {
                let inner = totals(inner);
                all.attempts += inner.attempts;
                all.done += inner.done;
            }
            None if part.agent.is_some() => {
                all.attempts += u64::from(part.attempts);
                all.done += u64::from(part.failure.is_none());
            }
            None => {}
        }
    }
    all
}
