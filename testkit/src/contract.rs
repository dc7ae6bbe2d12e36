//! What every implementation of a public trait has to pass, as functions that take any.

mod model;

pub use self::model::{Conduct, Provider, model};
