//! What the review took, as the tree of its agents: money and calls from the ledger, files and bytes from the tally.

use skep_runtime::Breakdown;
use skep_runtime::ledger::CostRow;

use crate::review::report::Cost;

/// The tree of costs below the lead, a node's numbers with its children's. `read` says how many files and bytes an agent of
/// some name has read.
pub(super) fn cost(breakdown: &Breakdown, read: impl Fn(&str) -> (u64, u64)) -> Cost {
    let node = |row: &CostRow| {
        let (files, bytes) = read(&row.name);
        let spent = &row.subtree.spent;
        Cost {
            name: row.name.clone(),
            nano_usd: spent.money.0,
            files,
            bytes,
            tool_calls: spent.calls,
            children: Vec::new(),
        }
    };
    // The session's root does nothing itself; the lead is its one child.
    let mut lead = breakdown.children().next().map(node).unwrap_or_default();
    lead.children = breakdown.rows.iter().filter(|row| row.level == 2).map(node).collect();
    for child in &lead.children {
        lead.files += child.files;
        lead.bytes += child.bytes;
    }
    lead
}
