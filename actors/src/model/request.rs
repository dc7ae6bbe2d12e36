//! What a model is asked: messages, tools, and how to answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ToolCall;

/// A request to a model. A text is a request too: it becomes the user's message.
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
    /// The instructions that come before the conversation.
    pub system: Option<String>,
    /// The conversation so far, oldest first.
    pub messages: Vec<Message>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// The most tokens that it may write.
    pub max_output_tokens: Option<u64>,
    /// Sampling settings, by the provider's own names: `temperature`, `top_p`, `seed`, `stop`.
    pub settings: BTreeMap<String, Value>,
    /// For how long the provider should cache the context, for requests that start in the same way. By default nothing is
    /// asked of it; some providers cache without being told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_cache: Option<ContextCache>,
}

/// For how long a provider caches the context of a request. Each use restarts the time. Anthropic's models do as they are
/// told; OpenAI's cache contexts on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContextCache {
    /// Tokens written to the cache cost what the model's price list says.
    FiveMinutes,
    /// Tokens written to the cache cost twice as much as tokens sent.
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
    /// The result of a tool.
    Tool {
        /// The id of the call that this answers.
        call: String,
        /// The result, as text.
        output: String,
    },
}

/// Something that the model may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it is for, for the model to read.
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

    /// The result of a tool call.
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

/// What a provider's template adds around each message or tool, in tokens, and around the whole request: a generous
/// allowance.
const AROUND_EACH: usize = 32;
const AROUND_ALL: usize = 64;
/// How many bytes of text make up a token, roughly.
pub(crate) const BYTES_A_TOKEN: u64 = 4;

impl Request {
    /// An empty request.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The instructions that come before the conversation.
    #[must_use]
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.system = Some(text.into());
        self
    }

    /// For how long the provider should cache the context.
    #[must_use]
    pub const fn context_cache(mut self, cache: ContextCache) -> Self {
        self.context_cache = Some(cache);
        self
    }

    /// Adds a message.
    #[must_use]
    pub fn message(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }

    /// Adds a tool.
    #[must_use]
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// The most tokens that the model may write; 4,096 by default.
    #[must_use]
    pub const fn max_output_tokens(mut self, most: u64) -> Self {
        self.max_output_tokens = Some(most);
        self
    }

    /// A sampling setting, by the provider's own name for it.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// This request continued by another: the other's messages and tools come after these; whatever else the other sets
    /// wins.
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

    /// An upper bound for any tokenizer: each token is at least a byte, and templates have their allowance.
    #[must_use]
    pub fn tokens_at_most(&self) -> u64 {
        let parts = self.messages.len() + self.tools.len() + usize::from(self.system.is_some());
        (self.bytes() + parts * AROUND_EACH + AROUND_ALL) as u64
    }

    /// Roughly how many tokens the request has: for the bill if the provider sends no usage.
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

/// Roughly how many tokens this many bytes of text are.
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
