//! Which lines of a file a change touches.

use serde::{Deserialize, Serialize};

/// The lines of a file that findings are wanted for, in the numbers of the file as it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Touched {
    /// All of them: nothing is known of an older text, or the whole file is wanted.
    #[default]
    Whole,
    /// Those of some edits, in order.
    Lines(Vec<Edit>),
}

/// Lines that stand where others stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The first new line, counted from 1; without new lines, the one above which the old ones stood.
    pub first: u32,
    /// How many lines are new.
    pub added: u32,
    /// How many lines stood there.
    pub removed: u32,
}

impl Edit {
    /// Whether it lies in these lines. Lines that were taken away leave a seam, which lies in what is on both sides of it.
    const fn is_within(&self, first: u32, last: u32) -> bool {
        if self.added == 0 {
            first < self.first && self.first <= last
        } else {
            self.first <= last && first <= self.first.saturating_add(self.added - 1)
        }
    }
}

impl Touched {
    /// Whether the change touches one of these lines.
    #[must_use]
    pub fn hold(&self, first: u32, last: u32) -> bool {
        match self {
            Self::Whole => true,
            Self::Lines(edits) => edits.iter().any(|edit| edit.is_within(first, last)),
        }
    }

    /// Whether the change leaves more lines there than it found.
    #[must_use]
    pub fn grow(&self, first: u32, last: u32) -> bool {
        match self {
            Self::Whole => true,
            Self::Lines(edits) => {
                let within = edits.iter().filter(|edit| edit.is_within(first, last));
                within.map(|edit| i64::from(edit.added) - i64::from(edit.removed)).sum::<i64>() > 0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(first: u32, added: u32, removed: u32) -> Touched {
        Touched::Lines(vec![Edit { first, added, removed }])
    }

    #[test]
    fn lines_are_touched_that_are_new_and_what_lines_were_taken_out_of() {
        for (touched, lines, expected) in [
            (edit(5, 2, 0), (6, 6), true),
            (edit(5, 2, 0), (7, 9), false),
            (edit(5, 2, 0), (1, 4), false),
            (edit(5, 2, 9), (1, 5), true),
            (edit(5, 0, 3), (3, 8), true),
            (edit(5, 0, 3), (5, 5), false),
            (edit(5, 0, 3), (4, 4), false),
            (edit(5, 0, 3), (1, 4), false),
            (Touched::Lines(Vec::new()), (1, 99), false),
            (Touched::Whole, (7, 7), true),
        ] {
            assert_eq!(touched.hold(lines.0, lines.1), expected, "{touched:?} {lines:?}");
        }
    }

    #[test]
    fn lines_grow_by_what_is_added_beyond_what_is_taken_away() {
        assert!(edit(5, 3, 2).grow(1, 9) && !edit(5, 2, 2).grow(1, 9) && !edit(5, 3, 2).grow(9, 12));
    }
}
