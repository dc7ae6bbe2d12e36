//! A service that embeds skep: one swarm for the process, a tenant is an agent with a budget, a request a subtree.
//!
//! ```text
//!  POST /tenants/acme/reviews ──▶ swarm.run(lead) under acme ──▶ lead ── fan_out ──▶ security, style, …
//!  POST …/reviews/stream      ──▶ the same, told as server-sent events
//!  POST …/chat                ──▶ a model agent's answer, piece by piece, in the same way
//!  GET  /agents /costs /metrics   what lives, what it cost, how it is doing
//!  GET, POST /agents/{id}/…    status, history, stop, pause, grant, … of any agent, by id or name
//!
//!  the client hangs up ──▶ the server drops the answer ──▶ the run is dropped ──▶ its subtree stops, its model streams close
//! ```
//!
//! The model is simulated, so no key is needed. Its guide is `docs/embedding.md`.

mod app;
mod chat;
mod config;
mod error;
mod notes;
mod order;
mod outage;
mod review;
mod routes;
mod server;
mod shutdown;
mod tenants;
mod words;

use std::process::ExitCode;

use tokio::net::TcpListener;

use crate::app::App;
use crate::config::Config;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "whoever started it on port 0 reads its address here")]
async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::from_env()?;
    let listener = TcpListener::bind(&config.listen).await?;
    let app = App::start(&config).await?;
    println!("listening on http://{}", listener.local_addr()?);
    shutdown::serve(listener, app, config.drain).await?;
    Ok(())
}
