//! A server of models, in both protocols: it serves what [`Scripted`](crate::Scripted) or [`Simulated`](crate::Simulated)
//! answer over HTTP, so that clients can be tried without a key.
//!
//! `POST /v1/chat/completions` is OpenAI's, `POST /v1/messages` Anthropic's, `GET /v1/models` lists the models. Any key
//! is accepted.

mod anthropic;
mod openai;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::{self, FuturesUnordered};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Method, Request as HttpRequest, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use skep_runtime::Env;
use tokio::net::TcpListener;

use super::Protocol;
use crate::model::{Chunk, Chunks, End, ModelError, Models, Request, Tokens};

/// The most bytes of a request.
const MOST: usize = 32 << 20;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Serves models until it is dropped.
pub struct Server {
    listener: TcpListener,
    models: Models,
    env: Env,
}

impl Server {
    /// Listens. Port 0 picks a free port.
    ///
    /// # Errors
    /// Those of the system, such as an address that is in use.
    pub async fn bind(addr: SocketAddr, models: Models, env: Env) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(addr).await?, models, env })
    }

    /// The address on which it listens.
    ///
    /// # Errors
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves. Dropping the future closes every connection.
    ///
    /// # Errors
    /// If no connection can be accepted any more.
    pub async fn run(self) -> io::Result<()> {
        let mut connections = FuturesUnordered::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(()) = connections.next() => continue,
            };
            let (stream, _) = accepted?;
            let (models, env) = (self.models.clone(), self.env.clone());
            let served = service_fn(move |request| {
                let (models, env) = (models.clone(), env.clone());
                async move { Ok::<_, Infallible>(serve(request, &models, &env).await) }
            });
            connections.push(async move {
                let mut http = hyper::server::conn::http1::Builder::new();
                // A client that hangs up, or does not send HTTP, only ends its own connection.
                http.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), served).await.ok();
            });
        }
    }
}

async fn serve(request: HttpRequest<Incoming>, models: &Models, env: &Env) -> Response<Body> {
    let path = request.uri().path().trim_end_matches('/').to_owned();
    let protocol = match (request.method(), path.rsplit('/').next().unwrap_or_default()) {
        (&Method::POST, "completions") => Protocol::OpenAi,
        (&Method::POST, "messages") => Protocol::Anthropic,
        (&Method::GET, "models") => return whole(StatusCode::OK, &openai::list(&models.names())),
        _ => return refused(Protocol::OpenAi, &ModelError::Refused("there is nothing here".to_owned()), 404),
    };
    match asked(protocol, request).await {
        Ok(asked) => answer(protocol, asked, models, env).await,
        Err(what) => refused(protocol, &ModelError::Refused(what.to_owned()), 400),
    }
}

/// A request as it was received.
struct Asked {
    model: String,
    request: Request,
    streams: bool,
}

async fn asked(protocol: Protocol, request: HttpRequest<Incoming>) -> Result<Asked, &'static str> {
    let body = Limited::new(request.into_body(), MOST).collect().await.map_err(|_| "the body is too long")?;
    let body: Value = serde_json::from_slice(&body.to_bytes()).map_err(|_| "the body is not JSON")?;
    let model = body["model"].as_str().ok_or("`model` is missing")?.to_owned();
    let request = match protocol {
        Protocol::OpenAi => openai::request(&body)?,
        Protocol::Anthropic => anthropic::request(&body)?,
    };
    Ok(Asked { model, request, streams: body["stream"].as_bool().unwrap_or(false) })
}

async fn answer(protocol: Protocol, asked: Asked, models: &Models, env: &Env) -> Response<Body> {
    let Asked { model, request, streams } = asked;
    let mut chunks = models.get(&model).stream(Arc::new(request), env);
    // The status has to be sent before the first chunk.
    let first = chunks.next().await;
    if let Some(Err(error)) = first {
        return refused(protocol, &error, status(&error));
    }
    let chunks: Chunks = Box::pin(stream::iter(first).chain(chunks));
    if streams { streamed(protocol, &model, chunks) } else { gathered(protocol, &model, chunks).await }
}

/// Writes the events of a stream.
enum Writer {
    OpenAi(openai::Writer),
    Anthropic(anthropic::Writer),
}

impl Writer {
    fn write(&mut self, chunk: &Chunk) -> String {
        match self {
            Self::OpenAi(writer) => writer.write(chunk),
            Self::Anthropic(writer) => writer.write(chunk),
        }
    }

    fn fail(&mut self, error: &ModelError) -> String {
        match self {
            Self::OpenAi(_) => event(None, &openai::error(error)),
            Self::Anthropic(_) => event(Some("error"), &anthropic::error(error)),
        }
    }

    fn end(&mut self) -> String {
        match self {
            Self::OpenAi(_) => "data: [DONE]\n\n".to_owned(),
            Self::Anthropic(writer) => writer.end(),
        }
    }
}

fn event(name: Option<&str>, data: &Value) -> String {
    match name {
        Some(name) => format!("event: {name}\ndata: {data}\n\n"),
        None => format!("data: {data}\n\n"),
    }
}

