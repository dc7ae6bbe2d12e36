//! Whether an output counts, and who may help after the last attempt.

use std::sync::Arc;

use super::turn::TurnResult;
use super::{Runner, Task};
use crate::agent::context::Context;
use crate::agent::task::TaskCell;
use crate::agent::{Agent, Message};
use crate::decide::delivery::TurnOver;
use crate::engine::turn::drive::{Driven, drive};
use crate::engine::turn::{Turn, within};
use crate::env::laid::laid;
use crate::env::theirs::Theirs;
use crate::words::error::AgentError;

/// An output that its asker does not accept is a failed attempt, with the reason.
pub(super) fn accepted<T: Message, O: Message>(
    task: &TaskCell<T, O>,
    turn: &Arc<Turn>,
    mut ended: TurnResult<O>,
) -> TurnResult<O> {
    let Some(output) = &ended.output else { return ended };
    if let Err(reason) = check(task, turn, output) {
        ended.output.take().into_iter().for_each(Theirs::let_go);
        ended.over = TurnOver::Error(AgentError::redeliver(reason));
    }
    ended
}

fn check<T: Message, O: Message>(
    task: &TaskCell<T, O>,
    turn: &Arc<Turn>,
    output: &O,
) -> Result<(), AgentError> {
    let checked = within(turn, || task.check(output));
    if let Some(panic) = checked.as_ref().err().and_then(AgentError::panic) {
        turn.note_panic("accept", panic);
    }
    checked
}

impl<A: Agent> Runner<A> {
    /// Asks the agent's `on_help` after the last attempt, in the turn that this was.
    pub(super) async fn help(
        &self,
        task: &Task<A>,
        turn: &Arc<Turn>,
        payload: &A::Task,
        error: AgentError,
    ) -> Option<Result<Theirs<A::Output>, AgentError>> {
        // A turn that was dropped as stale begins anew: it has shown no progress because it could not.
        self.seat.line.lock().orders.drop_turn.take_if(|(number, _)| *number == turn.number);
        turn.show_progress();
        let mut errors = task.errors();
        errors.push(error);
        let cx = Context::new(Arc::clone(turn));
        // Its part before its future runs in there too, where a panic is caught.
        let mut output = None;
        let helping = laid(|| async {
            let helped = laid(|| A::on_help(payload, &errors, &cx)).await?;
            output = helped.map(|output| self.seat.home.keep(output));
            Ok(())
        });
        match drive(turn, self.generation, "on_help", helping).await {
            Driven::Returned(Ok(())) => {
                let output = output?;
                Some(check(task, turn, &output).map(|()| output))
            }
            Driven::Returned(Err(error)) => Some(Err(error)),
            Driven::Panicked(panic) => Some(Err(AgentError::panicked_in("on_help", panic))),
            Driven::Dropped(_) => None,
        }
    }
}
