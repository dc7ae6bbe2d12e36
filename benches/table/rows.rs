//! The rows: what is measured, for whom, and what is meant to be reached.

mod ask;
mod bytes;
mod events;
mod life;
mod restart;
mod spawn;
mod stop;
mod tell;

use std::future::Future;

/// How many agents a row with many has.
pub(crate) const MANY: usize = 100_000;

/// Which way is better.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    More,
    Less,
}

/// A side's name, and what gives its figure.
pub(crate) type Measured = (&'static str, fn() -> f64);

/// One row of the table.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) better: Better,
    /// What skep is meant to reach, in words, and by the figures of the other sides.
    pub(crate) goal: &'static str,
    pub(crate) is_met: fn(Figures) -> bool,
    /// What each side that has this does; each gives one figure.
    pub(crate) sides: &'static [Measured],
}

/// The medians of a row.
#[derive(Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) bare: f64,
    pub(crate) ractor: f64,
    pub(crate) skep: f64,
}

pub(crate) const ROWS: &[&Row] = &[
    &spawn::DORMANT,
    &spawn::WITH_A_TASK,
    &bytes::IDLE,
    &bytes::OPEN,
    &ask::SAME_P50,
    &ask::SAME_P99,
    &ask::ACROSS_P50,
    &ask::ACROSS_P99,
    &ask::INSIDE,
    &tell::TO_ONE,
    &stop::IDLE,
    &stop::OPEN,
    &stop::WORKING,
    &stop::TREE,
    &restart::AFTER_A_PANIC,
    &life::WHOLE,
    &events::APPENDED,
];

/// Measures one row for one side, here and now.
pub(crate) fn measure(row: &str, side: &str) -> Option<f64> {
    let row = ROWS.iter().find(|known| known.name == row)?;
    let (_, run) = row.sides.iter().find(|(name, _)| *name == side)?;
    Some(run())
}

/// Runs on so many workers; the future is one of theirs, so that what it wakes need not cross threads.
fn on_workers<F>(workers: usize, future: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap();
    let output = runtime.block_on(async { tokio::spawn(future).await.unwrap() });
    // What is left is the process's to free: it is no part of what is measured.
    std::mem::forget(runtime);
    output
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
fn per_second(count: usize, took: std::time::Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}
