//! A whole answer, assembled from its chunks.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use skep_runtime::{AgentError, FailureClass, Usage};
use thiserror::Error;

use super::request::tokens_about;
use super::{Chunk, End, Message, Price, Tokens, ToolPiece};

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// What the model said.
    pub text: String,
    /// The tools that it calls, in the order of the provider's indices.
    pub tool_calls: Vec<ToolCall>,
    /// Why it ended.
    pub end: End,
    /// The tokens it used.
    pub tokens: Tokens,
    /// What it cost, without the tries before it.
    pub usage: Usage,
    /// Whether the usage is our own estimate: the provider sent none, or the model's price is unknown and its money is 0.
    pub estimated: bool,
}

/// A call of a tool, as the model wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's id of the call.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments as text: JSON, if the model got it right.
    pub arguments: String,
}

/// The arguments of a tool call do not fit the tool. The text itself is not shown: it is a payload.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the arguments for {tool:?} are {problem}, line {line} column {column}")]
pub struct BadArguments {
    /// The tool.
    pub tool: String,
    /// What kind of mistake it is.
    pub problem: &'static str,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

impl Reply {
    /// The reply as the next message of its conversation.
    #[must_use]
    pub fn message(&self) -> Message {
        Message::Assistant { text: self.text.clone(), tool_calls: self.tool_calls.clone() }
    }
}

impl From<BadArguments> for AgentError {
    fn from(error: BadArguments) -> Self {
        Self::new(FailureClass::Failed, error.to_string())
    }
}

impl ToolCall {
    /// The arguments, parsed into the tool's type.
    ///
    /// # Errors
    /// [`BadArguments`]: a model's JSON may be cut short, malformed, or of the wrong type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, BadArguments> {
        serde_json::from_str(&self.arguments).map_err(|error| BadArguments {
            tool: self.name.clone(),
            problem: match error.classify() {
                serde_json::error::Category::Eof => "cut short",
                serde_json::error::Category::Data => "of another shape",
                _ => "not JSON",
            },
            line: error.line(),
            column: error.column(),
        })
    }

    pub(super) const fn bytes(&self) -> usize {
        self.id.len() + self.name.len() + self.arguments.len()
    }
}

/// Puts chunks together.
///
/// # Invariants
/// 1. However an answer is cut into pieces, the reply is the same.
/// 2. Each usage that is sent is the total so far, so the last one counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Assembly {
    text: String,
    calls: BTreeMap<u32, ToolCall>,
    end: Option<End>,
    tokens: Option<Tokens>,
}

impl Assembly {
    pub(super) fn take(&mut self, chunk: &Chunk) {
        match chunk {
            Chunk::Text(text) => self.text.push_str(text),
            Chunk::ToolCall(piece) => self.piece(piece),
            Chunk::Usage(tokens) => self.tokens = Some(*tokens),
            Chunk::End(end) => self.end = Some(*end),
        }
    }

    fn piece(&mut self, piece: &ToolPiece) {
        let call = self.calls.entry(piece.index).or_default();
        call.id.push_str(piece.id.as_deref().unwrap_or_default());
        call.name.push_str(piece.name.as_deref().unwrap_or_default());
        call.arguments.push_str(&piece.arguments);
    }

    /// The tokens used so far, and whether that is an estimate, for a request of about `input` tokens.
    pub(super) fn tokens(&self, input: u64) -> (Tokens, bool) {
        let written = self.text.len() + self.calls.values().map(ToolCall::bytes).sum::<usize>();
        // Before the end, the usage that the provider reports lags behind what it has written.
        match (self.tokens, self.end) {
            (Some(tokens), Some(_)) => (tokens, false),
            (Some(tokens), None) => {
                (Tokens { output: tokens.output.max(tokens_about(written)), ..tokens }, true)
            }
            (None, _) => (Tokens::inclusive(input, 0, tokens_about(written)), true),
        }
    }

    /// The end, if the answer had one.
    pub(super) const fn end(&self) -> Option<End> {
        self.end
    }

