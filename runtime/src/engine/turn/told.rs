//! What an agent hands to its asker while it works, and nobody has taken yet.

use std::any::Any;
use std::collections::VecDeque;

use crate::env::theirs::Theirs;

/// Something of whatever type.
pub(crate) type Piece = Theirs<Box<dyn Any + Send>>;

/// So many wait for the asker, which may be slow, or read none of them.
const MOST: usize = 1_024;

#[derive(Default)]
pub(crate) struct Told {
    pub(crate) pieces: VecDeque<Piece>,
    /// How many were dropped, the oldest first, since nobody took them.
    pub(crate) missed: u64,
}

impl Told {
    /// Gives what it has no place for.
    #[must_use]
    pub(crate) fn push(&mut self, piece: Piece) -> Option<Piece> {
        let oldest = if self.pieces.len() == MOST { self.pieces.pop_front() } else { None };
        self.missed += u64::from(oldest.is_some());
        self.pieces.push_back(piece);
        oldest
    }

    pub(crate) fn extend(&mut self, later: Self) {
        self.pieces.extend(later.pieces);
        self.missed += later.missed;
    }
}
