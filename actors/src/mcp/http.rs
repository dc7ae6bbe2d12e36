//! A server over streamable HTTP, using our own client with its pool, TLS and limits.
//!
//! # Invariants
//! 1. An error gives a status and nothing that the server wrote: some servers put keys into their texts.
//! 2. No answer and no event may be longer than a message.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT, WWW_AUTHENTICATE};
use hyper::{Method, Request, Response, StatusCode, Uri};
use rmcp::model::{ClientJsonRpcMessage, JsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::{
    AuthRequiredError, SseError, StreamableHttpClient, StreamableHttpClientTransportConfig,
    StreamableHttpError, StreamableHttpPostResponse,
};
use skep_runtime::Env;
use skep_runtime::text::one_line;
use sse_stream::{Sse, SseStream};
use thiserror::Error;

use crate::defaults;
use crate::secret::Secret;
use crate::wire::http::{BadEndpoint, Clients};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
const STREAM: &str = "text/event-stream";
const JSON: &str = "application/json";

/// How many calls may run at once; further calls wait.
const AT_ONCE: usize = 256;

/// How much of a refusal's body is read.
const REFUSAL: usize = 64 << 10;

/// A server's address, and the headers that are sent with each request.
#[derive(Clone)]
pub(super) struct Http {
    uri: Uri,
    headers: HeaderMap,
    clients: Arc<Clients>,
}

impl Http {
    pub(super) fn new(url: &str) -> Result<Self, BadEndpoint> {
        let bad = |why| BadEndpoint::Url { url: one_line(url), why };
        let uri: Uri = url.parse().map_err(|_| bad("it cannot be read"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(bad("begin it with `https://` or `http://`"));
        }
        let authority = uri.authority().ok_or_else(|| bad("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("a key does not belong in it; use `header`"));
        }
        Ok(Self { uri, headers: HeaderMap::new(), clients: Arc::default() })
    }

    pub(super) fn header(&mut self, name: &str, value: &Secret) -> Result<(), BadEndpoint> {
        let bad = |why| BadEndpoint::Header { name: one_line(name), why };
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("it is not a name of a header"))?;
        if [ACCEPT, CONTENT_TYPE, SESSION, LAST_EVENT].contains(&name) {
            return Err(bad("it is the protocol's own"));
        }
        self.headers.insert(name, value.value());
        Ok(())
    }

    /// The connection. It has to be made on the runtime where it will live.
    pub(super) fn transport(self) -> StreamableHttpClientTransport<Self> {
        let config = StreamableHttpClientTransportConfig::with_uri(self.uri.to_string());
        let config = config.max_concurrent_requests(AT_ONCE).max_sse_event_size(defaults::MCP_MESSAGE);
        StreamableHttpClientTransport::with_client(self, config)
    }

    fn request(
        &self,
        method: Method,
        session: Option<&str>,
        headers: HashMap<HeaderName, HeaderValue>,
        body: Vec<u8>,
    ) -> Result<Request<Full<Bytes>>, HttpFailed> {
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = method;
        *request.uri_mut() = self.uri.clone();
        let all = request.headers_mut();
        let agent = HeaderValue::from_static(concat!("skep/", env!("CARGO_PKG_VERSION")));
        all.insert(USER_AGENT, agent);
        for (name, value) in headers {
            all.insert(name, value);
        }
        all.extend(self.headers.clone());
        if let Some(session) = session {
            all.insert(SESSION, HeaderValue::from_str(session).map_err(|_| HttpFailed::Session)?);
        }
        Ok(request)
    }

    /// Sends a request and waits for the head of the answer.
    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, HttpFailed> {
        let client = self
            .clients
            .here(defaults::HTTP_CONNECT)
            .map_err(|error| HttpFailed::Connect(error.to_string()))?;
        let limit = defaults::MCP_HTTP;
        match Env::at_most_outside(limit, client.request(request)).await {
            None => Err(HttpFailed::Silent(limit)),
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) if error.is_connect() => Err(HttpFailed::Connect("no connection".to_owned())),
            Some(Err(_)) => Err(HttpFailed::Cut),
        }
    }
}

/// Without its headers: one of them may be a key.
impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("uri", &self.uri).finish_non_exhaustive()
    }
}

/// Why a request got no answer.
#[derive(Debug, Error)]
pub(super) enum HttpFailed {
    #[error("the server cannot be reached: {0}")]
    Connect(String),
    #[error("the connection broke off")]
    Cut,
    #[error("no answer began within {0:?}")]
    Silent(Duration),
    #[error("the server answered with status {0}")]
    Status(u16),
    #[error("the answer has more than {} bytes, or broke off", defaults::MCP_MESSAGE)]
    Body,
    #[error("the server has a session that no header can carry")]
    Session,
}

type Failed = StreamableHttpError<HttpFailed>;
type Events = BoxStream<'static, Result<Sse, SseError>>;

impl From<HttpFailed> for Failed {
    fn from(error: HttpFailed) -> Self {
        Self::Client(error)
    }
}

fn is_of(answer: &Response<Incoming>, kind: &str) -> bool {
    let said = answer.headers().get(CONTENT_TYPE).and_then(|said| said.to_str().ok()).unwrap_or_default();
    said.split(';').next().is_some_and(|said| said.trim().eq_ignore_ascii_case(kind))
}

/// What a status means on its own, whatever the request was.
fn refused(answer: &Response<Incoming>, has_session: bool) -> Option<Failed> {
    match answer.status() {
        StatusCode::NOT_FOUND if has_session => Some(Failed::SessionExpired),
        StatusCode::UNAUTHORIZED => {
            // The challenge names realms and scopes, but no key.
            let challenge = answer.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
            Some(Failed::AuthRequired(AuthRequiredError::new(challenge.unwrap_or_default().to_owned())))
        }
        _ => None,
    }
}

