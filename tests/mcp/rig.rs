//! What the tests have in common: the server, and agents that call its tools.

use serde_json::Value;
use skep::actors::Mcp;
use skep::actors::tool::{Output, Toolset};
use skep::{Agent, AgentError, AgentRef, AgentSpec, Context, Swarm};

use super::server::CONDUCT;

/// The server of this test, which behaves like this.
pub(crate) fn server(conduct: &str) -> Mcp {
    let arguments = ["--exact", "server::it_serves_as_it_is_told", "--ignored", "--nocapture"];
    Mcp::stdio(std::env::current_exe().unwrap(), arguments).env(CONDUCT, conduct)
}

/// The same behind a wrapper, as `npx` is one.
pub(crate) fn wrapped(conduct: &str) -> Mcp {
    let exe = std::env::current_exe().unwrap();
    let line =
        format!("{} --exact server::it_serves_as_it_is_told --ignored --nocapture; true", exe.display());
    Mcp::stdio("sh", ["-c", &line]).env(CONDUCT, conduct)
}

/// One in a few lines of a shell, with one tool: after the handshake it does this.
pub(crate) fn script(then: &str) -> Mcp {
    let ready = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}}"#;
    let tools = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"echo","inputSchema":{}}]}}"#;
    let script = format!("read a; echo '{ready}'; read b; read c; echo '{tools}'; {then}");
    Mcp::stdio("sh", ["-c", &script])
}

/// Calls tools.
#[derive(Clone)]
pub(crate) struct Caller(pub(crate) Toolset);

impl Agent for Caller {
    /// A tool and its arguments.
    type Task = (String, Value);
    type Output = Output;

    async fn handle(&mut self, (tool, arguments): &Self::Task, cx: &Context) -> Result<Output, AgentError> {
        Ok(self.0.call(cx, tool, &arguments.to_string()).await?)
    }
}

impl Caller {
    pub(crate) fn spec(name: &str, tools: &Toolset) -> AgentSpec<Self> {
        let caller = Self(tools.clone());
        AgentSpec::new(name, move || caller.clone())
    }
}

/// A swarm with a server in it, and an agent that has its tools.
pub(crate) async fn swarm(mcp: &Mcp) -> (Swarm, AgentRef<Caller>) {
    let swarm = Swarm::builder("mcp").start().await.unwrap();
    swarm.spawn(mcp.spec("own")).await.unwrap();
    let caller = swarm.spawn(Caller::spec("caller", &mcp.tools().await.unwrap())).await.unwrap();
    (swarm, caller)
}

pub(crate) async fn call(caller: &AgentRef<Caller>, tool: &str, arguments: Value) -> Output {
    caller.ask((tool.to_owned(), arguments)).await.unwrap()
}

/// Whether a process is there; one that is dead and was not waited for is not.
pub(crate) fn lives(pid: &str) -> bool {
    let stat = std::process::Command::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap();
    let stat = String::from_utf8(stat.stdout).unwrap();
    !stat.trim().is_empty() && !stat.trim().starts_with('Z')
}

/// Waits until a process is gone: the system takes a moment.
pub(crate) async fn is_gone(pid: &str) {
    while lives(pid) {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn kill(pid: &str) {
    assert!(std::process::Command::new("kill").args(["-9", pid]).status().unwrap().success());
}
