//! The first start, polled where the spawn is called: one that is ready at once needs no runner.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::bring_up::{self, Brought};
use super::{FirstPoll, PresenceGuard, Runner, RunnerStage};
use crate::agent::Agent;
use crate::decide::place::Rests;
use crate::decide::stopping::TurnEnd;
use crate::decide::supervision::Started;
use crate::engine::seat::Seat;
use crate::engine::seat::body::BoxFuture;
use crate::env::theirs::Theirs;

impl<A: Agent> Runner<A> {
    /// Polls the first start once where the spawn is called. Pending, it moves to a runner.
    pub(crate) fn start_in_place(seat: &Arc<Seat>) -> FirstPoll {
        let has_children = seat.gate.lock().family.is_some();
        let (generation, first_start) = {
            let mut line = seat.line.lock();
            let Some(generation) = line.place.starts_in_place() else {
                // A stop came by since it was entered, and has ended it.
                return FirstPoll::Over(None);
            };
            (generation, line.first_start())
        };
        let presence = PresenceGuard::new(seat, generation);
        let mut future: Pin<Box<_>> = Box::pin(bring_up::bring_up::<A>(Arc::clone(seat), generation, true));
        let first = {
            let _poll = seat.poll(generation);
            future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        };
        let stage = match first {
            Poll::Ready(Brought::Up(agent)) if !has_children => {
                return FirstPoll::Over(Self::rest(presence, agent));
            }
            Poll::Ready(brought) => RunnerStage::Brought(brought),
            Poll::Pending => {
                seat.line.lock().place.moves(generation);
                let rest = async move {
                    let seat = Arc::clone(&presence.seat);
                    let stage = RunnerStage::Brought(seat.polled(generation, future.as_mut()).await);
                    Self::run_on(presence, stage).await;
                };
                let rest: BoxFuture<()> = Box::pin(rest);
                seat.engine.env.spawn_work(rest);
                return FirstPoll::Pending(first_start);
            }
        };
        seat.line.lock().place.moves(generation);
        let run: BoxFuture<()> = Box::pin(Self::run_on(presence, stage));
        seat.engine.env.spawn_work(run);
        FirstPoll::Pending(first_start)
    }

    /// A start that was ready at once: the behaviour lies in the seat until the first task comes.
    fn rest(presence: PresenceGuard, agent: Theirs<A>) -> Option<Started> {
        let (seat, generation) = (Arc::clone(&presence.seat), presence.generation);
        // It lies there before the place says so, for whoever rings takes it from there.
        let before = seat.typed::<A>().dormant.lock().replace(agent);
        debug_assert!(before.is_none(), "a seat is started in place once");
        let (rests, is_cut) = {
            let mut line = seat.line.lock();
            (line.place.rests(generation), line.orders.exit.is_some())
        };
        if rests == Rests::Superseded {
            // It was given up while it blocked its thread, and is gone when its behaviour is.
            seat.body.drop_dormant();
            presence.leave();
            return None;
        }
        presence.rest();
        match rests {
            Rests::Fenced => {
                seat.engine.turn_ended(&seat, TurnEnd::Returned);
                return None;
            }
            Rests::Dormant | Rests::Superseded => {}
        }
        if !seat.note_started(generation) {
            // The stop that is coming finds it dormant.
            return None;
        }
        seat.rest_if_quiet();
        seat.tell_parent_started();
        if seat.body.queued() > 0 || is_cut {
            seat.ring();
        }
        Some(Started::Ok)
    }
}
