//! An agent whose code panics where it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use skep_runtime::{Agent, AgentError, AgentSpec, Answer, Context, Question, Restart, StopContext};

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum In {
    Handle,
    Start,
    Stop,
    Blocking,
    Help,
    Question,
    Drop,
}

/// The line at which each of them panics.
pub(crate) const fn line_of(part: In) -> u32 {
    FIRST + 7 + part as u32
}

const FIRST: u32 = line!();

/// One line for each.
#[rustfmt::skip]
fn panics(part: In) {
    let sum = 1 + 1;
    match part {
        In::Handle => assert_eq!(sum, 3, "the sum of\n\u{1b}[31mone and one"),
        In::Start => panic!("no way to\nstart"),
        In::Stop => panic!("no way to\nstop"),
        In::Blocking => panic!("nothing\ngoes out"),
        In::Help => panic!("beyond\nhelp"),
        In::Question => panic!("no\nanswer"),
        In::Drop => panic!("cannot be\ndropped"),
    }
}

pub(crate) struct Troubled {
    part: In,
    lives: u32,
}

/// Its first life is the one in trouble; a start is always.
pub(crate) fn troubled(name: &str, part: In) -> AgentSpec<Troubled> {
    let lives = Arc::new(AtomicU32::new(0));
    AgentSpec::new(name, move || Troubled { part, lives: lives.fetch_add(1, Ordering::Relaxed) })
        .restart(Restart::Transient)
}

struct Grudge;

impl Drop for Grudge {
    fn drop(&mut self) {
        panics(In::Drop);
    }
}

impl Agent for Troubled {
    type Task = ();
    type Output = String;

    async fn start(&mut self, _: &Context) -> Result<(), AgentError> {
        if self.part == In::Start {
            panics(In::Start);
        }
        Ok(())
    }

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<String, AgentError> {
        match self.part {
            In::Help => return Err(AgentError::redeliver(AgentError::message("again"))),
            In::Question => {
                cx.ask_parent(Question::about("anything")).await?;
            }
            In::Drop => {
                let _grudge = Grudge;
                cx.sleep(std::time::Duration::ZERO).await?;
            }
            part if self.lives == 0 => match part {
                In::Handle => panics(In::Handle),
                In::Blocking => cx.blocking(|| panics(In::Blocking)).await?,
                _ => {}
            },
            _ => {}
        }
        Ok(format!("after {}", cx.last_error().map(ToString::to_string).unwrap_or_default()))
    }

    async fn stop(&mut self, _: &StopContext) -> Result<(), AgentError> {
        if self.part == In::Stop {
            panics(In::Stop);
        }
        Ok(())
    }

    async fn on_help(_: &(), _: &[AgentError], _: &Context) -> Result<Option<String>, AgentError> {
        panics(In::Help);
        Ok(None)
    }

    async fn on_question(_: Question, _: Context) -> Result<Option<Answer>, AgentError> {
        panics(In::Question);
        Ok(None)
    }
}
