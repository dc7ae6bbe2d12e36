//! One handling of one task.

use std::sync::Arc;

use super::help::accepted;
use super::{Runner, Task};
use crate::agent::context::Context;
use crate::agent::task::{Attempt, Over, TaskCell};
use crate::agent::{Agent, Message};
use crate::decide::delivery::{self, AgentNext, Fate, StopSeen, TurnFacts, TurnOver};
use crate::decide::kept;
use crate::decide::place::Life;
use crate::engine::dead_letter::DeadLetter;
use crate::engine::lab::points;
use crate::engine::seat::Seat;
use crate::engine::turn::asked::Asked;
use crate::engine::turn::drive::{Driven, drive};
use crate::engine::turn::told::Piece;
use crate::engine::turn::trace;
use crate::engine::turn::{Attempted, Cancel, Listener, Turn};
use crate::env::census::{Counted, Living};
use crate::env::fault::Phase;
use crate::env::laid::laid;
use crate::env::quiet::caught;
use crate::env::theirs::Theirs;
use crate::words::error::AgentError;
use crate::words::event::{Outcome, What};
use crate::words::policy::{Exit, FailureClass, Restart};
use crate::words::state::StopReason;
use crate::words::usage::Usage;

/// What becomes of the runner after a turn; the behaviour where it is whole.
pub(super) enum After<A> {
    GoesOn(Theirs<A>),
    Rebuilds,
    Exits { exit: Exit, counted: bool },
    Stops(Option<Theirs<A>>),
}

/// How the work on a task ended.
pub(super) struct TurnResult<O> {
    pub(super) over: TurnOver,
    pub(super) output: Option<Theirs<O>>,
    /// What `on_help` said after the last attempt, if it said anything.
    helped: Option<Result<Theirs<O>, AgentError>>,
    /// Whether a stop had cancelled the turn before it returned.
    is_cut: bool,
}

impl<O> TurnResult<O> {
    fn of(driven: Driven, output: Option<Theirs<O>>, turn: &Turn) -> Self {
        let is_cut = turn.cancelled() == Some(Cancel::Stop);
        let over = match driven {
            Driven::Returned(Ok(())) => TurnOver::Output,
            Driven::Returned(Err(error)) => TurnOver::Error(error),
            Driven::Panicked(panic) => TurnOver::Panic(panic),
            Driven::Dropped(dropped) => TurnOver::Dropped(dropped),
        };
        // There may be one all the same if its future panicked when it was dropped.
        let output = output.filter(|_| matches!(over, TurnOver::Output));
        Self { over, output, helped: None, is_cut }
    }
}

impl<T: Send + Sync, O: Send> Listener for TaskCell<T, O> {
    fn say(&self, text: &str) {
        TaskCell::say(self, text);
    }

    fn tell(&self, piece: Piece) {
        TaskCell::tell(self, piece);
    }

    fn is_over(&self) -> bool {
        TaskCell::is_over(self)
    }

    fn spend(&self, used: &Usage) {
        TaskCell::spend(self, used);
    }

    fn asked(&self) -> &Arc<Asked> {
        TaskCell::asked(self)
    }

    #[cfg(feature = "lab")]
    fn late_by(&self, seat: &Seat) -> Option<std::time::Duration> {
        TaskCell::late_by(self, seat)
    }

    fn lose(&self, turn: &Turn, ended: Option<StopReason>) {
        let note = |outcome| {
            turn.note(What::TaskEnded { outcome });
        };
        match ended {
            Some(reason) => self.finish(Over::Stopped(reason), None, note),
            None => {
                let message = "the turn could not be stopped for its agent's restart";
                let error = AgentError::new(FailureClass::Killed, message);
                self.finish(Over::Failed(error.clone()), Some(error), note)
            }
        };
    }
}

