//! Servers that speak HTTP badly: a stream that is cut at every byte, headers that promise what does not come, garbage.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use skep::actors::model::{Chunk, End};
use skep::actors::{Models, Timeouts};
use skep::testkit::{Lab, TestResult};

use super::rig::{Asker, Speaks, endpoint, prices};

/// Answers each connection once, with these bytes in these pieces, and hangs up.
pub(crate) fn serves(pieces: Vec<Vec<u8>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut asked = [0; 16_384];
            let _ = stream.read(&mut asked);
            stream.set_nodelay(true).unwrap();
            for piece in &pieces {
                if stream.write_all(piece).is_err() {
                    break;
                }
                std::thread::sleep(Duration::from_micros(50));
            }
        }
    });
    addr
}

async fn ask(addr: SocketAddr, speaks: Speaks) -> Result<Vec<Chunk>, String> {
    let lab = Lab::real_io();
    let limits =
        Timeouts { first_chunk: Duration::from_secs(5), idle: Duration::from_secs(5), ..Timeouts::default() };
    let model = endpoint(addr, speaks).timeouts(limits).model("m").prices(prices());
    let swarm = lab.start_with(|builder| builder.resource(Models::new().with("m", model))).await;
    let asker = swarm.spawn(Asker::spec()).await.unwrap();
    let answer = asker.ask(("m".to_owned(), "hello".into(), 1)).await;
    drop(asker);
    lab.end(swarm).await;
    answer.map(|(chunks, _)| chunks).map_err(|error| error.to_string())
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
const EVENTS: &str = concat!(
    "data: {\"choices\":[{\"delta\":{\"content\":\"é\u{1f41d}\"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: [DONE]\n\n",
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_comes_byte_by_byte_is_read_as_one_that_comes_at_once() -> TestResult {
    let all = [HEAD, EVENTS].concat().into_bytes();
    let chunks = vec![Chunk::Text("é\u{1f41d}".into()), Chunk::End(End::Stop)];
    let by_bytes = all.iter().map(|byte| vec![*byte]).collect();
    for pieces in [vec![all.clone()], by_bytes] {
        assert_eq!(ask(serves(pieces), Speaks::OpenAi).await?, chunks);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_that_comes_with_words_before_it_is_not_lost() {
    let event = |text: &str| format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n");
    let error = "data: {\"error\":{\"code\":\"insufficient_quota\"}}\n\n";
    let all = [HEAD, &event("a"), &event("b"), error].concat();
    let answer = ask(serves(vec![all.into_bytes()]), Speaks::OpenAi).await;
    assert!(answer.as_ref().is_err_and(|error| error.contains("nothing left to spend")), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_answer_is_an_error_and_never_a_panic_or_a_hang() {
    let long = format!("data: {}", "x".repeat(9 << 20));
    let cases = [
        ("no http", "hello\r\n\r\n".to_owned()),
        ("nothing at all", String::new()),
        ("half a head", HEAD[..40].to_owned()),
        ("an endless line", [HEAD, &long].concat()),
        ("no json", [HEAD, "data: nonsense\n\n"].concat()),
        (
            "a page",
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<html>".to_owned(),
        ),
        ("no end", [HEAD, &EVENTS[..30]].concat()),
        ("a body that is cut", "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\ndata: {}".to_owned()),
        (
            "whole, and no json",
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{x".to_owned(),
        ),
        ("a redirect", "HTTP/1.1 302 Found\r\nlocation: http://x/\r\ncontent-length: 0\r\n\r\n".to_owned()),
        ("a status without a body", "HTTP/1.1 500 Oh\r\nconnection: close\r\n\r\n".to_owned()),
    ];
    for (what, bytes) in cases {
        for speaks in super::rig::BOTH {
            let answer = ask(serves(vec![bytes.clone().into_bytes()]), speaks).await;
            assert!(answer.is_err(), "{what}: {answer:?}");
        }
    }
}
