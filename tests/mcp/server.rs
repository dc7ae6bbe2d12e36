//! The server: the protocol by hand, and the ways in which servers misbehave.

use std::io::{BufRead as _, Write as _};
use std::process::{Command, Stdio, exit};
use std::time::Duration;

use serde_json::{Value, json};

/// The variable that says how it behaves.
pub(crate) const CONDUCT: &str = "SKEP_MCP_CONDUCT";

#[test]
#[ignore = "it is the server that the others begin"]
fn it_serves_as_it_is_told() {
    let conduct = std::env::var(CONDUCT).unwrap();
    match &*conduct {
        "exits" => {
            eprintln!("there is\nno such folder");
            exit(3);
        }
        "prints" => loop {
            say("Listening on port 3000");
            std::thread::sleep(Duration::from_millis(1));
        },
        "floods" => loop {
            std::io::stdout().write_all(&[b'x'; 65_536]).unwrap();
        },
        conduct => Server::new(conduct).serve(),
    }
    exit(0);
}

fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(line.as_bytes()).unwrap();
    stdout.write_all(b"\n").unwrap();
    stdout.flush().unwrap();
}

struct Server {
    conduct: String,
    tools: Vec<Value>,
    hanging: usize,
    cancelled: usize,
}

fn listed(name: &str) -> Value {
    json!({ "name": name, "description": format!("It is {name}."), "inputSchema": { "type": "object" } })
}

impl Server {
    fn new(conduct: &str) -> Self {
        let names = [
            "echo",
            "pid",
            "picture",
            "fails",
            "long",
            "huge",
            "dies",
            "dies_once",
            "hangs",
            "heard",
            "begins",
            "variables",
            "changes",
            "floods",
            "asks",
        ];
        let tools = match conduct {
            "many" => (0..10_000).map(|number| listed(&format!("tool_{number}"))).collect(),
            "twice" => vec![listed("echo"), listed("echo")],
            "schema" => vec![listed("pid"), json!({ "name": "odd", "inputSchema": "object" })],
            _ => names.iter().map(|name| listed(name)).collect(),
        };
        Self { conduct: conduct.to_owned(), tools, hanging: 0, cancelled: 0 }
    }

    fn serve(&mut self) {
        for line in std::io::stdin().lock().lines() {
            let message: Value = serde_json::from_str(&line.unwrap()).unwrap();
            let (id, params) = (&message["id"], &message["params"]);
            let result = match message["method"].as_str().unwrap_or_default() {
                "initialize" if self.conduct == "hangs" => continue,
                "initialize" => json!({
                    "protocolVersion": params["protocolVersion"],
                    "capabilities": { "tools": { "listChanged": true } },
                    "serverInfo": { "name": "skep's own", "version": "1" },
                }),
                "ping" => json!({}),
                "tools/list" if self.conduct == "endless" => json!({ "tools": [], "nextCursor": "again" }),
                "tools/list" => json!({ "tools": self.tools }),
                "tools/call" => match self.call(params["name"].as_str().unwrap(), &params["arguments"], id) {
                    Some(result) => result,
                    None => continue,
                },
                "notifications/cancelled" => {
                    self.cancelled += 1;
                    continue;
                }
                _ => continue,
            };
            answer(id, &result);
        }
    }

    #[allow(clippy::zombie_processes, reason = "what it leaves behind is what the test is about")]
    fn call(&mut self, tool: &str, arguments: &Value, id: &Value) -> Option<Value> {
        let content = match tool {
            "echo" => text(arguments["text"].as_str().unwrap()),
            "pid" => text(&std::process::id().to_string()),
            "picture" => json!({ "type": "image", "data": "A".repeat(40_000), "mimeType": "image/png" }),
            "fails" => return Some(json!({ "content": [text("there is no such thing")], "isError": true })),
            "long" => text(&"é".repeat(100_000)),
            "huge" => text(&"x".repeat(17 << 20)),
            "dies" => {
                eprintln!("it dies of this");
                exit(7);
            }
            "dies_once" => {
                let marker = arguments["marker"].as_str().unwrap();
                if std::fs::File::create_new(marker).is_ok() {
                    exit(7);
                }
                text("it lives")
            }
            "hangs" => {
                self.hanging += 1;
                return None;
            }
            "heard" => text(&format!("{} and {}", self.hanging, self.cancelled)),
            "begins" => {
                // It holds our pipes for as long as it lives.
                let child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
                text(&child.id().to_string())
            }
            "variables" => {
                let names: Vec<_> = std::env::vars().map(|(name, value)| format!("{name}={value}")).collect();
                text(&names.join("\n"))
            }
            "changes" => {
                self.tools.push(listed("added"));
                say(&json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }).to_string());
                text("changed")
            }
            "floods" => {
                for number in 0..10_000 {
                    say(&json!({ "jsonrpc": "2.0", "method": "notifications/odd", "params": { "n": number } }).to_string());
                    say("and a word in between");
                }
                text("flooded")
            }
            // What only an agent may say is refused, and the call goes on.
            "asks" => {
                for method in ["ping", "sampling/createMessage", "roots/list", "elicitation/create", "odd"] {
                    say(&json!({ "jsonrpc": "2.0", "id": method, "method": method, "params": {} })
                        .to_string());
                }
                text("asked")
            }
            _ => {
                let error = json!({ "code": -32602, "message": "there is no such tool" });
                say(&json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string());
                return None;
            }
        };
        Some(json!({ "content": [content] }))
    }
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn answer(id: &Value, result: &Value) {
    say(&json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string());
}
