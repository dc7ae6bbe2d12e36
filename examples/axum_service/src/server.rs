//! Connections, with patience for each and an end to it: a client that sends or reads slowly, or not at all, holds nobody up.
//!
//! axum's own server has no time limits. This one is what it stands on, with them.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::routes::WITHIN;

/// Connections at once. Whoever comes beyond waits at the door.
const MOST: usize = 1_024;
/// How long a connection may go on to send requests; then it is closed after the one that is at it.
const AGE: Duration = Duration::from_secs(600);
/// Until the system can give a connection again.
const BREATH: Duration = Duration::from_millis(100);

/// Serves until it is draining and every connection has come to its end. Dropped, it cuts them.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    draining: CancellationToken,
    patience: Duration,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = draining.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept(), if connections.len() < MOST => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, router.clone(), draining.clone(), patience));
            }
            // The client has gone already, or the system has no more: neither is an end.
            Err(error) => {
                tracing::warn!("no connection: {error}");
                sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, router: Router, draining: CancellationToken, patience: Duration) {
    // Events go out one by one.
    stream.set_nodelay(true).ok();
    let stream = TokioIo::new(Patient { stream, patience, waits: None });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience);
    let mut connection = pin!(http.serve_connection(stream, TowerToHyperService::new(router)));
    tokio::select! {
        biased;
        result = &mut connection => return ended(&result),
        () = draining.cancelled() => {}
        () = sleep(AGE) => {}
    }
    connection.as_mut().graceful_shutdown();
    match timeout(WITHIN + patience, connection).await {
        Ok(result) => ended(&result),
        Err(_) => tracing::debug!("a connection was cut at its end"),
    }
}

fn ended(result: &hyper::Result<()>) {
    if let Err(error) = result {
        tracing::debug!("a connection ended: {error}");
    }
}

/// A stream that fails when its client takes nothing for as long as the patience is.
struct Patient {
    stream: TcpStream,
    patience: Duration,
    /// Runs while the client takes nothing.
    waits: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    /// What a write came to, or the end of the patience.
    fn taken<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waits = None;
            return written;
        }
        let patience = self.patience;
        let waits = self.waits.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(waits.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, from);
        self.taken(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.taken(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.taken(cx, shut)
    }
}