async fn read(answer: Response<Incoming>, most: usize) -> Result<ServerJsonRpcMessage, Failed> {
    let reading = Limited::new(answer.into_body(), most).collect();
    let body = Env::at_most_outside(defaults::MCP_HTTP, reading).await;
    let body = body.and_then(Result::ok).ok_or(HttpFailed::Body)?.to_bytes();
    Ok(serde_json::from_slice(&body)?)
}

impl StreamableHttpClient for Http {
    type Error = HttpFailed;

    async fn post_message(
        &self,
        _: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        _: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let body = serde_json::to_vec(&message)?;
        let mut request = self.request(Method::POST, session.as_deref(), headers, body)?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        let answer = self.send(request).await?;
        if let Some(error) = refused(&answer, session.is_some()) {
            return Err(error);
        }
        let status = answer.status();
        let session = answer.headers().get(SESSION).and_then(|id| id.to_str().ok()).map(str::to_owned);
        if !status.is_success() {
            // An error in the protocol's own form says more than the status.
            let said = if is_of(&answer, JSON) { read(answer, REFUSAL).await.ok() } else { None };
            return match said {
                Some(said @ JsonRpcMessage::Error(_)) => Ok(StreamableHttpPostResponse::Json(said, session)),
                _ => Err(HttpFailed::Status(status.as_u16()).into()),
            };
        }
        if !matches!(message, JsonRpcMessage::Request(_)) || status == StatusCode::ACCEPTED {
            return Ok(StreamableHttpPostResponse::Accepted);
        }
        if is_of(&answer, STREAM) {
            return Ok(StreamableHttpPostResponse::Sse(events(answer.into_body()), session));
        }
        Ok(StreamableHttpPostResponse::Json(read(answer, defaults::MCP_MESSAGE).await?, session))
    }

    async fn delete_session(
        &self,
        _: Arc<str>,
        session: Arc<str>,
        _: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), Failed> {
        let request = self.request(Method::DELETE, Some(&session), headers, Vec::new())?;
        let answer = self.send(request).await?;
        match answer.status() {
            StatusCode::METHOD_NOT_ALLOWED => Err(Failed::ServerDoesNotSupportDeleteSession),
            status if status.is_success() || status == StatusCode::NOT_FOUND => Ok(()),
            status => Err(HttpFailed::Status(status.as_u16()).into()),
        }
    }

    async fn get_stream(
        &self,
        _: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        _: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<Events, Failed> {
        let mut request = self.request(Method::GET, session.as_deref(), headers, Vec::new())?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(STREAM));
        if let Some(last) = last_event.and_then(|last| HeaderValue::from_str(&last).ok()) {
            request.headers_mut().insert(LAST_EVENT, last);
        }
        let answer = self.send(request).await?;
        if let Some(error) = refused(&answer, session.is_some()) {
            return Err(error);
        }
        match answer.status() {
            StatusCode::METHOD_NOT_ALLOWED => Err(Failed::ServerDoesNotSupportSse),
            status if !status.is_success() => Err(HttpFailed::Status(status.as_u16()).into()),
            _ if !is_of(&answer, STREAM) => Err(Failed::ServerDoesNotSupportSse),
            _ => Ok(events(answer.into_body())),
        }
    }
}

fn events(body: Incoming) -> Events {
    let bytes = bounded(body.into_data_stream().map(|part| part.map_err(|_| HttpFailed::Cut)));
    SseStream::from_bytes_stream(bytes).boxed()
}

/// Ends with an error if an event is longer than a message may be: the reader would keep all of it in memory.
fn bounded(
    parts: impl Stream<Item = Result<Bytes, HttpFailed>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, HttpFailed>> + Send + 'static {
    let (mut event, mut line) = (0_usize, 0_usize);
    parts.map(move |part| {
        let part = part?;
        for byte in &part {
            match byte {
                // An empty line ends an event.
                b'\n' => {
                    event = if line == 0 { 0 } else { event + line };
                    line = 0;
                }
                b'\r' => {}
                _ => line += 1,
            }
        }
        if event + line > defaults::MCP_MESSAGE { Err(HttpFailed::Body) } else { Ok(part) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_a_url_without_a_key_and_the_protocols_headers_are_its_own() {
        let key = Secret::new("sk-1234").unwrap();
        let mut http = Http::new("https://host/mcp?v=1").unwrap();
        assert_eq!(http.header("authorization", &key), Ok(()));
        assert!(!format!("{http:?}").contains("1234"));
        for name in ["Mcp-Session-Id", "accept", "a b", ""] {
            assert!(http.header(name, &key).is_err(), "{name}");
        }
        for url in ["host/mcp", "ftp://host", "https://", "https://user:key@host/mcp", ""] {
            assert!(Http::new(url).is_err(), "{url}");
        }
    }

    #[tokio::test]
    async fn an_event_without_end_ends_the_stream_and_many_short_ones_do_not() {
        let parts = |text: &'static [u8], times: usize| {
            let parts = std::iter::repeat_with(move || Ok(Bytes::from_static(text))).take(times);
            bounded(futures_util::stream::iter(parts))
                .filter(|part| std::future::ready(part.is_err()))
                .count()
        };
        static LONG: [u8; 65_536] = [b'x'; 65_536];
        assert_eq!(parts(&LONG, defaults::MCP_MESSAGE / LONG.len()).await, 0);
        assert!(parts(&LONG, defaults::MCP_MESSAGE / LONG.len() + 1).await > 0);
        assert_eq!(parts(b"data: {\"a\":1}\r\n\r\n", 2_000_000).await, 0);
        assert!(parts(b"data: {\"a\":1}\n", 2_000_000).await > 0);
    }
}
