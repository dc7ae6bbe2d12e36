//! The protocol over a process's pipes: one message per line.
//!
//! # Invariants
//! 1. Memory is bounded whatever the server prints, and whatever it leaves unread.
//! 2. A call whose answer cannot be read fails at once, if the answer shows which call it belongs to.
//! 3. A server that stops reading counts as gone: the connection ends.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use rmcp::model::{
    CustomResult, ErrorCode, ErrorData, JsonRpcMessage, RequestId, ServerJsonRpcMessage, ServerResult,
};
use rmcp::service::{RoleClient, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::Value;
use skep_runtime::text::one_line;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Notify;

use super::lines::{Line, Lines, answers};
use crate::defaults;

/// How much is read at a time.
const CHUNK: usize = 64 << 10;

/// Bytes of messages that may wait for a server that does not read.
const UNREAD: usize = 64 << 20;

/// What a message takes besides its bytes.
const EACH: usize = 1 << 10;

/// The last line that a server printed which is not a message, to help explain why it does not answer.
#[derive(Clone, Default)]
pub(super) struct Nonsense(Arc<Mutex<Option<String>>>);

impl Nonsense {
    fn note(&self, line: &[u8]) {
        const SHOWN: usize = 200;
        let begin = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]);
        *self.0.lock() = Some(one_line(begin.trim()));
    }

    pub(super) fn last(&self) -> Option<String> {
        self.0.lock().clone()
    }
}

pub(super) struct Pipe<R, W> {
    stdout: R,
    chunk: Vec<u8>,
    lines: Lines,
    stdin: Arc<tokio::sync::Mutex<W>>,
    unread: Arc<AtomicUsize>,
    /// It has stopped reading.
    deaf: Arc<Notify>,
    nonsense: Nonsense,
}

impl<R, W> Pipe<R, W> {
    pub(super) fn new(stdout: R, stdin: W, nonsense: Nonsense) -> Self {
        Self {
            stdout,
            chunk: vec![0; CHUNK],
            lines: Lines::new(defaults::MCP_MESSAGE),
            stdin: Arc::new(tokio::sync::Mutex::new(stdin)),
            unread: Arc::default(),
            deaf: Arc::default(),
            nonsense,
        }
    }

    fn read(&self, line: &Line) -> Option<ServerJsonRpcMessage> {
        let whole = match line {
            Line::Whole(line) => line,
            Line::TooLong { begin, end } => {
                let most = defaults::MCP_MESSAGE;
                return unreadable(begin, end, format!("the answer has more than {most} bytes"));
            }
        };
        message(whole).or_else(|| {
            self.nonsense.note(whole);
            unreadable(whole, whole, "the answer cannot be read".to_owned())
        })
    }
}

impl<R, W> Transport<RoleClient> for Pipe<R, W>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send + 'static,
{
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let line = serde_json::to_vec(&message).map(|mut line| {
            line.push(b'\n');
            let unread = Unread::of(&self.unread, line.len() + EACH);
            (line, unread)
        });
        let (stdin, deaf) = (Arc::clone(&self.stdin), Arc::clone(&self.deaf));
        async move {
            let (line, unread) = line?;
            if unread.is_too_much() {
                deaf.notify_one();
                return Err(io::Error::other("the server does not read what it is sent"));
            }
            let mut stdin = stdin.lock().await;
            let written = async {
                stdin.write_all(&line).await?;
                stdin.flush().await
            };
            written.await.inspect_err(|_| deaf.notify_one())
        }
    }

    /// Cancel-safe: dropping the future loses nothing.
    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            while let Some(line) = self.lines.next() {
                if let Some(message) = self.read(&line) {
                    return Some(message);
                }
            }
            let read = tokio::select! {
                biased;
                () = self.deaf.notified() => return None,
                read = self.stdout.read(&mut self.chunk) => read,
            };
            match read {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.lines.feed(&self.chunk[..read]),
            }
            // Let other tasks run while a server floods us.
            tokio::task::yield_now().await;
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        // This closes its input; the process ends with its holding.
        Ok(())
    }
}

/// A message that waits to be written.
struct Unread {
    all: Arc<AtomicUsize>,
    bytes: usize,
    before: usize,
}

impl Unread {
    fn of(all: &Arc<AtomicUsize>, bytes: usize) -> Self {
        let before = all.fetch_add(bytes, Ordering::Relaxed);
        Self { all: Arc::clone(all), bytes, before }
    }

