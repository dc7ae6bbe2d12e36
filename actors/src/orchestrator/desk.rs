//! What an orchestrator remembers about one task: its agents, the commands it gave them, and their results.
//!
//! It is dropped with the task. An attempt after a crash fills it again: what the model is told is the result of an
//! effect or an ask, both of which are kept, and the rest is done again in the same order.

use std::collections::BTreeMap;

use futures_util::future::{BoxFuture, FutureExt as _, Shared};
use parking_lot::Mutex;
use skep_runtime::{AgentRef, AgentState, Ask, AskError, Context};

use super::book::{Book, Full, Stage};
use super::staff::Staff;
use crate::agent::{ModelAgent, Prompt};
use crate::defaults;
use crate::model::Message;
use crate::nearest::did_you_mean;
use crate::tool::{Output, shown};

pub(super) struct Desk {
    pub(super) staff: Staff,
    book: Mutex<Book<Hired>>,
}

/// An agent that was created.
struct Hired {
    agent: AgentRef<ModelAgent>,
    /// Its commands, by number.
    commands: BTreeMap<u32, Command>,
    last: u32,
}

struct Command {
    task: String,
    answer: Answering,
    /// Whether the model has read the answer.
    is_told: bool,
}

/// The result of a command; several callers may wait for it.
pub(super) type Answering = Shared<BoxFuture<'static, Output>>;

/// An agent when it gets a command.
pub(super) struct Commanded {
    pub(super) agent: AgentRef<ModelAgent>,
    pub(super) number: u32,
    /// Its earlier commands and its answers, as far as the model has read them.
    pub(super) before: Vec<Message>,
}

impl Desk {
    pub(super) fn new(staff: Staff) -> Self {
        let book = Book::new(staff.alive, staff.in_all);
        Self { staff, book: Mutex::new(book) }
    }

    /// Reserves a place for an agent. The place is given back when the returned value is dropped, unless the agent exists
    /// by then.
    pub(super) fn reserve<'d>(&'d self, name: &'d str, persona: &str) -> Result<Reserved<'d>, Full> {
        let mut book = self.book.lock();
        book.sweep(|_, hired| has_ended(&hired.agent));
        book.reserve(name, persona)?;
        Ok(Reserved { desk: self, name })
    }

    /// An agent that exists or has ended.
    ///
    /// # Errors
    /// What is wrong, as text for the model.
    pub(super) fn agent(&self, name: &str) -> Result<AgentRef<ModelAgent>, String> {
        let book = self.book.lock();
        match book.get(name) {
            Some(hired) => Ok(hired.agent.clone()),
            None => Err(format!("you have no agent named {name:?}; {}", did_you_mean(name, book.names()))),
        }
    }

    /// Starts a command and gives it a number.
    pub(super) fn begin(&self, name: &str) -> Result<Commanded, String> {
        let agent = self.agent(name)?;
        let (number, told) = {
            let mut book = self.book.lock();
            let Some(hired) = book.get_mut(name) else { return Err(format!("{name:?} has ended")) };
            hired.last += 1;
            let told = hired.commands.values().filter(|command| command.is_told);
            let told: Vec<_> = told.map(|command| (command.task.clone(), command.answer.clone())).collect();
            (hired.last, told)
        };
        let said = told.into_iter().filter_map(|(task, answer)| {
            let answer = answer.now_or_never().filter(|answer| !answer.is_error)?;
            Some([Message::user(task), Message::assistant(answer.text)])
        });
        Ok(Commanded { agent, number, before: said.flatten().collect() })
    }

    /// Records a command that the agent has accepted.
    pub(super) fn enter(&self, name: &str, number: u32, task: String, answer: Answering) {
        if let Some(hired) = self.book.lock().get_mut(name) {
            hired.commands.insert(number, Command { task, answer, is_told: false });
        }
    }

    /// The model has read the results of these commands.
    pub(super) fn tell(&self, name: &str, numbers: &[u32]) {
        if let Some(hired) = self.book.lock().get_mut(name) {
            for number in numbers {
                if let Some(command) = hired.commands.get_mut(number) {
                    command.is_told = true;
                }
            }
        }
    }

    /// The commands of an agent whose results the model has not read.
    pub(super) fn open(&self, name: &str) -> Vec<(u32, Answering)> {
        let book = self.book.lock();
        let commands = book.get(name).into_iter().flat_map(|hired| &hired.commands);
        let open = commands.filter(|(_, command)| !command.is_told);
        open.map(|(number, command)| (*number, command.answer.clone())).collect()
    }

