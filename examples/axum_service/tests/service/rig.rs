//! The service as a process, and a client of it.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// Who is served.
const TENANTS: &str = "acme,other,poor,spender,tenant-0,tenant-1,tenant-2,tenant-3,tenant-4";

/// An outage of the model: what has begun stays as it is until the test lets it go on.
pub(crate) struct Outage(PathBuf);

impl Outage {
    pub(crate) fn begin() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("skep-outage-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, "").unwrap();
        Self(file)
    }

    /// The setting of the service that meets it.
    pub(crate) fn setting(&self) -> (&str, &str) {
        ("OUTAGE", self.0.to_str().unwrap())
    }

    /// Lets everything go on.
    pub(crate) fn end(self) {}
}

impl Drop for Outage {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

/// A running service. Dropped, it is killed.
pub(crate) struct Service {
    process: Child,
    /// What it has logged. It is read as it comes: a service whose log nobody takes stands still when the pipe is full.
    log: Arc<Mutex<String>>,
    reading: Option<JoinHandle<()>>,
    address: String,
    pub(crate) client: Client,
}

impl Service {
    /// Starts one on a port of its own, with these settings.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_axum_service"))
            .env("LISTEN", "127.0.0.1:0")
            .env("TOKENS_A_SECOND", "400")
            // Refused in every try by chance, a review would fail once in some thousand.
            .env("RATE_LIMITS", "0")
            .env("TENANTS", TENANTS)
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}"));
        let (address, client) = (address.to_owned(), Client::new());
        let (log, mut lines) = (Arc::default(), BufReader::new(process.stderr.take().unwrap()));
        let into: Arc<Mutex<String>> = Arc::clone(&log);
        let read = move || {
            let mut line = String::new();
            while lines.read_line(&mut line).unwrap() > 0 {
                into.lock().unwrap().push_str(&line);
                line.clear();
            }
        };
        Self { process, log, reading: Some(thread::spawn(read)), address, client }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.address)).send().await.unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        self.get(path).await.json().await.unwrap()
    }

    /// A review that a tenant asks for.
    pub(crate) fn review(&self, tenant: &str) -> RequestBuilder {
        self.order(&format!("/tenants/{tenant}/reviews"), "0.05")
    }

    /// The same, to be told as events.
    pub(crate) fn stream(&self, tenant: &str) -> RequestBuilder {
        self.order(&format!("/tenants/{tenant}/reviews/stream"), "0.05")
    }

    pub(crate) fn order(&self, path: &str, cap: &str) -> RequestBuilder {
        let order = json!({"text": "fn main() {}", "areas": ["security", "style", "tests"], "cap": cap});
        self.post(path).json(&order)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.address))
    }

    /// The names of the agents that live, the swarm's root and its tenants apart.
    pub(crate) async fn agents(&self) -> Vec<String> {
        let status = self.json("/agents").await;
        let rows = status.as_array().unwrap().iter();
        // The root is one segment, a tenant two.
        let below = rows.filter(|row| row["id"].as_str().unwrap().split('.').count() > 2);
        below.map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    }

    /// A connection of a client that speaks for itself.
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address.strip_prefix("http://").unwrap()).await.unwrap()
    }

    /// The names of the tenants that are there.
    pub(crate) async fn tenants(&self) -> Vec<String> {
        let status = self.json("/agents").await;
        let rows = status.as_array().unwrap().iter();
        let tenants = rows.filter(|row| row["id"].as_str().unwrap().split('.').count() == 2);
        tenants.map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn streams(&self) -> u64 {
        self.json("/models").await["open"].as_u64().unwrap()
    }

    /// Asks the service to end.
    pub(crate) fn terminate(&self) {
        let id = i32::try_from(self.process.id()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits until it has logged this.
    pub(crate) async fn logs(&mut self, words: &'static str) {
        until(words, || async { self.log.lock().unwrap().contains(words) }).await;
    }

    /// Waits for its end, and gives what it logged.
    pub(crate) async fn ended(mut self) -> (ExitStatus, String) {
        let end = tokio::task::spawn_blocking(move || {
            let status = self.process.wait().unwrap();
            self.reading.take().unwrap().join().unwrap();
            (status, self.log.lock().unwrap().clone())
        });
        tokio::time::timeout(PATIENCE, end).await.expect("the service ends").unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Nothing takes longer, however much else the machine has to do: it is only waited for so long where something is wrong.
const PATIENCE: Duration = Duration::from_secs(120);

/// Looks until it is so. That must be something which stays so, until the test itself ends it: looks are some time apart.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("it never was so that {what}"));
}

/// Reads events until one of this name, and gives its data.
pub(crate) async fn event(answer: &mut Response, name: &str, heard: &mut String) -> Option<Value> {
    loop {
        while let Some(end) = heard.find("\n\n") {
            let event: String = heard.drain(..end + 2).collect();
            let line = |field: &str| event.lines().find_map(|line| line.strip_prefix(field)).map(str::trim);
            if line("event:") == Some(name) {
                return serde_json::from_str(line("data:")?).ok();
            }
        }
        heard.push_str(std::str::from_utf8(&answer.chunk().await.ok()??).unwrap());
    }
}

/// Reads all events to the end, each with its name and its data.
pub(crate) async fn events(answer: Response) -> Vec<(String, Value)> {
    let text = answer.text().await.unwrap();
    let events = text.split("\n\n").filter_map(|event| {
        let line = |field: &str| event.lines().find_map(|line| line.strip_prefix(field)).map(str::trim);
        Some((line("event:")?.to_owned(), serde_json::from_str(line("data:")?).ok()?))
    });
    events.collect()
}
