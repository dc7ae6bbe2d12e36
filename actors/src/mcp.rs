//! Tools of MCP servers. A server is a supervised agent, any agent can call its tools, and each call is an effect of the
//! agent that makes it.
//!
//! ```no_run
//! use skep_actors::mcp::Mcp;
//! use skep_actors::tool::Card;
//! use skep_actors::ModelAgent;
//! use skep_runtime::{Reach, Repeat, Swarm};
//! use skep_runtime::effect::Tier;
//!
//! # async fn run(swarm: Swarm) -> Result<(), Box<dyn std::error::Error>> {
//! let fs = Mcp::stdio("npx", ["-y", "@modelcontextprotocol/server-filesystem", "/repo"])
//!     .card("read_*", |card| Card { repeat: Repeat::Pure, tier: Tier::Reads, modifies: false, ..card })
//!     .reach("read_*", |arguments| arguments["path"].as_str().map_or(Reach::Unknown, Reach::path));
//! swarm.spawn(fs.spec("fs")).await?;
//! let agent = ModelAgent::new("smart").tools(fs.tools().await?);
//! # drop(agent);
//! # Ok(())
//! # }
//! ```
//!
//! What a server says about its own tools is not trusted. Until the embedder's table says otherwise ([`Mcp::card`], [`Mcp::reach`]), a tool
//! may happen only once, is dangerous, and has an unknown reach, so that no ceiling on targets lets a call pass.
//!
//! # Invariants
//! 1. The server's agent owns only the process and the connection. Calls, their cost and their deadlines belong to the callers.
//! 2. Memory and time stay bounded, whatever a server prints or fails to print.
//! 3. When a call is dropped, the server is told so.

mod ask;
mod calls;
mod content;
mod door;
mod error;
#[cfg(feature = "http")]
mod http;
mod lines;
mod listed;
mod pipe;
mod server;
mod stdio;
mod table;
mod tool;
mod words;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use skep_runtime::{AgentSpec, Backoff, Reach, Repeat, Restart, Retry};

use self::door::Door;
pub use self::error::McpError;
#[cfg(feature = "http")]
use self::http::Http;
pub use self::server::McpServer;
use self::server::Way;
use self::stdio::Stdio;
use self::table::{Table, plain_of};
use self::tool::McpTool;
use crate::defaults;
use crate::secret::Secret;
use crate::tool::{Card, Toolset};

/// An MCP server, and how its tools are offered. [`Mcp::spec`] makes the server's agent, [`Mcp::tools`] the tools.
///
/// A clone is the same server with its own copy of the table. So one server can offer some tools to one agent and other tools to
/// another.
#[derive(Clone)]
pub struct Mcp {
    way: Way,
    within: Duration,
    table: Table,
    door: Arc<Door>,
}

impl Mcp {
    /// A server that is a program and speaks the protocol on its standard input and output.
    ///
    /// It is started without a shell, in its own process group. From our environment it gets only variables such as `PATH`, `HOME` and
    /// `LANG`, and no keys; add others with [`Mcp::env`] and [`Mcp::secret`].
    pub fn stdio(
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self::by(Way::Stdio(Stdio::new(program.as_ref(), arguments)))
    }

    /// A server over streamable HTTP, such as `https://host/mcp`. A restart of its agent only reconnects.
    ///
    /// # Errors
    /// [`BadEndpoint::Url`](crate::BadEndpoint).
    #[cfg(feature = "http")]
    pub fn http(url: &str) -> Result<Self, crate::BadEndpoint> {
        Http::new(url).map(|http| Self::by(Way::Http(http)))
    }

    /// A header that is sent with every request, such as a key. It has no effect on a program.
    ///
    /// # Errors
    /// [`BadEndpoint::Header`](crate::BadEndpoint) if it cannot be sent or is one of the protocol's own.
    #[cfg(feature = "http")]
    pub fn header(mut self, name: &str, value: &Secret) -> Result<Self, crate::BadEndpoint> {
        if let Way::Http(http) = &mut self.way {
            http.header(name, value)?;
        }
        Ok(self)
    }

    fn by(way: Way) -> Self {
        Self { way, within: defaults::MCP_START, table: Table::default(), door: Arc::default() }
    }

