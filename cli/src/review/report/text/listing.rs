//! The findings: by severity, then by file, with the line they are about.

use std::collections::BTreeMap;

use unicode_width::UnicodeWidthStr as _;

use super::super::{Report, counted};
use super::Layout;
use super::wrap::wrap;
use crate::review::finding::{Finding, Severity};

/// Columns before the words of a finding: `  123:45  `.
const MARGIN: usize = 12;

/// Tabs of the source are shown as so many spaces.
const TAB: &str = "    ";

pub(super) fn write(out: &mut String, report: &Report, layout: Layout) {
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    let mut hidden: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for severity in Severity::WORST_FIRST {
        let count = report.count(severity);
        if count == 0 {
            continue;
        }
        let title = format!("{severity} · {count} ");
        let rule = "─".repeat(layout.width.saturating_sub(title.width()));
        line(out, &format!("{}{}", layout.paint.severity(severity, &title), layout.paint.faint(&rule)));
        let mut file = "";
        for finding in report.findings.iter().filter(|finding| finding.severity == severity) {
            let before = shown.entry(&finding.rule).or_default();
            if *before >= layout.at_most {
                hidden.entry(&finding.rule).or_default().push(finding);
                continue;
            }
            *before += 1;
            if file != finding.file {
                file = &finding.file;
                for part in wrap(file, layout.width) {
                    line(out, &layout.paint.strong(&part));
                }
            }
            write_finding(out, finding, *before == 1, layout);
        }
        for (rule, more) in std::mem::take(&mut hidden) {
            let mut files: Vec<&str> = more.iter().map(|finding| &*finding.file).collect();
            files.dedup();
            let words =
                format!("and {} more of {rule} in {}", more.len(), counted(files.len() as u64, "file"));
            for part in wrap(&words, layout.width.saturating_sub(2)) {
                line(out, &layout.paint.faint(&format!("  {part}")));
            }
        }
        out.push('\n');
    }
}

/// Place, words and rule; the line of the source with a caret; what to do, the first time the rule speaks.
fn write_finding(out: &mut String, finding: &Finding, first: bool, layout: Layout) {
    let place = match finding.column {
        Some(column) => format!("{}:{column}", finding.line),
        None => finding.line.to_string(),
    };
    let width = layout.width - MARGIN;
    let also = finding.also.iter().fold(String::new(), |all, rule| format!("{all} + {rule}"));
    let words = wrap(&format!("{} [{}{also}]", finding.description, finding.rule), width);
    for (number, words) in words.iter().enumerate() {
        let margin = if number == 0 { format!("  {place:<8}  ") } else { " ".repeat(MARGIN) };
        line(out, &format!("{}{words}", layout.paint.severity(finding.severity, &margin)));
    }
    write_excerpt(out, finding, width, layout);
    if first {
        for (number, words) in wrap(&finding.suggestion, width - 2).iter().enumerate() {
            let arrow = if number == 0 { "→ " } else { "  " };
            line(out, &layout.paint.faint(&format!("{}{arrow}{words}", " ".repeat(MARGIN))));
        }
    }
}

/// The line of the source without its indentation, cut to the width, and a caret below the column.
fn write_excerpt(out: &mut String, finding: &Finding, width: usize, layout: Layout) {
    let code = finding.excerpt.trim_start();
    if code.is_empty() {
        return;
    }
    let indentation = finding.excerpt.chars().count() - code.chars().count();
    let shown: String = printable(code).chars().take(width.saturating_sub(2)).collect();
    let margin = " ".repeat(MARGIN);
    line(out, &format!("{margin}{}{shown}", layout.paint.faint("│ ")));
    let Some(before) = finding.column.and_then(|column| (column as usize).checked_sub(indentation + 1))
    else {
        return;
    };
    let before = printable(&code.chars().take(before).collect::<String>()).width();
    if before < width.saturating_sub(2) && before < shown.width() {
        let caret = layout.paint.severity(finding.severity, "^");
        line(out, &format!("{margin}{}{}{caret}", layout.paint.faint("│ "), " ".repeat(before)));
    }
}

/// Control characters of a reviewed file must not reach the terminal.
fn printable(code: &str) -> String {
    code.replace('\t', TAB)
        .chars()
        .map(|letter| if letter.is_control() { '\u{fffd}' } else { letter })
        .collect()
}

fn line(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}
