//! `files_read`: the lines of a file, by number.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use skep_runtime::{Call, Reach};

use super::page::{Page, count};
use super::{Place, about, aside, reads};
use crate::defaults;
use crate::tool::{Card, PlannedTool, ToolError};
use crate::tools::beneath::{Last, Regular, Way};
use crate::tools::files::{Content, content};
use crate::tools::wanted::Wanted;

/// How much of one line is shown: a minified file is a single line.
const LONGEST_LINE: usize = 2_000;

/// The tool's input.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// The file, relative to the root.
    path: String,
    /// The number of the first line, from 1; 1 if not given.
    #[schemars(range(min = 1))]
    offset: Option<usize>,
    /// At most this many lines; 2,000 if not given.
    #[schemars(range(min = 1))]
    limit: Option<usize>,
}

/// What it will do.
pub(super) struct Plan {
    given: String,
    way: Way,
    first: usize,
    most: usize,
}

pub(super) struct Read {
    card: Card,
    place: Arc<Place>,
}

impl Read {
    pub(super) fn new(place: Arc<Place>) -> Self {
        let about = "Reads a text file, or some lines of it. Each line has its number and a tab before it, which are no part of the file.";
        Self { card: reads("files_read", "files.read", about), place }
    }
}

impl PlannedTool for Read {
    type Input = Input;
    type Plan = Plan;
    type Output = String;

    fn card(&self) -> &Card {
        &self.card
    }

    fn plan(&self, input: Input) -> Result<(Reach, Plan), ToolError> {
        let way = self.place.way(&input.path, Last::Followed)?;
        let reach = Reach::path(self.place.path(way.names()));
        let first = input.offset.unwrap_or(1).max(1);
        let most = input.limit.unwrap_or(defaults::TOOL_LINES).max(1);
        Ok((reach, Plan { given: input.path, way, first, most }))
    }

    async fn carry_out(&self, plan: Arc<Plan>, call: Call) -> Result<String, ToolError> {
        let (place, most_output) = (Arc::clone(&self.place), self.card.most_output);
        aside(&call, move |wanted| {
            let file = place.beneath.still_file(&plan.way).map_err(|error| about(&plan.given, &error))?;
            let text = text(file, defaults::TOOL_FILE, wanted).map_err(|why| about(&plan.given, &why))?;
            Ok(numbered(&text, plan.first, plan.most, most_output))
        })
        .await
    }
}

/// The text that a file contains, or why it has none.
pub(super) fn text(file: Regular, most: u64, wanted: &Wanted) -> Result<String, String> {
    Err(match content(file, most, wanted).0 {
        Content::Text(text) => return Ok(text),
        Content::Binary(at) => format!("it is not text: there is a NUL at byte {at}"),
        Content::Utf16 => "it is text in UTF-16, and only UTF-8 is read".to_owned(),
        Content::NotUtf8(at) => format!("it is not UTF-8 from byte {at} on"),
        Content::TooLarge(size) => {
            format!("it has {size} bytes, and {most} are read at most; search in it instead")
        }
        Content::Unreadable(why) => why,
    })
}

/// Lines with their numbers, and how to ask for the rest.
fn numbered(text: &str, first: usize, most: usize, most_output: usize) -> String {
    let lines = text.lines().count();
    let mut page = Page::new(most_output);
    let mut next = first;
    for line in text.lines().skip(first - 1).take(most) {
        let shown = if line.len() > LONGEST_LINE {
            let end = (0..=LONGEST_LINE).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
            format!("{next:>6}\t{} [{} bytes more]", &line[..end], line.len() - end)
        } else {
            format!("{next:>6}\t{line}")
        };
        if !page.line(&shown) {
            break;
        }
        next += 1;
    }
    if lines == 0 {
        page.remark("the file is empty");
    } else if first > lines {
        page.remark(&format!("the file has {}", count(lines, "line")));
    } else if next <= lines {
        page.remark(&format!("lines {first} to {} of {lines}; go on with offset {next}", next - 1));
    }
    page.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_have_their_numbers_and_what_is_left_out_is_said() {
        assert_eq!(numbered("a\r\nb", 1, 9, 9_000), "     1\ta\n     2\tb\n");
        assert_eq!(
            numbered("a\nb\nc\n", 2, 1, 9_000),
            "     2\tb\n[lines 2 to 2 of 3; go on with offset 3]\n"
        );
        assert_eq!(numbered("", 1, 9, 9_000), "[the file is empty]\n");
        assert_eq!(numbered("a", 7, 9, 9_000), "[the file has 1 line]\n");
        let long = numbered(&"é".repeat(2_000), 1, 9, 9_000);
        assert!(long.ends_with(" [2000 bytes more]\n"), "{long}");
        assert_eq!(numbered("a\nb", usize::MAX, usize::MAX, 9_000), "[the file has 2 lines]\n");
    }

    proptest! {
        /// A reader who follows the hints has read every line once, in pieces that fit.
        #[test]
        fn going_on_reads_each_line_once(lines in proptest::collection::vec("[ab\t]{0,40}", 1..60), most in 1_usize..20, room in 2_100_usize..3_000) {
            let text = lines.join("\n") + "\n";
            let (mut read, mut next) = (Vec::new(), 1);
            for _ in 0..200 {
                let piece = numbered(&text, next, most, room);
                prop_assert!(piece.len() <= room);
                read.extend(piece.lines().filter_map(|line| Some(line.split_once('\t').filter(|_| !line.starts_with('['))?.1.to_owned())));
                match piece.split_once("go on with offset ") {
                    Some((_, offset)) => next = offset.trim_end_matches("]\n").parse().unwrap(),
                    None => break,
                }
            }
            prop_assert_eq!(read, lines);
        }
    }
}
