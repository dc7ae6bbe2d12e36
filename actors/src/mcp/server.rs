//! The agent of a server: its process and its connection, for as long as an incarnation lives.
//!
//! ```text
//! start ── process ── handshake ── list ──▶ door open ──▶ attends to it ──▶ its end is the incarnation's
//!                                                              ▲    │
//!                                     list again ◀── list_changed ──┘
//! ```
//!
//! # Invariants
//! 1. The process is a holding: however the incarnation ends, its whole process group is killed.
//! 2. The handshake and the list never take longer than the start may.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use rmcp::ServiceExt as _;
use rmcp::handler::client::ClientHandler;
use rmcp::model::{ClientCapabilities, ClientConfig, Implementation};
use rmcp::service::{
    ClientInitializeError, NotificationContext, Peer, QuitReason, RoleClient, RunningService,
};
use rmcp::transport::IntoTransport;
use skep_runtime::{Agent, AgentError, Context, Env, Exit, FailureClass, StopContext};
use tokio::sync::Notify;

use super::ask;
use super::calls::{Calls, Since};
use super::door::{Door, Opened};
#[cfg(feature = "http")]
use super::http::Http;
use super::listed::Listed;
use super::stdio::{Process, Stdio};
use super::words::brief;
use crate::defaults;
use crate::process::Service;

/// The time between two lists if a server floods us with changes, and between two checks of one that may be busy.
const A_WHILE: Duration = Duration::from_secs(1);

/// How a server is reached.
#[derive(Clone, Debug)]
pub(super) enum Way {
    Stdio(Stdio),
    #[cfg(feature = "http")]
    Http(Http),
}

impl Way {
    pub(super) fn service(&mut self) -> Option<&mut Service> {
        match self {
            Self::Stdio(stdio) => Some(&mut stdio.0),
            #[cfg(feature = "http")]
            Self::Http(_) => None,
        }
    }

    /// What distinguishes it from another server, without the values of its environment: some are keys.
    pub(super) fn fingerprint(&self) -> String {
        format!("{self:?}")
    }
}

/// The agent of an MCP server; [`Mcp::spec`](super::Mcp::spec) makes it. Its answer is the list of its tools' names.
pub struct McpServer {
    door: Arc<Door>,
    name: String,
    way: Way,
    within: Duration,
    close: Option<(Arc<Close>, Env)>,
}

/// How a stop reaches the connection.
#[derive(Default)]
struct Close {
    asked: Notify,
    done: Notify,
}

/// What the server is told about us, and what we hear from it.
#[derive(Clone, Default)]
struct Client {
    changed: Arc<Notify>,
}

impl ClientHandler for Client {
    fn get_info(&self) -> ClientConfig {
        let skep = Implementation::new("skep", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), skep)
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.changed.notify_one();
    }
}

type Session = RunningService<RoleClient, Client>;

/// A connection after its handshake.
struct Connected {
    service: Session,
    listed: Listed,
}

impl McpServer {
    pub(super) fn new(door: Arc<Door>, name: String, way: Way, within: Duration) -> Self {
        Self { door, name, way, within, close: None }
    }
}

impl Agent for McpServer {
    type Task = ();
    /// The names of its tools, as the server gives them.
    type Output = Vec<String>;

    async fn start(&mut self, cx: &Context) -> Result<(), AgentError> {
        let serves = self.door.named(&self.name);
        if serves != self.name {
            return Err(failed(format!(
                "this `Mcp` is the server {serves} already; make another for {}",
                self.name
            )));
        }
        let client = Client::default();
        let changed = Arc::clone(&client.changed);
        let within = self.within;
        let (mut process, connecting) = match &self.way {
            Way::Stdio(stdio) => {
                let (process, pipe) = stdio.begin(cx).await.map_err(failed)?;
                (Watched(Some(process)), connect(client, || pipe).boxed())
            }
            #[cfg(feature = "http")]
            Way::Http(http) => {
                let http = http.clone();
                (Watched(None), connect(client, || http.transport()).boxed())
            }
        };
        let connecting = cx.env().outside(Env::at_most_outside(within, connecting));
        let connected = tokio::select! {
            biased;
            connected = connecting => connected,
            why = process.ended() => return Err(failed(why)),
        };
        let Connected { service, listed } = match connected {
            Some(Ok(connected)) => connected,
            Some(Err(why)) => return Err(failed(process.failed(why).await)),
            None => return Err(failed(process.given_up(format!("it is not ready within {within:?}")).await)),
        };
        let opened = self.door.open(service.peer().clone(), listed);
        let (close, env) = (Arc::new(Close::default()), cx.env().clone());
        let calls = Arc::clone(&self.door.calls);
        self.close = Some((Arc::clone(&close), env.clone()));
        cx.attend("mcp connection", async move {
            let mut attended = Attended { opened, service: Some(service), changed, within, env, calls };
            let why = tokio::select! {
                biased;
                () = close.asked.notified() => {
                    // Dropping the branch below closed the connection, and with it the process's input.
                    if process.0.is_some() {
                        process.ended().await;
                    }
                    close.done.notify_one();
                    std::future::pending().await
                }
                why = process.ended() => why,
                why = attended.closed() => process.failed(why).await,
            };
            attended.opened.because(&why);
            Exit::failed(FailureClass::Failed, why)
        });
        Ok(())
    }

