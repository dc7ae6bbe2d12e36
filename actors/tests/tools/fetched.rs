//! Pages that models fetch: from where they may, as far as they may, and nowhere else.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::json;
use skep_actors::tools::Fetch;
use skep_runtime::Ceiling;

use crate::desk::Desk;

/// A server on this machine that answers by the path, and keeps what it was asked.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let keeps = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), port, &keeps);
            }
        });
        Self { port, asked }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, port: u16, asked: &Mutex<Vec<String>>) {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        read.push(byte[0]);
    }
    let request = String::from_utf8(read).unwrap();
    let path = request.split(' ').nth(1).unwrap().to_owned();
    asked.lock().unwrap().push(request);
    let html = "200 OK\r\nContent-Type: text/html";
    let (head, body) = match path.as_str() {
        "/page" => (html.to_owned(), b"<p>words</p>".to_vec()),
        "/away" => (format!("302 Found\r\nLocation: http://localhost:{port}/page"), Vec::new()),
        "/beside" => ("301 Moved Permanently\r\nLocation: page?x".to_owned(), Vec::new()),
        "/image" => ("200 OK\r\nContent-Type: image/png".to_owned(), b"\x89PNG".to_vec()),
        "/packed" => (format!("{html}\r\nContent-Encoding: gzip"), b"\x1f\x8b".to_vec()),
        "/nul" => (html.to_owned(), b"a\0b".to_vec()),
        "/long" => (html.to_owned(), b"0123456789".repeat(10_000)),
        _ => ("404 Not Found\r\nContent-Type: text/plain".to_owned(), b"no such page".to_vec()),
    };
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).ok();
    stream.write_all(&body).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_given_as_text_and_a_redirect_is_told_and_not_followed() {
    let server = Server::start();
    let desk = Desk::with(Fetch::new().private().tools()).await;
    let fetch = async |path: &str| desk.calls("fetch", json!({ "url": server.url(path) })).await;
    assert_eq!(fetch("/page").await.text, "[200 OK, text/html]\n<p>words</p>\n");
    assert_eq!(fetch("/gone#part").await.text, "[404 Not Found, text/plain]\nno such page\n");
    let away = fetch("/away").await;
    assert_eq!(
        away.text,
        format!("[302: it is at http://localhost:{}/page; fetch that, if you may]\n", server.port)
    );
    assert!(fetch("/beside").await.text.contains(&format!("it is at {};", server.url("/page?x"))));
    let long = fetch("/long").await;
    assert!(
        long.cut == 0
            && long.text.ends_with("[the page goes on after 65536 bytes, which are all that is read]\n")
    );
    for (path, why) in [("/image", "image/png"), ("/packed", "gzip"), ("/nul", "NUL")] {
        let output = fetch(path).await;
        assert!(output.is_error && output.text.contains(why), "{output:?}");
    }
    let asked = server.asked();
    assert_eq!(asked.len(), 8, "a redirect is not followed: {asked:?}");
    for request in asked {
        let request = request.to_ascii_lowercase();
        assert!(
            request.starts_with("get ") && request.contains("\r\naccept-encoding: identity\r\n"),
            "{request}"
        );
        assert!(
            !request.contains("cookie") && !request.contains("authorization") && !request.contains("#part")
        );
    }
    desk.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn this_machine_is_not_asked_however_it_is_named() {
    let server = Server::start();
    let desk = Desk::with(Fetch::new().tools()).await;
    for host in [
        "127.0.0.1",
        "localhost",
        "LOCALHOST.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0.0.0.0",
        "0",
        "user@127.0.0.1",
        "169.254.169.254",
    ] {
        let url = format!("http://{host}:{}/page", server.port);
        desk.refuses("fetch", json!({ "url": url })).await;
    }
    for url in ["file:///etc/passwd", "/etc/passwd", "ftp://127.0.0.1/", ""] {
        desk.refuses("fetch", json!({ "url": url })).await;
    }
    assert_eq!(server.asked(), [""; 0]);
    desk.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_hosts_of_a_ceiling_are_asked_in_whatever_way_they_are_written() {
    let server = Server::start();
    let ceiling = Ceiling::new().hosts([format!("127.0.0.1:{}", server.port)]);
    let desk = Desk::below(Fetch::new().private().tools(), ceiling).await;
    desk.gives("fetch", json!({ "url": server.url("/page") })).await;
    desk.gives("fetch", json!({ "url": format!("HTTP://[::ffff:127.0.0.1]:{}/page", server.port) })).await;
    for url in [
        format!("http://localhost:{}/page", server.port),
        "http://127.0.0.1/".into(),
        "https://example.com/".into(),
    ] {
        let said = desk.refuses("fetch", json!({ "url": url })).await;
        assert!(said.starts_with("you may not do that: "), "{said}");
    }
    assert_eq!(server.asked().len(), 2);
    desk.ends().await;
}
