//! From SIGTERM to the receipt.
//!
//! ```text
//!  SIGTERM ──▶ refuse what is new ──▶ let go on what goes on, for the time to drain ──▶ cut it ──▶ stop the swarm ──▶ receipt
//! ```

use std::io;
use std::pin::pin;
use std::time::Duration;

use skep::Stop;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::app::App;
use crate::routes::routes;
use crate::server;

/// What the swarm's own stop may take.
const STOP: Duration = Duration::from_secs(5);
/// What the last answers may take to go out.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Serves until the process is asked to end, and ends within the time to drain and a little more.
pub(crate) async fn serve(listener: TcpListener, app: App, drain: Duration) -> io::Result<()> {
    let (routes, draining) = (routes(app.clone()), app.draining.clone());
    let mut server = pin!(server::serve(listener, routes, draining, app.patience));
    tokio::select! {
        biased;
        signal = asked_to_end() => tracing::info!("{}: draining for {drain:?}", signal?),
        () = &mut server => return Ok(()),
        () = app.tenants.let_the_idle_leave() => {}
    }
    app.draining.cancel();
    let has_drained = timeout(drain, &mut server).await.is_ok();
    // Clients that listen to events would hold the server for as long as they like.
    app.closing.cancel();
    let receipt = app.swarm.stop(Stop::within(STOP)).await;
    if !has_drained {
        // Requests that were cut short are answered by now.
        timeout(LAST_WORDS, &mut server).await.ok();
    }
    tracing::info!("{receipt}");
    Ok(())
}

/// Waits for SIGTERM, which orchestrators send, or Ctrl-C, and says which.
#[cfg(unix)]
async fn asked_to_end() -> io::Result<&'static str> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        biased;
        _ = terminated.recv() => Ok("SIGTERM"),
        result = tokio::signal::ctrl_c() => result.map(|()| "Ctrl-C"),
    }
}

#[cfg(not(unix))]
async fn asked_to_end() -> io::Result<&'static str> {
    tokio::signal::ctrl_c().await.map(|()| "Ctrl-C")
}
