//! A server on a thread of its own, and an agent that asks.

use std::net::SocketAddr;
use std::sync::Arc;

use skep::actors::model::{Chunk, Prices};
use skep::actors::{CallModel as _, Endpoint, Models, Remote, Reply, Request, Secret, Server};
use skep::{Agent, AgentError, AgentSpec, Context, Env};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// Serves until it is dropped.
pub(crate) struct Serving {
    pub(crate) addr: SocketAddr,
    _until: oneshot::Sender<()>,
}

/// What speaks to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    OpenAi,
    Anthropic,
}

pub(crate) const BOTH: [Speaks; 2] = [Speaks::OpenAi, Speaks::Anthropic];

impl Serving {
    pub(crate) fn of(models: Models) -> Self {
        let (tell, told) = std::sync::mpsc::channel();
        let (until, is_over) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let env = Env::real();
                let server = Server::bind(([127, 0, 0, 1], 0).into(), models, env).await.unwrap();
                tell.send(server.local_addr().unwrap()).unwrap();
                tokio::select! {
                    served = server.run() => served.unwrap(),
                    _ = is_over => {}
                }
            });
        });
        Self { addr: told.recv().unwrap(), _until: until }
    }

    pub(crate) fn endpoint(&self, speaks: Speaks) -> Endpoint {
        endpoint(self.addr, speaks)
    }

    pub(crate) fn model(&self, speaks: Speaks, name: &str) -> Remote {
        self.endpoint(speaks).model(name).prices(prices())
    }
}

pub(crate) fn endpoint(addr: SocketAddr, speaks: Speaks) -> Endpoint {
    let base = format!("http://{addr}/v1");
    let endpoint = match speaks {
        Speaks::OpenAi => Endpoint::openai(&base),
        Speaks::Anthropic => Endpoint::anthropic(&base),
    };
    endpoint.unwrap().key(&Secret::new("any").unwrap())
}

pub(crate) fn prices() -> Prices {
    Prices::per_million("1.00", "5.00").unwrap()
}

/// Asks a model by name and gives what came, chunk by chunk.
pub(crate) struct Asker;

impl Asker {
    pub(crate) fn spec() -> AgentSpec<Self> {
        AgentSpec::new("asker", || Self)
    }
}

impl Agent for Asker {
    /// The model, the request, and how often it may be tried.
    type Task = (String, Request, u32);
    type Output = (Vec<Chunk>, Reply);

    async fn handle(
        &mut self,
        (model, request, tries): &Self::Task,
        cx: &Context,
    ) -> Result<Self::Output, AgentError> {
        let mut stream = cx.model(model).tries(*tries).stream(request.clone());
        let mut chunks = Vec::new();
        while let Some(chunk) = stream.next().await {
            chunks.push(chunk?);
        }
        Ok((chunks, stream.reply().await?))
    }
}

/// A model that is asked by its address alone.
pub(crate) fn only(name: &str, model: impl skep::actors::Model) -> Models {
    Models::new().with(name, Arc::new(model))
}
