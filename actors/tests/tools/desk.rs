//! An agent that calls the tools that it is offered, as a model would.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use skep_actors::tool::{Output, Toolset};
use skep_runtime::{Agent, AgentError, AgentRef, AgentSpec, Ceiling, Context, Stop, StopReceipt, Swarm};

pub(crate) struct Desk {
    swarm: Swarm,
    clerk: AgentRef<Clerk>,
}

struct Clerk(Toolset);

impl Agent for Clerk {
    type Task = (String, String);
    type Output = Output;

    async fn handle(&mut self, (tool, arguments): &Self::Task, cx: &Context) -> Result<Output, AgentError> {
        Ok(self.0.call(cx, tool, arguments).await?)
    }
}

impl Desk {
    pub(crate) async fn with(tools: Toolset) -> Self {
        Self::below(tools, Ceiling::new()).await
    }

    /// Whose clerk may do no more than this.
    pub(crate) async fn below(tools: Toolset, ceiling: Ceiling) -> Self {
        tools.check().unwrap();
        let swarm = Swarm::builder("desk").start().await.unwrap();
        let clerk = AgentSpec::new("clerk", move || Clerk(tools.clone())).ceiling(ceiling);
        let clerk = swarm.spawn(clerk).await.unwrap();
        Self { swarm, clerk }
    }

    pub(crate) async fn calls(&self, tool: &str, arguments: Value) -> Output {
        let asked = self.clerk.ask((tool.to_owned(), arguments.to_string()));
        asked.within(Duration::from_secs(120)).await.unwrap()
    }

    /// What it gives, which is no error.
    pub(crate) async fn gives(&self, tool: &str, arguments: Value) -> String {
        let output = self.calls(tool, arguments.clone()).await;
        assert!(!output.is_error, "{tool} {arguments}: {output:?}");
        output.text
    }

    /// Why it does not do it.
    pub(crate) async fn refuses(&self, tool: &str, arguments: Value) -> String {
        let output = self.calls(tool, arguments.clone()).await;
        assert!(output.is_error, "{tool} {arguments}: {output:?}");
        output.text
    }

    /// Begins a call that nobody waits for.
    pub(crate) fn begins(&self, tool: &str, arguments: &Value) {
        let asked = self.clerk.ask((tool.to_owned(), arguments.to_string())).within(Duration::from_secs(120));
        tokio::spawn(async move { drop(asked.await) });
    }

    pub(crate) fn clerk(&self) -> &AgentRef<impl Agent> {
        &self.clerk
    }

    pub(crate) async fn stops(self, stop: Stop) -> StopReceipt {
        self.swarm.stop(stop).await
    }

    pub(crate) async fn ends(self) {
        let receipt = self.stops(Stop::default()).await;
        assert!(receipt.is_clean(), "{receipt}");
    }
}

/// A pattern of all below a folder.
pub(crate) fn all_below(folder: &Path) -> String {
    format!("{}/**", folder.canonicalize().unwrap().display())
}
