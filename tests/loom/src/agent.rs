//! Mailbox and task, and stand-ins for what goes with them.

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) trait Message: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Message for T {}

/// The terms of a task that is asked from outside.
pub(crate) mod terms {
    use std::marker::PhantomData;
    use std::sync::Arc;

    use crate::decide::key::Key;
    use crate::env::theirs::Theirs;
    use crate::words::time::Time;

    pub(crate) type Accept<O> = Arc<Theirs<Check<O>>>;
    pub(crate) type Check<O> = Box<dyn Fn(&O) -> Result<(), String> + Send + Sync>;
    pub(crate) struct More;

    pub(crate) struct Terms<O>(PhantomData<fn() -> O>);

    impl<O> Terms<O> {
        pub(crate) fn plain() -> Self {
            Self(PhantomData)
        }

        pub(crate) fn deadline(&self) -> Time {
            Time::ZERO
        }

        pub(crate) fn key(&self) -> Option<&Key> {
            None
        }

        pub(crate) fn streams(&self) -> bool {
            false
        }

        pub(crate) fn take_accept(&mut self) -> Option<Accept<O>> {
            None
        }
    }
}

pub(crate) mod task {
    include!(concat!(env!("OUT_DIR"), "/task.rs"));
}
pub(crate) mod mailbox {
    include!(concat!(env!("OUT_DIR"), "/mailbox.rs"));
}

/// The same with a fault each.
pub(crate) mod spoilt {
    pub(crate) mod task {
        include!(concat!(env!("OUT_DIR"), "/task_spoilt.rs"));
    }
    pub(crate) mod mailbox {
        include!(concat!(env!("OUT_DIR"), "/mailbox_spoilt.rs"));
    }
}