    /// A variable of the program's environment. It has no effect over HTTP.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        if let Some(service) = self.way.service() {
            service.environment.push((name.into(), value.into()));
        }
        self
    }

    /// A variable of the program's environment that holds a key. It is never printed.
    #[must_use]
    pub fn secret(mut self, name: impl Into<OsString>, value: &Secret) -> Self {
        if let Some(service) = self.way.service() {
            service.environment.push((name.into(), value.text().into()));
        }
        self
    }

    /// The program's working directory; the current directory by default. It has no effect over HTTP.
    #[must_use]
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        if let Some(service) = self.way.service() {
            service.folder = Some(folder.as_ref().to_owned());
        }
        self
    }

    /// The time limit for the start: process, handshake and list of tools together; 60 s by default. After a call was
    /// given up, a server that gives no sign of life for this long is restarted.
    #[must_use]
    pub fn ready_within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }

    /// A prefix for the names that models use, for servers whose tools have the same names. None by default.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.table.prefix = prefix.into();
        self
    }

    /// Offers only these tools. A pattern is a tool's name as the server lists it, or a prefix followed by `*`.
    #[must_use]
    pub fn only(mut self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.table.only.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// Does not offer these tools. A pattern is a tool's name as the server lists it, or a prefix followed by `*`.
    #[must_use]
    pub fn without(mut self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.table.without.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// What the tools that match a pattern can do. Every row that matches is applied, in the order of the calls.
    ///
    /// The first row gets the strictest card: [`Repeat::Once`], [`Tier::Dangerous`](skep_runtime::effect::Tier), it modifies something, and
    /// it has 30 s. If the last row returns a tool that may be repeated and leaves `retry` as it was, the tool gets three tries, since a
    /// server that dies is restarted.
    #[must_use]
    pub fn card(
        mut self,
        pattern: impl Into<String>,
        change: impl Fn(Card) -> Card + Send + Sync + 'static,
    ) -> Self {
        self.table.cards.push((pattern.into(), Arc::new(change)));
        self
    }

    /// The targets of a call, computed from its arguments as the model wrote them. The last row that matches is used. Unknown by default.
    ///
    /// You have to make sure that the server interprets a path or a host in the same way; return [`Reach::Unknown`] if in
    /// doubt.
    #[must_use]
    pub fn reach(
        mut self,
        pattern: impl Into<String>,
        reaches: impl Fn(&Value) -> Reach + Send + Sync + 'static,
    ) -> Self {
        self.table.reaches.push((pattern.into(), Arc::new(reaches)));
        self
    }

    /// The server's agent. Its name is part of the kind of its tools' effects: `mcp.<name>.<tool>`. Spawn it once; for a
    /// second server make another `Mcp`.
    ///
    /// Whenever the server ends it is restarted, after a pause that grows from 100 ms to 10 s, at most five times a minute. Calls wait for
    /// the restart. The spec's own methods change that.
    #[must_use]
    pub fn spec(&self, name: impl Into<String>) -> AgentSpec<McpServer> {
        let name = name.into();
        self.door.named(&name);
        let serves = self.door.spec();
        let (way, within, called) = (self.way.clone(), self.within, name.clone());
        let spec = AgentSpec::new(name, {
            let way = way.clone();
            move || McpServer::new(Arc::clone(&serves.0), called.clone(), way.clone(), within)
        });
        let backoff = Backoff {
            min: defaults::MCP_FIRST_PAUSE,
            max: defaults::MCP_LONGEST_PAUSE,
            ..Backoff::default()
        };
        spec.restart(Restart::Permanent)
            .limit(defaults::MCP_RESTARTS, defaults::MCP_PERIOD)
            .backoff(backoff)
            // The agent's own limit is shorter, and its error says more.
            .start_within(within.saturating_add(defaults::MCP_LONGEST_PAUSE))
            .fingerprint(&way.fingerprint())
    }

    /// The tools in the server's latest list. An agent keeps the tools that it was given even if the list changes; the
    /// server refuses calls of a tool that it no longer has.
    ///
    /// # Errors
    /// [`McpError`]: the server was not started, a tool cannot be offered, there are too many, or a pattern is wrong.
    pub async fn tools(&self) -> Result<Toolset, McpError> {
        let (Some(name), Some(listed)) = (self.door.name(), self.door.listed()) else {
            return Err(McpError::NotStarted);
        };
        let rows = self.table.rows(&plain_of(name), &listed)?;
        Ok(rows.into_iter().fold(Toolset::new(), |tools, mut row| {
            if row.card.repeat != Repeat::Once && row.card.retry == Retry::NEVER {
                row.card.retry = Retry::times(defaults::TOOL_TRIES).if_advised();
            }
            tools.any(Arc::new(McpTool::new(&self.door, row)))
        }))
    }

    /// Waits until the server's list of tools changes. Dropping the future has no effect.
    pub async fn changed(&self) {
        let known = self.door.listed();
        self.door.relisted(known.as_ref()).await;
    }
}

/// Without the values of its environment: some are keys.
impl fmt::Debug for Mcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mcp").field("way", &self.way).field("within", &self.within).finish_non_exhaustive()
    }
}
