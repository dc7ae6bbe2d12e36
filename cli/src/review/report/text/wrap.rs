//! Text in lines of at most so many columns.

use unicode_width::UnicodeWidthStr as _;

/// Breaks a text at its spaces into lines of at most `width` columns. A longer word gets a line and is cut into
/// pieces, so no line is wider.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word = word.to_owned();
        let line = lines.last().map_or(0, |line| line.width());
        if line > 0 && line + 1 + word.width() > width {
            lines.push(String::new());
        }
        while word.width() > width {
            let cut = word
                .char_indices()
                .map(|(at, _)| at)
                .skip(1)
                .take_while(|at| word[..*at].width() <= width)
                .last();
            let rest = word.split_off(cut.unwrap_or(word.len()));
            lines.push(std::mem::replace(&mut word, rest));
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() && line.width() + 1 + word.width() > width {
                lines.push(word);
            } else {
                line.push_str(if line.is_empty() { "" } else { " " });
                line.push_str(&word);
            }
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_while_they_fit_and_are_cut_when_not() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("a bbbbbbb c", 3), ["a", "bbb", "bbb", "b c"]);
        assert_eq!(wrap("  ", 3), [""; 0]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
    }
}
