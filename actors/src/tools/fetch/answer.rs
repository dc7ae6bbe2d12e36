//! What a server answered, as a model reads it: text, up to the limit.

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use hyper::{HeaderMap, Response, Uri};
use skep_runtime::text::one_line;

/// Room for remarks before and after an answer.
pub(super) const HEAD: usize = 4 << 10;

/// A longer address is not repeated to a model.
const LONGEST: usize = 2_000;

/// Reads an answer to its end, or to the limit.
pub(super) async fn told(answer: Response<Incoming>, asked: &Uri, most: usize) -> Result<String, String> {
    let status = answer.status();
    if let Some(place) = answer.headers().get(LOCATION).filter(|_| status.is_redirection()) {
        let place = place.to_str().map_err(|_| "it leads on to an address that cannot be read".to_owned())?;
        let place = one_line(&beside(asked, place));
        if place.len() > LONGEST {
            return Err("it leads on to an address that is too long to be one".to_owned());
        }
        return Ok(format!("[{}: it is at {place}; fetch that, if you may]\n", status.as_u16()));
    }
    let kind = of(answer.headers(), CONTENT_TYPE).unwrap_or_default();
    if let Some(packed) = of(answer.headers(), CONTENT_ENCODING).filter(|packed| packed != "identity") {
        return Err(format!("it is packed ({}), and is not unpacked here", one_line(&packed)));
    }
    if !is_text(&kind) {
        return Err(format!("it is not text, but {}", one_line(&kind)));
    }
    let mut body = answer.into_body();
    let (mut read, mut is_whole) = (Vec::new(), true);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| "the connection broke off before the page was whole".to_owned())?;
        let Some(bytes) = frame.data_ref() else { continue };
        let room = most - read.len().min(most);
        read.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room {
            is_whole = false;
            break;
        }
    }
    if read.contains(&0) {
        return Err("it is not text: there is a NUL in it".to_owned());
    }
    let kind = if kind.is_empty() { String::new() } else { format!(", {}", one_line(&kind)) };
    let mut text = format!("[{status}{kind}]\n{}", String::from_utf8_lossy(&read));
    if !text.ends_with('\n') {
        text.push('\n');
    }
    if !is_whole {
        text.push_str(&format!("[the page goes on after {most} bytes, which are all that is read]\n"));
    }
    Ok(text)
}

fn of(headers: &HeaderMap, name: hyper::header::HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().unwrap_or("something that cannot be read");
    Some(value.chars().take(200).collect::<String>().trim().to_ascii_lowercase())
}

/// Whether this is text. If there is no type, that is checked while reading.
fn is_text(kind: &str) -> bool {
    const TEXTS: [&str; 8] = ["json", "xml", "javascript", "x-ndjson", "yaml", "x-yaml", "toml", "x-sh"];
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let application = kind.strip_prefix("application/").unwrap_or_default();
    let suffix = kind.rsplit_once('+').map(|(_, suffix)| suffix);
    kind.is_empty()
        || kind.starts_with("text/")
        || TEXTS.contains(&application)
        || matches!(suffix, Some("json" | "xml" | "yaml"))
}

/// The full address of a link, relative to the page that was requested.
fn beside(asked: &Uri, place: &str) -> String {
    let scheme = asked.scheme_str().unwrap_or_default();
    let authority = asked.authority().map(ToString::to_string).unwrap_or_default();
    if place.contains("://") {
        place.to_owned()
    } else if let Some(place) = place.strip_prefix("//") {
        format!("{scheme}://{place}")
    } else if place.starts_with('/') {
        format!("{scheme}://{authority}{place}")
    } else {
        let folder = asked.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{place}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_told_from_what_is_none() {
        for kind in [
            "",
            "text/html; charset=utf-8",
            "application/json",
            "application/ld+json",
            "image/svg+xml",
            "application/xml;q=1",
        ] {
            assert!(is_text(kind), "{kind}");
        }
        for kind in ["image/png", "application/octet-stream", "application/jsonx", "application/pdf", "json"]
        {
            assert!(!is_text(kind), "{kind}");
        }
    }

    #[test]
    fn where_a_redirect_leads_is_said_in_full() {
        let asked: Uri = "https://a.example:8443/b/c?d".parse().unwrap();
        for (place, whole) in [
            ("http://e.example/", "http://e.example/"),
            ("//e.example/x", "https://e.example/x"),
            ("/x", "https://a.example:8443/x"),
            ("x?y", "https://a.example:8443/b/x?y"),
        ] {
            assert_eq!(beside(&asked, place), whole);
        }
    }
}
