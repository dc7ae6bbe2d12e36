//! Models over HTTP: an endpoint has a base URL and a key, and the models behind it.
//!
//! Each call is one request, answered by a stream of events, or whole by servers that do not stream. Connections are kept
//! and reused. Dropping the stream closes its connection, so that the provider stops.

pub(crate) mod client;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use http_body_util::{BodyExt as _, Collected, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, Uri};
use skep_runtime::Env;
use skep_runtime::effect::Link;
use thiserror::Error;

pub(crate) use self::client::Clients;
use super::retry_after::retry_after;
use super::{Bound, Protocol, Reading, refusal};
use crate::defaults;
use crate::limit::{AtOnce, Breaker, Rate};
use crate::model::{Chunk, Chunks, Model, ModelError, Prices, Request};
use crate::secret::Secret;

/// How much of a refusal's body is read.
const REFUSAL: usize = 64 << 10;

/// The most bytes of an answer that comes whole.
const WHOLE: usize = 32 << 20;

/// A provider: one base URL with one key. Clones share its connections, and may serve several swarms.
///
/// ```
/// use skep_actors::model::{Models, Prices};
/// use skep_actors::{Endpoint, Secret};
///
/// # fn models() -> Result<Models, Box<dyn std::error::Error>> {
/// let openai = Endpoint::openai("https://api.openai.com/v1")?.key(&Secret::env("OPENAI_API_KEY")?);
/// let local = Endpoint::openai("http://localhost:8080/v1")?;
/// Ok(Models::new()
///     .with("smart", openai.model("gpt-5").prices(Prices::per_million("1.25", "10.00")?))
///     .with("fast", local.model("qwen3-8b").prices(Prices::FREE)))
/// # }
/// ```
#[derive(Clone)]
pub struct Endpoint {
    protocol: Protocol,
    bound: Bound,
    uri: Uri,
    headers: HeaderMap,
    timeouts: Timeouts,
    clients: Arc<Clients>,
    limits: Limits,
}

/// The limits of an endpoint. They apply across all swarms that call its models.
#[derive(Clone, Default)]
struct Limits {
    links: Vec<Arc<dyn Link>>,
    rate: Option<Rate>,
    breaker: Option<Breaker>,
}

/// How long an endpoint may take, step by step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect, including TLS; 10 s by default.
    pub connect: Duration,
    /// From the request to the first part of the answer; 60 s by default.
    pub first_chunk: Duration,
    /// From one part to the next; 60 s by default.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: defaults::HTTP_CONNECT,
            first_chunk: defaults::HTTP_FIRST_CHUNK,
            idle: defaults::HTTP_IDLE,
        }
    }
}