    /// A line for each agent.
    pub(super) fn list(&self) -> String {
        let mut book = self.book.lock();
        book.sweep(|_, hired| has_ended(&hired.agent));
        let lines = book.rows().map(|(name, row)| match &row.stage {
            Stage::Making => format!("{name} ({}): is being made", row.persona),
            Stage::Here(hired) | Stage::Gone(hired) => {
                let open = hired.commands.values().filter(|command| !command.is_told).count();
                let (state, spent) = (hired.agent.state(), hired.agent.cost().spent);
                let open =
                    if open > 0 { format!(", {open} commands not answered yet") } else { String::new() };
                format!("{name} ({}): {state}{open}, {spent} spent", row.persona)
            }
        });
        let lines: Vec<_> = lines.collect();
        if lines.is_empty() { "you have no agents".to_owned() } else { lines.join("\n") }
    }
}

fn has_ended(agent: &AgentRef<ModelAgent>) -> bool {
    matches!(agent.state(), AgentState::Stopped(_))
}

/// A place that is reserved until its agent exists.
pub(super) struct Reserved<'d> {
    desk: &'d Desk,
    name: &'d str,
}

impl Reserved<'_> {
    pub(super) fn settle(&self, agent: AgentRef<ModelAgent>) {
        let hired = Hired { agent, commands: BTreeMap::new(), last: 0 };
        self.desk.book.lock().settle(self.name, hired);
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.desk.book.lock().release(self.name);
    }
}

/// The result of an ask, as text for the model.
pub(super) fn answering(ask: Ask<ModelAgent>) -> Answering {
    ask.map(|answer| match answer {
        Ok(text) => shown(&text, defaults::TOOL_OUTPUT),
        Err(error) => Output::error(in_words(&error)),
    })
    .boxed()
    .shared()
}

/// An agent's failure as its orchestrator reads it: without ids, which mean nothing to a model.
pub(super) fn in_words(error: &AskError<Prompt>) -> String {
    match error {
        AskError::Failed(_, error) => format!("it failed: {error}"),
        AskError::Poisoned { errors, .. } => {
            let last = errors.last().map(ToString::to_string).unwrap_or_default();
            format!("it crashed in each of {} attempts, at last with: {last}", errors.len())
        }
        AskError::Interrupted(_) => "it was interrupted".to_owned(),
        AskError::Expired(_) => "it did not answer in time, and its work was cut short".to_owned(),
        AskError::MailboxFull(..) => "it has too many commands already: wait for some of them".to_owned(),
        AskError::Stopped(_, reason, _) => format!("it has ended: {reason}"),
        error => error.to_string(),
    }
}

/// The state of an agent, and the results of its commands. Also returns the numbers of the finished commands.
pub(super) fn status(desk: &Desk, name: &str, agent: &AgentRef<ModelAgent>) -> (String, Vec<u32>) {
    let status = agent.status();
    let mut lines = vec![format!("{name} is {}, with {} spent", status.state, status.cost.spent)];
    lines.extend(status.doing.map(|doing| format!("it says: {doing}")));
    let mut over = Vec::new();
    for (number, answer) in desk.open(name) {
        match answer.now_or_never() {
            None => lines.push(format!("command {number}: not answered yet")),
            Some(Output { text, is_error, .. }) => {
                let word = if is_error { "failed" } else { "answered" };
                lines.push(format!("command {number} {word}: {text}"));
                over.push(number);
            }
        }
    }
    (lines.join("\n"), over)
}

/// Waits until all commands of an agent are finished.
pub(super) async fn all_over(desk: &Desk, name: &str) {
    for (_, answer) in desk.open(name) {
        answer.await;
    }
}

/// The latest events of an agent and those below it, one per line.
pub(super) fn log(agent: &AgentRef<ModelAgent>, lines: usize) -> String {
    const LINE: usize = 400;
    let events = agent.control().events_so_far();
    let latest = events.iter().skip(events.len().saturating_sub(lines));
    let lines: Vec<_> = latest
        .map(|event| {
            let what = serde_json::to_string(&event.what).unwrap_or_default();
            let end = (0..=LINE.min(what.len())).rev().find(|at| what.is_char_boundary(*at)).unwrap_or(0);
            format!("{} {} {}", event.at, event.agent, &what[..end])
        })
        .collect();
    lines.join("\n")
}

/// What everything has cost so far, agent by agent.
pub(super) fn costs(cx: &Context) -> String {
    cx.control().costs().tree()
}
