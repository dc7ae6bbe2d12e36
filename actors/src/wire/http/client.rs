//! Connections, kept for the next call in the runtime in which they were opened.
use std::collections::VecDeque;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::GaiResolver;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use parking_lot::Mutex;
use skep_runtime::Env;
use tokio::runtime::Handle;

use super::Endpoint;
use crate::model::ModelError;

type Https = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// How many runtimes of one process are remembered: a connection lives in the runtime in which it was opened.
const RUNTIMES: usize = 8;

/// An unused connection is closed after this time; providers close theirs a little later.
const KEPT: Duration = Duration::from_secs(50);

#[derive(Default)]
pub(crate) struct Clients(Mutex<VecDeque<(tokio::runtime::Id, Https)>>);

impl Clients {
    /// The client for this runtime.
    pub(crate) fn here(&self, connect: Duration) -> Result<Https, ModelError> {
        let id = Handle::current().id();
        let known = |all: &VecDeque<(tokio::runtime::Id, Https)>| {
            all.iter().find(|(known, _)| *known == id).map(|(_, client)| client.clone())
        };
        if let Some(client) = known(&self.0.lock()) {
            return Ok(client);
        }
        // Reading the system's certificates takes a while, so it is done outside the lock.
        let client = client(connect)?;
        let mut all = self.0.lock();
        if let Some(client) = known(&all) {
            return Ok(client);
        }
        if all.len() == RUNTIMES {
            all.pop_front();
        }
        all.push_back((id, client.clone()));
        Ok(client)
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn send(
        &self,
        endpoint: &Endpoint,
        body: Bytes,
    ) -> Result<Response<Incoming>, ModelError> {
        let mut request = Request::post(endpoint.uri.clone())
            .body(Full::new(body))
            .map_err(|_| ModelError::Refused("the request cannot be written".to_owned()))?;
        let agent = HeaderValue::from_static(concat!("skep/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(USER_AGENT, agent);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().extend(endpoint.headers.clone());
        let limit = endpoint.timeouts.first_chunk;
        match Env::at_most_outside(limit, self.here(endpoint.timeouts.connect)?.request(request)).await {
            None => Err(ModelError::Silent(limit)),
            Some(Ok(answer)) => Ok(answer),
            // The messages of hyper contain nothing of the request, and name what failed.
            Some(Err(error)) if error.is_connect() => Err(ModelError::Unreachable(causes(&error))),
            Some(Err(_)) => Err(ModelError::Cut),
        }
    }
}

/// A connector, with TLS if a URL requires it, to the addresses that the resolver gives.
pub(crate) fn https<R>(resolver: R, connect: Duration) -> Result<HttpsConnector<HttpConnector<R>>, String> {
    let mut http = HttpConnector::new_with_resolver(resolver);
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(connect));
    let builder = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .map_err(|error| format!("the system has no certificates: {error}"))?;
    Ok(builder.https_or_http().enable_http1().wrap_connector(http))
}

fn client(connect: Duration) -> Result<Https, ModelError> {
    let https = https(GaiResolver::new(), connect).map_err(ModelError::Unreachable)?;
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_idle_timeout(KEPT);
    Ok(builder.build(https))
}

pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(error.source(), |error| error.source());
    let all: Vec<_> = chain.map(ToString::to_string).collect();
    if all.is_empty() { error.to_string() } else { all.join(": ") }
}
