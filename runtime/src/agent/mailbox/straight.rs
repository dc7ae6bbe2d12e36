//! Delivery as it is without the feature `lab`: every task goes straight into its queue.

use std::collections::VecDeque;
use std::iter::{Empty, empty};
use std::marker::PhantomData;
use std::sync::Arc;

use crate::agent::task::TaskCell;
use crate::engine::lab::points::Delivery;

type Cell<T, O> = Arc<TaskCell<T, O>>;

pub(super) struct Astray<T, O>(PhantomData<fn(T) -> O>);

impl<T, O> Default for Astray<T, O> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

#[allow(
    clippy::unused_self,
    clippy::needless_pass_by_value,
    reason = "it stands for one that has something to do"
)]
impl<T, O> Astray<T, O> {
    pub(super) const fn is_full(&self) -> bool {
        false
    }

    pub(super) const fn admit(&mut self, delivery: Delivery) -> Option<Delivery> {
        Some(delivery)
    }

    pub(super) fn put(&mut self, queue: &mut VecDeque<Cell<T, O>>, task: Cell<T, O>, _: Delivery) {
        queue.push_back(task);
    }

    pub(super) const fn remove(&mut self, _: &Cell<T, O>) {}

    pub(super) const fn take(&mut self) -> Empty<Cell<T, O>> {
        empty()
    }

    pub(super) fn tasks(&self) -> Empty<&Cell<T, O>> {
        empty()
    }
}
