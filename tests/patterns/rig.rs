//! The agents of these tests, and what is looked at.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep::fan_out::Fan;
use skep::{
    Agent, AgentError, AgentSpec, Context, Env, Failure, Gathered, GatheredRow, ScopeOwner, Swarm, Usage,
    fan_out,
};

/// What an item's agent does, after so many milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Does {
    Answers(u64),
    Fails(u64),
    /// Crashes in its first attempts, each as long.
    Crashes(u32, u64),
    /// Waits for what never comes, and hears no cancel.
    Hangs,
    /// Does not come up.
    FailsToStart,
    /// Answers if the same item failed before.
    AnswersInTheSecondTry,
}

pub(crate) use Does::*;

/// Agents at work now, and the most there ever were; tries by item.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
    begun: Mutex<Vec<usize>>,
}

struct AtWork<'a>(&'a Gauge);

impl<'a> AtWork<'a> {
    fn begin(gauge: &'a Gauge, item: usize) -> Self {
        let now = gauge.now.fetch_add(1, Ordering::SeqCst) + 1;
        gauge.most.fetch_max(now, Ordering::SeqCst);
        gauge.begun.lock().unwrap().push(item);
        Self(gauge)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) type Item = (usize, Does);

pub(crate) struct Worker {
    pub(crate) starts: bool,
}

impl Agent for Worker {
    type Task = Item;
    type Output = usize;

    async fn start(&mut self, cx: &Context) -> Result<(), AgentError> {
        if self.starts {
            return Ok(());
        }
        pay(cx).await?;
        Err(AgentError::message("no key"))
    }

    async fn handle(&mut self, (item, does): &Item, cx: &Context) -> Result<usize, AgentError> {
        let gauge = cx.get::<Gauge>().unwrap();
        let _at_work = AtWork::begin(&gauge, *item);
        pay(cx).await?;
        let (Answers(ms) | Fails(ms) | Crashes(_, ms)) = *does else {
            if *does == Hangs {
                std::future::pending::<()>().await;
            }
            let tries = gauge.begun.lock().unwrap().iter().filter(|begun| *begun == item).count();
            return if tries > 1 { Ok(*item) } else { Err(AgentError::message("the first try")) };
        };
        cx.sleep(Duration::from_millis(ms)).await?;
        match *does {
            Fails(_) => Err(AgentError::message("no such file")),
            Crashes(times, _) if cx.attempt() <= times => panic!("out of its depth"),
            _ => Ok(*item),
        }
    }
}

/// One call, at a tenth of a cent.
pub(crate) async fn pay(cx: &Context) -> Result<(), AgentError> {
    let price = Usage::calls(1).with_money(skep::NanoUsd(1_000_000));
    let paid = cx.effect("work", "").worst_case(price).run(move |call| async move {
        call.used(price);
        Ok(())
    });
    Ok(paid.await?)
}

pub(crate) fn fan(owner: impl Into<ScopeOwner>, items: &[Does]) -> Fan<'static, Item, usize> {
    fan_out(owner, items.iter().cloned().enumerate()).each(|(item, does)| {
        let starts = does != FailsToStart;
        (AgentSpec::new(format!("w{item}"), move || Worker { starts }), (item, does))
    })
}

pub(crate) async fn swarm() -> Swarm {
    swarm_in(Env::simulated(7, None)).await
}

pub(crate) async fn swarm_in(env: Env) -> Swarm {
    let builder = Swarm::builder("s").resource(Gauge::default()).resource(Seen::default());
    builder.env(env).start().await.unwrap()
}

/// Whoever lives but the root, its scopes included.
pub(crate) fn alive(swarm: &Swarm) -> Vec<String> {
    let all = swarm.status().into_iter().filter(|status| status.id != *swarm.id());
    all.map(|status| format!("{} {}: {}", status.id, status.name, status.state)).collect()
}

pub(crate) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A letter for each row: done, failed, stopped, not begun.
pub(crate) fn ends<I, T>(gathered: &Gathered<I, T>) -> String {
    let letter = |row: &GatheredRow<I, T>| match row.result {
        Ok(_) => 'd',
        Err(Failure::Failed(_)) => 'f',
        Err(Failure::Stopped(_) | Failure::NotNeeded(_)) => 's',
        Err(Failure::NotBegun(_)) => 'n',
    };
    gathered.rows().iter().map(letter).collect()
}

/// The most that were ever at work, and in which order they began.
pub(crate) async fn gauge(swarm: &Swarm) -> (usize, Vec<usize>) {
    swarm.run(AgentSpec::new("reader", || ReadsGauge), ()).await.unwrap()
}

struct ReadsGauge;

impl Agent for ReadsGauge {
    type Task = ();
    type Output = (usize, Vec<usize>);
    async fn handle(&mut self, (): &(), cx: &Context) -> Result<Self::Output, AgentError> {
        let gauge = cx.get::<Gauge>().unwrap();
        let begun = gauge.begun.lock().unwrap().clone();
        Ok((gauge.most.load(Ordering::SeqCst), begun))
    }
}

/// What leads have gathered, for tests to see after the turn is gone.
#[derive(Default)]
pub(crate) struct Seen(pub(crate) Mutex<Option<Gathered<Item, usize>>>);
