//! What a client reads. The runtime names agents by their ids; a client knows its own name and what it has asked for.

use serde::Serialize;
use skep::NanoUsd;

use crate::review::{Area, Report};

/// The words for one tenant's requests.
#[derive(Clone)]
pub(crate) struct Words {
    session: String,
    tenant: String,
    /// What the request is called: the review, unless told otherwise.
    request: &'static str,
}

/// A report as a client gets it: why an area failed is a line.
#[derive(Serialize)]
pub(crate) struct Answer {
    areas: Vec<Row>,
    summary: String,
    cost: NanoUsd,
}

#[derive(Serialize)]
struct Row {
    area: String,
    findings: Result<String, String>,
}

impl Words {
    pub(crate) fn new(session: &str, tenant: &str) -> Self {
        Self { session: session.to_owned(), tenant: tenant.to_owned(), request: "the review" }
    }

    /// The same for a request that is called otherwise.
    pub(crate) fn about(self, request: &'static str) -> Self {
        Self { request, ..self }
    }

    pub(crate) fn report(&self, report: Report) -> Answer {
        let row = |area: Area| Row {
            findings: area.findings.map_err(|failure| self.line(&failure.to_string(), &area.area)),
            area: area.area,
        };
        Answer {
            areas: report.areas.into_iter().map(row).collect(),
            summary: report.summary,
            cost: report.cost,
        }
    }

    /// A line with the names of agents in it, in which nobody is told apart who reviews an area.
    pub(crate) fn told(&self, line: &str) -> String {
        self.line(line, "an area")
    }

    /// The ids in a line are `session.tenant.lead.scope.reviewer`, and perhaps a task of theirs behind it.
    fn line(&self, line: &str, area: &str) -> String {
        let mut told = String::with_capacity(line.len());
        let mut rest = line;
        while let Some(at) = rest.find(&self.session) {
            let (before, from) = rest.split_at(at);
            told.push_str(before);
            let behind = &from[self.session.len()..];
            let (numbers, length) = numbers(behind);
            let is_word = before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'));
            if numbers == 0 || is_word {
                told.push_str(&self.session);
                rest = behind;
                continue;
            }
            match numbers {
                1 => told.push_str(&self.tenant),
                2 | 3 => told.push_str(self.request),
                _ => told.push_str(area),
            }
            rest = &behind[length..];
        }
        told.push_str(rest);
        told
    }
}

/// How many numbers a text begins with, each behind a dot, and how far they reach with what names a task behind them.
fn numbers(text: &str) -> (usize, usize) {
    let (mut count, mut length) = (0, 0);
    while let Some(number) = text[length..].strip_prefix('.') {
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            break;
        }
        (count, length) = (count + 1, length + 1 + digits);
    }
    if let Some(task) = text[length..].strip_prefix(['#', '/']) {
        let end = |c: char| !(c.is_alphanumeric() || matches!(c, '#' | '/' | '-' | '_'));
        length += 1 + task.find(end).unwrap_or(task.len());
    }
    (count, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_as_names() {
        let words = Words::new("reviews", "acme");
        for (line, told) in [
            (
                "reviews.3.4 failed: model of reviews.3.4.1.1 was refused",
                "the review failed: model of security was refused",
            ),
            ("reviews.3 has $0.00 left of its budget", "acme has $0.00 left of its budget"),
            ("the task reviews.3.4#7/ab-1: late.", "the task the review: late."),
            ("see reviews.12.1.1.30.", "see security."),
            ("many reviews. 3 of my.reviews.3 and reviews", "many reviews. 3 of my.reviews.3 and reviews"),
            ("", ""),
        ] {
            assert_eq!(words.line(line, "security"), told);
        }
        assert_eq!(words.told("reviews.1.2.3.4 is late"), "an area is late");
        assert_eq!(words.about("the chat").told("reviews.1.2.1 is late"), "the chat is late");
    }
}
