//! What the lab knows of a user's value while it is with us, and what a plan has its drop do.

use std::sync::Arc;
use std::time::Duration;

use crate::env::census::Counted;
use crate::env::fault::Fault;
use crate::env::signal::Signal;
use crate::env::{Env, Job};

/// What the drop of a value does beside what it does by itself.
#[derive(Default)]
pub(crate) enum Spoil {
    #[default]
    Nothing,
    Panic,
    /// For so long, in this environment, or until its swarm is over.
    Slow(Env, Arc<Signal>, Duration),
}

impl Spoil {
    pub(crate) fn of(env: &Env, over: &Arc<Signal>, fault: &Fault) -> Self {
        match fault {
            Fault::PanicInDrop => Self::Panic,
            Fault::SlowDrop(span) => Self::Slow(env.clone(), Arc::clone(over), *span),
            _ => Self::Nothing,
        }
    }

    pub(crate) const fn is_any(&self) -> bool {
        !matches!(self, Self::Nothing)
    }
}

/// What goes with a value until its drop is over.
#[derive(Default)]
pub(crate) struct Marks {
    spoil: Spoil,
    counted: Option<Counted>,
}

impl Marks {
    pub(crate) fn count(&mut self, counted: Counted) {
        self.counted = Some(counted);
    }

    pub(crate) fn spoil(&mut self, spoil: Spoil) {
        self.spoil = spoil;
    }

    /// Whether its drop takes time that no thread can spend: in simulation all is one.
    pub(crate) fn takes_time(&self) -> bool {
        matches!(&self.spoil, Spoil::Slow(env, ..) if env.is_simulated())
    }

    /// Where a drop that takes such time is begun instead, if it does.
    pub(crate) fn later(&mut self) -> Option<Later> {
        if !self.takes_time() {
            return None;
        }
        match std::mem::take(&mut self.spoil) {
            Spoil::Slow(env, over, span) => Some(Later { env, over, span }),
            Spoil::Nothing | Spoil::Panic => None,
        }
    }

    /// Drops the value, and does what the plan wants done.
    pub(crate) fn drop<T>(self, value: T) {
        let Self { spoil, counted } = self;
        // Counted until the end, also where one of the two panics.
        let _counted = counted;
        drop(value);
        match spoil {
            Spoil::Nothing => {}
            Spoil::Panic => panic!("a fault plan's panic in a drop"),
            Spoil::Slow(env, _, span) => env.block_thread(span),
        }
    }
}

/// A drop that takes virtual time: it is over when that has passed, or when its swarm is.
pub(crate) struct Later {
    env: Env,
    over: Arc<Signal>,
    span: Duration,
}

impl Later {
    pub(crate) fn run(self, job: Job) {
        let Self { env, over, span } = self;
        let until = env.now() + span;
        env.clone().spawn_work(async move {
            tokio::select! {
                biased;
                () = over.raised() => {}
                () = env.sleep_until(until) => {}
            }
            job();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::quiet::caught;

    #[test]
    fn a_drop_that_is_to_panic_panics_when_the_value_is_dropped() {
        let value = Arc::new(());
        let spoilt = Marks { spoil: Spoil::Panic, counted: None };
        let panic = caught(|| spoilt.drop(Arc::clone(&value))).unwrap_err();
        assert!(panic.to_string().contains("a fault plan's panic in a drop"), "{panic}");
        assert_eq!(Arc::strong_count(&value), 1);
        assert!(caught(|| Marks::default().drop(value)).is_ok());
    }
}
