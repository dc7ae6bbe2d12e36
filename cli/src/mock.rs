//! A simulated model over HTTP, for whoever tries a client without a key.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use skep_actors::model::Simulated;
use skep_actors::{Models, Server};
use skep_runtime::Env;
use tokio::net::lookup_host;

use crate::args::MockServer;
use crate::signals::Signals;

/// When to come again after a 429.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Could not serve.
const COULD_NOT: u8 = 2;

pub(crate) fn main(options: &MockServer) -> ExitCode {
    let served = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start an event loop: {error}"))
        .and_then(|runtime| runtime.block_on(serve(options)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // If standard error is closed, the exit code alone must do.
            writeln!(io::stderr(), "skep mock-server: {why}").ok();
            ExitCode::from(COULD_NOT)
        }
    }
}

async fn serve(options: &MockServer) -> Result<(), String> {
    let mut signals = Signals::listen().map_err(|error| format!("cannot listen for signals: {error}"))?;
    let bad = |error: io::Error| format!("--addr {}: {error}", options.addr);
    let addr = lookup_host(&options.addr).await.map_err(bad)?.next();
    let addr = addr.ok_or_else(|| format!("--addr {}: this is not an address", options.addr))?;
    // The clock of both goes on; with a seed chance is drawn from it.
    let env = options.seed.map_or_else(Env::real, |seed| Env::simulated(seed, None));
    let model =
        Simulated::new().calls_tools(500).rate_limits(options.rate_limits, RETRY_AFTER).cuts(options.cuts);
    let server = Server::bind(addr, Models::new().with("sim", model), env).await.map_err(bad)?;
    let addr = server.local_addr().map_err(bad)?;
    let says = format!(
        "The model `sim` is at http://{addr}/v1, for OpenAI and Anthropic clients, with any key.\nCtrl-C ends it.\n"
    );
    let mut out = io::stdout().lock();
    // Whoever does not read it knows it already.
    out.write_all(says.as_bytes()).and_then(|()| out.flush()).ok();
    drop(out);
    tokio::select! {
        served = server.run() => served.map_err(bad),
        _ = signals.next() => Ok(()),
    }
}
