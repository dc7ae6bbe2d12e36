//! A turn and its seat, as far as who waits for whom and who is held need them.

use crate::env::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::env::sync::Mutex;

/// What all of one swarm shares.
#[derive(Default)]
pub(crate) struct Engine {
    pub(crate) circles: Mutex<()>,
}

pub(crate) mod lab {
    pub(crate) mod points {
        pub(crate) enum Delivery {
            Straight,
        }
    }
}

pub(crate) mod seat {
    use std::sync::Arc;

    use super::turn::Turn;
    use super::{AtomicBool, AtomicU32, Engine, Ordering};
    use crate::env::signal::Signal;
    use crate::env::sync::Mutex;
    use crate::words::id::AgentId;

    pub(crate) struct Seat {
        pub(crate) id: AgentId,
        pub(crate) engine: Arc<Engine>,
        pub(crate) awaiting: AtomicU32,
        pub(crate) gate: Mutex<Gate>,
        pub(crate) is_held: AtomicBool,
    }

    #[derive(Default)]
    pub(crate) struct Gate {
        pub(crate) turn: Option<Arc<Turn>>,
        pub(crate) hold: Option<Hold>,
    }

    pub(crate) struct Hold {
        pub(crate) over: Arc<Signal>,
    }

    impl Seat {
        pub(crate) fn new(number: u32, engine: &Arc<Engine>) -> Arc<Self> {
            Arc::new(Self {
                id: AgentId::root("s").child(number),
                engine: Arc::clone(engine),
                awaiting: AtomicU32::new(0),
                gate: Mutex::default(),
                is_held: AtomicBool::new(false),
            })
        }

        /// As a resume does: the gate says so first, then whoever looks without it, and then those that wait are told.
        pub(crate) fn resume(&self) {
            let hold = self.gate.lock().hold.take();
            self.is_held.store(false, Ordering::SeqCst);
            if let Some(hold) = hold {
                hold.over.raise();
            }
        }
    }
}

pub(crate) mod turn {
    use std::sync::Arc;

    use super::Ordering;
    use super::seat::Seat;
    use crate::env::signal::Signal;
    use crate::env::sync::Mutex;

    pub(crate) struct Turn {
        pub(crate) number: u64,
        pub(crate) seat: Arc<Seat>,
        pub(crate) cancel: Signal,
        pub(super) waits_for: Mutex<waits::WaitsFor>,
    }

    impl Turn {
        /// The turn of a seat, which it is from now on.
        pub(crate) fn of(seat: &Arc<Seat>, number: u64) -> Arc<Self> {
            let (cancel, waits_for) = (Signal::default(), Mutex::default());
            let turn = Arc::new(Self { number, seat: Arc::clone(seat), cancel, waits_for });
            seat.gate.lock().turn = Some(Arc::clone(&turn));
            turn
        }

        pub(crate) fn is_held(&self) -> bool {
            self.seat.is_held.load(Ordering::SeqCst)
        }
    }

    /// A task, to whom its turn is a part of a circle only while it is open.
    pub(crate) trait Listener: Send + Sync {
        fn is_over(&self) -> bool;
    }

    pub(crate) mod alarm {
        pub(crate) struct Alarm;
    }

    pub(crate) mod asked {
        #[derive(Default)]
        pub(crate) struct Asked;

        impl Asked {
            pub(crate) fn end(&self) {}

            pub(crate) fn begin_again(&self, _: bool) {}
        }
    }

    pub(crate) mod told {
        use std::any::Any;

        use crate::env::theirs::Theirs;

        pub(crate) type Piece = Theirs<Box<dyn Any + Send>>;

        #[derive(Default)]
        pub(crate) struct Told;

        impl Told {
            pub(crate) fn push(&mut self, piece: Piece) -> Option<Piece> {
                Some(piece)
            }
        }
    }

    pub(crate) mod waits {
        include!(concat!(env!("OUT_DIR"), "/waits.rs"));
    }

    pub(crate) mod parking {
        include!(concat!(env!("OUT_DIR"), "/parking.rs"));
    }
}
