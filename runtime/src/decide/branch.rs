//! Where in a turn something is begun: the path of branches and scopes on the way to it, the same in each attempt at the
//! turn's task: pure.
//!
//! # Invariants
//! 1. No two scopes of a turn that are open at once have one path, and one that is opened again later has a number with it.
//!    So what is begun in them side by side cannot be mistaken for each other's, whatever comes first.
//! 2. No name can be taken for a path: what has a meaning in paths and ids is written as in an address of the web.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::words::naming;

/// The path of what has a name below another, or in the turn itself.
pub(crate) fn below(outer: Option<&Arc<str>>, name: &str) -> Arc<str> {
    let mut path = outer.map_or_else(String::new, |outer| format!("{outer}+"));
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    naming::short(path).into()
}

fn nth(path: Arc<str>, number: u32) -> Arc<str> {
    if number == 1 { path } else { format!("{path}@{number}").into() }
}

/// What has been opened and begun by name in one attempt.
#[derive(Default)]
pub(crate) struct Paths {
    scopes: BTreeMap<Arc<str>, Opened>,
    agents: BTreeMap<Arc<str>, u32>,
}

struct Opened {
    /// Its latest path, while that is open.
    open: Option<Arc<str>>,
    times: u32,
}

impl Paths {
    /// The path of a scope that is to be opened; none while another of its name is open there.
    pub(crate) fn open(&mut self, outer: Option<&Arc<str>>, name: &str) -> Option<Arc<str>> {
        let path = below(outer, name);
        let opened = self.scopes.entry(Arc::clone(&path)).or_insert(Opened { open: None, times: 0 });
        if opened.open.is_some() {
            return None;
        }
        opened.times = opened.times.saturating_add(1);
        let path = nth(path, opened.times);
        opened.open = Some(Arc::clone(&path));
        Some(path)
    }

    /// Nothing more is begun in the scope: its name is free.
    pub(crate) fn close(&mut self, path: &Arc<str>) {
        // It stands under its path without a number.
        let (name, _) =
            path.rsplit_once('@').filter(|(_, number)| !number.contains('+')).unwrap_or((path, ""));
        if let Some(opened) = self.scopes.get_mut(name).filter(|opened| opened.open.as_ref() == Some(path)) {
            opened.open = None;
        }
    }

    /// The path of the next agent of a name that is begun there: the name its spec gives it, not the one that it may get.
    pub(crate) fn agent(&mut self, outer: Option<&Arc<str>>, name: &str) -> Arc<str> {
        let path = below(outer, name);
        let times = self.agents.entry(Arc::clone(&path)).or_default();
        *times = times.saturating_add(1);
        nth(path, *times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_name_that_is_open_is_refused_and_free_again_when_it_is_closed() {
        let mut paths = Paths::default();
        let first = paths.open(None, "fan_out").unwrap();
        assert_eq!(paths.open(None, "fan_out"), None);
        let inner = paths.open(Some(&first), "fan_out").unwrap();
        paths.close(&first);
        let second = paths.open(None, "fan_out").unwrap();
        assert_eq!((&*first, &*inner, &*second), ("fan_out", "fan_out+fan_out", "fan_out@2"));
        assert_eq!(paths.open(Some(&second), "fan_out").as_deref(), Some("fan_out@2+fan_out"));
    }

    #[test]
    fn agents_of_one_name_are_counted_where_they_are_begun() {
        let mut paths = Paths::default();
        let scope = below(None, "a/b");
        let mut agent = |outer: Option<&Arc<str>>, name| paths.agent(outer, name).to_string();
        assert_eq!([agent(None, "w"), agent(None, "w"), agent(Some(&scope), "w")], ["w", "w@2", "a%2Fb+w"]);
        assert_eq!([agent(None, "w@2"), agent(None, "a+w")], ["w%402", "a%2Bw"]);
    }

    proptest! {
        /// Whatever is opened and closed: no path is given twice.
        #[test]
        fn no_path_is_given_twice(
            steps in prop::collection::vec((any::<bool>(), 0_usize..3, 0_usize..9), 1..60),
        ) {
            let (mut paths, mut open, mut given) = (Paths::default(), Vec::<Arc<str>>::new(), BTreeSet::new());
            let names = ["a", "a@2", "a+a"];
            for (opens, name, at) in steps {
                if opens || open.is_empty() {
                    let outer = if at % 2 == 0 { None } else { open.get(at / 2).cloned() };
                    if let Some(path) = paths.open(outer.as_ref(), names[name]) {
                        prop_assert!(given.insert(Arc::clone(&path)), "{path} twice");
                        open.push(path);
                    }
                } else {
                    let path = open.swap_remove(at % open.len());
                    paths.close(&path);
                }
            }
        }
    }
}
