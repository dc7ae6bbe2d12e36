//! What a behaviour is made of, in a digest: two factories cannot be compared.

use serde::Serialize;

use crate::decide::key::Digest;
use crate::env::quiet::caught;
use crate::words::policies::Fingerprint;

impl Fingerprint {
    pub(super) fn of(value: &impl Serialize) -> Self {
        // A user's code describes it.
        let digest = caught(|| Digest::of("behaviour", value)).ok().flatten();
        digest.map_or(Self::Unknown, |digest| Self::Of(digest.bytes()))
    }
}
