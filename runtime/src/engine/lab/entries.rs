//! How much a swarm holds, table by table: what a long life must not make grow.

use std::collections::BTreeMap;

use crate::engine::Engine;

impl Engine {
    /// The entries of each table that is filled and emptied while a swarm runs.
    pub(crate) fn entries(&self) -> BTreeMap<&'static str, usize> {
        let mut entries = self.stopper.lock().entries();
        let seats = self.root().map_or_else(Vec::new, |root| root.subtree());
        entries.insert("seats", seats.len());
        for seat in &seats {
            let gate = seat.gate.lock();
            let Some(family) = &gate.family else { continue };
            for (table, count) in family.entries() {
                *entries.entry(table).or_default() += count;
            }
        }
        let queued = seats.iter().map(|seat| seat.body.queued()).sum();
        let snapshot = self.journal.snapshot();
        entries.extend([
            ("queued tasks", queued),
            ("leaving", self.leaving.lock().len()),
            ("open turns", self.turns.lock().len()),
            ("living", self.census.len()),
            ("timers", self.env.timers()),
            ("watched agents", self.journal.watched()),
            ("rows of the tree", snapshot.tree.iter().count()),
            ("rows of costs", snapshot.costs.len()),
            ("tasks", snapshot.tasks.iter().count()),
        ]);
        entries.extend(self.registry.entries());
        entries
    }
}