impl<A: Agent> Runner<A> {
    pub(super) async fn turn(&self, mut agent: Theirs<A>, task: Task<A>) -> After<A> {
        let seat = &self.seat;
        seat.engine.env.seam().await;
        let terms = &task.terms;
        let turn = Turn::of_task(seat, task.id.clone(), terms.deadline(), terms.rights(), terms.asked_in());
        let began = |attempt| {
            turn.set_begun(turn.note(What::TurnBegan { attempt }));
        };
        let entered = turn.enter_with(|| task.begin(&turn, began));
        if entered.is_err() {
            // Whoever ends the queue ends this one too.
            self.put_back(&task);
        }
        self.mailbox().begun();
        let Ok(Some(attempt)) = entered else { return After::GoesOn(agent) };
        let Attempt { payload, attempt, errors, once_begun } = attempt;
        // Its asker may have said late when it is due, and found nobody at it.
        turn.set_deadline(task.terms.deadline());
        if once_begun {
            turn.set_once_begun();
        }
        let tries_again = errors.last().filter(|error| error.wants_redelivery());
        task.begin_again(tries_again.is_some());
        let pause = tries_again.and_then(|error| error.advice().retry_after());
        turn.set_attempted(Attempted { attempt, errors }, Arc::clone(&task) as Arc<dyn Listener>);
        seat.engine.watch(&turn);
        let counted = Counted::new(&seat.engine.census, &seat.id, Living::Turn);
        let cx = Context::new(Arc::clone(&turn));
        trace::begins(&turn.span, attempt);
        let mut output = None;
        let handling = laid(|| async {
            if let Some(pause) = pause {
                cx.sleep(pause).await?;
            }
            let passed = points::pass(&turn, Phase::Turn, "").await?;
            let mut given = seat.home.keep(laid(|| agent.handle(&payload, &cx)).await?);
            seat.home.spoil(&mut given, passed.spoil);
            output = Some(given);
            Ok(())
        });
        let driven = drive(&turn, self.generation, "handle", handling).await;
        let mut ended = accepted(&task, &turn, TurnResult::of(driven, output, &turn));
        if ended.output.is_none()
            && !self.is_superseded()
            && let (Fate::Poisoned(error), _) =
                delivery::decide(ended.over.clone(), self.facts(&ended.over, &task, &turn, attempt))
        {
            ended.helped = Box::pin(self.help(&task, &turn, &payload, error)).await;
        }
        turn.leave();
        drop(counted);
        let next = self.settle(&task, &turn, ended, payload, attempt);
        let after = match next {
            Some(next) if self.waits_for_children(&turn, &next) => {
                Box::pin(seat.end_children_of(&task.id)).await;
                // It may have been given up meanwhile, and have ended; whoever did that ended its turn.
                let next = if self.is_superseded() { None } else { Some(next) };
                Self::after(agent, &turn, next)
            }
            next => Self::after(agent, &turn, next),
        };
        drop((cx, turn));
        task.let_go();
        after
    }

    /// What the verdict on a turn depends on.
    fn facts(&self, over: &TurnOver, task: &Task<A>, turn: &Turn, attempt: u32) -> TurnFacts {
        let seat = &self.seat;
        // Asked of its supervisor, whom its siblings ask too, so only where it matters.
        let asked = over.is_crash().then(|| seat.as_child()).flatten();
        let restart = asked.map_or(Restart::Permanent, |policy| policy.restart);
        let (of_spec, retries) = (seat.policies.attempts, task.terms.retries());
        TurnFacts {
            attempt,
            attempts: retries.map_or(of_spec, |retries| of_spec.min(retries.saturating_add(1))),
            retries: retries.is_some(),
            once_begun: turn.once_begun(),
            interrupted: turn.is_interrupted(),
            stopping: seat.stopping(),
            crashed_before: turn.crashed_before(),
            restart,
        }
    }

    /// Gives the task its fate, and says what becomes of the agent; nothing of one that was given up.
    fn settle(
        &self,
        task: &Task<A>,
        turn: &Arc<Turn>,
        ended: TurnResult<A::Output>,
        payload: Theirs<A::Task>,
        attempt: u32,
    ) -> Option<AgentNext> {
        let seat = &self.seat;
        if self.is_superseded() {
            // It was given up while it blocked its thread, with its task; another may have its place. If it has returned just
            // then, nobody found it at its task.
            turn.lose(seat.is_closed().then(|| seat.stop_reason()));
            return None;
        }
        let TurnResult { over, mut output, helped, is_cut } = ended;
        let facts = self.facts(&over, task, turn, attempt);
        let (mut fate, mut next) = delivery::decide(over, facts);
        if let (Fate::Poisoned(error), Some(helped)) = (&fate, helped) {
            match helped {
                Ok(answer) => {
                    turn.note(What::TaskHelped);
                    output = Some(answer);
                    fate = Fate::Done;
                }
                Err(last) => {
                    task.add_error(error.clone());
                    fate = Fate::Poisoned(last);
                }
            }
        }
        if let Some(asked) =
            turn.take_exit().filter(|_| matches!(next, AgentNext::GoesOn | AgentNext::StopsWhole))
        {
            // Its own end, also where a stop has come by.
            next = AgentNext::Exits { exit: asked, counted: true };
        }
        if matches!(next, AgentNext::Exits { .. })
            && let Some((killed, _)) = seat.line.lock().orders.exit.take()
        {
            next = AgentNext::Exits { exit: killed, counted: true };
        }
        let output = output.map(|output| if is_cut { Over::Cut(output) } else { Over::Done(output) });
        let is_over = self.apply(task, turn, fate, output, payload);
        if is_over && (seat.typed::<A>().is_job || seat.ends_with_its_task()) {
            match &next {
                // Torn or not, the behaviour has nothing left to do.
                AgentNext::GoesOn | AgentNext::Rebuilds => {
                    next = AgentNext::Exits { exit: Exit::Normal, counted: true }
                }
                AgentNext::Exits { .. } => seat.has_had_its_task(),
                AgentNext::Stops | AgentNext::StopsWhole => {}
            }
        }
        Some(next)
    }

