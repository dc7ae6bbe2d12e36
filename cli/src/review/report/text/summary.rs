//! What follows the findings: how the reviewers fared, what was left out, what it took, how it ended.

use std::collections::BTreeMap;

use unicode_width::UnicodeWidthStr as _;

use super::super::{Report, Reviewer, counted};
use super::Layout;
use super::wrap::wrap;

/// Reasons beyond this are counted, and files of one reason are one line: a vendored tree is not a thousand.
const MAX_NOTES: usize = 10;

pub(super) fn write(out: &mut String, report: &Report, layout: Layout) {
    let mut page = Page { out, layout };
    page.reviewers(report);
    page.languages(report);
    page.notes(report);
    page.needs_model(report);
    page.cost(report);
    page.chaos(report);
    page.end(report);
}

struct Page<'o> {
    out: &'o mut String,
    layout: Layout,
}

impl Page<'_> {
    fn heading(&mut self, words: &str) {
        for words in wrap(words, self.layout.width) {
            self.out.push_str(&self.layout.paint.strong(&words));
            self.out.push('\n');
        }
    }

    /// Words below a heading, wrapped, the first line behind `mark`.
    fn item(&mut self, mark: &str, words: &str) {
        let margin = mark.width();
        for (number, words) in wrap(words, self.layout.width.saturating_sub(margin)).iter().enumerate() {
            let before = if number == 0 { mark.to_owned() } else { " ".repeat(margin) };
            self.out.push_str(format!("{before}{words}").trim_end());
            self.out.push('\n');
        }
    }

    fn reviewers(&mut self, report: &Report) {
        if report.reviewers.is_empty() {
            return;
        }
        self.heading("reviewers");
        for reviewer in &report.reviewers {
            self.item(&format!("  {:<12} ", reviewer.category), &fared(reviewer));
        }
        self.out.push('\n');
    }

    fn languages(&mut self, report: &Report) {
        if report.languages.is_empty() {
            return;
        }
        self.heading("judged, by language");
        for judged in &report.languages {
            let files = counted(judged.files, "file");
            self.item(&format!("  {:<12} ", judged.language), &format!("{files}: {}", judged.words()));
        }
        self.out.push('\n');
    }

    fn notes(&mut self, report: &Report) {
        if report.notes.is_empty() {
            return;
        }
        self.heading("notes");
        let mut by_why: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for note in &report.notes {
            by_why.entry(&note.why).or_default().push(&note.file);
        }
        for (why, files) in by_why.iter().take(MAX_NOTES) {
            let words = match files.as_slice() {
                [""] | [] => (*why).to_owned(),
                [file] => format!("{file}: {why}"),
                [first, more @ ..] => format!("{first} and {} more: {why}", more.len()),
            };
            self.item("  ", &words);
        }
        let more: usize = by_why.values().skip(MAX_NOTES).map(Vec::len).sum();
        if more > 0 {
            self.item("  ", &format!("and {more} more for other reasons"));
        }
        self.out.push('\n');
    }

    fn needs_model(&mut self, report: &Report) {
        if report.needs_model.is_empty() {
            return;
        }
        self.heading("not judged (needs a model, not rules)");
        for item in &report.needs_model {
            self.item(&format!("  {:<12} ", item.category), &item.item);
        }
        self.out.push('\n');
    }

    fn cost(&mut self, report: &Report) {
        let rows = report.cost.rows();
        let names = rows.iter().map(|(name, _)| name.width()).max().unwrap_or(0).max(5);
        self.heading("cost");
        if names + 45 <= self.layout.width {
            for (name, cost) in &rows {
                let pad = " ".repeat(names - name.width());
                let files = counted(cost.files, "file");
                let calls = counted(cost.tool_calls, "call");
                let row = format!(
                    "  {name}{pad} {:>12} {files:>11} {:>10} {calls:>9}\n",
                    cost.money(),
                    cost.size()
                );
                self.out.push_str(&row);
            }
        } else {
            for (name, cost) in &rows {
                self.item(
                    "  ",
                    &format!("{}: {}", name.trim_start_matches(['│', '├', '└', '─', ' ']), cost.money()),
                );
            }
        }
        self.item("  ", &report.prices);
        self.out.push('\n');
    }

    fn chaos(&mut self, report: &Report) {
        let Some(chaos) = &report.chaos else { return };
        self.heading(&format!("chaos, seed {}", chaos.seed));
        for (title, lines, mark) in [
            ("injected into the swarm", &chaos.faults, "    ✗ "),
            ("how the swarm coped", &chaos.answers, "    ✓ "),
        ] {
            self.item("  ", title);
            for line in lines {
                self.item(mark, line);
            }
        }
        self.out.push('\n');
    }

    fn end(&mut self, report: &Report) {
        self.item("", &format!("receipt: {}", report.receipt));
        let mut words = format!(
            "{} in {}, {} ({})",
            report.tally(),
            counted(report.files, "file"),
            report.root,
            report.scope
        );
        if report.known > 0 {
            words.push_str(&format!("; {} known from the baseline", report.known));
        }
        if report.stale > 0 {
            let entries = if report.stale == 1 {
                "1 entry of it is".to_owned()
            } else {
                format!("{} entries of it are", report.stale)
            };
            words.push_str(&format!("; {entries} stale"));
        }
        words.push_str(&format!("; {}", report.elapsed()));
        self.item("", &words);
        for caveat in report.caveats() {
            self.item("", &caveat);
        }
    }
}

/// "12 files in 2 batches, 3 findings", or why it failed.
fn fared(reviewer: &Reviewer) -> String {
    let mut words = format!(
        "{} in {}, {}",
        counted(reviewer.files, "file"),
        counted(reviewer.batches, "batch"),
        counted(reviewer.findings, "finding")
    );
    if reviewer.attempts > reviewer.batches {
        words.push_str(&format!(", {}", counted(reviewer.attempts, "attempt")));
    }
    match &reviewer.failed {
        None => words,
        Some(why) => format!("{words} · the {} reviewer failed: {why}", reviewer.category),
    }
}
