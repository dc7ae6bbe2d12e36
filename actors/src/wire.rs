//! The providers' protocols, without a socket: a request becomes a body, events become chunks, a refusal becomes an
//! error.
//!
//! There are two: OpenAI's chat completions, which most others speak too, and Anthropic's messages. Each is a file that
//! writes bodies and reads events; [`sse`] reads the lines of a stream for both.
//!
//! # Invariants
//! 1. However the bytes are cut, the chunks are the same.
//! 2. Whatever a server sends, reading it ends, and its memory is bounded by the size of one event.
//! 3. No text from a provider is passed on that could contain a part of a key or a prompt: errors give its status and its
//!    code.

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

/// The protocol that a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Protocol {
    OpenAi,
    Anthropic,
}

impl Protocol {
    /// OpenTelemetry's name for providers that speak it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
        }
    }

    /// The path of requests, below the base URL.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "/chat/completions",
            Self::Anthropic => "/messages",
        }
    }

    /// The body of a request, with the limit on the answer in the form that the endpoint wants.
    pub(crate) fn body(self, model: &str, request: &Request, bound: Bound) -> Value {
        match self {
            Self::OpenAi => openai::body(model, request, bound),
            Self::Anthropic => anthropic::body(model, request),
        }
    }
}

/// How an OpenAI-compatible endpoint names the most tokens of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Bound {
    /// The name that all of them understand.
    #[default]
    MaxTokens,
    /// The name that OpenAI's own newer models want; they refuse the other.
    MaxCompletionTokens,
}

impl Bound {
    /// The one for this host.
    pub(crate) fn of(host: &str) -> Self {
        if host.eq_ignore_ascii_case("api.openai.com") { Self::MaxCompletionTokens } else { Self::MaxTokens }
    }
}

/// Reads an answer as its bytes arrive.
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

    /// The next chunk of what has arrived so far.
    pub(crate) fn next(&mut self) -> Option<Chunk> {
        self.chunks.pop_front()
    }

    /// Takes more bytes of a stream of events.
    ///
    /// # Errors
    /// [`ModelError`] sent in the stream, or for a stream that cannot be read. Chunks from before it are still there.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), ModelError> {
        // What came before an unreadable line is read first.
        let fed = self.lines.feed(bytes);
        self.events().and(fed)
    }

    /// The stream is over: an event without its empty line counts too.
    ///
    /// # Errors
    /// As [`Reading::feed`].
    pub(crate) fn end(&mut self) -> Result<(), ModelError> {
        let ended = self.lines.end();
        self.events().and(ended)
    }

    /// Takes an answer that came whole, from servers that do not stream.
    ///
    /// # Errors
    /// [`ModelError`] if it is not an answer.
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

/// The provider sent something unreadable.
fn odd(what: &str) -> ModelError {
    ModelError::Failed(format!("the provider sent {what}"))
}

/// A number of tokens; anything else is 0.
fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests;
