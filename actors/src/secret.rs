//! Keys: they are sent, and never shown.

use std::env::VarError;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// A key. It comes from the environment or from the caller's own store, prints as `Secret(..)`, and cannot be serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

/// Why there is no secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoSecret {
    /// The environment has no variable of this name, or an empty one.
    #[error("the environment variable {0} is not set; set it to the key")]
    Unset(String),
    /// It contains characters that no header can carry.
    #[error("{0} has characters that a key cannot have: is there a line break in it?")]
    Odd(String),
}

impl Secret {
    /// The value of an environment variable, without surrounding blanks.
    ///
    /// # Errors
    /// [`NoSecret`] names the variable.
    #[allow(clippy::disallowed_methods, reason = "keys come from there, and from nowhere else in this crate")]
    pub fn env(name: &str) -> Result<Self, NoSecret> {
        let value = std::env::var(name).map_err(|error| match error {
            VarError::NotPresent => NoSecret::Unset(name.to_owned()),
            VarError::NotUnicode(_) => NoSecret::Odd(name.to_owned()),
        })?;
        let value = value.trim();
        if value.is_empty() {
            return Err(NoSecret::Unset(name.to_owned()));
        }
        Self::named(value, name)
    }

    /// A secret from another source.
    ///
    /// # Errors
    /// [`NoSecret::Odd`].
    pub fn new(value: &str) -> Result<Self, NoSecret> {
        Self::named(value, "the secret")
    }

    fn named(value: &str, name: &str) -> Result<Self, NoSecret> {
        let is_visible = |byte: u8| (b' '..=b'~').contains(&byte);
        if value.bytes().all(is_visible) {
            Ok(Self(value.into()))
        } else {
            Err(NoSecret::Odd(name.to_owned()))
        }
    }
}

#[cfg(feature = "mcp")]
impl Secret {
    /// For the environment of a program that is started.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

#[cfg(feature = "http")]
impl Secret {
    pub(crate) fn value(&self) -> hyper::header::HeaderValue {
        sensitive(&self.0)
    }

    pub(crate) fn bearer(&self) -> hyper::header::HeaderValue {
        sensitive(&format!("Bearer {}", self.0))
    }
}

#[cfg(feature = "http")]
fn sensitive(text: &str) -> hyper::header::HeaderValue {
    let mut value =
        hyper::header::HeaderValue::from_str(text).expect("it was looked at when the secret was made");
    value.set_sensitive(true);
    value
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown_and_a_missing_one_names_its_variable() {
        let secret = Secret::new("sk-1234").unwrap();
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)).matches("1234").count(), 0);
        let missing = Secret::env("SKEP_NO_SUCH_KEY").unwrap_err();
        assert!(missing.to_string().contains("SKEP_NO_SUCH_KEY"));
        assert!(Secret::new("a\nb").is_err() && Secret::new("é").is_err());
    }
}
