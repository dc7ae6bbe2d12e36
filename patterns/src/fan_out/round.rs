//! One gathering: rows begin at their pace, and all of them come to an end.
//!
//! # Invariants
//! 1. All agents of a round are in its scope, and the scope is stopped when the round returns.
//! 2. No row's future is dropped while the round is awaited: a cut stops the scope, and what the rows wait for ends by that.
//!    So each row knows its agent's end, its attempts and its cost.
//! 3. Dropped, the round drops its rows first, which withdraws their tasks, and then its scope, which stops their agents.

use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{self, Either};
use futures_util::stream::{FuturesUnordered, StreamExt};
use skep_runtime::{Agent, AgentError, AgentId, End, Scope, StopReceipt, Usage};

use super::cut::Cut;
use super::pace::Pace;
use super::work::{Spot, Worked, work};
use super::{FanOut, Specs, Tasks};
use crate::gathered::{Failure, Gathered, GatheredRow};

/// Runs these items, each with its place in the fan-out.
pub(super) async fn run<I, A>(
    fan: &FanOut<I, Specs<'_, I, A>, Tasks<'_, I, A>>,
    items: Vec<(usize, I)>,
) -> Gathered<I, A::Output>
where
    I: Clone + Send + Sync,
    A: Agent,
{
    let env = fan.owner.env();
    let began = env.now();
    let mut ends: Vec<Option<Worked<A::Output>>> = items.iter().map(|_| None).collect();
    let mut stuck = Vec::new();
    if items.is_empty() {
        return Gathered::new(Vec::new(), Duration::ZERO, Vec::new());
    }
    let cut = match Scope::open(&fan.owner, &fan.name) {
        Err(error) => Some(Cut::Refused(error.into())),
        Ok(scope) => {
            let (cut, receipt) = work_off(fan, &scope, &items, &mut ends).await;
            stuck.extend(stuck_in(&receipt));
            look_up_costs(&scope, &mut ends);
            cut
        }
    };
    // Only a cut leaves an item without an end.
    let not_begun = cut.map_or_else(|| AgentError::message("not started"), |cut| cut.error());
    let mut rows = Vec::with_capacity(items.len());
    for ((_, item), end) in items.into_iter().zip(ends) {
        rows.push(match end {
            Some(worked) => {
                let Worked { name: agent, id, result, attempts, cost, took, .. } = worked;
                stuck.extend(worked.stuck);
                GatheredRow { item, agent, id, result, attempts, cost: cost.unwrap_or_default(), took }
            }
            None => not_begun_row(fan, item, not_begun.clone()),
        });
    }
    stuck.sort();
    stuck.dedup();
    Gathered::new(rows, env.now().since(began), stuck)
}

/// Begins rows as the pace allows and takes their ends in, until all have ended or something cuts the rest; stops the scope.
async fn work_off<I, A>(
    fan: &FanOut<I, Specs<'_, I, A>, Tasks<'_, I, A>>,
    scope: &Scope,
    items: &[(usize, I)],
    ends: &mut [Option<Worked<A::Output>>],
) -> (Option<Cut>, StopReceipt)
where
    I: Clone + Send + Sync,
    A: Agent,
{
    let limits = &fan.limits;
    let env = fan.owner.env();
    let until = env.now() + limits.within;
    let mut deadline = pin!(env.sleep_until(until));
    let mut pace = Pace::new(items.len(), limits);
    let mut working = FuturesUnordered::new();
    let cut = loop {
        while let Some(at) = pace.begin() {
            let (place, item) = &items[at];
            working.push(work(fan, scope, Spot { at, place: *place }, item, until));
        }
        let ended = match future::select(deadline.as_mut(), working.next()).await {
            Either::Left(_) => break Some(Cut::Deadline(limits.within)),
            Either::Right((None, _)) => break None,
            Either::Right((Some(ended), _)) => ended,
        };
        let enough = pace.end(ended.result.is_err());
        let cut = ended.cut.clone();
        take_in(ends, ended, cut.as_ref());
        if let Some(cut) = cut.or(enough) {
            break Some(cut);
        }
    };
    let (receipt, rest) = future::join(scope.stop(limits.stop), working.collect::<Vec<_>>()).await;
    for ended in rest {
        take_in(ends, ended, cut.as_ref());
    }
    (cut, receipt)
}

/// A row's end. After a cut, an answer that was on its way still counts; what has none was ended by the cut.
fn take_in<T>(ends: &mut [Option<Worked<T>>], mut worked: Worked<T>, cut: Option<&Cut>) {
    if let (Err(failure), Some(cut)) = (&mut worked.result, cut) {
        *failure = match failure {
            Failure::NotBegun(_) => Failure::NotBegun(cut.error()),
            _ => Failure::Stopped(cut.error()),
        };
    }
    let at = worked.at;
    ends[at] = Some(worked);
}

fn not_begun_row<I, A>(
    fan: &FanOut<I, Specs<'_, I, A>, Tasks<'_, I, A>>,
    item: I,
    error: AgentError,
) -> GatheredRow<I, A::Output>
where
    I: Clone + Send + Sync,
    A: Agent,
{
    GatheredRow {
        agent: (fan.spec)(item.clone()).name().to_owned(),
        item,
        id: None,
        result: Err(Failure::NotBegun(error)),
        attempts: 0,
        cost: Usage::ZERO,
        took: Duration::ZERO,
    }
}

/// Fills in what agents cost that did not come up, since nobody has their address.
fn look_up_costs<T>(scope: &Scope, ends: &mut [Option<Worked<T>>]) {
    let mut unknown = ends.iter_mut().flatten().filter(|worked| worked.cost.is_none()).peekable();
    if unknown.peek().is_none() {
        return;
    }
    let bill = scope.breakdown();
    let spent: HashMap<_, _> = bill.children().map(|row| (&row.id, row.subtree.spent)).collect();
    for worked in unknown {
        worked.cost = worked.id.as_ref().and_then(|id| spent.get(id).copied());
    }
}

/// Those of a stop that could not be stopped.
pub(super) fn stuck_in(receipt: &StopReceipt) -> impl Iterator<Item = AgentId> {
    receipt.rows().iter().filter(|row| row.end == End::Stuck).map(|row| row.id.clone())
}
