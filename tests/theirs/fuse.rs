//! Values that do something when they are dropped, and an agent that carries such.

use std::any::Any;
use std::panic::panic_any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use skep::{Agent, AgentError, AgentSpec, Context};

use super::ms;

/// Does something when it is dropped. One that was read from JSON does nothing.
#[derive(Default)]
pub(crate) struct Fuse(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Fuse {
    pub(crate) fn runs(then: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(then)))
    }

    pub(crate) fn panics() -> Self {
        Self::runs(|| panic!("a fuse"))
    }
}

impl Drop for Fuse {
    fn drop(&mut self) {
        if let Some(then) = self.0.take() {
            then();
        }
    }
}

/// Counts how often something was dropped.
#[derive(Clone, Default)]
pub(crate) struct Count(Arc<AtomicUsize>);

impl Count {
    pub(crate) fn fuse(&self) -> Fuse {
        let count = Arc::clone(&self.0);
        Fuse::runs(move || {
            count.fetch_add(1, Ordering::SeqCst);
        })
    }

    /// One that counts, and then panics.
    pub(crate) fn panics(&self) -> Fuse {
        let count = self.clone();
        Fuse::runs(move || {
            drop(count.fuse());
            panic!("a fuse that counts");
        })
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// What a carrier does with a load.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) enum Deed {
    #[default]
    Answer,
    /// After so many milliseconds, unless it is cancelled.
    Wait(u64),
    /// The same, whatever comes.
    WaitDeaf(u64),
    Fail,
    /// With a value that panics when it is dropped, in its first attempt.
    PanicAny,
    /// In every attempt, so that it is asked for help.
    Poison,
}

/// A task with a fuse in it, and one that goes into its output.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) deed: Deed,
    #[serde(skip)]
    fuse: Fuse,
    #[serde(skip)]
    output: Mutex<Option<Fuse>>,
}

impl Load {
    pub(crate) fn of(deed: Deed) -> Self {
        Self { deed, ..Self::default() }
    }

    pub(crate) fn with(mut self, fuse: Fuse) -> Self {
        self.fuse = fuse;
        self
    }

    pub(crate) fn answered_with(mut self, fuse: Fuse) -> Self {
        self.output = Mutex::new(Some(fuse));
        self
    }
}

/// An output with a fuse in it.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Parcel {
    #[serde(skip)]
    _fuse: Fuse,
}

/// Does as its load says. It has a fuse itself.
#[derive(Default)]
pub(crate) struct Carrier {
    fuse: Fuse,
}

impl Carrier {
    pub(crate) fn spec(name: &str) -> AgentSpec<Self> {
        AgentSpec::new(name, Self::default).limit(50, ms(1_000))
    }

    /// Each incarnation has a fuse of its own.
    pub(crate) fn fused(name: &str, fuse: impl Fn() -> Fuse + Send + Sync + 'static) -> AgentSpec<Self> {
        AgentSpec::new(name, move || Self { fuse: fuse() })
    }
}

impl Agent for Carrier {
    type Task = Load;
    type Output = Parcel;

    async fn handle(&mut self, load: &Load, cx: &Context) -> Result<Parcel, AgentError> {
        let _ = &self.fuse;
        match load.deed {
            Deed::Answer => {}
            Deed::Wait(time) => cx.sleep(ms(time)).await?,
            Deed::WaitDeaf(time) => cx.env().sleep_until(cx.now() + ms(time)).await,
            Deed::Fail => return Err(AgentError::message("it was told to")),
            Deed::PanicAny if cx.attempt() == 1 => {
                let payload: Box<dyn Any + Send> = Box::new(Arc::new(Fuse::panics()));
                panic_any(payload);
            }
            Deed::PanicAny => {}
            Deed::Poison => return Err(AgentError::redeliver(AgentError::message("not this time"))),
        }
        Ok(Parcel { _fuse: load.output.lock().unwrap().take().unwrap_or_default() })
    }

    /// No async fn: its part before its future panics.
    fn on_help(
        _: &Load,
        errors: &[AgentError],
        _: &Context,
    ) -> impl Future<Output = Result<Option<Parcel>, AgentError>> + Send {
        assert!(errors.is_empty(), "no help");
        async { Ok(None) }
    }

    /// The same.
    fn on_question(
        question: skep::Question,
        _: Context,
    ) -> impl Future<Output = Result<Option<skep::Answer>, AgentError>> + Send {
        assert!(question.topic().is_empty(), "no answer");
        async { Ok(None) }
    }
}
