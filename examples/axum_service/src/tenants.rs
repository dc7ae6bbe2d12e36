//! A tenant is an agent: it does nothing itself, and everything of its requests happens below it, under its budget and its ceiling.

use skep::{AgentRef, Budget, Ceiling, SpawnError, Supervisor, Window};

use crate::app::App;

impl App {
    /// The tenant of a name. Spawning a name that lives gives the agent that has it, so the first request of a tenant makes
    /// it and all others find it.
    pub(crate) async fn tenant(&self, name: &str) -> Result<AgentRef<Supervisor>, SpawnError> {
        let budget = Budget::usd(&self.tenant_usd).per(Window::Day).live_agents(200);
        let tenant = Supervisor::dynamic().named(name).budget(budget).ceiling(Ceiling::only(["model"]));
        self.swarm.spawn(tenant).await
    }
}
