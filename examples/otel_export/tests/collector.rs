//! The example exports to a stand-in for a collector, which reads what arrives: one request is one trace.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::disallowed_methods, reason = "the collector and the program stand outside of any swarm")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use serde_json::Value;

/// What a collector is sent, one export after another.
struct Collector {
    endpoint: String,
    exports: mpsc::Receiver<Value>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (tell, exports) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tell = tell.clone();
                thread::spawn(move || serve(stream, &tell));
            }
        });
        Self { endpoint, exports }
    }
}

/// Takes exports by HTTP and JSON from one connection.
fn serve(stream: TcpStream, tell: &mpsc::Sender<Value>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut line, mut path) = (0, String::new(), String::new());
        while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
            if path.is_empty() {
                path = line.split(' ').nth(1).unwrap_or_default().to_owned();
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        if path.is_empty() {
            return;
        }
        assert_eq!(path, "/v1/traces");
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        tell.send(serde_json::from_slice(&body).unwrap()).unwrap();
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
    }
}

#[derive(Debug)]
struct Span {
    id: String,
    parent: String,
    trace: String,
    name: String,
    whole: Value,
}

impl Span {
    fn attribute(&self, key: &str) -> String {
        let attributes = self.whole["attributes"].as_array().unwrap();
        let found = attributes.iter().find(|attribute| attribute["key"] == key);
        found
            .map(|attribute| attribute["value"]["stringValue"].as_str().unwrap_or_default().to_owned())
            .unwrap_or_default()
    }
}

fn spans(exports: impl Iterator<Item = Value>) -> Vec<Span> {
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let mut all = Vec::new();
    for export in exports {
        for resource in list(&export, "resourceSpans") {
            assert!(resource["resource"].to_string().contains("reviews"), "the service's name is sent along");
            for scope in list(&resource, "scopeSpans") {
                all.extend(list(&scope, "spans").into_iter().map(|span| Span {
                    id: text(&span, "spanId"),
                    parent: text(&span, "parentSpanId"),
                    trace: text(&span, "traceId"),
                    name: text(&span, "name"),
                    whole: span,
                }));
            }
        }
    }
    all
}

#[test]
fn one_request_arrives_at_the_collector_as_one_trace() {
    let Collector { endpoint, exports } = Collector::start();
    let ran = Command::new(env!("CARGO_BIN_EXE_otel_export"))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{told}");
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "9\n");
    let all = spans(exports.try_iter());
    let request = all.iter().find(|span| span.name == "request").expect("the service's own span is the root");
    assert_eq!(request.parent, "");
    let path = |span: &Span| {
        let mut path = vec![span.name.clone()];
        let mut parent = span.parent.clone();
        while let Some(above) = all.iter().find(|above| above.id == parent) {
            path.push(above.name.clone());
            parent.clone_from(&above.parent);
        }
        path.join(" < ")
    };
    let mut paths: Vec<_> = all.iter().filter(|span| span.trace == request.trace).map(path).collect();
    paths.sort();
    let wanted = [
        "effect < invoke_agent lead < request",
        "effect < invoke_agent reviewer < invoke_agent lead < request",
        "invoke_agent lead < request",
        "invoke_agent reviewer < invoke_agent lead < request",
        "invoke_agent reviewer < invoke_agent lead < request",
        "request",
    ];
    assert_eq!(paths, wanted, "{told}");
    let turns: Vec<_> = all.iter().filter(|span| span.name.starts_with("invoke_agent ")).collect();
    let names: Vec<_> =
        turns.iter().map(|turn| (turn.attribute("name"), turn.attribute("outcome"))).collect();
    let has = |name: &str, outcome: &str| names.contains(&(name.to_owned(), outcome.to_owned()));
    assert!(has("lead", "done") && has("reviewer", "done") && has("reviewer", "failed"), "{names:?}");
    let failed = turns.iter().find(|turn| turn.attribute("outcome") == "failed").unwrap();
    assert_eq!(failed.whole["status"]["code"], 2, "an error, in OpenTelemetry's own words: {}", failed.whole);
    assert!(!all.iter().any(|span| span.name == "Actor"), "the library underneath is not seen");
}
