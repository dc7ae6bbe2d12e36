//! The report as a person likes to read it in a terminal.

mod listing;
mod paint;
mod summary;
mod wrap;

pub use paint::Paint;

use super::Report;

/// How the text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Whether to use colours: only when the reader is a terminal that wants them.
    pub paint: Paint,
    /// Columns of the terminal; less than 40 counts as 40.
    pub width: usize,
    /// How many findings of one rule are shown; the others are counted.
    pub at_most: usize,
}

impl Default for Layout {
    /// Plain, 100 columns, 5 of a rule: what fits a log and still shows a pattern.
    fn default() -> Self {
        Self { paint: Paint::Plain, width: 100, at_most: 5 }
    }
}

/// The report as text: findings by severity and file, then what it took.
#[must_use]
pub fn render(report: &Report, layout: Layout) -> String {
    let layout = Layout { width: layout.width.max(40), ..layout };
    let mut out = String::new();
    listing::write(&mut out, report, layout);
    summary::write(&mut out, report, layout);
    out
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::super::sample::{empty, full};
    use super::*;

    #[test]
    fn it_tells_the_worst_first_and_all_that_was_asked() {
        let text = render(&full(), Layout { at_most: 2, ..Layout::default() });
        let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} is missing:\n{text}"));
        assert!(place("critical") < place("deploy/key.yml") && place("deploy/key.yml") < place("high"));
        for part in [
            "security/known-token",
            "AKIA…",
            "1 more of style/left-over-macro",
            "the tests reviewer failed: deadline",
            "logo.png: binary",
            "needs a model",
            "Prices are simulated",
            "style was killed",
            "stopped 5 agents, 0 stuck",
            "4.2 s",
            "cut short",
            "2 known",
        ] {
            place(part);
        }
        assert!(!text.contains("AKIAQ3EGVB7XNTPLWZ5M") && !text.contains("tR7xQ2mZ9vKp4LwB8nYc"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn lines_of_ours_fit_the_width_and_colours_change_no_letter() {
        for width in [40, 60, 100] {
            let layout = Layout { width, ..Layout::default() };
            let text = render(&full(), layout);
            for line in text.lines().filter(|line| !line.contains('│')) {
                assert!(line.width() <= width, "{width}: {line}");
            }
            let colourful = render(&full(), Layout { paint: Paint::Colours, ..layout });
            assert!(colourful.contains('\u{1b}'));
            assert_eq!(paint::strip(&colourful), text);
        }
    }

    #[test]
    fn a_clean_review_says_so_in_few_lines() {
        let text = render(&empty(), Layout::default());
        assert!(text.contains("no findings") && text.lines().count() < 16, "{text}");
    }
}
