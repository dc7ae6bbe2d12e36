//! The report as Markdown, for a comment on a pull request.

use std::fmt::Write as _;

use super::{Report, counted};
use crate::review::finding::{Finding, Severity};

/// A comment on a forge holds 65,536 characters; what is longer is refused as a whole.
const MAX_CHARACTERS: usize = 60_000;

/// The report as Markdown. `at_most` findings of one severity stand in the table, the others are counted.
#[must_use]
pub fn render(report: &Report, at_most: usize) -> String {
    let mut out = format!("### skep review: {}\n\n", report.tally());
    let _ = writeln!(
        out,
        "{} · {} · {}\n",
        inline(&report.scope),
        counted(report.files, "file"),
        report.elapsed()
    );
    for caveat in report.caveats() {
        let _ = writeln!(out, "> {caveat}\n");
    }
    for reviewer in &report.reviewers {
        if let Some(why) = &reviewer.failed {
            let _ = writeln!(out, "> The {} reviewer failed: {}\n", reviewer.category, inline(why));
        }
    }
    for severity in Severity::WORST_FIRST {
        table(&mut out, report, severity, at_most);
    }
    details(&mut out, report);
    let _ = writeln!(out, "<sub>{}</sub>", inline(&report.receipt));
    out
}

fn table(out: &mut String, report: &Report, severity: Severity, at_most: usize) {
    let findings: Vec<&Finding> =
        report.findings.iter().filter(|finding| finding.severity == severity).collect();
    if findings.is_empty() {
        return;
    }
    let _ =
        writeln!(out, "#### {severity} ({})\n\n| place | finding | rule |\n|---|---|---|", findings.len());
    let mut shown = 0;
    for finding in findings.iter().take(at_most) {
        let row = format!(
            "| `{}:{}` | {} {} | `{}` |\n",
            code(&finding.file),
            finding.line,
            inline(&finding.description),
            inline(&finding.suggestion),
            finding.rule
        );
        if out.len() + row.len() > MAX_CHARACTERS {
            break;
        }
        out.push_str(&row);
        shown += 1;
    }
    if shown < findings.len() {
        let _ = write!(out, "\nand {} more\n", findings.len() - shown);
    }
    out.push('\n');
}

/// What few readers ask for stands folded up.
fn details(out: &mut String, report: &Report) {
    out.push_str("<details><summary>What it took, and what was not judged</summary>\n\n");
    for judged in &report.languages {
        let files = counted(judged.files, "file");
        let _ = writeln!(out, "- {}, {files}: {}", judged.language, inline(&judged.words()));
    }
    if !report.notes.is_empty() {
        let _ = writeln!(
            out,
            "- {} not reviewed or not wholly, first: {}",
            counted(report.notes.len() as u64, "file"),
            {
                let first = &report.notes[0];
                inline(&format!("{} {}", first.file, first.why))
            }
        );
    }
    for item in &report.needs_model {
        let _ = writeln!(out, "- needs a model ({}): {}", item.category, inline(&item.item));
    }
    out.push_str("\n```text\n");
    for (name, cost) in report.cost.rows() {
        let _ = writeln!(out, "{name} {} {} {}", cost.money(), counted(cost.files, "file"), cost.size());
    }
    let _ = writeln!(out, "{}\n```\n", report.prices);
    if let Some(chaos) = &report.chaos {
        let _ = writeln!(out, "Chaos, seed {}:\n", chaos.seed);
        for line in chaos.faults.iter().chain(&chaos.answers) {
            let _ = writeln!(out, "- {}", inline(line));
        }
        out.push('\n');
    }
    out.push_str("</details>\n\n");
}

/// Words of ours or of a file, so that they cannot end a table cell or become markup.
fn inline(words: &str) -> String {
    let mut safe = String::with_capacity(words.len());
    for letter in words.chars() {
        match letter {
            '|' => safe.push_str("\\|"),
            '<' => safe.push_str("&lt;"),
            '@' => safe.push_str("&#64;"),
            '\n' | '\r' => safe.push(' '),
            _ => safe.push(letter),
        }
    }
    safe
}

/// Text between backticks; a backtick or bar in it would end the cell.
fn code(words: &str) -> String {
    words.replace(['`', '|', '\n', '\r'], "_")
}

#[cfg(test)]
mod tests {
    use super::super::sample::{empty, full};
    use super::*;

    #[test]
    fn it_names_place_rule_failures_and_receipt() {
        let text = render(&full(), 2);
        for part in [
            "### skep review: 1 critical",
            "| `deploy/key.yml:1` |",
            "`security/known-token`",
            "The tests reviewer failed: deadline of 2 min passed \\| twice",
            "and 1 more",
            "Prices are simulated",
            "<sub>stopped 5 agents, 0 stuck</sub>",
        ] {
            assert!(text.contains(part), "{part} is missing:\n{text}");
        }
    }

    #[test]
    fn every_row_of_a_table_has_three_cells() {
        let mut report = full();
        report.findings[0].file = "a|b`c.rs".into();
        report.findings[0].description = "x | <b> @all\nz".into();
        for row in render(&report, 99).lines().filter(|line| line.starts_with('|')) {
            assert_eq!(row.replace("\\|", "").matches('|').count(), 4, "{row}");
        }
    }

    #[test]
    fn it_stays_below_what_a_comment_holds() {
        let mut report = full();
        report.findings = std::iter::repeat_n(report.findings[0].clone(), 9_000).collect();
        assert!(render(&report, usize::MAX).len() < 65_536);
        assert!(render(&empty(), 5).starts_with("### skep review: no findings"));
    }
}
