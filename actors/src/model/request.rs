//! What a model is asked: messages, tools, and how to answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ToolCall;

/// A request to a model. A text is one too: the user says it.
///
/// ```
/// use skep_actors::model::Request;
///
/// let request = Request::from("Is this sound?").system("You review Rust.").max_output_tokens(200);
/// assert_eq!(request.last_said(), "Is this sound?");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    /// What the model is told before all else.
    pub system: Option<String>,
    /// The conversation so far, oldest first.
    pub messages: Vec<Message>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// The most tokens that it may write.
    pub max_output_tokens: Option<u64>,
    /// How it samples, by the provider's own names: `temperature`, `top_p`, `seed`, `stop`.
    pub settings: BTreeMap<String, Value>,
    /// For how long the provider is to keep what it has read, for requests that begin in the same way. Not at all, unless told or
    /// unless it does so by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_cache: Option<ContextCache>,
}

/// For how long a provider keeps the context of a request. Each use begins the time anew. Anthropic's models do as they are told;
/// OpenAI's keep contexts by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContextCache {
    /// What is put there costs as the model's price list says.
    FiveMinutes,
    /// What is put there costs twice as much as what is sent.
    Hour,
}

/// A message of the conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Message {
    /// What the user says.
    User {
        /// The text.
        text: String,
    },
    /// What the model said, and what it called.
    Assistant {
        /// The text.
        text: String,
        /// Its calls of tools.
        #[serde(default)]
        tool_calls: Vec<ToolCall>,
    },
    /// What a tool gave.
    Tool {
        /// The id of the call that this answers.
        call: String,
        /// What the tool gave, as text.
        output: String,
    },
}

/// Something that the model may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it is for, in the words that the model reads.
    pub description: String,
    /// Its arguments, as a JSON schema.
    pub schema: Value,
}

impl Tool {
    /// A tool with a schema of its arguments.
    #[must_use]
    pub fn new(name: impl Into<String>, description: impl Into<String>, schema: Value) -> Self {
        Self { name: name.into(), description: description.into(), schema }
    }
}

impl Message {
    /// What the user says.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self::User { text: text.into() }
    }

    /// What the model said.
    #[must_use]
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::Assistant { text: text.into(), tool_calls: Vec::new() }
    }

    /// What a tool gave to a call.
    #[must_use]
    pub fn tool(call: &ToolCall, output: impl Into<String>) -> Self {
        Self::Tool { call: call.id.clone(), output: output.into() }
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::User { text } | Self::Assistant { text, .. } => text,
            Self::Tool { output, .. } => output,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let calls = match self {
            Self::Assistant { tool_calls, .. } => tool_calls.iter().map(ToolCall::bytes).sum(),
            Self::Tool { call, .. } => call.len(),
            Self::User { .. } => 0,
        };
        self.text().len() + calls
    }
}

/// What a provider's template puts around each message or tool, in tokens, and around all of them: generous.
const AROUND_EACH: usize = 32;
const AROUND_ALL: usize = 64;
/// How many bytes of text make a token, by and large.
pub(crate) const BYTES_A_TOKEN: u64 = 4;

impl Request {
    /// An empty request.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the model is told before all else.
    #[must_use]
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.system = Some(text.into());
        self
    }

    /// For how long the provider is to keep what it has read.
    #[must_use]
    pub const fn context_cache(mut self, cache: ContextCache) -> Self {
        self.context_cache = Some(cache);
        self
    }

    /// One more message.
    #[must_use]
    pub fn message(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }

    /// One more tool.
    #[must_use]
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// The most tokens that the model may write; 4,096 unless told.
    #[must_use]
    pub const fn max_output_tokens(mut self, most: u64) -> Self {
        self.max_output_tokens = Some(most);
        self
    }

    /// How it samples, by the provider's own name for it.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// This request, gone on with by another: its messages and tools come after, what else it says holds.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.system = other.system.or(self.system);
        self.messages.extend(other.messages);
        self.tools.extend(other.tools);
        self.max_output_tokens = other.max_output_tokens.or(self.max_output_tokens);
        self.settings.extend(other.settings);
        self.context_cache = other.context_cache.or(self.context_cache);
        self
    }

    /// The text of the last message; empty if there is none.
    #[must_use]
    pub fn last_said(&self) -> &str {
        self.messages.last().map_or("", Message::text)
    }

    /// No tokenizer makes more tokens of the request: each token is at least a byte, and templates have their allowance.
    #[must_use]
    pub fn tokens_at_most(&self) -> u64 {
        let parts = self.messages.len() + self.tools.len() + usize::from(self.system.is_some());
        (self.bytes() + parts * AROUND_EACH + AROUND_ALL) as u64
    }

    /// How many tokens the request has by and large: for a bill where the provider sends none.
    #[must_use]
    pub fn tokens_about(&self) -> u64 {
        tokens_about(self.bytes())
    }

    fn bytes(&self) -> usize {
        let system = self.system.as_ref().map_or(0, String::len);
        let messages: usize = self.messages.iter().map(Message::bytes).sum();
        let tool = |tool: &Tool| tool.name.len() + tool.description.len() + tool.schema.to_string().len();
        let tools: usize = self.tools.iter().map(tool).sum();
        system + messages + tools
    }
}

/// How many tokens so many bytes of text are, by and large.
pub(super) const fn tokens_about(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(BYTES_A_TOKEN)
}

impl From<&str> for Request {
    fn from(text: &str) -> Self {
        Self::new().message(Message::user(text))
    }
}

impl From<String> for Request {
    fn from(text: String) -> Self {
        Self::new().message(Message::user(text))
    }
}

impl From<&String> for Request {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Vec<Message>> for Request {
    fn from(messages: Vec<Message>) -> Self {
        Self { messages, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_comes_later_holds_and_messages_add_up() {
        let base = Request::new().system("old").max_output_tokens(9).setting("top_p", 1);
        let both = base.and(Request::from("hello").system("new").setting("top_p", 2));
        assert_eq!((both.system.as_deref(), both.max_output_tokens), (Some("new"), Some(9)));
        assert_eq!((both.last_said(), &both.settings["top_p"]), ("hello", &json!(2)));
    }

    #[test]
    fn a_request_counts_all_that_is_sent() {
        let call = ToolCall { id: "1".into(), name: "grep".into(), arguments: "{}".into() };
        let empty = Request::new();
        let full = Request::from("abcd")
            .system("efgh")
            .message(Message::Assistant { text: String::new(), tool_calls: vec![call.clone()] })
            .message(Message::tool(&call, "found"))
            .tool(Tool::new("grep", "search", json!({"type": "object"})));
        let bytes = 4 + 4 + (1 + 4 + 2) + (1 + 5) + (4 + 6 + r#"{"type":"object"}"#.len());
        assert_eq!(full.tokens_about(), (bytes as u64).div_ceil(4));
        assert_eq!(full.tokens_at_most() - empty.tokens_at_most(), bytes as u64 + 5 * AROUND_EACH as u64);
    }

    #[test]
    fn a_conversation_survives_being_written_down() {
        let request = Request::from("a").message(Message::assistant("b")).setting("temperature", 0.5);
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request);
    }
}
