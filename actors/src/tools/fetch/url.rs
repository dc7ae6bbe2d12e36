//! Addresses as models write them: each host has one spelling, which is both stated and requested.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hyper::Uri;
use thiserror::Error;

/// What is requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    uri: Uri,
    host: String,
    address: Option<IpAddr>,
}

/// Why it is not an address of the web.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum BadUrl {
    #[error("it is not a URL; write one such as `https://example.com/page`, in ASCII and without blanks")]
    Unreadable,
    #[error("begin the URL with `https://` or `http://`")]
    Scheme,
    #[error("a URL has no name or password in it here")]
    User,
    #[error("its host cannot be read: it is letters, digits, `-` and `.`, or an address")]
    Host,
    #[error("its port is not valid: it is a number from 1 to 65535")]
    Port,
}

impl Place {
    /// Reads a URL. The part after a `#` is for the reader, and is not sent.
    pub(super) fn read(url: &str) -> Result<Self, BadUrl> {
        let uri: Uri = url.trim().parse().map_err(|_| BadUrl::Unreadable)?;
        let usual = match uri.scheme_str() {
            Some("https") => 443,
            Some("http") => 80,
            _ => return Err(BadUrl::Scheme),
        };
        let authority = uri.authority().ok_or(BadUrl::Host)?.as_str();
        if authority.contains('@') {
            return Err(BadUrl::User);
        }
        let (name, port) = split(authority)?;
        let (host, address) = canonical(name)?;
        let port = match port {
            None => usual,
            Some(port) => port.parse::<u16>().ok().filter(|port| *port != 0).ok_or(BadUrl::Port)?,
        };
        let host = if port == usual { host } else { format!("{host}:{port}") };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let scheme = uri.scheme_str().unwrap_or_default();
        let uri = format!("{scheme}://{host}{path}").parse().map_err(|_| BadUrl::Unreadable)?;
        Ok(Self { uri, host, address })
    }

    /// What is requested, with its host in that one spelling.
    pub(super) const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The host, with its port unless that is its scheme's default.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The address, if the host is one.
    pub(super) const fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

/// The host, and the port if there is one.
fn split(authority: &str) -> Result<(&str, Option<&str>), BadUrl> {
    let end = if authority.starts_with('[') {
        authority.find(']').ok_or(BadUrl::Host)? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    match authority.split_at(end) {
        (name, "") => Ok((name, None)),
        (name, port) => Ok((name, Some(port.strip_prefix(':').ok_or(BadUrl::Host)?))),
    }
}

/// A host in its one spelling. Anything that a resolver would read as a number must be an address, or it is refused:
/// `127.1` and `0x7f000001` are other spellings of an address, and no rule would recognise them.
fn canonical(name: &str) -> Result<(String, Option<IpAddr>), BadUrl> {
    if let Some(inside) = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        let address: Ipv6Addr = inside.parse().map_err(|_| BadUrl::Host)?;
        return Ok(match address.to_ipv4_mapped() {
            Some(address) => (address.to_string(), Some(address.into())),
            None => (format!("[{address}]"), Some(address.into())),
        });
    }
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let is_word = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    let is_label = |label: &str| !label.is_empty() && label.len() <= 63 && label.bytes().all(is_word);
    if name.len() > 253 || !name.split('.').all(is_label) {
        return Err(BadUrl::Host);
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    if last.starts_with(|c: char| c.is_ascii_digit()) {
        let address: Ipv4Addr = name.parse().map_err(|_| BadUrl::Host)?;
        return Ok((address.to_string(), Some(address.into())));
    }
    Ok((name, None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(url: &str) -> Result<(String, String), BadUrl> {
        Place::read(url).map(|place| (place.host().to_owned(), place.uri().to_string()))
    }

    #[test]
    fn a_host_is_stated_as_it_is_asked_in_one_way_of_writing_it() {
        for (url, host, uri) in [
            ("https://Example.COM", "example.com", "https://example.com/"),
            ("https://example.com.:443/a?b#c", "example.com", "https://example.com/a?b"),
            ("http://example.com:443/", "example.com:443", "http://example.com:443/"),
            ("HTTP://a_b.example:8080", "a_b.example:8080", "http://a_b.example:8080/"),
            ("http://127.0.0.1", "127.0.0.1", "http://127.0.0.1/"),
            ("http://[::0001]:80/", "[::1]", "http://[::1]/"),
            ("http://[::ffff:127.0.0.1]/", "127.0.0.1", "http://127.0.0.1/"),
            (" https://xn--bcher-kva.example ", "xn--bcher-kva.example", "https://xn--bcher-kva.example/"),
        ] {
            assert_eq!(read(url), Ok((host.to_owned(), uri.to_owned())), "{url}");
        }
    }

    #[test]
    fn what_is_written_to_be_taken_for_another_host_is_none() {
        for url in [
            "",
            "/etc/passwd",
            "example.com",
            "file:///etc/passwd",
            "ftp://a",
            "https://",
            "https://user@example.com",
            "https://example.com@evil.example",
            "http://127.1",
            "http://0x7f.1",
            "http://2130706433",
            "http://0177.0.0.1",
            "http://127.0.0.1.nip:0",
            "http://a:99999",
            "http://a:",
            "http://a:-1",
            "http://a..b",
            "http://.a",
            "http://[::1",
            "http://[::1]x",
            "http://[fe80::1%25eth0]",
            "http://ex ample.com",
            "http://a%2eb",
            "http://bücher.example",
            "http://a\nb",
            "http://a\\b",
            "javascript:alert(1)",
            "http://a:80:80",
            "http://0x7f000001",
        ] {
            assert!(read(url).is_err(), "{url}: {:?}", read(url));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn what_is_read_reads_back_as_itself(url in "https?://(\\[?[a-fA-F0-9x.:]{1,8}\\]?|[A-Za-z.@]{1,6})(:[0-9]{0,6})?(/[a-z?#%@:]{0,5})?") {
            if let Ok(place) = Place::read(&url) {
                prop_assert_eq!(Place::read(&place.uri().to_string()), Ok(place.clone()));
                let stated = skep_runtime::Reach::host(place.host());
                prop_assert!(stated.targets().is_some(), "{place:?}");
                let asked = place.uri().host().unwrap_or_default();
                prop_assert!(place.host().starts_with(asked), "{place:?}");
                let address = asked.trim_matches(['[', ']']).parse::<IpAddr>().ok();
                prop_assert_eq!(address, place.address());
            }
        }
    }
}
