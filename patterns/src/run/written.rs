//! Where a run writes its parts: into a report that it goes on in, so that this is right whenever the run is dropped, or into its own.

use std::ops::{Deref, DerefMut};

use crate::parts::Parts;

pub(super) enum Written<'r> {
    Own(Parts),
    Lent(&'r mut Parts),
}

impl Deref for Written<'_> {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        match self {
            Self::Own(parts) => parts,
            Self::Lent(parts) => parts,
        }
    }
}

impl DerefMut for Written<'_> {
    fn deref_mut(&mut self) -> &mut Parts {
        match self {
            Self::Own(parts) => parts,
            Self::Lent(parts) => parts,
        }
    }
}
