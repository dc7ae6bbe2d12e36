//! Names that become labels, a bounded number of them.

use serde::{Deserialize, Serialize};

use crate::words::event::What;

/// So many kinds of effects, and so many links, are told apart: what comes later is counted as `other`. A label whose values
/// nothing bounds fills the store of whoever scrapes it.
pub(super) const NAMES: usize = 32;

/// What stands for all names beyond the limit.
const OTHER: &str = "other";

/// A name's place in its list; the list's own length and above is `other`.
pub(crate) type NameId = u8;

/// A name in an event that becomes a label.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Label<'a> {
    Kind(&'a str),
    Link(&'a str),
}

impl<'a> Label<'a> {
    pub(super) const fn of(what: &'a What) -> Option<Self> {
        match what {
            What::EffectBegan { kind, .. } => Some(Self::Kind(kind.as_str())),
            What::EffectRefused { link, .. } => Some(Self::Link(link.as_str())),
            _ => None,
        }
    }
}

/// The kinds and links that were met, in the order in which they were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Names {
    pub(super) kinds: NameList,
    pub(super) links: NameList,
}

impl Names {
    /// The place of a name in its list, given to it now if there is one left.
    pub(crate) fn place(&mut self, named: Label<'_>) -> NameId {
        match named {
            Label::Kind(kind) => self.kinds.place(kind),
            Label::Link(link) => self.links.place(link),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct NameList(Vec<String>);

impl NameList {
    fn place(&mut self, name: &str) -> NameId {
        let known = self.0.iter().position(|known| known == name);
        let at = known.unwrap_or_else(|| {
            if self.0.len() < NAMES {
                self.0.push(name.to_owned());
                self.0.len() - 1
            } else {
                NAMES
            }
        });
        NameId::try_from(at).unwrap_or(NameId::MAX)
    }

    pub(super) fn name(&self, place: NameId) -> &str {
        self.0.get(usize::from(place)).map_or(OTHER, String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_limit_are_other_and_known_ones_stay() {
        let mut list = NameList::default();
        let places: Vec<_> = (0..NAMES + 3).map(|n| list.place(&format!("kind-{n}"))).collect();
        assert_eq!(list.name(places[0]), "kind-0");
        assert_eq!(list.name(places[NAMES - 1]), "kind-31");
        for beyond in &places[NAMES..] {
            assert_eq!(list.name(*beyond), "other");
        }
        assert_eq!(list.place("kind-7"), places[7]);
        assert_eq!(list.0.len(), NAMES);
    }
}
