//! What came of many runs, as a table.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use skep_runtime::{Event, Time, What};

/// What came of the runs of one kind of plan.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub(super) seeds: u64,
    pub(super) failures: u64,
    pub(super) faults: u64,
    pub(super) restarts: u64,
    pub(super) stops: u64,
    /// By the swarm's clock.
    pub(super) slowest_receipt: Duration,
    /// By ours.
    pub(super) took: Duration,
}

impl Numbers {
    /// Counts a run.
    pub(super) fn add(&mut self, events: &[Arc<Event>], has_failed: bool, took: Duration) {
        self.seeds += 1;
        self.failures += u64::from(has_failed);
        self.took += took;
        let mut open: BTreeMap<u64, Time> = BTreeMap::new();
        for event in events {
            match &event.what {
                What::FaultInjected { .. } => self.faults += 1,
                What::AgentStarted if event.incarnation > 1 => self.restarts += 1,
                What::StopBegan { stop, .. } => {
                    self.stops += 1;
                    open.insert(*stop, event.at);
                }
                What::StopEnded { stop, .. } => {
                    let began = open.remove(stop).unwrap_or(event.at);
                    self.slowest_receipt = self.slowest_receipt.max(event.at.since(began));
                }
                _ => {}
            }
        }
    }

    fn cells(&self, name: &str) -> [String; 8] {
        let minutes = self.took.as_millis().max(1);
        let pace = u128::from(self.seeds) * 60_000 / minutes;
        [
            name.to_owned(),
            self.seeds.to_string(),
            self.failures.to_string(),
            self.faults.to_string(),
            self.restarts.to_string(),
            self.stops.to_string(),
            format!("{}.{:03}s", self.slowest_receipt.as_secs(), self.slowest_receipt.subsec_millis()),
            pace.to_string(),
        ]
    }
}

/// The table, a row for each kind of plan.
pub(super) fn table(rows: &[(String, Numbers)]) -> String {
    const HEADS: [&str; 8] =
        ["preset", "seeds", "failures", "faults", "restarts", "stops", "slowest receipt", "seeds/min"];
    let mut lines = vec![HEADS.map(str::to_owned)];
    lines.extend(rows.iter().map(|(name, numbers)| numbers.cells(name)));
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
    let widths: Vec<_> = (0..HEADS.len()).map(width).collect();
    let row = |line: &[String; 8]| {
        let cells = line.iter().zip(&widths).enumerate().map(|(at, (cell, width))| match at {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    lines.iter().map(row).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_runtime::AgentId;

    #[test]
    fn restarts_stops_and_the_slowest_receipt_are_counted() {
        let event = |seq, millis, incarnation, what| {
            let at = Time::from(Duration::from_millis(millis));
            Arc::new(Event { seq, at, agent: AgentId::root("s"), incarnation, task: None, cause: None, what })
        };
        let within = Duration::from_secs(1);
        let events = [
            event(1, 0, 1, What::AgentStarted),
            event(2, 0, 2, What::AgentStarted),
            event(3, 5, 2, What::StopBegan { stop: 1, agents: 1, within }),
            event(4, 6, 2, What::StopBegan { stop: 2, agents: 1, within }),
            event(5, 7, 2, What::StopEnded { stop: 2, agents: 1, stuck: 0, clean: true }),
            event(6, 1_205, 2, What::StopEnded { stop: 1, agents: 1, stuck: 0, clean: true }),
        ];
        let mut numbers = Numbers::default();
        numbers.add(&events, true, Duration::from_millis(500));
        numbers.add(&[], false, Duration::from_millis(500));
        let table = table(&[("swizzle".to_owned(), numbers)]);
        let row: Vec<_> = table.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(row, ["swizzle", "2", "1", "0", "1", "2", "1.200s", "120"], "{table}");
    }
}
