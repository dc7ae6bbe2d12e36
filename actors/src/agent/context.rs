//! Which part of a conversation goes to the model, so that it fits its window.
//!
//! ```text
//! system text, tools          always
//! the first user's message    always
//! oldest exchanges            2. left out, whole: a call goes with its results
//! old outputs of tools        1. a line takes their place, which says how much was cut
//! the task's message          always
//! the latest exchange         its calls always; 3. its outputs are cut at their end if nothing else helps
//! ```
//!
//! # Invariants
//! 1. An assistant's calls of tools and their results stay together, or are removed together.
//! 2. Reducing never makes a conversation longer, and reducing it again changes nothing.
//! 3. Nothing here waits or looks at a clock: the same conversation is reduced the same way in each attempt.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::defaults;
use crate::model::{BYTES_A_TOKEN, Message, Request};

/// How a [`ModelAgent`](crate::ModelAgent) makes room when its conversation becomes long.
///
/// Without a policy it prunes to the window of its model if that is known, from the model itself or from the table of prices. In
/// any case it reduces once when its model says that the context is too long; if that is not enough, a larger model of its tier is
/// asked.
///
/// ```
/// use skep_actors::agent::ContextPolicy;
///
/// let prunes = ContextPolicy::prune(128_000);
/// let summarises = ContextPolicy::summarise(128_000).by("fast").at(700);
/// assert_ne!(prunes, summarises);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextPolicy {
    window: u64,
    at: u32,
    to: u32,
    how: How,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum How {
    Prune,
    Summarise { by: Option<String> },
}

impl ContextPolicy {
    /// For a model with a window of this many tokens: old outputs of tools are cut first, then the oldest exchanges are
    /// left out.
    #[must_use]
    pub const fn prune(window: u64) -> Self {
        let (at, to) = (defaults::CONTEXT_AT_PERMILLE, defaults::CONTEXT_TO_PERMILLE);
        Self { window, at, to, how: How::Prune }
    }

    /// The oldest exchanges are summarised by one call of a model: the agent's own unless [`ContextPolicy::by`] names
    /// another. An attempt after a crash gets the same summary. If that call fails, the conversation is pruned instead.
    #[must_use]
    pub fn summarise(window: u64) -> Self {
        Self { how: How::Summarise { by: None }, ..Self::prune(window) }
    }

    /// The model that summarises.
    #[must_use]
    pub fn by(mut self, model: impl Into<String>) -> Self {
        self.how = How::Summarise { by: Some(model.into()) };
        self
    }

    /// The share of the window at which it makes room, in thousandths; 800 by default.
    #[must_use]
    pub const fn at(mut self, permille: u32) -> Self {
        self.at = permille;
        self
    }

    /// The share of the window to which it reduces, in thousandths; 500 by default, so that the next calls have room too.
    #[must_use]
    pub const fn to(mut self, permille: u32) -> Self {
        self.to = permille;
        self
    }

    /// The model that summarises, if the policy summarises: the one it names, else the agent's own.
    pub(super) fn summariser<'m>(&'m self, own: &'m str) -> Option<&'m str> {
        match &self.how {
            How::Prune => None,
            How::Summarise { by } => Some(by.as_deref().unwrap_or(own)),
        }
    }

    /// The most bytes that it can be asked to summarise.
    pub(super) fn most_summarised(&self) -> usize {
        usize::try_from(self.share(self.at).saturating_mul(BYTES_A_TOKEN)).unwrap_or(usize::MAX)
    }

    const fn share(&self, permille: u32) -> u64 {
        let permille = if permille < 1_000 { permille } else { 1_000 };
        self.window.saturating_mul(permille as u64) / 1_000
    }

    /// If a request has too many tokens, how many it should have at most.
    pub(super) fn too_long(&self, request: &Request) -> Option<u64> {
        // The answer has to fit in the window too.
        let most =
            self.window.saturating_sub(request.max_output_tokens.unwrap_or(0)).min(self.share(self.at));
        (request.tokens_about() > most).then(|| most.min(self.share(self.to)))
    }
}

/// Shorter outputs are not worth cutting, in bytes.
const SHORT: usize = 512;

/// A conversation, and the position of the task that the agent works on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Conversation {
    pub(super) messages: Vec<Message>,
    pub(super) task: usize,
}

/// How many bytes a conversation may have if its whole request may have this many tokens.
pub(super) fn room(request: &Request, tokens: u64) -> usize {
    let messages = bytes_of(&request.messages) as u64;
    let around = request.tokens_about().saturating_sub(messages / BYTES_A_TOKEN);
    usize::try_from(tokens.saturating_sub(around).saturating_mul(BYTES_A_TOKEN)).unwrap_or(usize::MAX)
}

