//! Whether a test has asked the oracles: one that has not has shown nothing, however green it is.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::Running;
use crate::plan::firing::Firing;
use crate::world::forgotten;

/// What there is to say where a lab has no swarm.
pub(super) const NOT_STARTED: &str = "no swarm was started in this lab: start one with `lab.start().await`, or your app's own builder with \
     `lab.wrap(builder).await`";

/// The swarm in a lab, for all of its clones, and what has been asked about it.
#[derive(Default)]
pub(super) struct Inside {
    pub(super) running: Mutex<Option<Running>>,
    /// There is something to be done to a swarm.
    has_rules: AtomicBool,
    /// Somebody has tried to start one.
    is_tried: AtomicBool,
    /// The oracles were asked, or it was said that they were not.
    is_judged: AtomicBool,
}

impl Inside {
    pub(super) fn was_given_rules(&self) {
        self.has_rules.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_tried(&self) {
        self.is_tried.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_judged(&self) {
        self.is_judged.store(true, Ordering::Relaxed);
    }

    /// What a test that is over has left out. Said once.
    pub(super) fn forgotten(&self) -> Option<String> {
        if self.is_judged.swap(true, Ordering::Relaxed) {
            return None;
        }
        let Some(running) = self.running.lock().as_ref().map(|running| idle(&running.firing)) else {
            let rules_alone =
                self.has_rules.load(Ordering::Relaxed) && !self.is_tried.load(Ordering::Relaxed);
            return rules_alone.then(|| format!("- test: there is a fault plan, and {NOT_STARTED}"));
        };
        let mut text = "- test: it finished without ending its swarm, so no promise was checked: its last line should be \
                        `lab.end(swarm).await` (or `lab.conclude(receipt).await` where the test stops the swarm itself)"
            .to_owned();
        for rule in running {
            text.push_str(&format!("\n- {rule}"));
        }
        Some(text)
    }
}

/// A lab of one's own, outside of `#[skep::swarm_test]`, has nobody else who would say so.
impl Drop for Inside {
    fn drop(&mut self) {
        // Where a test has failed, that is what there is to say.
        if self.running.get_mut().is_some()
            && !std::thread::panicking()
            && let Some(forgotten) = self.forgotten().and_then(forgotten::leave)
        {
            panic!("{forgotten}\n(or it returned an error before that: `#[skep::swarm_test]` shows it)");
        }
    }
}

/// A line for each rule that had to fire and never did.
pub(super) fn idle(firing: &Firing) -> Vec<String> {
    let idle = firing.idle();
    if idle.is_empty() {
        return Vec::new();
    }
    let hits = firing.hits().iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let hits = if hits.is_empty() { "none".to_owned() } else { hits };
    idle.into_iter().map(|rule| format!("plan: {rule} (points that were hit: {hits})")).collect()
}
