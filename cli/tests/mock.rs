//! `skep mock-server`: a process that answers as OpenAI and as Anthropic do, and ends when it is asked to.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::disallowed_methods, reason = "the command is a process")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

struct Serving {
    child: Child,
    addr: String,
}

impl Serving {
    fn with(options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_skep"));
        let mut child = command
            .args(["mock-server", "--addr", "127.0.0.1:0"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut says = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut says).unwrap();
        let (_, rest) = says.split_once("http://").unwrap();
        let (addr, _) = rest.split_once("/v1").unwrap();
        Self { addr: addr.to_owned(), child }
    }

    /// The status and the body of an answer.
    fn post(&self, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.addr).unwrap();
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer any\r\ncontent-type: application/json\r\n\
             connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split_whitespace().nth(1).unwrap().parse().unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (status, body.to_owned())
    }

    #[cfg(unix)]
    fn interrupt(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let code = self.child.wait().unwrap().code();
        std::mem::forget(self);
        code
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

const OPENAI: &str =
    r#"{"model":"sim","messages":[{"role":"user","content":"Say a few words."}],"max_tokens":40}"#;

#[test]
fn it_answers_in_both_protocols_streamed_and_whole() {
    let serving = Serving::with(&["--seed", "7"]);
    let (status, body) = serving.post("/v1/chat/completions", OPENAI);
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
    let content = answer["choices"][0]["message"]["content"].as_str();
    assert!(status == 200 && content.is_some_and(|content| !content.is_empty()), "{body}");
    assert!(
        answer["usage"]["completion_tokens"].as_u64().is_some_and(|tokens| (1..=40).contains(&tokens)),
        "{body}"
    );
    let (status, body) =
        serving.post("/v1/messages", &OPENAI.replace("\"max_tokens\"", "\"stream\":true,\"max_tokens\""));
    assert!(status == 200 && body.contains("event: message_stop"), "{body}");
    let (status, body) = serving.post("/v1/chat/completions", &OPENAI.replace("sim", "gpt"));
    assert!(status == 404 && body.contains("model_not_found"), "{body}");
    let (status, body) = serving.post("/v1/messages", "{}");
    assert!(status == 400 && body.contains("invalid_request_error"), "{body}");
}

#[test]
fn a_seed_gives_the_same_answers_again_and_refusals_come_as_told() {
    let answers = |options: &[&str]| {
        let serving = Serving::with(options);
        [0; 3].map(|_| serving.post("/v1/chat/completions", OPENAI))
    };
    let first = answers(&["--seed", "7"]);
    assert_eq!(first, answers(&["--seed", "7"]));
    assert_ne!(first, answers(&["--seed", "8"]));
    let refused = answers(&["--seed", "7", "--rate-limits", "1000"]);
    assert!(
        refused.iter().all(|(status, body)| *status == 429 && body.contains("rate_limit_exceeded")),
        "{refused:?}"
    );
    let broken = answers(&["--seed", "7", "--cuts", "1000"]);
    assert!(broken.iter().all(|(status, _)| *status == 500), "{broken:?}");
}

#[test]
#[cfg(unix)]
fn it_ends_when_it_is_asked_to_and_says_why_it_cannot_serve() {
    let serving = Serving::with(&[]);
    let taken = serving.addr.clone();
    let output =
        Command::new(env!("CARGO_BIN_EXE_skep")).args(["mock-server", "--addr", &taken]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains(&taken) && said.contains("in use"), "{said}");
    assert_eq!(serving.interrupt(), Some(0));
    let output =
        Command::new(env!("CARGO_BIN_EXE_skep")).args(["mock-server", "--addr", "nowhere"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
