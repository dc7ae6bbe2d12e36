//! A bill as a value: what each agent of a subtree cost, and how it looks as text.

use std::fmt;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::views::draw::{Column, DrawnLine, draw, freed_label, grouped};
use crate::words::id::AgentId;
use crate::words::usage::Usage;

/// What something cost. `estimated`, `late` and `over` are parts of `spent`, listed separately because they deserve a look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Bill {
    /// Booked.
    pub spent: Usage,
    /// The worst cases of what has begun and not ended: still to be settled.
    pub reserved: Usage,
    /// Part of `spent`: booked without a report from the provider.
    pub estimated: Usage,
    /// Part of `spent`: booked after the agent's stop.
    pub late: Usage,
    /// Part of `spent`: billed above the stated worst case.
    pub over: Usage,
}

/// One agent in a [`Breakdown`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostRow {
    /// The agent.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// Levels below the breakdown's first row.
    pub level: usize,
    /// Whether it has ended for good.
    pub ended: bool,
    /// Agents in its subtree, ended ones and itself included.
    pub agents: usize,
    /// What it cost itself.
    pub own: Bill,
    /// What it and everything below it cost.
    pub subtree: Bill,
    /// Of that: agents below it that have ended and have no row of their own any more.
    #[serde(default)]
    pub freed: Freed,
}

/// Agents that ended long ago: their number, and what they cost together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Freed {
    /// How many there were.
    pub agents: usize,
    /// What they cost.
    pub bill: Bill,
}

/// The costs of a subtree: a row for each agent, parents before children and siblings in the order of their spawns.
/// Agents that ended recently have rows; earlier ones are in their parent's row as [`Freed`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breakdown {
    /// The rows, the subtree's root first. None if the agent is not known.
    pub rows: Vec<CostRow>,
}

impl Breakdown {
    /// The subtree's root.
    #[must_use]
    pub fn top(&self) -> Option<&CostRow> {
        self.rows.first()
    }

    /// The subtree's root's children, each with its total in `subtree`.
    pub fn children(&self) -> impl Iterator<Item = &CostRow> {
        self.rows.iter().filter(|row| row.level == 1)
    }

    /// The breakdown as text: a line for each agent, and one for those below it that have no row any more, with branches and
    /// aligned columns. Columns without content are left out.
    #[must_use]
    pub fn tree(&self) -> String {
        const COLUMNS: [Column; 7] = [
            Column::Left("agent"),
            Column::Right("own"),
            Column::Right("total"),
            Column::Right("tokens"),
            Column::Right("calls"),
            Column::Right("reserved"),
            Column::Left(""),
        ];
        let mut lines = Vec::new();
        for row in &self.rows {
            lines.push(DrawnLine { level: row.level, cells: row.cells() });
            if row.freed.agents > 0 {
                lines.push(DrawnLine { level: row.level + 1, cells: row.freed.cells() });
            }
        }
        draw(&COLUMNS, &lines)
    }
}

impl fmt::Display for Breakdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.tree())
    }
}

impl CostRow {
    fn cells(&self) -> Vec<String> {
        let ended = self.ended.then(|| "ended".to_owned());
        self.subtree.cells(self.name.clone(), self.own.spent.money.to_string(), ended)
    }
}

impl Freed {
    fn cells(&self) -> Vec<String> {
        self.bill.cells(freed_label(self.agents), String::new(), None)
    }
}

impl Bill {
    fn cells(&self, name: String, own: String, note: Option<String>) -> Vec<String> {
        let Self { spent, reserved, estimated, late, over } = self;
        let count = |number: u64| if number == 0 { String::new() } else { grouped(number) };
        let named = |what: &str, usage: &Usage| (!usage.is_zero()).then(|| format!("{what} {usage}"));
        let notes = [named("estimated", estimated), named("late", late), named("over", over), note];
        vec![
            name,
            own,
            spent.money.to_string(),
            count(spent.tokens()),
            count(spent.calls),
            if reserved.is_zero() { String::new() } else { reserved.to_string() },
            notes.into_iter().flatten().collect::<Vec<_>>().join("; "),
        ]
    }
}

impl AddAssign for Bill {
    fn add_assign(&mut self, other: Self) {
        self.spent += other.spent;
        self.reserved += other.reserved;
        self.estimated += other.estimated;
        self.late += other.late;
        self.over += other.over;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::money::NanoUsd;

    #[test]
    fn a_bill_is_drawn_with_branches_and_aligned_columns() {
        let dollars = |cents: u64| Usage::money(NanoUsd(cents * 10_000_000));
        let root = AgentId::root("s");
        let row = |id: &AgentId, name: &str, level, own: Usage, all: Usage| CostRow {
            id: id.clone(),
            name: name.into(),
            level,
            ended: level == 2,
            agents: 1,
            own: Bill { spent: own, ..Bill::default() },
            subtree: Bill { spent: all, ..Bill::default() },
            freed: Freed::default(),
        };
        let a = root.child(1);
        let mut breakdown = Breakdown {
            rows: vec![
                row(&root, "review", 0, dollars(0), dollars(1260).with_tokens(12_000, 345)),
                row(&a, "security", 1, dollars(10), dollars(1250)),
                row(&a.child(1), "helper", 2, dollars(1240), dollars(1240)),
                row(&root.child(2), "style", 1, dollars(10), dollars(10)),
            ],
        };
        breakdown.rows[3].subtree.reserved = Usage::calls(2);
        breakdown.rows[1].freed =
            Freed { agents: 1_204, bill: Bill { spent: dollars(3), ..Bill::default() } };
        let expected = "\
agent            own   total  tokens        reserved
review         $0.00  $12.60  12,345
├── security   $0.10  $12.50
│   ├── (1,204 ended)  $0.03
│   └── helper $12.40 $12.40                          ended
└── style      $0.10   $0.10          $0.00, 2 calls";
        assert_eq!(squeeze(&breakdown.tree()), squeeze(expected));
        assert_eq!(breakdown.children().map(|row| &*row.name).collect::<Vec<_>>(), ["security", "style"]);
        assert_eq!(
            (grouped(1), grouped(999), grouped(1_000), grouped(1_234_567)),
            ("1".into(), "999".into(), "1,000".into(), "1,234,567".into())
        );
    }

    /// Runs of spaces as one: how wide a column is, is tested where it is drawn.
    fn squeeze(text: &str) -> Vec<String> {
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }
}
