//! Asking upwards: a question goes from a turn to its agent's parent, and on to the root until somebody answers.
//!
//! It is answered where the question is polled, in the asking turn, with a context of the agent that answers. So it needs
//! nothing of that agent but its place: not its turn, its runner or its mailbox. Nobody has to be awake, there is no queue
//! to stand in, and a question lives no longer than the turn that asks. It does not outlive who answers either, for a stop
//! or a crash of an agent ends those below it first, and with them what they ask.

use std::future::{Future, IntoFuture, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::engine::lab::points;
use crate::engine::seat::Seat;
use crate::engine::seat::body::{Answered, BoxFuture};
use crate::engine::turn::waits::Awaited;
use crate::engine::turn::{Turn, within};
use crate::env::census::{Counted, Living};
use crate::env::fault::Phase;
use crate::env::quiet::caught;
use crate::words::defaults;
use crate::words::error::{AgentError, QuestionError};
use crate::words::event::{QuestionEnd, Wait, What};
pub use crate::words::question::{Answer, Question};
use crate::words::time::Time;

/// A question, to be awaited. Dropping it drops the answering future at its await.
#[must_use = "a question is asked when it is awaited"]
pub struct AskParent {
    turn: Arc<Turn>,
    question: Question,
    within: Duration,
}

impl IntoFuture for AskParent {
    type Output = Result<Answer, QuestionError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.ask())
    }
}

impl AskParent {
    pub(crate) fn new(turn: Arc<Turn>, question: Question) -> Self {
        Self { turn, question, within: defaults::ASK }
    }

    /// Its deadline; 30 s by default.
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }

    async fn ask(mut self) -> Result<Answer, QuestionError> {
        let turn = &self.turn;
        let from = turn.seat.id.clone();
        let env = turn.seat.engine.env.clone();
        env.seam().await;
        self.question.from = Some(from.clone());
        let deadline = (env.now() + self.within).min(turn.deadline());
        let _waiting = turn.wait(Wait::Parent);
        tokio::select! {
            biased;
            () = turn.cancel.raised() => Err(QuestionError::Cancelled(from)),
            answer = self.go_up(deadline) => answer,
            () = env.sleep_until(deadline) => Err(QuestionError::Expired(from)),
        }
    }

    /// From the parent to the root, until somebody answers.
    async fn go_up(&self, deadline: Time) -> Result<Answer, QuestionError> {
        let from = &self.turn.seat;
        let mut path = Vec::new();
        let mut above = from.parent.clone();
        while let Some(seat) = above {
            // A scope is a place: those in it are asked for by whoever opened it.
            if seat.body.has_behaviour() {
                if let Some(answer) = self.put(&seat, deadline).await? {
                    return Ok(answer);
                }
                path.push(seat.id.clone());
            } else if seat.parent.is_none() {
                path.push(seat.id.clone());
            }
            above = seat.parent.clone();
        }
        Err(QuestionError::Unanswered { from: from.id.clone(), path })
    }

    /// Puts the question to one agent.
    async fn put(&self, seat: &Arc<Seat>, deadline: Time) -> Result<Option<Answer>, QuestionError> {
        let turn = Turn::beside(&self.turn, seat, deadline);
        let asked = OpenQuestion::begin(&self.turn, &turn)?;
        let _waits = self.turn.waits_for(Awaited::Turn(Arc::clone(&turn)));
        let answered = drive(&turn, self.question.clone()).await;
        asked.end(match &answered {
            Ok(Some(_)) => QuestionEnd::Answered,
            Ok(None) => QuestionEnd::PassedUp,
            Err(_) => QuestionEnd::Failed,
        });
        answered.map_err(|error| QuestionError::Failed(seat.id.clone(), error))
    }
}

/// A question that an agent has before it. Dropped, it is written down as dropped.
struct OpenQuestion {
    turn: Arc<Turn>,
    question: u64,
    is_over: bool,
    _counted: Counted,
}

impl OpenQuestion {
    fn begin(asking: &Turn, turn: &Arc<Turn>) -> Result<Self, QuestionError> {
        let seat = &turn.seat;
        let question = seat.engine.number();
        let gate = seat.gate.lock();
        if !turn.is_open() {
            return Err(QuestionError::Cancelled(asking.seat.id.clone()));
        }
        if !seat.is_up() {
            return Err(QuestionError::Stopping(seat.id.clone()));
        }
        turn.note(What::QuestionBegan { question, from: asking.seat.id.clone() });
        drop(gate);
        let counted = Counted::new(&seat.engine.census, &seat.id, Living::Turn);
        Ok(Self { turn: Arc::clone(turn), question, is_over: false, _counted: counted })
    }

    fn end(mut self, end: QuestionEnd) {
        self.note(end);
    }

    fn note(&mut self, end: QuestionEnd) {
        self.is_over = true;
        self.turn.leave();
        self.turn.note(What::QuestionEnded { question: self.question, end });
    }
}

impl Drop for OpenQuestion {
    fn drop(&mut self) {
        if !self.is_over {
            self.note(QuestionEnd::Dropped);
        }
    }
}

/// The hook's future, which is dropped as a part of its turn and whose panics end nothing else.
struct Answering {
    turn: Arc<Turn>,
    future: Option<BoxFuture<Answered>>,
}

impl Drop for Answering {
    fn drop(&mut self) {
        let future = self.future.take();
        within(&self.turn, || caught(|| drop(future))).ok();
    }
}

async fn drive(turn: &Arc<Turn>, question: Question) -> Answered {
    let moved = Arc::clone(turn);
    let hook = async move {
        points::pass(&moved, Phase::Question, question.topic()).await?;
        moved.seat.body.on_question(question, Arc::clone(&moved)).await
    };
    let mut answering = Answering { turn: Arc::clone(turn), future: Some(Box::pin(hook)) };
    poll_fn(|cx| {
        let Some(future) = answering.future.as_mut() else { return Poll::Pending };
        match within(turn, || caught(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll,
            Err(panic) => {
                turn.note_panic("on_question", &panic);
                Poll::Ready(Err(AgentError::panicked_in("on_question", panic)))
            }
        }
    })
    .await
}
