//! What providers speak, without a socket: a request becomes a body, events become chunks, a refusal becomes an error.
//!
//! Two protocols: OpenAI's chat completions, which most others speak too, and Anthropic's messages. Each is a file that writes
//! bodies and reads events; what carries both, the lines of a stream, is [`sse`].
//!
//! # Invariants
//! 1. However bytes are cut, the same chunks come of them.
//! 2. Whatever a server sends, reading it ends, in memory bounded by what one event may have.
//! 3. No text of a provider's is passed on that could hold a part of a key or a prompt: errors say its status and its code.

mod anthropic;
pub(crate) mod http;
mod openai;
mod refusal;
mod retry_after;
#[cfg(feature = "serve")]
pub(crate) mod serve;
mod sse;

use std::collections::VecDeque;

use serde_json::Value;

pub(crate) use self::refusal::refusal;
use self::sse::Lines;
use crate::model::{Chunk, ModelError, Request};

/// What a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Protocol {
    OpenAi,
    Anthropic,
}

impl Protocol {
    /// OpenTelemetry's word for whoever speaks it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
        }
    }

    /// Where requests go, below the base URL.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "/chat/completions",
            Self::Anthropic => "/messages",
        }
    }

    /// What is sent, with the bound of the answer as the endpoint wants it.
    pub(crate) fn body(self, model: &str, request: &Request, bound: Bound) -> Value {
        match self {
            Self::OpenAi => openai::body(model, request, bound),
            Self::Anthropic => anthropic::body(model, request),
        }
    }
}

/// What an endpoint that speaks as OpenAI does calls the most tokens of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Bound {
    /// As all of them understand it.
    #[default]
    MaxTokens,
    /// As OpenAI's own newer models want it, which refuse the other.
    MaxCompletionTokens,
}

impl Bound {
    /// That of a host.
    pub(crate) fn of(host: &str) -> Self {
        if host.eq_ignore_ascii_case("api.openai.com") { Self::MaxCompletionTokens } else { Self::MaxTokens }
    }
}

/// Reads an answer as its bytes come.
pub(crate) struct Reading {
    lines: Lines,
    read: Read,
    chunks: VecDeque<Chunk>,
}

enum Read {
    OpenAi(openai::Reader),
    Anthropic(anthropic::Reader),
}

impl Reading {
    pub(crate) fn new(protocol: Protocol) -> Self {
        let read = match protocol {
            Protocol::OpenAi => Read::OpenAi(openai::Reader::default()),
            Protocol::Anthropic => Read::Anthropic(anthropic::Reader::default()),
        };
        Self { lines: Lines::default(), read, chunks: VecDeque::new() }
    }

    /// The next chunk of what has come so far.
    pub(crate) fn next(&mut self) -> Option<Chunk> {
        self.chunks.pop_front()
    }

    /// More of a stream of events.
    ///
    /// # Errors
    /// [`ModelError`] of the stream, or of what is no such stream. Chunks that came before it are there.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), ModelError> {
        // What stood before a line that cannot be read is read first.
        let fed = self.lines.feed(bytes);
        self.events().and(fed)
    }

    /// The stream is over: an event that lacks its empty line is one all the same.
    ///
    /// # Errors
    /// As [`Reading::feed`].
    pub(crate) fn end(&mut self) -> Result<(), ModelError> {
        let ended = self.lines.end();
        self.events().and(ended)
    }

    /// An answer that came whole, as servers send it that do not stream.
    ///
    /// # Errors
    /// [`ModelError`] of what is no answer.
    pub(crate) fn whole(&mut self, text: &[u8]) -> Result<(), ModelError> {
        let answer: Value = serde_json::from_slice(text).map_err(|_| odd("an answer that is not JSON"))?;
        match &mut self.read {
            Read::OpenAi(reader) => reader.whole(&answer, &mut self.chunks),
            Read::Anthropic(reader) => reader.whole(&answer, &mut self.chunks),
        }
    }

    fn events(&mut self) -> Result<(), ModelError> {
        while let Some(data) = self.lines.next() {
            match &mut self.read {
                Read::OpenAi(reader) => reader.read(&data, &mut self.chunks)?,
                Read::Anthropic(reader) => reader.read(&data, &mut self.chunks)?,
            }
        }
        Ok(())
    }
}

/// The provider said what nobody can read.
fn odd(what: &str) -> ModelError {
    ModelError::Failed(format!("the provider sent {what}"))
}

/// A number of tokens; whatever is none is 0.
fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests;
