//! Whether somebody wrote down why.

use crate::review::source::{Node, Source, View};

/// How many lines above a place a comment may begin and still be about it.
const NEAR: usize = 8;

/// Whether an `unsafe` block has a comment that says why it is sound: on its line, right above the statement,
/// inside the block, earlier in the same function, or in the `# Safety` section of the function around it.
pub(super) fn is_unsafe_justified(source: &Source, block: &Node<'_>) -> bool {
    let says_safe = |text: &str| text.to_ascii_lowercase().contains("safe");
    let Some(comments) = source.view(View::Comments) else { return true };
    let range = block.range();
    let inside = range.start..source.line_range(range.end).end;
    if says_safe(&comments[inside]) || says_safe(above(source, comments, range.start)) {
        return true;
    }
    // An unsafe function's own contract covers its body, and one comment often speaks for several blocks.
    let text = source.text();
    block
        .ancestors()
        .filter(|around| matches!(&*around.kind(), "function_item" | "impl_item" | "macro_definition"))
        .any(|around| {
            let start = around.range().start;
            let earlier = around.kind() == "function_item"
                && comments[start..range.start].to_ascii_lowercase().contains("safety");
            earlier
                || says_safe(above(source, comments, start))
                || text[start..range.start].contains("unsafe fn")
        })
}

/// Whether `#[ignore]` is silent about its reason. Other attributes are no concern of ours.
pub(super) fn is_ignore_justified(source: &Source, attribute: &Node<'_>) -> bool {
    let text: String = attribute.text().split_whitespace().collect();
    if text != "#[ignore]" {
        return true;
    }
    let Some(comments) = source.view(View::Comments) else { return true };
    let range = attribute.range();
    let line = source.line_range(range.start);
    !comments[line].trim().is_empty() || !above(source, comments, range.start).trim().is_empty()
}

/// The comments right above a place: lines with nothing but comments and attributes, and the statement's own
/// earlier lines.
fn above<'s>(source: &'s Source, comments: &'s str, at: usize) -> &'s str {
    let text = source.text();
    let mut from = source.line_range(at).start;
    for _ in 0..NEAR {
        if from == 0 {
            break;
        }
        let line = source.line_range(from - 1);
        let (written, said) = (text[line.clone()].trim(), comments[line.clone()].trim());
        let goes_on = !said.is_empty() || written.starts_with("#[") || is_unfinished(written);
        if !goes_on {
            break;
        }
        from = line.start;
    }
    &comments[from..at]
}

/// Whether the line leaves a statement open, so that the next line belongs to it.
fn is_unfinished(line: &str) -> bool {
    !line.is_empty() && !line.ends_with([';', '{', '}'])
}
