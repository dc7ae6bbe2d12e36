//! The folds that a journal keeps: at its cut, and of now those that somebody has asked for.

use std::sync::Arc;

use parking_lot::Mutex;

use super::log::Log;
use crate::views::{Costs, Fold, Metered, Snapshot, Tree};
use crate::words::event::Event;
use crate::words::id::{AgentId, Seq};

/// Read this many at a time, so that who looks does not hold an append up.
const BATCH: usize = 1_024;

/// # Invariants
/// 1. `cut` has taken in what was cut and nothing else.
/// 2. A head, where it is, is ahead of `cut` and equals its fold with the events up to its seq taken in.
#[derive(Default)]
pub(super) struct Views {
    /// Shared with those that lagged: one who still reads it has a copy made.
    cut: Arc<Snapshot>,
    heads: Heads,
}

/// Folds of now, as far as they were last asked for. Most swarms are asked for none.
#[derive(Default)]
pub(crate) struct Heads {
    tree: Head<Tree>,
    costs: Head<Costs>,
    metered: Head<Metered>,
}

/// Boxed, since there mostly is none.
type Head<F> = Option<Box<(Seq, F)>>;

/// A fold that is shown as it is now.
pub(crate) trait View: Fold + Clone {
    fn at_cut(snapshot: &Snapshot) -> &Self;
    fn head(heads: &mut Heads) -> &mut Head<Self>;
}

macro_rules! view {
    ($fold:ty, $field:ident) => {
        impl View for $fold {
            fn at_cut(snapshot: &Snapshot) -> &Self {
                &snapshot.$field
            }

            fn head(heads: &mut Heads) -> &mut Head<Self> {
                &mut heads.$field
            }
        }
    };
}

view!(Tree, tree);
view!(Costs, costs);
view!(Metered, metered);

impl Heads {
    /// Lets go of what the snapshot let go of.
    fn cut(&mut self, at: Seq, gone: &[AgentId]) {
        self.let_go::<Tree>(at, gone);
        self.let_go::<Costs>(at, gone);
        self.let_go::<Metered>(at, gone);
    }

    fn let_go<F: View>(&mut self, at: Seq, gone: &[AgentId]) {
        let head = F::head(self);
        // Nobody has asked for so long that nothing is gained by going on from there.
        if head.as_ref().is_some_and(|head| head.0 < at) {
            *head = None;
        }
        if let Some(head) = head {
            for agent in gone {
                head.1.forget(agent);
            }
        }
    }
}

impl Views {
    /// Takes in what was cut from the log.
    pub(super) fn cut(&mut self, events: &[Event]) {
        let cut = Arc::make_mut(&mut self.cut);
        let mut gone = Vec::new();
        for event in events {
            if cut.cut(event) {
                gone.push(event.agent.clone());
            }
        }
        self.heads.cut(cut.seq, &gone);
    }

    pub(super) fn at_cut(&self) -> Arc<Snapshot> {
        Arc::clone(&self.cut)
    }

    /// A view after all that has happened.
    pub(super) fn now<F: View>(&mut self, log: &Mutex<Log>) -> &F {
        let cut = &self.cut;
        let head = F::head(&mut self.heads);
        let (seq, fold) = &mut **head.get_or_insert_with(|| Box::new((cut.seq, F::at_cut(cut).clone())));
        // What is cut meanwhile would be cut under the lock that is held here.
        loop {
            let events = log.lock().read(*seq + 1, BATCH).unwrap_or_default();
            for event in &events {
                fold.apply(event);
                *seq = event.seq;
            }
            if events.is_empty() {
                return fold;
            }
        }
    }
}
