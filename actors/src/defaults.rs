//! The defaults of tools and models, each with its reason. All can be changed where a tool or a model is called.

use std::time::Duration;

/// How long one try of a tool may take: the runtime's deadline for an effect.
pub const TOOL_WITHIN: Duration = Duration::from_secs(30);
/// Tries of a tool in all: the same number as attempts of a task.
pub const TOOL_TRIES: u32 = 3;
/// The first pause between two tries: a local tool recovers at once or not at all.
pub const TOOL_FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause between two tries.
pub const TOOL_LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// How long one call may take with all its tries, or what is left of its task's deadline if that is less: a long answer
/// at thirty tokens a second, and one more try.
pub const MODEL: Duration = Duration::from_secs(300);
/// If a model sends no chunk for this long, the try has failed: longer than the time to the first token of a large
/// prompt.
pub const MODEL_SILENCE: Duration = Duration::from_secs(60);
/// Tries of one call: the same number as attempts of a task.
pub const MODEL_TRIES: u32 = 3;
/// The most tokens of an answer. They are reserved with every call, so more than needed makes others wait for money.
pub const MODEL_OUTPUT: u64 = 4_096;
/// The pause before the next try if an overloaded provider does not give one.
pub const MODEL_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The time for a connection to a provider, with its TLS: across a continent it takes half a second.
pub const HTTP_CONNECT: Duration = Duration::from_secs(10);
/// From a request to the first part of its answer: a long prompt takes a provider tens of seconds.
pub const HTTP_FIRST_CHUNK: Duration = Duration::from_secs(60);
/// From one part of an answer to the next: providers send a ping at least every 15 s.
pub const HTTP_IDLE: Duration = Duration::from_secs(60);

/// How much of a tool's output the model reads: some 16,000 tokens.
pub const TOOL_OUTPUT: usize = 65_536;
/// The largest file that a model's tool reads or writes whole: larger files are not source text.
pub const TOOL_FILE: u64 = 16_777_216;
/// How many lines of a file a model reads at once: most files are shorter.
pub const TOOL_LINES: usize = 2_000;
/// How many files a listing names: some 8,000 tokens.
pub const TOOL_LISTED: usize = 500;
/// How many matches a search returns: if more are needed, the pattern is wrong.
pub const TOOL_MATCHES: usize = 200;
/// How many commits a log has: a screen of them.
pub const TOOL_COMMITS: usize = 20;
/// How long a command may run: enough for a build or the tests of a crate.
pub const COMMAND_WITHIN: Duration = Duration::from_secs(120);
/// How often a model agent calls its model for one task: most tasks take under ten calls.
pub const AGENT_TURNS: u32 = 20;
/// How often an answer of the wrong type is asked for again: a second time rarely helps.
pub const AGENT_REPAIRS: u32 = 1;
/// The task fails after this many rounds of tool calls in a row in which every call failed: the model is going in
/// circles.
pub const AGENT_IN_VAIN: u32 = 3;
/// The share of its model's window at which a model agent makes room, in thousandths: tokens are estimated, and an
/// estimate may be off by a fifth.
pub const CONTEXT_AT_PERMILLE: u32 = 800;
/// The share to which it then reduces, in thousandths: the other half leaves room for some calls.
pub const CONTEXT_TO_PERMILLE: u32 = 500;
/// The most tokens of a summary of what is left out of a conversation: a page.
pub const SUMMARY_OUTPUT: u64 = 1_024;

/// The most bytes of a persona's file: a long one has 20 thousand.
pub const PERSONA_BYTES: usize = 65_536;
/// The most bytes of a persona's instructions, with all values filled in: half the window of a small model.
pub const PERSONA_TOLD: usize = 262_144;
/// The most personas in a folder: with more, it is not a folder of personas.
pub const PERSONAS: usize = 1_000;
/// The most steps that a template may take: a loop over some thousand values.
pub const PERSONA_FUEL: u64 = 100_000;

/// The most agents that an orchestrator has at once: what a model can keep track of, and fewer than a fan-out.
pub const ORCHESTRATOR_ALIVE: u32 = 4;
/// The most agents that it creates in all for one task: enough to replace each of the four twice.
pub const ORCHESTRATOR_IN_ALL: u32 = 12;
/// How long an agent may work on one command: a model agent's twenty calls take some minutes.
pub const ORCHESTRATOR_COMMAND: Duration = Duration::from_secs(600);
/// How long a deleted agent has to stop: the runtime's time for a stop.
pub const ORCHESTRATOR_STOP: Duration = Duration::from_secs(10);
/// How many events of an agent its model reads: the latest, which show what it is doing.
pub const ORCHESTRATOR_LOG: usize = 50;

/// How long to wait for an approval: the person asked may be at lunch.
pub const APPROVAL: Duration = Duration::from_secs(3_600);

/// How long a breaker stays open: by then a provider that restarts is back.
pub const BREAKER_OPEN: Duration = Duration::from_secs(30);
/// The most bytes of results in a cache: some thousand files.
pub const CACHE_WEIGHT: usize = 67_108_864;
/// How long to wait for another caller that fetches the same result: less than an effect has, to leave time for fetching
/// it here.
pub const CACHE_WAIT: Duration = Duration::from_secs(10);
/// How long a cached result is valid: changes that somebody makes by hand are seen soon.
pub const CACHE_TTL: Duration = Duration::from_secs(300);

/// How long the start of an MCP server may take, up to its list of tools: `npx` and `uvx` download a package first.
pub const MCP_START: Duration = Duration::from_secs(60);
/// The most restarts of a server within [`MCP_PERIOD`]; one that ends more often is broken.
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
/// The most bytes of a server's list of tools that are read.
pub const MCP_LIST: usize = 33_554_432;
/// The most bytes of one tool's name, description and schema: models read them with every call.
pub const MCP_TOOL: usize = 65_536;
/// The most tools of one server that are offered: providers accept 128, and a model chooses badly among many.
pub const MCP_TOOLS: usize = 128;
/// The time from a request over HTTP to the head of its answer. Each call has its own limit; this one ends requests that
/// nobody waits for.
pub const MCP_HTTP: Duration = Duration::from_secs(300);
/// The time from closing its input to killing it, in a stop: a server can save its state in it.
pub const MCP_CLOSE: Duration = Duration::from_millis(500);
