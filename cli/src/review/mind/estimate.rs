//! What a review by models would cost, before anything is spent.

use std::fmt;

use skep_actors::model::{Prices, Tokens};
use skep_runtime::{NanoUsd, Usage};

use super::{Minds, OUTPUT, SMART, TURNS, parts, tier};
use crate::review::Category;

/// What a mind is told beside the sources, in bytes: its system text, the schemas of its tools and of its answer.
const AROUND: u64 = 12 << 10;

/// What one look at other files brings back, by and large.
const LOOK: u64 = 16 << 10;

/// What some calls come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// If each part is answered at once.
    pub least: Usage,
    /// If each part takes all the calls that it may, each with the longest answer. It is reckoned by and large: the bound that holds is
    /// the budget.
    pub most: Usage,
}

impl std::ops::Add for Span {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { least: self.least + other.least, most: self.most + other.most }
    }
}

/// What a review would take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The files and their bytes.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Each reviewer's calls: its model in words, and what they come to.
    pub rows: Vec<(Category, String, Span)>,
    /// The same with the smart model for all.
    pub all_smart: Span,
    /// What the swarm may spend.
    pub budget: NanoUsd,
}

/// The estimate for batches of files of these sizes.
#[must_use]
pub fn estimate(batches: &[Vec<u64>], minds: &Minds, budget: NanoUsd) -> Estimate {
    let span = |prices: Prices| {
        let of_batch = |sizes: &Vec<u64>| of(parts::count(sizes.iter().copied()), all(sizes.iter()), &prices);
        batches.iter().map(of_batch).fold(Span::default(), |sum, span| sum + span)
    };
    let row = |category: Category| (category, minds.name(tier(category)), span(minds.prices(tier(category))));
    let smart = span(minds.prices(SMART));
    Estimate {
        files: batches.iter().map(|batch| batch.len() as u64).sum(),
        bytes: all(batches.iter().flatten()),
        rows: Category::ALL.map(row).into(),
        all_smart: Category::ALL.iter().fold(Span::default(), |sum, _| sum + smart),
        budget,
    }
}

fn all<'s>(sizes: impl Iterator<Item = &'s u64>) -> u64 {
    sizes.fold(0, |sum, size| sum.saturating_add(*size))
}

/// So many parts with so many bytes in all, for one reviewer.
fn of(parts: u64, bytes: u64, prices: &Prices) -> Span {
    // Line numbers and names are some part of the text; four bytes are a token, by and large.
    let text = bytes.saturating_add(bytes / 4);
    let sent = text.saturating_add(parts.saturating_mul(AROUND)) / 4;
    let written = parts.saturating_mul(OUTPUT / 8);
    let least = Tokens::inclusive(sent, 0, written).usage(prices);
    let turns = u64::from(TURNS);
    // Each further call sends all that was said before; each byte may be a token.
    let sent_most = text.saturating_add(parts.saturating_mul(AROUND)).saturating_mul(turns);
    let looks = parts.saturating_mul((LOOK + OUTPUT) * turns * (turns - 1) / 2);
    let most = prices.worst_case(sent_most.saturating_add(looks), parts.saturating_mul(OUTPUT * turns));
    let calls = |usage: Usage, calls| Usage { calls, ..usage };
    Span { least: calls(least, parts), most: calls(most, parts.saturating_mul(turns)) }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = if self.files == 1 { "file" } else { "files" };
        writeln!(
            f,
            "estimate for {} {files}, {} KiB; nothing was sent or spent",
            self.files,
            self.bytes.div_ceil(1_024)
        )?;
        let widest = self.rows.iter().map(|(_, model, _)| model.len()).max().unwrap_or(0);
        let row = |f: &mut fmt::Formatter<'_>, name: &str, model: &str, Span { least, most }: Span| {
            writeln!(
                f,
                "  {name:<12} {model:<widest$}  {} to {} calls, about {} to {}",
                least.calls, most.calls, least.money, most.money
            )
        };
        for (category, model, span) in &self.rows {
            row(f, category.word(), model, *span)?;
        }
        let total = self.rows.iter().fold(Span::default(), |sum, (.., span)| sum + *span);
        row(f, "all", "", total)?;
        row(f, "all smart", "", self.all_smart)?;
        writeln!(
            f,
            "Calls that fail and are tried again are not in it. The budget is {}: no more than that is spent.",
            self.budget
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_actors::model::Scripted;

    #[test]
    fn an_estimate_has_calls_and_money_and_what_all_smart_would_cost() {
        let prices = Prices::per_million("1", "2").unwrap();
        let minds = Minds::of(Scripted::new(), Scripted::new(), prices);
        let estimate = estimate(&[vec![40_000, 40_000], vec![10]], &minds, NanoUsd(5_000_000_000));
        assert_eq!((estimate.files, estimate.rows.len()), (3, 4));
        for (.., span) in &estimate.rows {
            assert_eq!((span.least.calls, span.most.calls), (3, 24));
            assert!(span.least.money.0 > 0 && span.least.money < span.most.money);
        }
        let text = estimate.to_string();
        assert!(
            text.contains("all smart") && text.contains("$5") && text.contains("3 to 24 calls"),
            "{text}"
        );
    }

    #[test]
    fn nothing_costs_nothing_and_the_largest_numbers_do_not_overflow() {
        let minds = Minds::of(Scripted::new(), Scripted::new(), Prices::per_million("15", "75").unwrap());
        assert_eq!(estimate(&[], &minds, NanoUsd(0)).all_smart, Span::default());
        let most = estimate(&[vec![u64::MAX / 2; 3]], &minds, NanoUsd(0));
        assert!(most.all_smart.most.money.0 > 0);
    }
}
