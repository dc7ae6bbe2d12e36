//! What a review took, as a tree of agents.

use serde::{Deserialize, Serialize};

/// What one agent and everything below it took. A node's numbers include its children's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// The agent.
    pub name: String,
    /// Money in billionths of a dollar.
    pub nano_usd: u64,
    /// Files read.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Calls of tools.
    pub tool_calls: u64,
    /// The agents below it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Cost>,
}

impl Cost {
    /// The money as `$0.0042`: four digits after the point, or as many more as it takes to show two that count.
    #[must_use]
    pub fn money(&self) -> String {
        let (dollars, rest) = (self.nano_usd / 1_000_000_000, self.nano_usd % 1_000_000_000);
        let digits = format!("{rest:09}");
        let first = digits.find(|digit| digit != '0').unwrap_or(0);
        let shown = if dollars > 0 { 4 } else { (first + 2).clamp(4, 9) };
        format!("${dollars}.{}", &digits[..shown])
    }

    /// The bytes as `12.3 MiB`.
    #[must_use]
    pub fn size(&self) -> String {
        match self.bytes {
            bytes @ 0..1_024 => format!("{bytes} B"),
            bytes @ 1_024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1_024.0),
            bytes => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        }
    }

    /// The tree as rows: the lines of the tree with the agent's name, and the agent.
    #[must_use]
    pub fn rows(&self) -> Vec<(String, &Self)> {
        let mut rows = vec![(self.name.clone(), self)];
        self.branch("", &mut rows);
        rows
    }

    fn branch<'c>(&'c self, margin: &str, rows: &mut Vec<(String, &'c Self)>) {
        for (number, child) in self.children.iter().enumerate() {
            let last = number + 1 == self.children.len();
            let (fork, further) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            rows.push((format!("{margin}{fork}{}", child.name), child));
            child.branch(&format!("{margin}{further}"), rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_sums_show_digits_that_count() {
        for (nano_usd, money) in [
            (0, "$0.0000"),
            (1_500_000_000, "$1.5000"),
            (4_200_000, "$0.0042"),
            (1_234, "$0.0000012"),
            (7, "$0.000000007"),
        ] {
            assert_eq!(Cost { nano_usd, ..Cost::default() }.money(), money);
        }
    }

    #[test]
    fn the_tree_is_drawn_with_its_last_branches_closed() {
        let leaf = |name: &str| Cost { name: name.into(), ..Cost::default() };
        let tree = Cost {
            children: vec![Cost { children: vec![leaf("x")], ..leaf("a") }, leaf("b")],
            ..leaf("lead")
        };
        let drawn: Vec<String> = tree.rows().into_iter().map(|(line, _)| line).collect();
        assert_eq!(drawn, ["lead", "├─ a", "│  └─ x", "└─ b"]);
    }
}
