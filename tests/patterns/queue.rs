//! The queue: who gets which task, what becomes of it, and of those who work.

mod ends;
mod flow;
mod order;
mod storm;

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use skep::queue::{Drained, Queue};
use skep::{
    Agent, AgentError, AgentSpec, Context, Failure, NanoUsd, ScopeOwner, Swarm, Usage, agent_fn, queue,
};

use crate::rig::{alive, millis, secs, swarm};

/// A task: what its worker does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job {
    id: u64,
    does: What,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum What {
    /// Answers after so many milliseconds.
    Does(u64),
    /// Fails as often in all, whoever has it.
    Fails(usize),
    /// Crashes as often.
    Dies(usize),
    /// Hangs as often, and hears no cancel.
    Hangs(usize),
    /// Answers late, in so many seconds, unless it is another's second attempt.
    Stale,
    OverBudget,
}

use What::*;

/// Who had which task, in the order in which they began.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Had>>>);

#[derive(Clone, Debug)]
struct Had {
    id: u64,
    worker: String,
    attempt: u32,
    last_error: Option<String>,
}

impl Log {
    fn all(&self) -> Vec<Had> {
        self.0.lock().unwrap().clone()
    }

    fn ids(&self) -> Vec<u64> {
        self.all().iter().map(|had| had.id).collect()
    }

    /// The workers that had this task, in order.
    fn workers_of(&self, id: u64) -> Vec<String> {
        self.all().into_iter().filter(|had| had.id == id).map(|had| had.worker).collect()
    }
}

pub(crate) fn jobs(does: impl IntoIterator<Item = What>) -> Vec<Job> {
    (1..).zip(does).map(|(id, does)| Job { id, does }).collect()
}

/// Pays a tenth of a cent for each attempt.
pub(crate) fn worker(log: &Log, place: usize) -> AgentSpec<impl Agent<Task = Job, Output = u64> + use<>> {
    let log = log.clone();
    agent_fn(format!("w{place}"), move |Job { id, does }: Job, cx: Context| {
        let log = log.clone();
        async move {
            let begun = {
                let mut log = log.0.lock().unwrap();
                let (worker, attempt) = (cx.id().to_string(), cx.attempt());
                let last_error = cx.last_error().map(ToString::to_string);
                log.push(Had { id, worker, attempt, last_error });
                log.iter().filter(|had| had.id == id).count()
            };
            let price = Usage::calls(1).with_money(NanoUsd(1_000_000));
            let paid = cx.effect("work", begun).worst_case(price).run(move |call| async move {
                call.used(price);
                Ok(())
            });
            paid.await?;
            match does {
                Does(ms) => cx.sleep(millis(ms)).await?,
                Fails(times) if begun <= times => return Err(AgentError::message("no such file")),
                Dies(times) if begun <= times => panic!("out of its depth"),
                Hangs(times) if begun <= times => std::future::pending().await,
                Stale if begun == 1 => std::future::pending().await,
                OverBudget => {
                    return Err(AgentError::new(skep::FailureClass::OverBudget, "too dear"));
                }
                _ => {}
            }
            Ok(id)
        }
    })
}

/// Two workers, who are there from the beginning to the end.
pub(crate) fn two(
    owner: impl Into<ScopeOwner>,
    log: &Log,
    does: impl IntoIterator<Item = What>,
) -> Queue<'static, Job, u64> {
    let log = log.clone();
    queue(owner, jobs(does)).workers(2..=2, move |place| worker(&log, place)).within(secs(600))
}

/// A letter for each row: done, failed, stopped, not begun.
pub(crate) fn letters<T, O>(drained: &Drained<T, O>) -> String {
    let letter = |row: &skep::queue::DrainedRow<T, O>| match row.result {
        Ok(_) => 'd',
        Err(Failure::Failed(_)) => 'f',
        Err(Failure::Stopped(_) | Failure::NotNeeded(_)) => 's',
        Err(Failure::NotBegun(_)) => 'n',
    };
    drained.rows.iter().map(letter).collect()
}

/// Nothing is left, and the rows, the parts and the workers cost what was spent.
pub(crate) fn is_settled<T, O>(swarm: &Swarm, drained: &Drained<T, O>) {
    let spent = swarm.cost().spent;
    let sum = |costs: &mut dyn Iterator<Item = Usage>| costs.fold(Usage::ZERO, |sum, cost| sum + cost);
    assert_eq!(drained.parts.cost(), spent);
    assert_eq!(sum(&mut drained.rows.iter().map(|row| row.cost)), spent);
    assert_eq!(sum(&mut drained.workers.iter().map(|worker| worker.cost)), spent);
    assert_eq!(alive(swarm), [""; 0]);
}