/// Why an endpoint cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BadEndpoint {
    /// The base URL is not valid.
    #[error("{url:?} is no base URL: {why}")]
    Url {
        /// The URL that was given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A header cannot be sent.
    #[error("the header {name:?} cannot be sent: {why}")]
    Header {
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl Endpoint {
    /// An endpoint that speaks OpenAI's chat completions, such as `https://api.openai.com/v1`. Requests go to
    /// `/chat/completions` below it.
    ///
    /// # Errors
    /// [`BadEndpoint::Url`].
    pub fn openai(base: &str) -> Result<Self, BadEndpoint> {
        Self::new(Protocol::OpenAi, base)
    }

    /// An endpoint that speaks Anthropic's messages, such as `https://api.anthropic.com/v1`. Requests go to `/messages`
    /// below it.
    ///
    /// # Errors
    /// [`BadEndpoint::Url`].
    pub fn anthropic(base: &str) -> Result<Self, BadEndpoint> {
        let endpoint = Self::new(Protocol::Anthropic, base)?;
        let version = HeaderValue::from_static("2023-06-01");
        Ok(endpoint.with_header(HeaderName::from_static("anthropic-version"), version))
    }

    fn new(protocol: Protocol, base: &str) -> Result<Self, BadEndpoint> {
        let bad = |why| BadEndpoint::Url { url: skep_runtime::text::one_line(base), why };
        let uri: Uri = base.parse().map_err(|_| bad("it cannot be read"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(bad("begin it with `https://` or `http://`"));
        }
        let authority = uri.authority().ok_or_else(|| bad("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("a key does not belong in it; use `key`"));
        }
        if uri.query().is_some() {
            return Err(bad("it must not have a query"));
        }
        let bound = Bound::of(authority.host());
        let path = format!("{}{}", uri.path().trim_end_matches('/'), protocol.path());
        let mut parts = uri.into_parts();
        parts.path_and_query = Some(path.parse().map_err(|_| bad("its path cannot be read"))?);
        let uri = Uri::from_parts(parts).map_err(|_| bad("it cannot be read"))?;
        let (headers, timeouts, clients) = (HeaderMap::new(), Timeouts::default(), Arc::default());
        Ok(Self { protocol, bound, uri, headers, timeouts, clients, limits: Limits::default() })
    }

    /// The key that authenticates calls. By default none is sent.
    #[must_use]
    pub fn key(self, key: &Secret) -> Self {
        match self.protocol {
            Protocol::OpenAi => self.with_header(hyper::header::AUTHORIZATION, key.bearer()),
            Protocol::Anthropic => self.with_header(HeaderName::from_static("x-api-key"), key.value()),
        }
    }

    /// Adds a header, or replaces its value: an organisation, a beta.
    ///
    /// # Errors
    /// [`BadEndpoint::Header`].
    pub fn header(self, name: &str, value: &Secret) -> Result<Self, BadEndpoint> {
        let bad = |why| BadEndpoint::Header { name: skep_runtime::text::one_line(name), why };
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("it is not a name of a header"))?;
        Ok(self.with_header(name, value.value()))
    }

    /// How long it may take. From then on it has its own connections: existing ones keep the old limits.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self.clients = Arc::default();
        self
    }

    /// At most this many calls at a time, for all its models in all swarms. No limit by default.
    #[must_use]
    pub fn at_once(mut self, most: usize) -> Self {
        self.limits.links.push(Arc::new(AtOnce::new(most)));
        self
    }

    /// At most this many calls and tokens per minute, for all its models in all swarms. No limit by default.
    #[must_use]
    pub fn rate(mut self, rate: Rate) -> Self {
        self.limits.links.push(Arc::new(rate.clone()));
        self.limits.rate = Some(rate);
        self
    }

    /// Refuses calls for a while when it has failed too often. Without a breaker it is always called.
    #[must_use]
    pub fn breaker(mut self, breaker: Breaker) -> Self {
        self.limits.links.push(Arc::new(breaker.clone()));
        self.limits.breaker = Some(breaker);
        self
    }

    /// A model behind it, by the provider's name. As long as it has no prices, neither its own nor in the swarm's table,
    /// its cost is unknown, and it is not called.
    #[must_use]
    pub fn model(&self, name: impl Into<String>) -> Remote {
        Remote { endpoint: self.clone(), name: name.into(), prices: None, window: None }
    }

    fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

/// Without its headers: one of them is the key.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("uri", &self.uri)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

/// A model behind an [`Endpoint`].
#[derive(Clone, Debug)]
pub struct Remote {
    endpoint: Endpoint,
    name: String,
    prices: Option<Prices>,
    window: Option<u64>,
}

impl Remote {
    /// What its tokens cost; [`Prices::FREE`] if it costs nothing, such as a model on your own machine.
    #[must_use]
    pub const fn prices(mut self, prices: Prices) -> Self {
        self.prices = Some(prices);
        self
    }

    /// The most tokens that it can handle, sent and written together. A route chooses by it if a request is too long for
    /// another model.
    #[must_use]
    pub const fn window(mut self, tokens: u64) -> Self {
        self.window = Some(tokens);
        self
    }
}

impl Model for Remote {
    fn name(&self) -> Option<&str> {
        Some(&self.name)
    }

    fn prices(&self) -> Option<Prices> {
        self.prices
    }

    fn provider(&self) -> Option<&str> {
        Some(self.endpoint.protocol.name())
    }

    fn limits(&self) -> Vec<Arc<dyn Link>> {
        self.endpoint.limits.links.clone()
    }

    fn shut_for(&self, tokens: u64, env: &Env) -> Duration {
        let Limits { rate, breaker, .. } = &self.endpoint.limits;
        let rate = rate.as_ref().map_or(Duration::ZERO, |rate| rate.wait(tokens, env));
        rate.max(breaker.as_ref().map_or(Duration::ZERO, |breaker| breaker.shut_for(env)))
    }

    fn window(&self) -> Option<u64> {
        self.window
    }

    fn stream(&self, request: Arc<Request>, env: &Env) -> Chunks {
        let answering = Answering {
            env: env.clone(),
            reading: Reading::new(self.endpoint.protocol),
            failed: None,
            state: State::Asks { remote: Box::new(self.clone()), request },
        };
        Box::pin(stream::unfold(answering, |mut answering| async move {
            let chunk = answering.next().await?;
            Some((chunk, answering))
        }))
    }
}

/// An answer that is arriving.
struct Answering {
    env: Env,
    reading: Reading,
    /// An error, to be reported after what came before it.
    failed: Option<ModelError>,
    state: State,
}

enum State {
    Asks { remote: Box<Remote>, request: Arc<Request> },
    Reads { body: Incoming, limit: Duration, idle: Duration },
    Over,
}

impl Answering {
    async fn next(&mut self) -> Option<Result<Chunk, ModelError>> {
        loop {
            if let Some(chunk) = self.reading.next() {
                return Some(Ok(chunk));
            }
            if let Some(error) = self.failed.take() {
                return Some(Err(error));
            }
            let gone_on = match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return None,
                State::Asks { remote, request } => self.ask(*remote, request).await,
                State::Reads { body, limit, idle } => self.read(body, limit, idle).await,
            };
            self.failed = gone_on.err();
        }
    }

    async fn ask(&mut self, remote: Remote, request: Arc<Request>) -> Result<(), ModelError> {
        let Remote { endpoint, name, .. } = remote;
        let body = endpoint.protocol.body(&name, &request, endpoint.bound).to_string();
        let timeouts = endpoint.timeouts;
        let answer = self.env.outside(async move { endpoint.send(body).await }).await?;
        if is_stream(&answer) {
            self.state =
                State::Reads { body: answer.into_body(), limit: timeouts.first_chunk, idle: timeouts.idle };
            return Ok(());
        }
        let body = answer.into_body();
        let whole = self
            .env
            .outside(Env::at_most_outside(timeouts.first_chunk, Limited::new(body, WHOLE).collect()))
            .await;
        let whole = whole.ok_or(ModelError::Silent(timeouts.first_chunk))?.map_err(|_| ModelError::Cut)?;
        self.reading.whole(&whole.to_bytes())
    }

    async fn read(&mut self, mut body: Incoming, limit: Duration, idle: Duration) -> Result<(), ModelError> {
        let read = async move {
            let frame = Env::at_most_outside(limit, body.frame()).await;
            (frame, body)
        };
        let (frame, body) = self.env.outside(read).await;
        match frame {
            None => Err(ModelError::Silent(limit)),
            Some(None) => self.reading.end(),
            // The connection broke off.
            Some(Some(Err(_))) => Err(ModelError::Cut),
            Some(Some(Ok(frame))) => {
                self.state = State::Reads { body, limit: idle, idle };
                match frame.data_ref() {
                    Some(bytes) => self.reading.feed(bytes),
                    None => Ok(()),
                }
            }
        }
    }
}

fn is_stream(answer: &Response<Incoming>) -> bool {
    let kind = answer.headers().get(hyper::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    // If the type is missing, it is a stream, since that is what was asked for.
    kind.is_none_or(|kind| !kind.trim_start().to_ascii_lowercase().starts_with("application/json"))
}

impl Endpoint {
    /// Sends a request and waits for the head of the answer.
    async fn send(&self, body: String) -> Result<Response<Incoming>, ModelError> {
        let answer = self.clients.send(self, Bytes::from(body)).await?;
        let status = answer.status().as_u16();
        if status == 200 {
            return Ok(answer);
        }
        let says = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let retry_after =
            says(hyper::header::RETRY_AFTER).and_then(|value| retry_after(value, says(hyper::header::DATE)));
        let body =
            Env::at_most_outside(self.timeouts.idle, Limited::new(answer.into_body(), REFUSAL).collect())
                .await;
        let body = body.and_then(Result::ok).map(Collected::to_bytes).unwrap_or_default();
        Err(refusal(status, retry_after, &body))
    }
}
