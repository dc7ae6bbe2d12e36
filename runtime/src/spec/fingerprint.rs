//! What a behaviour is made of, in a digest: two factories cannot be compared.

use serde::{Deserialize, Serialize};

use crate::engine::quiet::caught;
use crate::key::Digest;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Fingerprint {
    Of([u8; 16]),
    /// What it was to be of cannot be written down. No spec with it passes its check.
    Unknown,
}

impl Fingerprint {
    pub(super) fn of(value: &impl Serialize) -> Self {
        // A user's code describes it.
        let digest = caught(|| Digest::of("behaviour", value)).ok().flatten();
        digest.map_or(Self::Unknown, |digest| Self::Of(digest.bytes()))
    }
}