fn streamed(protocol: Protocol, model: &str, chunks: Chunks) -> Response<Body> {
    let writer = match protocol {
        Protocol::OpenAi => Writer::OpenAi(openai::Writer::new(model)),
        Protocol::Anthropic => Writer::Anthropic(anthropic::Writer::new(model)),
    };
    let frames = stream::unfold(Some((chunks, writer, false)), |going| async move {
        let (mut chunks, mut writer, has_ended) = going?;
        match chunks.next().await {
            Some(Ok(chunk)) => {
                let has_ended = has_ended || matches!(chunk, Chunk::End(_));
                let text = writer.write(&chunk);
                Some((Ok(Frame::data(Bytes::from(text))), Some((chunks, writer, has_ended))))
            }
            Some(Err(error)) => Some((Ok(Frame::data(Bytes::from(writer.fail(&error)))), None)),
            None if has_ended => Some((Ok(Frame::data(Bytes::from(writer.end()))), None)),
            // An answer that breaks off also breaks off the connection.
            None => Some((Err(io::Error::other("the answer broke off")), None)),
        }
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("text/event-stream"));
    response
}

/// A whole answer.
#[derive(Default)]
struct Gathered {
    text: String,
    calls: Vec<(String, String, String)>,
    end: Option<End>,
    tokens: Tokens,
}

async fn gathered(protocol: Protocol, model: &str, mut chunks: Chunks) -> Response<Body> {
    let mut all = Gathered::default();
    while let Some(chunk) = chunks.next().await {
        match chunk {
            Ok(Chunk::Text(text)) => all.text.push_str(&text),
            Ok(Chunk::ToolCall(piece)) => {
                let at = usize::try_from(piece.index).unwrap_or(usize::MAX).min(all.calls.len());
                if at == all.calls.len() {
                    all.calls.push(<(String, String, String)>::default());
                }
                let (id, name, arguments) = &mut all.calls[at];
                id.push_str(piece.id.as_deref().unwrap_or_default());
                name.push_str(piece.name.as_deref().unwrap_or_default());
                arguments.push_str(&piece.arguments);
            }
            Ok(Chunk::Usage(tokens)) => all.tokens = tokens,
            Ok(Chunk::End(end)) => all.end = Some(end),
            Err(error) => return refused(protocol, &error, status(&error)),
        }
    }
    if all.end.is_none() {
        return refused(protocol, &ModelError::Cut, 500);
    }
    let answer = match protocol {
        Protocol::OpenAi => openai::whole(model, &all),
        Protocol::Anthropic => anthropic::whole(model, &all),
    };
    whole(StatusCode::OK, &answer)
}

fn whole(status: StatusCode, answer: &Value) -> Response<Body> {
    let body = Full::new(Bytes::from(answer.to_string())).map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    response
}

fn refused(protocol: Protocol, error: &ModelError, status: u16) -> Response<Body> {
    let body = match protocol {
        Protocol::OpenAi => openai::error(error),
        Protocol::Anthropic => anthropic::error(error),
    };
    let mut response =
        whole(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &body);
    let (ModelError::RateLimited { retry_after } | ModelError::Overloaded { retry_after }) = error else {
        return response;
    };
    if let Some(pause) = retry_after
        && let Ok(value) = pause.as_secs_f64().to_string().parse()
    {
        response.headers_mut().insert(RETRY_AFTER, value);
    }
    response
}

const fn status(error: &ModelError) -> u16 {
    match error {
        ModelError::RateLimited { .. } | ModelError::QuotaUsedUp => 429,
        ModelError::Overloaded { .. } => 503,
        ModelError::Unauthorized(_) => 401,
        ModelError::ContextTooLong | ModelError::Refused(_) | ModelError::Unscripted(_) => 400,
        ModelError::Unknown { .. } => 404,
        _ => 500,
    }
}

/// The provider's code for an error.
const fn code(error: &ModelError) -> &'static str {
    match error {
        ModelError::RateLimited { .. } => "rate_limit_exceeded",
        ModelError::QuotaUsedUp => "insufficient_quota",
        ModelError::Overloaded { .. } => "overloaded_error",
        ModelError::Unauthorized(_) => "invalid_api_key",
        ModelError::ContextTooLong => "context_length_exceeded",
        ModelError::Unknown { .. } => "model_not_found",
        ModelError::Refused(_) | ModelError::Unscripted(_) => "invalid_request_error",
        _ => "api_error",
    }
}

/// The text of a message, whether it is a string or a list of parts.
fn content(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// The remaining fields of a body: the sampling settings.
fn settings(body: &Value, known: &[&str]) -> impl Iterator<Item = (String, Value)> {
    let fields = body.as_object().into_iter().flatten();
    let others = fields.filter(|(name, _)| !known.contains(&name.as_str()));
    others.map(|(name, value)| (name.clone(), value.clone())).collect::<Vec<_>>().into_iter()
}

fn id(prefix: &str) -> Value {
    json!(format!("{prefix}-skep"))
}
