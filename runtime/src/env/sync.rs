//! The locks and atomics of what the models of `tests/loom` explore: there the same files have others in their place.

pub(crate) use parking_lot::Mutex;
pub(crate) use std::sync::atomic;