    /// A single message may have any length.
    fn is_too_much(&self) -> bool {
        self.before > 0 && self.before + self.bytes > UNREAD
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A line as a message. A result is kept as it was sent, except that of the handshake, which is the first call: the
/// protocol's library guesses the type of a result from its fields.
fn message(line: &[u8]) -> Option<ServerJsonRpcMessage> {
    let mut value: Value = serde_json::from_slice(line).ok()?;
    let id = value.get("id").cloned().and_then(|id| serde_json::from_value::<RequestId>(id).ok());
    match (id, value.get_mut("result").map(Value::take)) {
        (Some(id), Some(result)) if id != RequestId::Number(0) => {
            Some(JsonRpcMessage::response(ServerResult::CustomResult(CustomResult::new(result)), id))
        }
        (_, Some(result)) => {
            value["result"] = result;
            serde_json::from_value(value).ok()
        }
        (_, None) => serde_json::from_value(value).ok(),
    }
}

fn unreadable(begin: &[u8], end: &[u8], why: String) -> Option<ServerJsonRpcMessage> {
    let id = answers(begin, end)?;
    let error = ErrorData::new(ErrorCode::INTERNAL_ERROR, why, None);
    Some(JsonRpcMessage::error(error, Some(RequestId::Number(id))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmcp::model::{ClientJsonRpcMessage, ClientRequest, PingRequest};
    use serde_json::json;

    fn read(line: &str) -> Option<ServerJsonRpcMessage> {
        Pipe::new((), (), Nonsense::default()).read(&Line::Whole(line.as_bytes().to_vec()))
    }

    #[test]
    fn a_result_is_kept_as_it_was_sent_and_the_handshakes_is_read() {
        let odd = json!({ "content": [{ "type": "video" }], "tools": 7 });
        let line = json!({ "jsonrpc": "2.0", "id": 4, "result": odd }).to_string();
        let Some(JsonRpcMessage::Response(response)) = read(&line) else { panic!("{line}") };
        assert!(matches!(response.result, ServerResult::CustomResult(CustomResult(result)) if result == odd));
        let result = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "s", "version": "1" },
        });
        let line = json!({ "jsonrpc": "2.0", "id": 0, "result": result }).to_string();
        let Some(JsonRpcMessage::Response(response)) = read(&line) else { panic!("{line}") };
        assert!(matches!(response.result, ServerResult::InitializeResult(_)), "{response:?}");
    }

    #[test]
    fn what_is_no_message_is_passed_over_and_an_answer_that_cannot_be_read_fails_its_call() {
        let pipe = Pipe::new((), (), Nonsense::default());
        let line = |text: &str| Line::Whole(text.as_bytes().to_vec());
        for text in ["Server is running", "{}", "[]", "7", "{\"id\":1}", "\u{fffd}"] {
            assert!(pipe.read(&line(text)).is_none(), "{text}");
        }
        assert_eq!(pipe.nonsense.last().as_deref(), Some("\u{fffd}"));
        let deep =
            format!(r#"{{"jsonrpc":"2.0","id":9,"result":{}{}}}"#, "[".repeat(1_000), "]".repeat(1_000));
        for text in [&*deep, r#"{"jsonrpc":"2.0","id":9,"result":"cut"#, r#"{"error":7,"id":9}"#] {
            let Some(JsonRpcMessage::Error(error)) = pipe.read(&line(text)) else { panic!("{text}") };
            assert_eq!(error.id, Some(RequestId::Number(9)));
        }
    }

    type Sent = std::pin::Pin<Box<dyn Future<Output = io::Result<()>>>>;

    fn ping<R, W>(pipe: &mut Pipe<R, W>) -> Sent
    where
        R: AsyncRead + Unpin + Send,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let ping = ClientRequest::PingRequest(PingRequest::default());
        Box::pin(pipe.send(ClientJsonRpcMessage::request(ping, RequestId::Number(1))))
    }

    #[tokio::test]
    async fn what_a_server_leaves_unread_does_not_pile_up() {
        let (ours, _theirs) = tokio::io::duplex(16);
        let (stdout, stdin) = tokio::io::split(ours);
        let mut pipe = Pipe::new(stdout, stdin, Nonsense::default());
        let mut waiting = Vec::new();
        let refused = loop {
            let mut sent = ping(&mut pipe);
            match futures_util::FutureExt::now_or_never(&mut sent) {
                None => waiting.push(sent),
                Some(sent) => break sent,
            }
        };
        assert!(refused.unwrap_err().to_string().contains("does not read"));
        assert!(waiting.len() <= UNREAD / EACH);
        drop(waiting);
        assert!(futures_util::FutureExt::now_or_never(ping(&mut pipe)).is_none(), "there is room again");
    }
}