    /// Closes the connection, and gives the process a moment to end on its own.
    async fn stop(&mut self, _: &StopContext) -> Result<(), AgentError> {
        if let Some((close, env)) = self.close.take() {
            close.asked.notify_one();
            let done = async move { Env::at_most_outside(defaults::MCP_CLOSE, close.done.notified()).await };
            env.outside(done).await;
        }
        Ok(())
    }

    async fn handle(&mut self, (): &(), _: &Context) -> Result<Vec<String>, AgentError> {
        let listed = self.door.listed();
        let tools = listed.iter().flat_map(|listed| &listed.tools);
        Ok(tools.map(|tool| tool.name.clone()).collect())
    }
}

fn failed(why: impl std::fmt::Display) -> AgentError {
    AgentError::new(FailureClass::Start, why.to_string())
}

/// The process behind a connection, if there is one.
struct Watched(Option<Process>);

impl Watched {
    async fn ended(&mut self) -> String {
        match &mut self.0 {
            Some(process) => process.ended().await,
            None => std::future::pending().await,
        }
    }

    async fn failed(&mut self, why: String) -> String {
        match &mut self.0 {
            Some(process) => process.failed(why).await,
            None => why,
        }
    }

    async fn given_up(&mut self, why: String) -> String {
        match &mut self.0 {
            Some(process) => process.given_up(why).await,
            None => why,
        }
    }
}

/// The handshake and the first list. It has to run where the connection will live.
async fn connect<T, E, A>(client: Client, transport: impl FnOnce() -> T + Send) -> Result<Connected, String>
where
    T: IntoTransport<RoleClient, E, A>,
    E: std::error::Error + Send + Sync + 'static,
{
    let service = client.serve(transport()).await.map_err(|error| refused(&error))?;
    let listed = ask::list(service.peer()).await?;
    Ok(Connected { service, listed })
}

/// Why the handshake failed, without what the server sent: that may be long.
fn refused(error: &ClientInitializeError) -> String {
    match error {
        ClientInitializeError::ConnectionClosed(_) => {
            "it closed the connection before it was ready".to_owned()
        }
        #[cfg(feature = "http")]
        error if error.is_authorization_required() => {
            "it does not know the key, or was given none: status 401".to_owned()
        }
        // The transport's type name means nothing to a reader.
        ClientInitializeError::TransportError { error, .. } => {
            format!("it cannot be asked: {}", brief(&error.error.to_string()))
        }
        ClientInitializeError::JsonRpcError(error) => {
            format!("it refused the handshake: {}", brief(&error.message))
        }
        other => format!("the handshake failed: {}", brief(&other.to_string())),
    }
}

/// A connection and what watches it while its incarnation lives.
struct Attended {
    opened: Opened,
    service: Option<Session>,
    changed: Arc<Notify>,
    within: Duration,
    env: Env,
    calls: Arc<Calls>,
}

impl Attended {
    /// Waits for the end of the connection. Meanwhile, reads the list again whenever the server says that it has changed.
    async fn closed(&mut self) -> String {
        let Some(service) = self.service.take() else { return "it was closed".to_owned() };
        let peer = service.peer().clone();
        let closed = service.waiting();
        tokio::pin!(closed);
        loop {
            tokio::select! {
                biased;
                quit = &mut closed => return match quit {
                    Ok(QuitReason::JoinError(_)) | Err(_) => "the connection broke by a panic".to_owned(),
                    Ok(_) => "it closed the connection".to_owned(),
                },
                () = self.relisted(&peer) => {}
                () = self.silent(&peer) => return "it does not answer any more".to_owned(),
            }
        }
    }

    /// Waits until the server hangs: calls are given up, and there is no sign of life.
    async fn silent(&self, peer: &Peer<RoleClient>) {
        loop {
            let mark = self.calls.given_up().await;
            while self.calls.since(mark) == Since::Busy {
                self.env.sleep_until(self.env.now() + A_WHILE).await;
            }
            let peer = peer.clone();
            let ping = Env::at_most_outside(self.within, async move { ask::ping(&peer).await });
            if self.env.outside(ping).await.is_none() && self.calls.since(mark) == Since::Silent {
                return;
            }
        }
    }

    async fn relisted(&self, peer: &Peer<RoleClient>) {
        self.changed.notified().await;
        let (peer, within) = (peer.clone(), self.within);
        let listing = Env::at_most_outside(within, async move { ask::list(&peer).await });
        // If the list cannot be read, the previous one stays.
        if let Some(Ok(listed)) = self.env.outside(listing).await {
            self.opened.relist(listed);
        }
        self.env.sleep_until(self.env.now() + A_WHILE).await;
    }
}
