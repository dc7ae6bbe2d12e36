//! How a command ended and what it printed, as a model reads it.

use std::process::ExitStatus;
use std::time::Duration;

use crate::process::Ended;

/// The whole report; our own remarks are in `[..]`.
pub(super) fn told(ended: &Ended, within: Duration) -> String {
    let mut text = match ended.status {
        Some(status) => format!("[{}]\n", how(status)),
        None => format!("[killed after {} s, with everything it started]\n", within.as_secs_f64()),
    };
    let (out, err) = (ended.stdout.text(), ended.stderr.text());
    push(&mut text, &out);
    if !err.trim().is_empty() {
        text.push_str("[standard error]\n");
        push(&mut text, &err);
    }
    if ended.is_held_open {
        text.push_str("[something that it began goes on, and may print more]\n");
    }
    text
}

/// Appends a text, and a line break if it does not end in one.
fn push(text: &mut String, more: &str) {
    text.push_str(more);
    if !more.is_empty() && !more.ends_with('\n') {
        text.push('\n');
    }
}

#[cfg(unix)]
fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => status.to_string(),
    }
}

#[cfg(not(unix))]
fn how(status: ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("exit code {code}"))
}
