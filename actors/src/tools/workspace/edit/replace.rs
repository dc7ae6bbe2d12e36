//! Replacing one text by another: pure.
//!
//! # Invariants
//! 1. A replacement is refused on its own result: an edit whose answer was lost may be tried again, and doubles nothing.

use std::borrow::Cow;

use thiserror::Error;

/// What to replace, and with what.
pub(super) struct Replacement {
    pub(super) old: String,
    pub(super) new: String,
    /// In all places; otherwise the text must be there only once.
    pub(super) all: bool,
}

/// The result of a replacement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Replaced {
    pub(super) text: String,
    pub(super) places: usize,
    /// The line of the first place, from 1.
    pub(super) line: usize,
}

/// Why a replacement is refused.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum NotReplaced {
    #[error("the text to replace is empty; to write a whole file, write it")]
    Empty,
    #[error("both texts are the same")]
    Same,
    #[error(
        "the text to replace does not stand in the file; read it again, and give the text exactly, without the numbers of lines"
    )]
    Missing,
    #[error(
        "the text to replace does not stand in the file, but the new one does: it may have been edited so before"
    )]
    MissingButNew,
    #[error(
        "the new text, which has the old one in it, stands in the file already: it may have been edited so before; give more of what is around it"
    )]
    Already,
    #[error(
        "the text to replace stands in {0} places; give more of what is around the one that is meant, or set `all`"
    )]
    Many(usize),
    #[error("what it makes has the text to replace in it again; give more of what is around it")]
    Again,
}

impl Replacement {
    /// The text with the replacement made, unless it could be made again on the result.
    pub(super) fn of(&self, text: &str) -> Result<Replaced, NotReplaced> {
        let replaced = self.once(text)?;
        if self.once(&replaced.text).is_ok() { Err(NotReplaced::Again) } else { Ok(replaced) }
    }

    fn once(&self, text: &str) -> Result<Replaced, NotReplaced> {
        let Self { old, new, all } = self;
        if old.is_empty() {
            return Err(NotReplaced::Empty);
        }
        if old == new {
            return Err(NotReplaced::Same);
        }
        // A model writes a line break as one character, whatever the file has.
        let has_returns = text.contains("\r\n") && old.contains('\n') && !old.contains("\r\n");
        let as_there = |text: &str| -> Cow<'_, str> {
            if has_returns {
                text.replace("\r\n", "\n").replace('\n', "\r\n").into()
            } else {
                text.to_owned().into()
            }
        };
        let (old, new) = (as_there(old), as_there(new));
        let has_new = !new.is_empty() && text.contains(&*new);
        if has_new && new.contains(&*old) {
            return Err(NotReplaced::Already);
        }
        let Some(first) = text.find(&*old) else {
            return Err(if has_new { NotReplaced::MissingButNew } else { NotReplaced::Missing });
        };
        // Overlapping places count as two.
        let next = first + old.chars().next().map_or(1, char::len_utf8);
        if !all && text[next..].contains(&*old) {
            return Err(NotReplaced::Many(text.matches(&*old).count().max(2)));
        }
        let places = text.matches(&*old).count();
        let made = text.replace(&*old, &new);
        let line = text[..first].matches('\n').count() + 1;
        Ok(Replaced { text: made, places, line })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn replaced(text: &str, old: &str, new: &str, all: bool) -> Result<Replaced, NotReplaced> {
        Replacement { old: old.into(), new: new.into(), all }.of(text)
    }

    #[test]
    fn one_place_is_replaced_and_more_only_if_all_are_meant() {
        let made = replaced("a\nb\nc\n", "b\n", "x\n", false).unwrap();
        assert_eq!(made, Replaced { text: "a\nx\nc\n".into(), places: 1, line: 2 });
        assert_eq!(replaced("b b", "b", "x", false), Err(NotReplaced::Many(2)));
        assert_eq!(replaced("b b", "b", "x", true).unwrap().text, "x x");
        assert_eq!(
            replaced("aaa", "aa", "x", false),
            Err(NotReplaced::Many(2)),
            "places that overlap are two"
        );
        assert_eq!(replaced("a", "b", "c", false), Err(NotReplaced::Missing));
        assert_eq!(replaced("a", "", "c", false), Err(NotReplaced::Empty));
        assert_eq!(replaced("a", "a", "a", true), Err(NotReplaced::Same));
        assert_eq!(replaced("c", "b", "c", false), Err(NotReplaced::MissingButNew));
        assert_eq!(replaced("x\r\ny\r\n", "x\ny", "z\ny", false).unwrap().text, "z\r\ny\r\n");
    }

    #[test]
    fn what_would_double_is_refused() {
        let once = replaced("use a;\n", "use a;\n", "use a;\nuse b;\n", false).unwrap();
        assert_eq!(replaced(&once.text, "use a;\n", "use a;\nuse b;\n", false), Err(NotReplaced::Already));
        assert_eq!(replaced("abb", "ab", "a", false), Err(NotReplaced::Again));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn an_edit_of_its_own_result_is_refused(text in "[ab\n\r]{0,12}", old in "[ab\n]{0,3}", new in "[ab\n]{0,4}", all: bool) {
            if let Ok(made) = replaced(&text, &old, &new, all) {
                let again = replaced(&made.text, &old, &new, all);
                prop_assert!(again.is_err(), "{text:?} to {made:?} to {again:?}");
                prop_assert!(made.places >= 1 && (all || made.places == 1));
                if !all && !text.contains('\r') {
                    let at = text.find(&old).unwrap();
                    prop_assert_eq!(made.text, format!("{}{new}{}", &text[..at], &text[at + old.len()..]));
                }
            }
        }
    }
}
