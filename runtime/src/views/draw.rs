//! Trees as text: branches in the first column, the others aligned.

use std::borrow::Cow;

use crate::words::defaults::NAME;
use crate::words::text::{at_most, breaks_a_line};

/// A row that stands deeper than this is drawn here, with how much deeper it is: a chain of thousands would else be wider than
/// it is long.
const LEVELS: usize = 24;

/// A column and its heading.
#[derive(Clone, Copy)]
pub(crate) enum Column {
    Left(&'static str),
    Right(&'static str),
}

/// A row: how deep it is in the tree, and its cells, one a column.
pub(crate) struct DrawnLine {
    pub(crate) level: usize,
    pub(crate) cells: Vec<String>,
}

/// Draws rows that stand in tree order, each before what is below it. A column that is empty in every row is left out.
/// Lines are separated by line feeds, without one at the end.
pub(crate) fn draw(columns: &[Column], lines: &[DrawnLine]) -> String {
    let mut table: Vec<Vec<String>> =
        vec![columns.iter().map(|column| column.heading().to_owned()).collect()];
    for (line, branches) in lines.iter().zip(branches(lines)) {
        let mut row: Vec<_> = line.cells.iter().map(|cell| printable(cell)).collect();
        if let Some(first) = row.first_mut() {
            first.insert_str(0, &branches);
        }
        table.push(row);
    }
    let width = |at: usize| table.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
    let is_filled = |at: usize| table[1..].iter().any(|row| row.get(at).is_some_and(|cell| !cell.is_empty()));
    let kept: Vec<_> =
        (0..columns.len()).filter(|at| is_filled(*at)).map(|at| (at, width(at).unwrap_or(0))).collect();

    let text: Vec<_> = table
        .iter()
        .map(|row| {
            let cells = kept.iter().map(|&(at, width)| {
                // `format!` takes no width beyond 65,535.
                let blank = " ".repeat(width.saturating_sub(row[at].chars().count()));
                match columns[at] {
                    Column::Left(_) => format!("{}{blank}", row[at]),
                    Column::Right(_) => format!("{blank}{}", row[at]),
                }
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect();
    text.join("\n")
}

/// What stands before each row: found from the last row up, since a branch goes on if a later sibling is to come.
fn branches(lines: &[DrawnLine]) -> Vec<String> {
    let mut goes_on: Vec<bool> = Vec::new();
    let mut drawn: Vec<_> = lines
        .iter()
        .rev()
        .map(|line| {
            let has_later_sibling = goes_on.get(line.level).copied().unwrap_or(false);
            goes_on.resize(line.level + 1, false);
            goes_on[line.level] = true;
            let shown = line.level.min(LEVELS);
            let above = goes_on[..shown].iter().skip(1).map(|on| if *on { "│   " } else { "    " });
            let last = match (line.level, has_later_sibling) {
                (0, _) => "",
                (_, true) => "├── ",
                (_, false) => "└── ",
            };
            let mut drawn = above.chain([last]).collect::<String>();
            if line.level > shown {
                drawn.push_str(&format!("({} deeper) ", line.level - shown));
            }
            drawn
        })
        .collect();
    drawn.reverse();
    drawn
}

/// Names come from outside: what would move the cursor or break a line is shown as a mark, and of one that is too long to be one
/// its beginning.
fn printable(cell: &str) -> String {
    let shown =
        if cell.len() > NAME { Cow::Owned(at_most(cell.to_owned(), NAME)) } else { Cow::Borrowed(cell) };
    shown.chars().map(|char| if breaks_a_line(char) { '\u{fffd}' } else { char }).collect()
}

impl Column {
    const fn heading(self) -> &'static str {
        match self {
            Self::Left(heading) | Self::Right(heading) => heading,
        }
    }
}

/// What stands for agents that have no row any more.
pub(crate) fn freed_label(agents: usize) -> String {
    format!("({} ended)", grouped(agents as u64))
}

/// A number with its thousands apart: `12,345`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rows: &[(usize, &str, &str)]) -> Vec<DrawnLine> {
        let cells = |name: &str, number: &str| vec![name.to_owned(), String::new(), number.to_owned()];
        rows.iter()
            .map(|(level, name, number)| DrawnLine { level: *level, cells: cells(name, number) })
            .collect()
    }

    #[test]
    fn branches_go_on_while_siblings_are_to_come() {
        let columns = [Column::Left("agent"), Column::Left("empty"), Column::Right("cost")];
        let rows = lines(&[
            (0, "a", "12"),
            (1, "b", "1"),
            (2, "c", ""),
            (2, "d", "3"),
            (1, "é\n", "4"),
            (2, "f", ""),
        ]);
        assert_eq!(
            draw(&columns, &rows),
            "\
agent      cost
a            12
├── b         1
│   ├── c
│   └── d     3
└── é\u{fffd}        4
    └── f"
        );
    }

    #[test]
    fn names_and_trees_of_any_size_are_drawn_in_a_bounded_width() {
        let name = "n".repeat(70_000);
        let rows: Vec<_> = (0..10_000).map(|level| (level, name.as_str(), "1")).collect();
        let text =
            draw(&[Column::Left("agent"), Column::Left("empty"), Column::Right("cost")], &lines(&rows));
        assert_eq!(text.lines().count(), 10_001);
        assert!(text.lines().all(|line| line.chars().count() < 500));
        assert!(text.lines().nth(10_000).is_some_and(|line| line.contains("(9975 deeper) nnn")));
    }

    #[test]
    fn two_trees_stand_one_below_the_other() {
        let rows = lines(&[(0, "a", ""), (1, "b", ""), (0, "c", ""), (1, "d", "")]);
        assert_eq!(draw(&[Column::Left("agent")], &rows), "agent\na\n└── b\nc\n└── d");
        assert_eq!(draw(&[Column::Left("agent")], &[]), "");
    }
}
