//! An example swarm under many seeds, and one failure of it again.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;
use skep_runtime::{Env, Event};
use skep_testkit::{Found, Lab, Recipe, event_lines, examine, replay};

use super::field::Done;
use super::numbers::{Numbers, table};
use super::say;
use super::swarms::Example;
use crate::args::Run;

/// Runs an example under seeds; whether all of it held.
pub(super) fn run(options: &Run) -> Result<bool, String> {
    let done = Done::wanted(options)?;
    let clock = clock()?;
    let bar = bar(done.len() as u64 * options.seeds);
    let mut rows = Vec::new();
    for done in done {
        let mut numbers = Numbers::default();
        bar.set_prefix(done.name());
        for seed in options.seed_from..options.seed_from.saturating_add(options.seeds) {
            let began = clock.now();
            let recipe = Recipe { test: options.swarm.name().to_owned(), seed, plan: done.plan(seed) };
            let (events, has_failed) = once(options.swarm, &recipe);
            numbers.add(&events, has_failed, clock.now().since(began));
            bar.inc(1);
            // One failure of a kind is enough to look at; the others are counted.
            if has_failed && numbers.failures == 1 {
                let told = keep(options, &done.name(), &recipe)?;
                bar.suspend(|| say(&told));
            }
        }
        rows.push((done.name(), numbers));
    }
    bar.finish_and_clear();
    say(&table(&rows));
    Ok(rows.iter().all(|(_, numbers)| numbers.failures == 0))
}

/// One run, with all that happened.
fn once(example: Example, recipe: &Recipe) -> (Vec<Arc<Event>>, bool) {
    let events = Mutex::new(Vec::new());
    let watched = |lab: Lab| {
        let events = &events;
        async move {
            let ended = example.run(lab.clone()).await;
            *events.lock() = lab.events();
            ended
        }
    };
    match replay(recipe, watched) {
        Ok(()) => (events.into_inner(), false),
        Err(found) => (found.events, true),
    }
}

/// Shrinks a failure, writes its folder, and tells it.
fn keep(options: &Run, done: &str, recipe: &Recipe) -> Result<String, String> {
    let with_plan = |lab: Lab| options.swarm.run(lab.plan(recipe.plan.clone()));
    let Err(found) = examine(&recipe.test, recipe.seed, with_plan) else {
        return Err(format!("seed {} with {done} failed once and then passed", recipe.seed));
    };
    let folder = found.folder_in(&options.out.join(done));
    let plan = folder.join("plan.json");
    let story = found.story(&[format!("skep lab replay {}", plan.display())], Some(&folder));
    found.write(&folder, &story).map_err(|error| format!("--out {}: {error}", folder.display()))?;
    Ok(story)
}

/// Runs a recipe again; whether it holds now.
pub(super) fn again(path: &Path) -> Result<bool, String> {
    let recipe = Recipe::read(path).map_err(|error| error.to_string())?;
    let Some(example) = Example::named(&recipe.test) else {
        let test = recipe.test.rsplit("::").next().unwrap_or(&recipe.test);
        return Err(format!(
            "{} belongs to the test {}, which is not one of this command's examples; \
             run it in its own package: SKEP_PLAN={} cargo test {test}",
            path.display(),
            recipe.test,
            path.display()
        ));
    };
    match replay(&recipe, |lab| example.run(lab)) {
        Ok(()) => {
            say(&format!("{} with seed {} passes now", recipe.test, recipe.seed));
            Ok(true)
        }
        Err(found) => {
            say(&found.story(&[format!("skep lab replay {}", path.display())], None));
            say(&compared(&found, path));
            Ok(false)
        }
    }
}

/// Whether the events are those that stand beside the plan.
fn compared(found: &Found, path: &Path) -> String {
    let now = event_lines(&found.events);
    let count = match found.events.len() {
        1 => "1 event".to_owned(),
        count => format!("{count} events"),
    };
    match fs::read_to_string(path.with_file_name("events.jsonl")) {
        Err(_) => format!("{count}; there is no events.jsonl beside the plan to compare with"),
        Ok(then) if then == now => format!("{count}, all as recorded"),
        Ok(then) => {
            let same = then.lines().zip(now.lines()).take_while(|(then, now)| then == now).count();
            format!(
                "the events differ from the recorded ones from event {} on: is this another build?",
                same + 1
            )
        }
    }
}

/// How long the runs take by our own clock.
fn clock() -> Result<Env, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|error| format!("cannot start a runtime: {error}"))?;
    let _in = runtime.enter();
    Ok(Env::real())
}

/// On standard error, if that is a terminal.
fn bar(runs: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:16} {bar:32} {pos:>6}/{len} runs, {eta} left");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─");
    ProgressBar::new(runs).with_style(style)
}