/// Makes the conversation fit into `room` bytes, as far as possible. If it fits already, nothing changes.
pub(super) fn reduce(mut talk: Conversation, room: usize) -> Conversation {
    prune(&mut talk, room);
    let gone = to_leave_out(&talk, room);
    leave_out(&mut talk, &gone);
    cut_the_latest(&mut talk, room);
    talk
}

/// Which messages have to go so that the rest fits: whole exchanges, the oldest first. The first user's message, the
/// task's and the latest exchange always stay.
pub(super) fn to_leave_out(talk: &Conversation, room: usize) -> Vec<usize> {
    let mut bytes = bytes_of(&talk.messages);
    let first = talk.messages.iter().position(|message| matches!(message, Message::User { .. }));
    let exchanges = exchanges(&talk.messages);
    let mut gone = Vec::new();
    for exchange in exchanges.iter().take(exchanges.len().saturating_sub(1)) {
        if bytes <= room {
            break;
        }
        if exchange.contains(&talk.task) || first.is_some_and(|first| exchange.contains(&first)) {
            continue;
        }
        bytes -= bytes_of(&talk.messages[exchange.clone()]);
        gone.extend(exchange.clone());
    }
    gone
}

/// Removes messages by their positions, given in order.
pub(super) fn leave_out(talk: &mut Conversation, gone: &[usize]) -> Vec<Message> {
    let before = gone.iter().filter(|at| **at < talk.task).count();
    let all = std::mem::take(&mut talk.messages);
    let mut gone = gone.iter().copied().peekable();
    let mut left_out = Vec::new();
    for (at, message) in all.into_iter().enumerate() {
        let goes = gone.next_if_eq(&at).is_some();
        if goes { &mut left_out } else { &mut talk.messages }.push(message);
    }
    talk.task -= before;
    left_out
}

/// Groups that belong together: an assistant's message with the results of its calls, and each other message alone.
fn exchanges(messages: &[Message]) -> Vec<Range<usize>> {
    let mut exchanges: Vec<Range<usize>> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        match exchanges.last_mut() {
            Some(last) if matches!(message, Message::Tool { .. }) && answers(&messages[last.start]) => {
                last.end = at + 1;
            }
            _ => exchanges.push(at..at + 1),
        }
    }
    exchanges
}

fn answers(first: &Message) -> bool {
    matches!(first, Message::Assistant { tool_calls, .. } if !tool_calls.is_empty())
}

/// Replaces old outputs of tools with a line, the oldest first.
fn prune(talk: &mut Conversation, room: usize) {
    let latest = exchanges(&talk.messages).last().map_or(0, |latest| latest.start);
    let mut bytes = bytes_of(&talk.messages);
    for message in &mut talk.messages[..latest] {
        if bytes <= room {
            break;
        }
        if let Message::Tool { output, .. } = message
            && output.len() > SHORT
        {
            bytes -= output.len();
            *output = format!("[this output of {} bytes was cut to make room]", output.len());
            bytes += output.len();
        }
    }
}

/// Cuts the ends of the latest outputs, the longest first, when nothing else can go.
fn cut_the_latest(talk: &mut Conversation, room: usize) {
    let mut over = bytes_of(&talk.messages).saturating_sub(room);
    let Some(latest) = exchanges(&talk.messages).pop().filter(|_| over > 0) else { return };
    let mut outputs: Vec<&mut String> = talk.messages[latest]
        .iter_mut()
        .filter_map(|message| match message {
            Message::Tool { output, .. } if output.len() > SHORT => Some(output),
            _ => None,
        })
        .collect();
    outputs.sort_by_key(|output| std::cmp::Reverse(output.len()));
    for output in outputs {
        let length = output.len();
        cut(output, length.saturating_sub(over).max(SHORT));
        over -= (length - output.len()).min(over);
    }
}

/// Cuts a text to this many bytes, with a line at its end that says how many were cut.
pub(super) fn cut(text: &mut String, most: usize) {
    const NOTE: usize = 64;
    if text.len() <= most {
        return;
    }
    let end = (0..=most.saturating_sub(NOTE)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let gone = text.len() - end;
    text.truncate(end);
    text.push_str(&format!("\n[{gone} bytes more were cut to make room]"));
}

pub(super) fn bytes_of(messages: &[Message]) -> usize {
    messages.iter().map(Message::bytes).sum()
}

#[cfg(test)]
mod tests;
