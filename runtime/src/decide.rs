//! What decides: functions of state, event and moment, which say what is to be done and do none of it.

pub(crate) mod branch;
pub(crate) mod delivery;
pub(crate) mod kept;
pub(crate) mod key;
pub(crate) mod ledger;
pub mod lifecycle;
pub mod orphans;
pub(crate) mod pausing;
pub(crate) mod place;
pub(crate) mod standstill;
pub(crate) mod stopping;
pub mod supervision;
pub(crate) mod waits;