    /// The reply of an answer that ended in this way.
    pub(super) fn reply(self, end: End, input: u64, price: &Price) -> Reply {
        let (tokens, is_guess) = self.tokens(input);
        let estimated = is_guess || !price.is_known();
        let tool_calls = self.calls.into_values().collect();
        Reply { text: self.text, tool_calls, end, tokens, usage: price.usage(&tokens), estimated }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Prices;
    use super::*;
    use proptest::prelude::*;

    fn reply(chunks: &[Chunk]) -> Option<Reply> {
        let mut assembly = Assembly::default();
        chunks.iter().for_each(|chunk| assembly.take(chunk));
        Some(assembly.clone().reply(assembly.end()?, 7, &Price::Known(Prices::FREE)))
    }

    fn call(arguments: &str) -> ToolCall {
        ToolCall { id: "1".into(), name: "grep".into(), arguments: arguments.into() }
    }

    #[test]
    fn an_answer_without_its_end_is_none() {
        assert_eq!(reply(&[Chunk::Text("a".into()), Chunk::Usage(Tokens::default())]), None);
    }

    #[test]
    fn usage_may_come_after_the_end_or_never() {
        let tokens = Tokens::inclusive(5, 2, 1);
        let sent = reply(&[Chunk::Text("a".into()), Chunk::End(End::Stop), Chunk::Usage(tokens)]).unwrap();
        assert_eq!((sent.tokens, sent.estimated), (tokens, false));
        let silent = reply(&[Chunk::Text("four".into()), Chunk::End(End::Stop)]).unwrap();
        assert_eq!((silent.tokens, silent.estimated), (Tokens::inclusive(7, 0, 1), true));
    }

    #[test]
    fn malformed_arguments_are_an_error_without_the_payload() {
        #[derive(Debug, Deserialize)]
        struct Arguments {
            #[expect(dead_code, reason = "what counts is whether it can be read")]
            pattern: String,
        }
        for (arguments, problem) in [
            (r#"{"pattern": "secret"#, "cut short"),
            (r#"{"pattern": secret}"#, "not JSON"),
            (r#"{"pattern": 4711}"#, "of another shape"),
        ] {
            let error = call(arguments).parse::<Arguments>().unwrap_err();
            assert_eq!((error.problem, error.line), (problem, 1));
            assert!(!error.to_string().contains("secret") && !error.to_string().contains("4711"), "{error}");
        }
        assert!(call(r#"{"pattern": "x"}"#).parse::<Arguments>().is_ok());
    }

    proptest! {
        #[test]
        fn however_it_is_cut_into_pieces_the_same_reply_comes(
            text in "[a-zäö]{0,20}",
            arguments in prop::collection::vec("[a-z{}:\"]{0,12}", 0..3),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        ) {
            let mut chunks: Vec<Chunk> = vec![Chunk::Text(text.clone())];
            for (index, arguments) in (0..).zip(&arguments) {
                let (id, name) = (Some(index.to_string()), Some("grep".to_owned()));
                chunks.push(Chunk::ToolCall(ToolPiece { index, id, name, arguments: arguments.clone() }));
            }
            chunks.push(Chunk::End(End::Stop));
            let whole = reply(&chunks).unwrap();
            prop_assert_eq!(&whole.text, &text);
            prop_assert_eq!(whole.tool_calls.iter().map(|call| &call.arguments).collect::<Vec<_>>(), arguments.iter().collect::<Vec<_>>());
            for cut in cuts {
                let at = cut.index(chunks.len());
                let (first, second) = halves(&chunks[at]);
                chunks.splice(at..=at, [first].into_iter().chain(second));
            }
            prop_assert_eq!(reply(&chunks), Some(whole));
        }
    }

    fn halves(chunk: &Chunk) -> (Chunk, Option<Chunk>) {
        let middle = |text: &str| (text.len() / 2..).find(|at| text.is_char_boundary(*at)).unwrap();
        match chunk {
            Chunk::Text(text) => {
                let (first, second) = text.split_at(middle(text));
                (Chunk::Text(first.into()), Some(Chunk::Text(second.into())))
            }
            Chunk::ToolCall(piece) => {
                let (first, second) = piece.arguments.split_at(middle(&piece.arguments));
                let rest = ToolPiece { index: piece.index, id: None, name: None, arguments: second.into() };
                (
                    Chunk::ToolCall(ToolPiece { arguments: first.into(), ..piece.clone() }),
                    Some(Chunk::ToolCall(rest)),
                )
            }
            other => (other.clone(), None),
        }
    }
}
