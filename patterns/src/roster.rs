//! Those who take part, as a builder is told of them: one by one, or several at once.

use std::collections::{BTreeMap, BTreeSet};

use skep_runtime::Budget;

/// Who takes part, in the order in which they were named. `F` is the type of the closure that gives one's work.
pub(crate) struct Roster<F: ?Sized> {
    all: Vec<Listed<F>>,
    /// Where those begin that were named last, to whom goes what is said next.
    last: usize,
    names: Names,
}

/// Names, each of which is given once.
#[derive(Default)]
pub(crate) struct Names {
    taken: BTreeSet<String>,
    /// The last number that a name was given with.
    numbers: BTreeMap<String, u64>,
}

impl Names {
    /// The name, with a number if it is taken.
    pub(crate) fn free(&mut self, name: &str) -> String {
        let mut free = name.to_owned();
        while !self.taken.insert(free.clone()) {
            let number = self.numbers.entry(name.to_owned()).or_insert(1);
            *number += 1;
            free = format!("{name}-{number}");
        }
        free
    }
}

/// One who takes part.
pub(crate) struct Listed<F: ?Sized> {
    pub(crate) name: String,
    pub(crate) costing: Option<Budget>,
    pub(crate) work: Box<F>,
}

impl<F: ?Sized> Roster<F> {
    pub(crate) fn new() -> Self {
        Self { all: Vec::new(), last: 0, names: Names::default() }
    }

    /// Names some. A taken name gets a number: `fast`, `fast-2`.
    pub(crate) fn add(&mut self, some: impl IntoIterator<Item = (String, Box<F>)>) {
        self.last = self.all.len();
        for (name, work) in some {
            let name = self.names.free(&name);
            self.all.push(Listed { name, costing: None, work });
        }
    }

    /// Bounds each of those that were named last.
    pub(crate) fn costing(&mut self, most: Budget) {
        for (listed, most) in self.all.iter_mut().skip(self.last).zip(std::iter::repeat(most)) {
            listed.costing = Some(most);
        }
    }

    /// The position of the first of those that were named last.
    pub(crate) const fn last(&self) -> usize {
        self.last
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|listed| listed.name.as_str())
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Listed<F>> {
        self.all.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_gets_a_number_that_is_free() {
        let mut names = Names::default();
        let given = ["a", "a", "a-3", "a", "b", "a-2"].map(|name| names.free(name));
        assert_eq!(given, ["a", "a-2", "a-3", "a-4", "b", "a-2-2"]);
    }
}
