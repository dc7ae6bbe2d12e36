//! Loom's locks and atomics, and what is waited with.

pub(crate) mod sync {
    /// Loom takes an access that is sequentially consistent for one that acquires and releases, and would let two threads each read
    /// a count from before the other's addition. What reads by changing nothing reads the latest.
    pub(crate) mod atomic {
        pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

        pub(crate) struct AtomicU32(loom::sync::atomic::AtomicU32);

        impl AtomicU32 {
            pub(crate) fn new(value: u32) -> Self {
                Self(loom::sync::atomic::AtomicU32::new(value))
            }

            pub(crate) fn load(&self, order: Ordering) -> u32 {
                self.0.fetch_add(0, order)
            }

            pub(crate) fn fetch_add(&self, value: u32, order: Ordering) -> u32 {
                self.0.fetch_add(value, order)
            }

            pub(crate) fn fetch_sub(&self, value: u32, order: Ordering) -> u32 {
                self.0.fetch_sub(value, order)
            }
        }
    }

    /// A lock in the shape of `parking_lot`'s.
    #[derive(Default)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }

        pub(crate) fn into_inner(self) -> T {
            self.0.into_inner().unwrap()
        }
    }
}

/// No simulated world looks on.
pub(crate) fn is_known() {}

/// Nowhere: a model wakes where it stands.
pub(crate) struct Aside;

pub(crate) mod quiet {
    pub(crate) fn caught<R>(run: impl FnOnce() -> R) -> Result<R, ()> {
        Ok(run())
    }
}

/// The user's values and wakers; no model has one that panics.
pub(crate) mod theirs {
    use std::ops::Deref;
    use std::task::{Context, Waker};

    use super::Aside;

    pub(crate) struct Theirs<T>(pub(crate) T);

    impl<T> Theirs<T> {
        pub(crate) fn into_inner(self) -> T {
            self.0
        }

        pub(crate) fn let_go(self) {}
    }

    impl<T> Deref for Theirs<T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0
        }
    }

    pub(crate) struct Sleeper(Waker);

    impl Sleeper {
        pub(crate) fn new(cx: &Context<'_>) -> Self {
            Self(cx.waker().clone())
        }

        pub(crate) fn replace(self, place: &mut Option<Self>) -> Option<Self> {
            place.replace(self)
        }

        pub(crate) fn wake(self) {
            self.0.wake();
        }

        pub(crate) fn wake_all(sleepers: impl IntoIterator<Item = Self>) {
            sleepers.into_iter().for_each(Self::wake);
        }

        pub(crate) fn wake_soon(sleepers: Vec<Self>, _: &Aside) {
            Self::wake_all(sleepers);
        }
    }
}

pub(crate) mod sleepers {
    include!(concat!(env!("OUT_DIR"), "/sleepers.rs"));
}
pub(crate) mod signal {
    include!(concat!(env!("OUT_DIR"), "/signal.rs"));
}
pub(crate) mod bell {
    include!(concat!(env!("OUT_DIR"), "/bell.rs"));
}

/// The same with a fault each.
pub(crate) mod spoilt {
    pub(crate) mod signal {
        include!(concat!(env!("OUT_DIR"), "/signal_spoilt.rs"));
    }
    pub(crate) mod bell {
        include!(concat!(env!("OUT_DIR"), "/bell_spoilt.rs"));
    }
}
