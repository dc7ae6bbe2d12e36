//! Building and starting a behaviour, and running its stop hook: the ends of an incarnation.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::agent::Agent;
use crate::agent::context::{Context, StopContext};
use crate::decide::delivery::Dropped;
use crate::decide::place::Life;
use crate::decide::stopping::HookEnd;
use crate::engine::lab::points;
use crate::engine::seat::Seat;
use crate::engine::turn::drive::{Driven, drive};
use crate::engine::turn::park::Waited;
use crate::engine::turn::{Turn, within};
use crate::env::census::{Counted, Living};
use crate::env::fault::Phase;
use crate::env::laid::laid;
use crate::env::quiet::caught;
use crate::env::theirs::Theirs;
use crate::words::policy::{Exit, FailureClass};

/// How a bringing up ended.
pub(crate) enum Brought<A> {
    Up(Theirs<A>),
    Ignored,
    Failed(String),
    /// By a stop.
    Dropped,
}

/// Builds the behaviour and runs its `start`, under the start's deadline. `anew`: as the next incarnation.
pub(crate) async fn bring_up<A: Agent>(seat: Arc<Seat>, generation: u64, anew: bool) -> Brought<A> {
    let turn = loop {
        match seat.while_held(generation).await {
            Waited::Go => {}
            Waited::Over => return Brought::Dropped,
            Waited::Exit => {
                seat.line.lock().orders.exit = None;
                return Brought::Failed("killed before the start".to_owned());
            }
        }
        match begin(&seat, generation, anew) {
            StartBegun::Turn(turn) => break turn,
            StartBegun::Held => {}
            StartBegun::Fenced => return Brought::Dropped,
        }
    };
    let _counted = Counted::new(&seat.engine.census, &seat.id, Living::Turn);
    limit(&turn);
    turn.polled.store(true, Ordering::Release);
    let built = within(&turn, || caught(|| seat.typed::<A>().factory.build()));
    turn.polled.store(false, Ordering::Release);
    let mut agent = match built {
        Ok(agent) => {
            seat.home.keep(agent).counted(Counted::new(&seat.engine.census, &seat.id, Living::Behaviour))
        }
        Err(panic) => {
            turn.note_panic("factory", &panic);
            turn.leave();
            return Brought::Failed(format!("the factory {panic}"));
        }
    };
    let cx = Context::new(Arc::clone(&turn));
    let starting = laid(|| async {
        points::pass(&turn, Phase::Start, "").await?;
        laid(|| agent.start(&cx)).await
    });
    let started = drive(&turn, generation, "start", starting).await;
    turn.leave();
    turn.take_grace_back();
    let failed = match started {
        Driven::Returned(Ok(())) => return Brought::Up(agent),
        Driven::Returned(Err(error)) if error.is_ignore() => Brought::Ignored,
        Driven::Returned(Err(error)) => Brought::Failed(error.to_string()),
        Driven::Panicked(panic) => Brought::Failed(format!("the start {panic}")),
        Driven::Dropped(Dropped::Stale) => {
            Brought::Failed(format!("the start took longer than {:?}", seat.policies.start_within))
        }
        Driven::Dropped(Dropped::Exit) => Brought::Failed("killed during the start".to_owned()),
        Driven::Dropped(_) => Brought::Dropped,
    };
    agent.let_go();
    if matches!(failed, Brought::Failed(_)) {
        let mut line = seat.line.lock();
        if !line.is_superseded(generation) {
            line.orders.exit = None;
        }
    }
    failed
}

enum StartBegun {
    Turn(Arc<Turn>),
    /// A pause came by.
    Held,
    /// A stop came by since this start was ordered.
    Fenced,
}

/// Begins a life, or a start within one, unless a stop or a pause has come by: all in one critical section.
fn begin(seat: &Arc<Seat>, generation: u64, anew: bool) -> StartBegun {
    let mut gate = seat.gate.lock();
    let is_superseded = seat.line.lock().is_superseded(generation);
    if is_superseded || seat.life() != if anew { Life::Down } else { Life::Up } {
        return StartBegun::Fenced;
    }
    if gate.hold.is_some() {
        return StartBegun::Held;
    }
    if anew {
        seat.line.lock().place.begins();
        seat.forget_released(generation);
        seat.incarnation.fetch_add(1, Ordering::AcqRel);
    }
    let deadline = seat.on_clock(seat.engine.env.now() + seat.policies.start_within);
    let turn = Turn::new(seat, Phase::Start, deadline);
    gate.turn = Some(Arc::clone(&turn));
    StartBegun::Turn(turn)
}

/// Has the start dropped as stale when its time is over. The time in which it was held does not count.
fn limit(turn: &Arc<Turn>) {
    let late = Arc::downgrade(turn);
    let due = turn.began() + turn.seat.policies.start_within;
    let timer = turn.seat.engine.env.at(due, move || {
        if let Some(turn) = late.upgrade() {
            is_due(&turn);
        }
    });
    turn.keep_grace(timer);
}

fn is_due(turn: &Arc<Turn>) {
    let late = Arc::downgrade(turn);
    let look_again = move || {
        if let Some(turn) = late.upgrade().filter(|turn| turn.is_open()) {
            limit(&turn);
        }
    };
    let seat = &turn.seat;
    if seat.when_resumed(look_again) {
        return;
    }
    if seat.engine.env.now() < turn.began() + seat.policies.start_within {
        limit(turn);
    } else {
        let number = turn.number;
        seat.order(|orders| orders.drop_turn = Some((number, Dropped::Stale)));
        let message =
            format!("the start took longer than {:?} and blocks its thread", seat.policies.start_within);
        turn.give_up_after_grace(Exit::failed(FailureClass::Stale, message), false);
    }
}

/// Runs the stop hook of a whole behaviour and drops it.
pub(crate) async fn hook<A: Agent>(seat: Arc<Seat>, generation: u64, mut agent: Theirs<A>) -> HookEnd {
    let until = seat.hook_until();
    let turn = Turn::new(&seat, Phase::Stop, seat.on_clock(until));
    turn.enter_as_hook();
    let _counted = Counted::new(&seat.engine.census, &seat.id, Living::Turn);
    let cx = StopContext::new(Arc::clone(&turn));
    let stopping = laid(|| async {
        points::pass(&turn, Phase::Stop, "").await?;
        laid(|| agent.stop(&cx)).await
    });
    let ended = drive(&turn, generation, "stop", stopping).await;
    turn.leave();
    let dropped = within(&turn, || agent.dropped());
    match (ended, dropped) {
        (Driven::Returned(Ok(())), Ok(())) => HookEnd::Done,
        (Driven::Returned(Err(error)), _) => HookEnd::Failed(error.to_string()),
        (Driven::Panicked(panic), _) | (Driven::Returned(Ok(())), Err(panic)) => {
            HookEnd::Panicked(panic.to_string())
        }
        (Driven::Dropped(_), _) => HookEnd::Dropped,
    }
}
