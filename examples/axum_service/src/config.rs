//! What the service is told by its environment.

use std::collections::BTreeSet;
use std::num::ParseIntError;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use skep::NanoUsd;

/// The settings, each with a default that is good for trying it out.
pub(crate) struct Config {
    /// `LISTEN`: where it listens; port 0 takes any.
    pub(crate) listen: String,
    /// `AT_ONCE`: reviews that are worked on at once. What comes beyond is refused at the door.
    pub(crate) at_once: usize,
    /// `TENANTS`: who is served, by names with commas between them. Whoever else asks is refused at the door.
    pub(crate) tenants: BTreeSet<String>,
    /// `TENANT_USD`: what a tenant may spend a day.
    pub(crate) tenant_usd: NanoUsd,
    /// `IDLE_SECONDS`: a tenant that has asked for nothing for so long leaves, and comes back when it asks again.
    pub(crate) idle: Duration,
    /// `PATIENCE_SECONDS`: how long a client may take to send a request's head, then its body, and to take a piece of the
    /// answer.
    pub(crate) patience: Duration,
    /// `DRAIN_SECONDS`: how long reviews that are going on may go on after SIGTERM.
    pub(crate) drain: Duration,
    /// `TOKENS_A_SECOND`: how fast the simulated model writes.
    pub(crate) tokens_a_second: u32,
    /// `RATE_LIMITS`: how many of every thousand calls the simulated model refuses with a 429.
    pub(crate) rate_limits: u64,
    /// `OUTAGE`: a file; while it is there, the simulated model says nothing. None unless told.
    pub(crate) outage: Option<PathBuf>,
}

impl Config {
    pub(crate) fn from_env() -> Result<Self, String> {
        Ok(Self {
            listen: text("LISTEN", "127.0.0.1:8080"),
            at_once: number("AT_ONCE", "64")?,
            tenants: names(&text("TENANTS", "acme,globex,initech")),
            tenant_usd: dollars("TENANT_USD", "0.50")?,
            idle: Duration::from_secs(number("IDLE_SECONDS", "300")?),
            patience: Duration::from_secs(number("PATIENCE_SECONDS", "10")?),
            drain: Duration::from_secs(number("DRAIN_SECONDS", "10")?),
            tokens_a_second: number("TOKENS_A_SECOND", "60")?,
            rate_limits: number("RATE_LIMITS", "20")?,
            outage: Some(text("OUTAGE", "")).filter(|path| !path.is_empty()).map(PathBuf::from),
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "the environment is read here")]
fn text(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn number<N: FromStr<Err = ParseIntError>>(name: &str, default: &str) -> Result<N, String> {
    text(name, default).parse().map_err(|error| format!("{name} is not a number: {error}"))
}

fn dollars(name: &str, default: &str) -> Result<NanoUsd, String> {
    text(name, default).parse::<NanoUsd>().map_err(|error| format!("{name}: {error}"))
}

fn names(list: &str) -> BTreeSet<String> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
