//! The same seed twice: P8, and how nondeterminism in a user's agents is found.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use skep_runtime::Event;

use crate::body::{Body, body};
use crate::lab::Lab;
use crate::world::{Verdict, in_a_world_until};

/// The first event in which two runs of one seed differ.
#[derive(Clone, PartialEq, Eq)]
pub struct Difference {
    /// The seed.
    pub seed: u64,
    /// The event's number.
    pub seq: usize,
    /// The event of the first run, as JSON; none if that run was over.
    pub first: Option<String>,
    /// That of the second.
    pub second: Option<String>,
    /// What came before it in both, a line each.
    pub before: Vec<String>,
}

/// Runs a scenario twice with one seed, each time in a fresh world, and compares all events as JSON. If an agent takes
/// something from outside its context (a clock, a random number, the order of a hash map), it shows in the first event that
/// differs.
///
/// ```
/// use skep_testkit::{TestResult, twice};
///
/// fn my_swarm_is_the_same_each_time() -> TestResult {
///     twice(7, |lab| async move {
///         let swarm = lab.start().await;
///         lab.end(swarm).await;
///     })?;
///     Ok(())
/// }
/// # my_swarm_is_the_same_each_time().unwrap();
/// ```
///
/// # Errors
/// The first [`Difference`].
///
/// # Panics
/// If a run fails in itself, with its report.
pub fn twice<F, Fut>(seed: u64, scenario: F) -> Result<(), Difference>
where
    F: Fn(Lab) -> Fut,
    Fut: Future<Output: Verdict>,
{
    let scenario = body(&scenario);
    let (first, second) = (events(seed, &scenario), events(seed, &scenario));
    compare(seed, &first, &second)
}

/// All that happens in a run.
fn events(seed: u64, scenario: &Body<'_>) -> Vec<Arc<Event>> {
    let lab = Lab::seed(seed);
    let mut events = Vec::new();
    let ended = in_a_world_until(|| scenario(lab.clone()), || events = lab.events());
    let forgotten = lab.forgotten();
    if let Some(wrong) = ended.map_err(|wrong| wrong.text).err().or(forgotten) {
        panic!("seed {seed}: {wrong}\n{}", lab.report());
    }
    events
}

fn compare(seed: u64, first: &[Arc<Event>], second: &[Arc<Event>]) -> Result<(), Difference> {
    const BEFORE: usize = 10;
    let text = |events: &[Arc<Event>], at: usize| {
        events.get(at).map(|event| serde_json::to_string(&**event).expect("an event is plain data"))
    };
    for at in 0..first.len().max(second.len()) {
        let (one, other) = (text(first, at), text(second, at));
        if one != other {
            let before = (at.saturating_sub(BEFORE)..at).filter_map(|at| text(first, at)).collect();
            return Err(Difference { seed, seq: at + 1, first: one, second: other, before });
        }
    }
    Ok(())
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = "(the run is over)";
        writeln!(f, "two runs of seed {} differ from event {} on", self.seed, self.seq)?;
        for line in &self.before {
            writeln!(f, "    both: {line}")?;
        }
        writeln!(f, "   first: {}", self.first.as_deref().unwrap_or(over))?;
        write!(f, "  second: {}", self.second.as_deref().unwrap_or(over))
    }
}

/// As it is read, since a test that returns it prints it so.
impl fmt::Debug for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Difference {}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_runtime::{Agent, AgentError, AgentSpec, Context};
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Teller(u64);

    impl Agent for Teller {
        type Task = ();
        type Output = ();
        async fn handle(&mut self, (): &(), cx: &Context) -> Result<(), AgentError> {
            cx.record("number", 1, serde_json::json!({ "number": self.0 }));
            Ok(())
        }
    }

    async fn tells(lab: Lab, number: u64) {
        let swarm = lab.start().await;
        let teller = swarm.spawn(AgentSpec::new("teller", move || Teller(number))).await.unwrap();
        teller.ask(()).await.unwrap();
        lab.end(swarm).await;
    }

    #[test]
    fn what_does_not_come_from_the_context_is_found_and_named() {
        assert_eq!(twice(1, |lab| tells(lab, 7)), Ok(()));
        let counter = AtomicU64::new(0);
        let difference = twice(1, |lab| tells(lab, counter.fetch_add(1, Ordering::Relaxed))).unwrap_err();
        assert!(difference.first.as_ref().unwrap().contains(r#""number":0"#), "{difference}");
        assert!(difference.second.as_ref().unwrap().contains(r#""number":1"#), "{difference}");
    }
}
