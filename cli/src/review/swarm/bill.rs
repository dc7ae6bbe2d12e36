//! What the review took, as the tree of its agents: money and calls from the ledger, files and bytes from the journal.

use std::collections::HashMap;
use std::sync::Arc;

use skep_runtime::{AgentId, Breakdown, CostRow, Event, What};

use super::FILE_EVENT;
use crate::review::report::Cost;

/// The tree of costs below the lead, a node's numbers with its children's.
pub(super) fn cost(breakdown: &Breakdown, events: &[Arc<Event>]) -> Cost {
    let mut read: HashMap<&AgentId, (u64, u64)> = HashMap::new();
    for event in events {
        if let What::Custom { name, data, .. } = &event.what
            && name == FILE_EVENT
            && let Some(more) = data["bytes"].as_u64()
        {
            let (files, bytes) = read.entry(&event.agent).or_default();
            *files += 1;
            *bytes += more;
        }
    }
    let node = |row: &CostRow| {
        let (files, bytes) = read.get(&row.id).copied().unwrap_or_default();
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
