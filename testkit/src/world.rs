//! A fresh simulated world for one future, and how it ends there.

pub(crate) mod forgotten;
mod panics;
pub(crate) mod still;

use std::any::Any;
use std::backtrace::Backtrace;
use std::fmt::{self, Debug};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use self::still::Standstill;
use crate::body::{Running, running};

/// What a swarm test returns.
pub type TestResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// So long, by the virtual clock, and a test is taken to hang.
const PATIENCE: Duration = Duration::from_secs(365 * 24 * 3600);

/// What a test that hangs may not know.
const REAL: &str = "(Virtual time does not wait for what is real: is it a swarm that was not started by `lab.start` or `lab.wrap`, or \
                    something outside that is not awaited in `call.outside(..)`?)";

/// What a test's end says about it.
pub trait Verdict {
    /// What is wrong, if anything is.
    fn wrong(self) -> Option<String>;
}

impl Verdict for () {
    fn wrong(self) -> Option<String> {
        None
    }
}

impl<E: Debug> Verdict for Result<(), E> {
    fn wrong(self) -> Option<String> {
        self.err().map(|error| format!("{error:?}"))
    }
}

/// What is wrong with a run.
#[derive(Clone, Debug)]
pub(crate) struct Wrong {
    /// In words.
    pub(crate) text: String,
    /// File, line and column of the panic, if it was one.
    pub(crate) place: Option<String>,
    /// Its backtrace, if the environment asks for such.
    pub(crate) trace: Option<Arc<Backtrace>>,
}

impl Wrong {
    pub(crate) const fn of(text: String) -> Self {
        Self { text, place: None, trace: None }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Runs one future in a fresh simulated world.
pub(crate) fn in_a_world<Fut>(test: impl FnOnce() -> Fut) -> Result<(), Wrong>
where
    Fut: Future<Output: Verdict>,
{
    in_a_world_until(|| running(test()), || {})
}

/// The same, with a look at the world before it goes down: what a runtime that goes down drops, it drops in an order of
/// its own.
pub(crate) fn in_a_world_until<'a>(
    test: impl FnOnce() -> Running<'a>,
    last_look: impl FnOnce(),
) -> Result<(), Wrong> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .map_err(|error| Wrong::of(format!("no runtime: {error}")))?;
    let hangs = || {
        format!("it hangs: nothing was left to do in {} virtual days. {REAL}", PATIENCE.as_secs() / 86_400)
    };
    let heard = panics::hear();
    let standstill = Standstill::of_a_new_world();
    let forgotten = forgotten::of_a_new_world();
    let ended = runtime.block_on(async {
        let test = caught(async { test().await });
        let ended = tokio::select! {
            biased;
            why = standstill.raised() => Err(why),
            ended = tokio::time::timeout(PATIENCE, test) => ended.map_err(|_| hangs()),
        };
        last_look();
        ended
    });
    match ended {
        Ok(Ok(None)) => forgotten.take().map_or(Ok(()), |text| Err(Wrong::of(text))),
        Ok(Ok(Some(wrong))) | Err(wrong) => Err(Wrong::of(wrong)),
        Ok(Err(panic)) => {
            let (place, trace) = heard.last();
            Err(Wrong { text: message(&*panic), place, trace })
        }
    }
}

/// A future with its panic as a value.
async fn caught<F: Future>(future: F) -> Result<F::Output, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_waits_for_nothing_hangs_and_fails() {
        let hung = in_a_world(std::future::pending::<()>);
        assert!(hung.unwrap_err().text.starts_with("it hangs"));
    }

    #[test]
    fn a_panic_is_known_by_its_place_and_seen_before_the_world_goes_down() {
        let mut has_looked = false;
        let panics = || async {
            tokio::task::yield_now().await;
            assert!(std::hint::black_box(false), "as it has to");
        };
        let wrong = in_a_world_until(|| running(panics()), || has_looked = true).unwrap_err();
        assert!(has_looked && wrong.text == "as it has to");
        assert!(wrong.place.is_some_and(|place| place.contains("world.rs:")), "the place is this file");
    }
}
