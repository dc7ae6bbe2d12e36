//! The defaults of tools and models, each with its reason. All of them can be changed where a tool or a model is called.

use std::time::Duration;

/// How long one try of a tool may take: the runtime's deadline for an effect.
pub const TOOL_WITHIN: Duration = Duration::from_secs(30);
/// Tries of a tool in all: as many as a task has attempts.
pub const TOOL_TRIES: u32 = 3;
/// The first pause between two tries: a local tool recovers at once or not at all.
pub const TOOL_FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause between two tries.
pub const TOOL_LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// What one call may take with all its tries, or what is left of its task's deadline if that is less: a long answer at
/// thirty tokens a second, and one more try.
pub const MODEL: Duration = Duration::from_secs(300);
/// Without a chunk for so long a model is silent and the try has failed: above the time to the first token of a large
/// prompt.
pub const MODEL_SILENCE: Duration = Duration::from_secs(60);
/// Tries of one call, as a task has attempts.
pub const MODEL_TRIES: u32 = 3;
/// Tokens that an answer may have. Reserved with every call, so what is more than needed keeps others waiting for money.
pub const MODEL_OUTPUT: u64 = 4_096;
/// The pause before the next try where a provider that is overloaded says none.
pub const MODEL_RETRY_AFTER: Duration = Duration::from_secs(1);

/// For a connection to a provider, with its TLS: a continent takes half a second.
pub const HTTP_CONNECT: Duration = Duration::from_secs(10);
/// From a request to the first word: a long prompt takes a provider tens of seconds.
pub const HTTP_FIRST_CHUNK: Duration = Duration::from_secs(60);
/// From one word to the next: providers send a ping at least each 15 s.
pub const HTTP_IDLE: Duration = Duration::from_secs(60);

/// The model reads so much of a tool's output: some 16,000 tokens.
pub const TOOL_OUTPUT: usize = 65_536;
/// The largest file that a model's tool reads or writes whole: more is no source text.
pub const TOOL_FILE: u64 = 16_777_216;
/// A model reads so many lines of a file at once: most files are shorter.
pub const TOOL_LINES: usize = 2_000;
/// A listing names so many files: some 8,000 tokens.
pub const TOOL_LISTED: usize = 500;
/// A search gives so many matches: whoever needs more needs another pattern.
pub const TOOL_MATCHES: usize = 200;
/// A log has so many commits: a screen of them.
pub const TOOL_COMMITS: usize = 20;
/// How long a command may run: a build or the tests of a crate.
pub const COMMAND_WITHIN: Duration = Duration::from_secs(120);
/// A model agent calls its model so often for one task: most tasks take under ten.
pub const AGENT_TURNS: u32 = 20;
/// An answer of another type than was asked for is asked for once more: a second time rarely helps.
pub const AGENT_REPAIRS: u32 = 1;
/// After so many rounds of tool calls in a row of which each failed, a task does: the model goes round in circles.
pub const AGENT_IN_VAIN: u32 = 3;
/// From this share of its model's window on a model agent makes room, in thousandths: tokens are estimated, and an estimate is off by
/// a fifth.
pub const CONTEXT_AT_PERMILLE: u32 = 800;
/// To this share it reduces then, in thousandths: half of the window is some calls' room.
pub const CONTEXT_TO_PERMILLE: u32 = 500;
/// Tokens of a summary of what is left out of a conversation: a page.
pub const SUMMARY_OUTPUT: u64 = 1_024;

/// Bytes of a persona's file: a long one has 20 thousand.
pub const PERSONA_BYTES: usize = 65_536;
/// Bytes of what an agent is told by its persona, with all values in their places: half a window of a small model.
pub const PERSONA_TOLD: usize = 262_144;
/// Personas in a folder: more are no folder of personas.
pub const PERSONAS: usize = 1_000;
/// Steps that a template may take: a loop over some thousand values.
pub const PERSONA_FUEL: u64 = 100_000;

/// Agents that an orchestrator has at once: what a model keeps in view, and fewer than a fan-out.
pub const ORCHESTRATOR_ALIVE: u32 = 4;
/// Agents that it makes in all for one task: each of the four has been replaced twice then.
pub const ORCHESTRATOR_IN_ALL: u32 = 12;
/// How long an agent may work on one command: a model agent's twenty calls take some minutes.
pub const ORCHESTRATOR_COMMAND: Duration = Duration::from_secs(600);
/// How long an agent that is deleted has to stop: the runtime's for a stop.
pub const ORCHESTRATOR_STOP: Duration = Duration::from_secs(10);
/// Events that its model reads of an agent: the latest, which tell what it is at.
pub const ORCHESTRATOR_LOG: usize = 50;

/// An approval is waited for so long: somebody may be at lunch.
pub const APPROVAL: Duration = Duration::from_secs(3_600);

/// A breaker stays open for so long: a provider that restarts is back by then.
pub const BREAKER_OPEN: Duration = Duration::from_secs(30);
/// A cache holds so many bytes of results: some thousand files.
pub const CACHE_WEIGHT: usize = 67_108_864;
/// Somebody who is out for the same result is waited for so long: less than an effect has, so that there is time to go oneself.
pub const CACHE_WAIT: Duration = Duration::from_secs(10);
/// A cached result holds for so long: what somebody edits by hand is seen soon.
pub const CACHE_TTL: Duration = Duration::from_secs(300);

/// The start of an MCP server, up to its list of tools: `npx` and `uvx` download a package first.
pub const MCP_START: Duration = Duration::from_secs(60);
/// A server is restarted so often within [`MCP_PERIOD`]; one that ends more often is broken.
pub const MCP_RESTARTS: u32 = 5;
/// The window in which its restarts are counted.
pub const MCP_PERIOD: Duration = Duration::from_secs(60);
/// The pause before the first restart; each further pause is twice as long. Calls wait for the restart.
pub const MCP_FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest such pause.
pub const MCP_LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The longest answer of a worker process: matches in thousands of files, and far from what memory bears.
pub const POOL_ANSWER: usize = 67_108_864;
/// The longest message of a server: a large file as base64, and what rmcp accepts over HTTP.
pub const MCP_MESSAGE: usize = 16_777_216;
/// Bytes of a server's list of tools that are read.
pub const MCP_LIST: usize = 33_554_432;
/// The most bytes of one tool's name, description and schema: models read them with every call.
pub const MCP_TOOL: usize = 65_536;
/// The most tools of one server that are offered: providers accept 128, and a model chooses badly among many.
pub const MCP_TOOLS: usize = 128;
/// From a request over HTTP to the head of its answer. Each call has its own limit; this one ends requests that nobody waits for.
pub const MCP_HTTP: Duration = Duration::from_secs(300);
/// From the end of its input to its kill, in a stop: time for a server to save its state.
pub const MCP_CLOSE: Duration = Duration::from_millis(500);
