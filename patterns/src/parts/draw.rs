//! The parts as pictures: a text tree, Mermaid, DOT.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::Duration;

use skep_runtime::Usage;
use skep_runtime::text::OneLine;

use super::{Part, Parts};
use crate::failure::Failure;

/// A pattern of more parts is drawn with those that stand together and ended alike as one row.
const MOST_ROWS: usize = 50;

impl Parts {
    /// A text tree with cost, time and end of each part, and of the parts of patterns inside it. A `*` marks the critical path.
    /// Of more than 50 parts, those that stand together and ended alike are one row.
    #[must_use]
    pub fn tree(&self) -> String {
        let mut rows = vec![Row {
            name: OneLine(&self.name).to_string(),
            cost: self.cost().to_string(),
            took: seconds(self.took),
            end: self.to_string(),
        }];
        self.rows("", &mut rows);
        let width =
            |of: fn(&Row) -> &String| rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0);
        let (name, cost, took) = (width(|row| &row.name), width(|row| &row.cost), width(|row| &row.took));
        let line =
            |row: &Row| format!("{:name$}  {:>cost$}  {:>took$}  {}", row.name, row.cost, row.took, row.end);
        rows.iter().map(|row| line(row).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    fn rows(&self, before: &str, rows: &mut Vec<Row>) {
        let path: HashSet<_> = self.critical_path().into_iter().map(std::ptr::from_ref).collect();
        let is_long = self.parts.len() > MOST_ROWS;
        let is_alone =
            |part: &Part| !is_long || part.inner.is_some() || path.contains(&std::ptr::from_ref(part));
        let groups =
            self.parts.chunk_by(|one, other| !is_alone(one) && !is_alone(other) && one.end() == other.end());
        // Fewer than these are no shorter as one row.
        let groups = groups.flat_map(|group| group.chunks(if group.len() > 3 { group.len() } else { 1 }));
        let mut groups = groups.peekable();
        while let Some(group) = groups.next() {
            let (branch, below) =
                if groups.peek().is_none() { ("└── ", "    ") } else { ("├── ", "│   ") };
            let Some(part) = group.first() else { continue };
            let name = match group.len() {
                1 => part.shown(),
                many => format!("{many} parts"),
            };
            let mark = if path.contains(&std::ptr::from_ref(part)) { " *" } else { "" };
            let cost = group.iter().fold(Usage::ZERO, |sum, part| sum + part.cost);
            let began = group.iter().map(|part| part.began).min().unwrap_or_default();
            let ended = group.iter().map(Part::ended).max().unwrap_or_default();
            let took = if group.len() == 1 { part.took } else { ended.saturating_sub(began) };
            rows.push(Row {
                name: format!("{before}{branch}{name}{mark}"),
                cost: cost.to_string(),
                took: seconds(took),
                end: part.end(),
            });
            if let Some(inner) = &part.inner {
                inner.rows(&format!("{before}{below}"), rows);
            }
        }
    }

    /// A Mermaid flow chart: an arrow from each part to those that waited for it.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut out = format!("flowchart LR\n  p[\"{}\"]\n", escaped(&self.name, "#quot;"));
        self.edges(
            "p",
            &mut out,
            |out, id, part| {
                let line = escaped(&part.line(), "#quot;");
                let class = match &part.failure {
                    None => "",
                    Some(_) if part.is_idle() => ":::idle",
                    Some(_) => ":::failed",
                };
                writeln!(out, "  {id}[\"{line}\"]{class}")
            },
            |out, from, to| writeln!(out, "  {from} --> {to}"),
        );
        out.push_str("  classDef failed stroke:#c00\n  classDef idle stroke-dasharray:4\n");
        out
    }

    /// A Graphviz graph in the DOT language.
    #[must_use]
    pub fn dot(&self) -> String {
        let mut out =
            format!("digraph {{\n  rankdir=LR;\n  p [label=\"{}\"];\n", escaped(&self.name, "\\\""));
        self.edges(
            "p",
            &mut out,
            |out, id, part| {
                let color = match &part.failure {
                    None => "",
                    Some(_) if part.is_idle() => ", style=dashed",
                    Some(_) => ", color=red",
                };
                writeln!(out, "  {id} [label=\"{}\"{color}];", escaped(&part.line(), "\\\""))
            },
            |out, from, to| writeln!(out, "  {from} -> {to};"),
        );
        out.push_str("}\n");
        out
    }

    fn edges(
        &self,
        root: &str,
        out: &mut String,
        node: fn(&mut String, &str, &Part) -> std::fmt::Result,
        edge: fn(&mut String, &str, &str) -> std::fmt::Result,
    ) {
        for (at, part) in self.parts.iter().enumerate() {
            let id = format!("{root}_{at}");
            // Writing to a string cannot fail.
            let _ = node(out, &id, part);
            if part.after.is_empty() {
                let _ = edge(out, root, &id);
            }
            for before in &part.after {
                let _ = edge(out, &format!("{root}_{before}"), &id);
            }
            if let Some(inner) = &part.inner {
                inner.edges(&id, out, node, edge);
            }
        }
    }
}

impl Part {
    /// Its name; where that is a number, also that of the pattern that it was.
    fn shown(&self) -> String {
        match &self.inner {
            Some(inner) if self.name.bytes().all(|byte| byte.is_ascii_digit()) => {
                format!("{} ({})", OneLine(&self.name), OneLine(&inner.name))
            }
            _ => OneLine(&self.name).to_string(),
        }
    }

    fn end(&self) -> String {
        // What failed says its last error itself.
        let end = match (&self.failure, self.is_recalled) {
            (Some(failure @ Failure::Failed(_)), _) => return failure.to_string(),
            (Some(failure), _) => failure.to_string(),
            (None, true) => "done before".to_owned(),
            (None, false) if self.attempts > 1 => format!("done in {} attempts", self.attempts),
            (None, false) => "done".to_owned(),
        };
        match self.errors.last() {
            Some(last) => format!("{end}; the last error: {last}"),
            None => end,
        }
    }

    /// Whether it did not run, though nothing of it went wrong.
    const fn is_idle(&self) -> bool {
        matches!(self.failure, Some(Failure::NotBegun(_) | Failure::NotNeeded(_)))
    }

    fn line(&self) -> String {
        format!("{}: {}, {}, {}", self.name, self.end(), self.cost, seconds(self.took))
    }
}

struct Row {
    name: String,
    cost: String,
    took: String,
    end: String,
}

/// What rounds to nothing in seconds is said in milliseconds.
fn seconds(time: Duration) -> String {
    match time.as_millis() {
        ms @ 1..50 => format!("{ms}ms"),
        _ => format!("{:.1}s", time.as_secs_f64()),
    }
}

/// A label between quotes, on one line.
pub(crate) fn escaped(text: &str, quote: &str) -> String {
    OneLine(text).to_string().replace('"', quote)
}
