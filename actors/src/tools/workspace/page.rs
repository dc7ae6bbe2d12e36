//! Text for a model, line by line, up to its limit.

/// Room that is reserved for the lines that say what was left out.
const KEPT_BACK: usize = 2_048;

/// Lines, up to a number of bytes.
pub(super) struct Page {
    text: String,
    most: usize,
    is_full: bool,
}

impl Page {
    /// An empty page, for at most this many bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { text: String::new(), most: most.saturating_sub(KEPT_BACK), is_full: false }
    }

    /// Adds a line if there is room, and says whether there was. After the first line without room, no other is added.
    pub(super) fn line(&mut self, line: &str) -> bool {
        self.is_full |= self.text.len() + line.len() + 1 > self.most;
        if !self.is_full {
            self.text.push_str(line);
            self.text.push('\n');
        }
        !self.is_full
    }

    /// Whether a line did not fit.
    pub(super) const fn is_full(&self) -> bool {
        self.is_full
    }

    /// Adds a remark of ours, for which there is always room; `[..]` around it marks it as ours.
    pub(super) fn remark(&mut self, remark: &str) {
        self.text.push('[');
        self.text.push_str(remark);
        self.text.push_str("]\n");
    }

    /// The whole text.
    pub(super) fn text(self) -> String {
        self.text
    }
}

/// A number with its noun: `1 file`, `2 files`.
pub(super) fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}
