//! What a process prints: as much of it as is kept.

use std::collections::VecDeque;

/// How much is kept of what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// All of so many bytes; more is an error.
    All(u64),
    /// So many bytes from the beginning and from the end.
    Ends(usize, usize),
}

/// What was printed, or its two ends.
#[derive(Debug)]
pub(crate) struct Printed {
    keep: Keep,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    cut: u64,
}

impl Printed {
    /// Nothing yet.
    pub(super) const fn new(keep: Keep) -> Self {
        Self { keep, head: Vec::new(), tail: VecDeque::new(), cut: 0 }
    }

    /// More of it. Gives the bound back that it goes beyond.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), u64> {
        let (head, tail) = match self.keep {
            Keep::All(most) if (self.head.len() + bytes.len()) as u64 > most => return Err(most),
            Keep::All(_) => (usize::MAX, 0),
            Keep::Ends(head, tail) => (head, tail),
        };
        let (first, rest) = bytes.split_at(bytes.len().min(head - self.head.len().min(head)));
        self.head.extend_from_slice(first);
        // Of what is longer than the end that is kept, only its own end can be kept.
        let skipped = rest.len() - rest.len().min(tail);
        self.tail.extend(&rest[skipped..]);
        let over = self.tail.len() - self.tail.len().min(tail);
        self.tail.drain(..over);
        self.cut += (skipped + over) as u64;
        Ok(())
    }

    /// All of it, if all of it was kept; else its beginning.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.head.extend(self.tail);
        self.head
    }

    /// As text, which says how many bytes were cut between its two ends.
    pub(crate) fn text(&self) -> String {
        let (front, back) = self.tail.as_slices();
        let tail = [front, back].concat();
        if self.cut == 0 {
            return String::from_utf8_lossy(&[&self.head[..], &tail].concat()).into_owned();
        }
        let (head, tail) = (String::from_utf8_lossy(&self.head), String::from_utf8_lossy(&tail));
        format!("{head}\n[{} bytes were cut here]\n{tail}", self.cut)
    }

    /// Its last line that is not empty.
    pub(crate) fn last_line(&self) -> String {
        let text = self.text();
        text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("").to_owned()
    }

    /// How many bytes were printed and are not kept.
    #[cfg(test)]
    pub(crate) const fn cut(&self) -> u64 {
        self.cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_ends_are_kept_however_it_comes_in_pieces(
            pieces in proptest::collection::vec("[a-z]{0,9}", 0..9), head in 0_usize..12, tail in 0_usize..12,
        ) {
            let mut printed = Printed::new(Keep::Ends(head, tail));
            for piece in &pieces {
                prop_assert_eq!(printed.take(piece.as_bytes()), Ok(()));
            }
            let all = pieces.concat();
            let cut = all.len().saturating_sub(head + tail);
            prop_assert_eq!(printed.cut(), cut as u64);
            let expected = match cut {
                0 => all,
                _ => format!("{}\n[{cut} bytes were cut here]\n{}", &all[..head], &all[all.len() - tail..]),
            };
            prop_assert_eq!(printed.text(), expected);
        }
    }

    #[test]
    fn what_has_to_be_whole_is_whole_or_an_error() {
        let mut printed = Printed::new(Keep::All(3));
        assert_eq!((printed.take(b"ab"), printed.take(b"c"), printed.take(b"d")), (Ok(()), Ok(()), Err(3)));
        assert_eq!(printed.into_bytes(), b"abc");
    }
}
