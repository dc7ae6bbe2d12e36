//! Runs a test once for each seed, each in a fresh world.

use std::fmt::Debug;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::lab::Lab;
use crate::vars;

/// What a swarm test gives.
pub type TestResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// So long, by the virtual clock, and a test is taken to hang.
const PATIENCE: Duration = Duration::from_secs(365 * 24 * 3600);

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

/// Runs `test` for as many seeds, on a fresh runtime of one thread with a paused clock each. It is what
/// `#[skep::swarm_test]` expands to; `SKEP_SEED`, `SKEP_SEEDS` and `SKEP_SEED_FROM` choose other seeds.
///
/// # Panics
/// At the first seed that fails, with the seed, how to run it again, the plan as JSON, and the last events.
pub fn run_seeds<F, Fut>(name: &str, seeds: u64, test: F)
where
    F: Fn(Lab) -> Fut,
    Fut: Future<Output: Verdict>,
{
    for seed in vars::seeds(seeds) {
        let lab = Lab::seed(seed);
        if let Err(wrong) = in_a_world(|| test(lab.clone())) {
            let again = name.rsplit("::").next().unwrap_or(name);
            panic!(
                "{name} fails with seed {seed}: SKEP_SEED={seed} cargo test {again}\n{wrong}\n{}",
                lab.report()
            );
        }
    }
}

/// Runs one future in a fresh simulated world.
pub(crate) fn in_a_world<Fut>(test: impl FnOnce() -> Fut) -> Result<(), String>
where
    Fut: Future<Output: Verdict>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .map_err(|error| format!("no runtime: {error}"))?;
    let hangs =
        || format!("it hangs: nothing was left to happen in {} virtual days", PATIENCE.as_secs() / 86_400);
    let run =
        || runtime.block_on(async { tokio::time::timeout(PATIENCE, async { test().await.wrong() }).await });
    let wrong = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(wrong)) => wrong,
        Ok(Err(_)) => Some(hangs()),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            Some(
                text.or_else(|| panic.downcast_ref::<String>().cloned())
                    .unwrap_or_else(|| "a panic".to_owned()),
            )
        }
    };
    wrong.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_seed_has_its_own_world_and_a_failing_one_is_named() {
        let failed = catch_unwind(|| {
            run_seeds("a::test", 4, |lab| async move {
                lab.start().await;
                tokio::time::sleep(Duration::from_secs(3600)).await;
                if lab.which_seed() == 2 { Err("not this one") } else { Ok(()) }
            });
        });
        let message = failed.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("SKEP_SEED=2 cargo test test\n\"not this one\""), "{message}");
        assert!(message.contains("session_began"), "{message}");
    }

    #[test]
    fn a_test_that_waits_for_nothing_hangs_and_fails() {
        let hung = in_a_world(std::future::pending::<()>);
        assert!(hung.unwrap_err().starts_with("it hangs"));
    }
}