    fn waits_for_children(&self, turn: &Turn, next: &AgentNext) -> bool {
        turn.has_children() && matches!(next, AgentNext::GoesOn | AgentNext::Rebuilds)
    }

    /// Writes the turn's end down, and does with the behaviour what follows; lets it go where the runner was given up.
    fn after(agent: Theirs<A>, turn: &Turn, next: Option<AgentNext>) -> After<A> {
        let Some(next) = next else {
            agent.let_go();
            return After::Stops(None);
        };
        turn.note_end();
        match next {
            AgentNext::GoesOn => After::GoesOn(agent),
            AgentNext::Rebuilds => {
                agent.let_go();
                After::Rebuilds
            }
            AgentNext::Exits { exit, counted } => {
                agent.let_go();
                After::Exits { exit, counted }
            }
            AgentNext::StopsWhole => After::Stops(Some(agent)),
            AgentNext::Stops => {
                agent.let_go();
                After::Stops(None)
            }
        }
    }

    /// Puts a task back to the head of the queue, or ends it where a stop has ended that. Says whether it waits there.
    fn put_back(&self, task: &Task<A>) -> bool {
        let Err(reason) = self.mailbox().push_front(task) else { return true };
        let id = Some(task.id.clone());
        task.finish(Over::Stopped(reason), None, |outcome| {
            self.seat.note_in(id, What::TaskEnded { outcome });
        });
        false
    }

    fn letter(&self, task: &Task<A>, payload: &Theirs<A::Task>, last: AgentError) -> DeadLetter {
        let seat = &self.seat;
        let mut errors = task.errors();
        errors.push(last);
        DeadLetter {
            task: task.id.clone(),
            agent: seat.id.clone(),
            name: seat.name.to_string(),
            agent_type: seat.body.agent_type().to_owned(),
            outcome: Outcome::Poisoned,
            errors,
            at: seat.engine.env.now(),
            payload: caught(|| readable(&**payload)).ok().flatten(),
            replay_of: task.terms.replay_of().cloned(),
            replayed_as: Vec::new(),
        }
    }

    /// Gives the task its fate. Says whether it has its outcome.
    fn apply(
        &self,
        task: &Task<A>,
        turn: &Arc<Turn>,
        fate: Fate,
        done: Option<Over<A::Output>>,
        payload: Theirs<A::Task>,
    ) -> bool {
        let ended = |outcome| turn.note_outcome(outcome);
        match fate {
            Fate::Done => {
                task.finish(done.expect("a done task has its output"), None, ended);
                payload.let_go();
            }
            Fate::Failed(error) => {
                task.finish(Over::Failed(error.clone()), Some(error), ended);
                payload.let_go();
            }
            Fate::Interrupted => {
                task.finish(Over::Interrupted, None, ended);
                payload.let_go();
            }
            Fate::Stopped => {
                task.give_back(payload);
                task.finish(Over::Stopped(self.seat.stop_reason()), None, ended);
            }
            Fate::Poisoned(error) => {
                let letter = self.letter(task, &payload, error.clone());
                task.finish(Over::Poisoned, Some(error), |outcome| {
                    ended(outcome);
                    // Before anybody is told, so that whoever is finds it.
                    self.seat.engine.dead_letters.push(letter, task.terms.rights().clone());
                });
                payload.let_go();
            }
            Fate::Redelivered { error, counts } => {
                let message = error.to_string();
                let redelivered = || {
                    turn.note(What::TaskRedelivered { error: message });
                };
                if task.requeue(payload, error, counts, turn.once_begun(), redelivered) {
                    return !self.put_back(task);
                }
            }
        }
        true
    }
}

/// A payload as JSON, if it comes back from that as what it is.
fn readable<T: Message>(payload: &T) -> Option<serde_json::Value> {
    let (text, _) = kept::write(payload).ok()?;
    serde_json::from_slice(&text).ok()
}

impl Seat {
    /// Whether a stop has come by, and whether the agent comes back after it.
    fn stopping(&self) -> StopSeen {
        match self.life() {
            Life::Up => StopSeen::No,
            Life::Down | Life::Held => StopSeen::ComesBack,
            Life::Closed | Life::Ended | Life::Gone => StopSeen::ForGood,
        }
    }

    /// What an asker is told of an agent that a stop ends.
    fn stop_reason(&self) -> StopReason {
        self.reason().unwrap_or(StopReason::Stopped)
    }
}
