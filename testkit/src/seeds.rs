//! Runs a swarm test once for each seed, each in a fresh world: first those that have failed before.

mod kept;

use std::future::Future;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};

use self::kept::Kept;
use crate::body::{Body, body};
use crate::found::{Found, Recipe, examined, replayed};
use crate::lab::Lab;
use crate::vars;
use crate::world::Verdict;

/// A swarm test, as `#[skep::swarm_test]` describes it.
#[derive(Clone, Copy, Debug)]
pub struct Test {
    /// Its name, with its modules.
    pub name: &'static str,
    /// The folder of its package, where seeds that failed are kept.
    pub package: &'static str,
}

impl Test {
    /// Runs it for this many seeds, after those that failed before. `#[skep::swarm_test]` expands to this.
    ///
    /// `SKEP_SEED`, `SKEP_SEEDS` and `SKEP_SEED_FROM` choose other seeds, and `SKEP_PLAN` a file that a failing run wrote. A
    /// seed that fails is added to `tests/lab-seeds/<test>.txt` of the package, to be committed and run first from then on.
    ///
    /// # Panics
    /// As [`run_seeds`].
    pub fn run<F, Fut>(&self, seeds: u64, test: F)
    where
        F: Fn(Lab) -> Fut,
        Fut: Future<Output: Verdict>,
    {
        let kept = Kept::of(Path::new(self.package), self.name);
        run(self.name, seeds, Some(&kept), &body(&test));
    }
}

/// Runs `test` for this many seeds, each on a fresh runtime with one thread and a paused clock. `SKEP_SEED`, `SKEP_SEEDS`
/// and `SKEP_SEED_FROM` choose other seeds, `SKEP_PLAN` a file that a failing run wrote.
///
/// # Panics
/// At the first seed that fails, with a report: what broke, the plan shrunk to what matters, what happened there, and
/// the folder with all details, below `SKEP_LAB_OUT` or the build's folder.
pub fn run_seeds<F, Fut>(name: &str, seeds: u64, test: F)
where
    F: Fn(Lab) -> Fut,
    Fut: Future<Output: Verdict>,
{
    run(name, seeds, None, &body(&test));
}

fn run(name: &str, seeds: u64, kept: Option<&Kept>, test: &Body<'_>) {
    if let Some(path) = vars::plan() {
        let recipe = Recipe::read(&path).unwrap_or_else(|error| panic!("SKEP_PLAN: {error}"));
        // A name on cargo's command line can mean several tests.
        if recipe.test == name {
            replayed(&recipe, test).unwrap_or_else(|found| fail(&found, None));
        }
        return;
    }
    let before = kept.filter(|_| !vars::is_one_seed()).map(Kept::read).unwrap_or_default();
    for seed in before.into_iter().chain(vars::seeds(seeds)) {
        if let Err(found) = examined(name, seed, test) {
            fail(&found, kept);
        }
    }
}

/// Says what was found and ends the test. The place of this panic and its backtrace would say nothing: they are left out.
#[allow(clippy::print_stderr, reason = "it is where a failing test speaks")]
fn fail(found: &Found, kept: Option<&Kept>) {
    let told = tell(found, kept);
    eprintln!("{told}");
    resume_unwind(Box::new(told));
}

/// Writes down what was found, and says it.
fn tell(found: &Found, kept: Option<&Kept>) -> String {
    let folder = found.folder_in(&crate::found::home());
    let short = found.name.rsplit("::").next().unwrap_or(&found.name);
    let plan: PathBuf = folder.join("plan.json");
    let again = [
        format!("SKEP_SEED={} cargo test {short}", found.seed),
        format!("SKEP_PLAN={} cargo test {short}", plan.display()),
    ];
    let mut story = found.story(&again, Some(&folder));
    if let Err(error) = found.write(&folder, &story) {
        story.push_str(&format!("(they could not be written: {error})\n"));
    }
    if let Some(kept) = kept {
        story.push_str(&kept.add(found.seed, &found.wrong));
    }
    story
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;
    use std::time::Duration;

    #[test]
    fn each_seed_has_its_own_world_and_a_failing_one_is_named() {
        let failed = catch_unwind(|| {
            run_seeds("a::test", 4, |lab| async move {
                let swarm = lab.start().await;
                tokio::time::sleep(Duration::from_secs(3600)).await;
                lab.end(swarm).await;
                if lab.which_seed() == 2 { Err("not this one") } else { Ok(()) }
            });
        });
        let message = failed.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("SKEP_SEED=2 cargo test test\n"), "{message}");
        assert!(message.contains("\"not this one\""), "{message}");
        assert!(message.contains("session began"), "{message}");
    }
}
