//! Which agents were created for one task, and whether another may be: pure.
//!
//! # Invariants
//! 1. The number of agents that live at once is limited, and so is the number created in all. An agent that is being
//!    created counts towards both; if its creation fails, it no longer counts.
//! 2. No two living agents have the same name.

use std::collections::BTreeMap;

use thiserror::Error;

/// The agents of one task by their names, including those that have ended.
#[derive(Debug)]
pub(super) struct Book<H> {
    rows: BTreeMap<String, Row<H>>,
    made: u32,
    alive_most: u32,
    in_all: u32,
}

#[derive(Debug)]
pub(super) struct Row<H> {
    pub(super) persona: String,
    pub(super) stage: Stage<H>,
}

#[derive(Debug)]
pub(super) enum Stage<H> {
    /// It is being created.
    Making,
    /// It exists.
    Here(H),
    /// It has ended, and is kept so that it can be read about.
    Gone(H),
}

/// Why no other agent is created.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Full {
    #[error("there is an agent named {0:?} already: command that one, or give another name")]
    Named(String),
    #[error("you have {0} agents, and may have no more at once: delete one whose purpose is served")]
    AtOnce(u32),
    #[error("you have made {0} agents, and may make no more for this task: use those that there are")]
    InAll(u32),
}

impl<H> Book<H> {
    pub(super) const fn new(alive_most: u32, in_all: u32) -> Self {
        Self { rows: BTreeMap::new(), made: 0, alive_most, in_all }
    }

    /// Reserves a place for an agent.
    pub(super) fn reserve(&mut self, name: &str, persona: &str) -> Result<(), Full> {
        if self.rows.get(name).is_some_and(Row::is_alive) {
            return Err(Full::Named(name.to_owned()));
        }
        if self.alive() >= self.alive_most {
            return Err(Full::AtOnce(self.alive()));
        }
        if self.made >= self.in_all {
            return Err(Full::InAll(self.made));
        }
        self.made += 1;
        let row = Row { persona: persona.to_owned(), stage: Stage::Making };
        self.rows.insert(name.to_owned(), row);
        Ok(())
    }

    /// Gives a place back if its agent was not created.
    pub(super) fn release(&mut self, name: &str) {
        if self.rows.get(name).is_some_and(|row| matches!(row.stage, Stage::Making)) {
            self.rows.remove(name);
            self.made -= 1;
        }
    }

    /// The agent exists now.
    pub(super) fn settle(&mut self, name: &str, handle: H) {
        if let Some(row) = self.rows.get_mut(name) {
            row.stage = Stage::Here(handle);
        }
    }

    /// Marks the agents for which this is true as ended.
    pub(super) fn sweep(&mut self, has_ended: impl Fn(&str, &H) -> bool) {
        for (name, row) in &mut self.rows {
            row.stage = match std::mem::replace(&mut row.stage, Stage::Making) {
                Stage::Here(handle) if has_ended(name, &handle) => Stage::Gone(handle),
                stage => stage,
            };
        }
    }

    /// An agent that exists or has ended.
    pub(super) fn get(&self, name: &str) -> Option<&H> {
        match &self.rows.get(name)?.stage {
            Stage::Here(handle) | Stage::Gone(handle) => Some(handle),
            Stage::Making => None,
        }
    }

    /// The same, mutable.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut H> {
        match &mut self.rows.get_mut(name)?.stage {
            Stage::Here(handle) | Stage::Gone(handle) => Some(handle),
            Stage::Making => None,
        }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (&str, &Row<H>)> {
        self.rows.iter().map(|(name, row)| (name.as_str(), row))
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.rows.keys().map(String::as_str).collect()
    }

    fn alive(&self) -> u32 {
        u32::try_from(self.rows.values().filter(|row| row.is_alive()).count()).unwrap_or(u32::MAX)
    }
}

impl<H> Row<H> {
    pub(super) const fn is_alive(&self) -> bool {
        !matches!(self.stage, Stage::Gone(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_place_is_refused_with_what_stands_in_its_way() {
        let mut book = Book::new(2, 3);
        assert_eq!(book.reserve("a", "writer"), Ok(()));
        assert_eq!(book.reserve("a", "writer"), Err(Full::Named("a".into())));
        book.settle("a", 1);
        assert_eq!(book.reserve("b", "writer"), Ok(()));
        assert_eq!(book.reserve("c", "writer"), Err(Full::AtOnce(2)));
        book.release("b");
        assert_eq!(book.reserve("b", "writer"), Ok(()), "of what came to nothing nothing is left");
        book.settle("b", 2);
        book.sweep(|name, _| name == "a");
        assert_eq!((book.get("a"), book.names()), (Some(&1), vec!["a", "b"]));
        assert_eq!(book.reserve("a", "writer"), Ok(()), "the name of one that has ended is free");
        book.settle("a", 3);
        book.sweep(|name, _| name == "b");
        assert_eq!(book.reserve("d", "writer"), Err(Full::InAll(3)));
        book.release("a");
        assert_eq!(book.get("a"), Some(&3), "who is there is not released");
    }

    #[derive(Clone, Debug)]
    enum Step {
        Reserve(u8),
        Release(u8),
        Settle(u8),
        End(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_u8..5).prop_map(Step::Reserve),
            (0_u8..5).prop_map(Step::Release),
            (0_u8..5).prop_map(Step::Settle),
            (0_u8..5).prop_map(Step::End),
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_no_more_live_and_no_more_are_made_than_may_be(
            alive in 0_u32..4,
            in_all in 0_u32..8,
            steps in prop::collection::vec(step(), 0..60),
        ) {
            let mut book = Book::new(alive, in_all);
            // A plain model to compare with: the names being created, those that exist, and how many were created.
            let (mut making, mut here, mut made) = (Vec::new(), Vec::new(), 0);
            for step in steps {
                match step {
                    Step::Reserve(at) => {
                        let is_free = !making.contains(&at) && !here.contains(&at);
                        let has_room = ((making.len() + here.len()) as u32) < alive && made < in_all;
                        let reserved = book.reserve(&at.to_string(), "p").is_ok();
                        prop_assert_eq!(reserved, is_free && has_room);
                        if reserved {
                            making.push(at);
                            made += 1;
                        }
                    }
                    Step::Release(at) => {
                        book.release(&at.to_string());
                        made -= making.iter().filter(|made| **made == at).count() as u32;
                        making.retain(|made| *made != at);
                    }
                    Step::Settle(at) if making.contains(&at) => {
                        book.settle(&at.to_string(), at);
                        making.retain(|made| *made != at);
                        here.push(at);
                    }
                    Step::Settle(_) => {}
                    Step::End(at) => {
                        book.sweep(|name, _| name == at.to_string());
                        here.retain(|there| *there != at);
                    }
                }
                prop_assert_eq!(book.rows().filter(|(_, row)| row.is_alive()).count(), making.len() + here.len());
            }
        }
    }
}
