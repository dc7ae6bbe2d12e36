//! A fan-out over items that come one by one and may have no end.

use std::pin::Pin;

use futures_util::stream::{Stream, StreamExt};
use skep_runtime::ScopeOwner;

use super::{Each, spot};
use crate::failures::Failures;
use crate::gathered::GatheredRow;
use crate::rows::Rows;
use crate::run::{Arrival, Phase, Run};
use crate::terms::{Terms, terms};
use crate::work::Work;

/// A fan-out over a stream, which may have no end. Its rows are a stream too, in the order in which they end: no more items are
/// taken than there is room for, and a row that was given is forgotten, so memory stays flat.
///
/// The deadline of the whole is 30 s as that of any pattern: [`within`](FanOutStream::within) says how long it may really take.
#[must_use = "a fan-out does nothing until its rows are read"]
pub fn fan_out_stream<'a, S>(owner: impl Into<ScopeOwner>, items: S) -> FanOutStream<'a, S::Item>
where
    S: Stream + Send + 'a,
{
    FanOutStream { terms: Terms::new(owner, "fan_out", Failures::GATHER), items: Box::pin(items) }
}

type Items<'a, I> = Pin<Box<dyn Stream<Item = I> + Send + 'a>>;

/// A fan-out over a stream whose items have no agents yet: [`each`](FanOutStream::each) gives them one.
#[must_use = "a fan-out does nothing until its rows are read"]
pub struct FanOutStream<'a, I> {
    terms: Terms<'a>,
    items: Items<'a, I>,
}

/// A fan-out over a stream: see [`fan_out_stream`].
#[must_use = "a fan-out does nothing until its rows are read"]
pub struct StreamedFan<'a, I, O> {
    terms: Terms<'a>,
    items: Items<'a, I>,
    work: Each<'a, I, O>,
}

impl<'a, I> FanOutStream<'a, I> {
    terms!();

    /// The agent and the task of each item.
    pub fn each<W: Work>(self, work: impl Fn(I) -> W + Send + Sync + 'a) -> StreamedFan<'a, I, W::Output> {
        let Self { terms, items } = self;
        StreamedFan { terms, items, work: Box::new(move |item| work(item).boxed()) }
    }
}

impl<'a, I: Clone + Send + Sync + 'a, O: Send + Sync + 'static> StreamedFan<'a, I, O> {
    terms!();

    /// The rows, as they end. The items that were taken each have one, whatever ends the fan-out.
    pub fn rows(self) -> Rows<'a, GatheredRow<I, O>> {
        Rows::new(move |given| async move {
            let Self { terms, items, work } = self;
            let mut items = items.fuse();
            let mut run = Run::new(&terms, None);
            let mut phase = Phase::new(&mut run);
            // An item that works has a place, which the next gets after it.
            let mut held: Vec<Option<I>> = Vec::new();
            let (mut taken, mut is_end) = (0_usize, false);
            while !(is_end && phase.is_idle()) {
                let next = if phase.has_room() && !is_end {
                    phase.next_or(items.next()).await
                } else {
                    phase.next_or(std::future::pending()).await
                };
                match next {
                    Arrival::Over => break,
                    Arrival::Other(None) => is_end = true,
                    Arrival::Other(Some(item)) => {
                        let work = work(item.clone());
                        let spot = spot(taken, &work);
                        taken += 1;
                        match held.iter().position(Option::is_none) {
                            Some(at) => {
                                held[at] = Some(item);
                                phase.add_again(at, spot, work);
                            }
                            None => {
                                held.push(Some(item));
                                phase.add(spot, work);
                            }
                        }
                    }
                    Arrival::Ended(at, result) => {
                        let part = phase.run.take_part(at);
                        if let Some(item) = held[at].take() {
                            given.give(GatheredRow::new(item, result, part)).await;
                        }
                    }
                }
            }
            run.close().await;
        })
    }
}
