//! Text for a model, line by line, as much as it may have.

/// What is kept back for the lines that say what was left out.
const KEPT_BACK: usize = 2_048;

/// Lines, up to a number of bytes.
pub(super) struct Page {
    text: String,
    most: usize,
    is_full: bool,
}

impl Page {
    /// An empty one, for at most so many bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { text: String::new(), most: most.saturating_sub(KEPT_BACK), is_full: false }
    }

    /// Adds a line if it has room, and says whether it had. After one that had none no other has.
    pub(super) fn line(&mut self, line: &str) -> bool {
        self.is_full |= self.text.len() + line.len() + 1 > self.most;
        if !self.is_full {
            self.text.push_str(line);
            self.text.push('\n');
        }
        !self.is_full
    }

    /// Whether a line had no room.
    pub(super) const fn is_full(&self) -> bool {
        self.is_full
    }

    /// Adds a remark of ours, which always has room; `[..]` around it tells it from what was read.
    pub(super) fn remark(&mut self, remark: &str) {
        self.text.push('[');
        self.text.push_str(remark);
        self.text.push_str("]\n");
    }

    /// All of it.
    pub(super) fn text(self) -> String {
        self.text
    }
}

/// So many things, with their word: `1 file`, `2 files`.
pub(super) fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}
