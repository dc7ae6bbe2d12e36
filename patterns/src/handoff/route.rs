//! Where the work may go, and where it does: pure.
//!
//! # Invariants
//! 1. A pass that is taken has one receiver, another than who passes it on, by the order of the hands and who held it before.
//! 2. Each pass takes a hop, and without hops there is none, so this ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use skep_runtime::text::OneLine;

use super::package::{Hop, Package, Pass};
use crate::failure::Failure;
use crate::work::Check;

/// Who there is.
pub(super) struct Hands {
    names: Vec<String>,
    monitor: Option<usize>,
    topics: BTreeMap<String, Vec<usize>>,
}

/// The way so far.
pub(super) struct Route {
    /// Shared with the checks of those who hold the work.
    known: Arc<Known>,
}

/// What a check goes by, as it is while one holds the work.
#[derive(Clone)]
struct Known {
    hands: Arc<Hands>,
    /// How often each has held it.
    held: Vec<u32>,
    /// What each has been given or has passed on.
    seen: BTreeSet<(usize, String)>,
}

impl Hands {
    /// # Errors
    /// Why these cannot be the hands.
    pub(super) fn of<'h>(
        hands: impl Iterator<Item = (&'h str, bool, &'h BTreeSet<String>)>,
    ) -> Result<Self, String> {
        let mut all = Self { names: Vec::new(), monitor: None, topics: BTreeMap::new() };
        let mut taken = BTreeSet::new();
        for (at, (name, is_monitor, topics)) in hands.enumerate() {
            if !taken.insert(name) {
                let name = OneLine(name);
                return Err(format!("two of the hands are called {name}: give each a name of its own"));
            }
            all.names.push(name.to_owned());
            if is_monitor && all.monitor.is_none() {
                all.monitor = Some(at);
            }
            for topic in topics {
                all.topics.entry(topic.clone()).or_default().push(at);
            }
        }
        if all.names.is_empty() {
            Err("nobody is there to hold it: add a worker".to_owned())
        } else {
            Ok(all)
        }
    }

    /// The names of all but this one, for an error.
    fn others(&self, than: usize) -> String {
        let others = self.names.iter().enumerate().filter(|(at, _)| *at != than);
        let others: Vec<_> = others.map(|(_, name)| OneLine(name).to_string()).collect();
        if others.is_empty() { "nobody else is there, so do it".to_owned() } else { others.join(", ") }
    }
}

impl Known {
    /// Who gets it, if it may go there.
    fn receiver<S: Serialize, O>(
        &self,
        from: usize,
        pass: &Pass<S, O>,
        package: &Content,
        hops_left: u32,
    ) -> Result<Option<usize>, String> {
        let (to, summary, work) = match pass {
            Pass::Done(_) => return Ok(None),
            _ if hops_left == 0 => {
                return Err("it may not be passed on any more: do it, with what there is".to_owned());
            }
            Pass::To { name, summary, work } => (self.named(from, name)?, summary, work),
            Pass::ToWhoever { topic, summary, work } => (self.interested(from, topic)?, summary, work),
        };
        let seen = package.followed_by(work.as_ref(), summary).map(|content| (to, content));
        if seen.is_some_and(|seen| self.seen.contains(&seen)) {
            let name = OneLine(&self.hands.names[to]);
            return Err(format!(
                "{name} has seen it just so: change the work, say in the summary what is new, pass it to another, or do it"
            ));
        }
        Ok(Some(to))
    }

    fn named(&self, from: usize, name: &str) -> Result<usize, String> {
        let others = || self.hands.others(from);
        match self.hands.names.iter().position(|hand| hand == name) {
            Some(at) if at == from => Err(format!(
                "{} holds it already: do it, or pass it to another of: {}",
                OneLine(name),
                others()
            )),
            Some(at) => Ok(at),
            None => Err(format!("there is nobody called {}; there are: {}", OneLine(name), others())),
        }
    }

    fn interested(&self, from: usize, topic: &str) -> Result<usize, String> {
        let interested = self.hands.topics.get(topic).into_iter().flatten().filter(|at| **at != from);
        interested.min_by_key(|at| (self.held[**at], **at)).copied().ok_or_else(|| {
            let topics: Vec<_> = self.hands.topics.keys().map(|topic| OneLine(topic).to_string()).collect();
            let (topic, topics) = (OneLine(topic), topics.join(", "));
            format!(
                "nobody else is interested in {topic}; topics are: {topics}; pass it to one of: {}",
                self.hands.others(from)
            )
        })
    }
}

/// A package as it can be compared with another: as JSON. What is no JSON is told from nothing.
#[derive(Clone)]
struct Content {
    work: Option<String>,
    summary: String,
}

impl Content {
    fn of<S: Serialize>(package: &Package<S>) -> Self {
        Self { work: serde_json::to_string(&package.work).ok(), summary: package.summary.clone() }
    }

    fn text(&self) -> Option<String> {
        Some(format!("{}\n{}", self.work.as_ref()?, self.summary))
    }

    /// What it is with a new summary, and new work if there is some.
    fn followed_by<S: Serialize>(&self, work: Option<&S>, summary: &str) -> Option<String> {
        let work = match work {
            Some(work) => serde_json::to_string(work).ok(),
            None => self.work.clone(),
        };
        Self { work, summary: summary.to_owned() }.text()
    }
}

impl Route {
    /// Takes up the way that a package has come.
    pub(super) fn new<S>(hands: Hands, package: &Package<S>) -> Self {
        let held = hands.names.iter().map(|name| {
            let times = package.history.iter().filter(|hop| hop.from == *name).count();
            u32::try_from(times).unwrap_or(u32::MAX)
        });
        let held = held.collect();
        Self { known: Arc::new(Known { hands: Arc::new(hands), held, seen: BTreeSet::new() }) }
    }

    /// Somebody holds it now.
    pub(super) fn hold<S: Serialize>(&mut self, at: usize, package: &Package<S>) {
        let known = Arc::make_mut(&mut self.known);
        known.held[at] = known.held[at].saturating_add(1);
        known.seen.extend(Content::of(package).text().map(|content| (at, content)));
    }

    /// What may be done with it by who holds it.
    pub(super) fn check<S, O>(&self, at: usize, package: &Package<S>) -> Check<Pass<S, O>>
    where
        S: Serialize + Send + Sync + 'static,
        O: Send + Sync + 'static,
    {
        let (known, content, hops) = (Arc::clone(&self.known), Content::of(package), package.hops_left);
        Arc::new(move |pass: &Pass<S, O>| known.receiver(at, pass, &content, hops).map(drop))
    }

    /// What comes of a pass that was checked: the value, or who gets the package, which is then as it was passed on.
    pub(super) fn passed<S: Serialize, O>(
        &mut self,
        at: usize,
        pass: Pass<S, O>,
        package: &mut Package<S>,
    ) -> Option<Result<O, usize>> {
        let to = self.known.receiver(at, &pass, &Content::of(package), package.hops_left).ok()?;
        let (summary, work) = match pass {
            Pass::Done(value) => return Some(Ok(value)),
            Pass::To { summary, work, .. } | Pass::ToWhoever { summary, work, .. } => (summary, work),
        };
        let to = to?;
        if let Some(work) = work {
            package.work = work;
        }
        self.hop(at, to, summary, package);
        Some(Err(to))
    }

    /// Who gets it when the one that holds it has failed with it.
    pub(super) fn failed<S: Serialize>(
        &mut self,
        at: usize,
        failure: &Failure,
        package: &mut Package<S>,
    ) -> Option<usize> {
        let to = self.known.hands.monitor.filter(|to| *to != at && package.hops_left > 0)?;
        let Failure::Failed(error) = failure else { return None };
        let summary = match package.summary.as_str() {
            "" => String::new(),
            before => format!("{before}\n"),
        };
        let name = OneLine(&self.known.hands.names[at]).to_string();
        self.hop(at, to, format!("{summary}{name} failed with it: {error}"), package);
        Some(to)
    }

    fn hop<S: Serialize>(&mut self, at: usize, to: usize, summary: String, package: &mut Package<S>) {
        let known = Arc::make_mut(&mut self.known);
        let name = |at: usize| known.hands.names[at].clone();
        package.history.push(Hop { from: name(at), to: name(to), summary: summary.clone() });
        package.hops_left = package.hops_left.saturating_sub(1);
        package.summary = summary;
        known.seen.extend(Content::of(package).text().map(|content| (at, content)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(package: &Package<u8>) -> Route {
        let (none, money) = (BTreeSet::new(), BTreeSet::from(["money".to_owned()]));
        let hands = [("a", false, &none), ("b", false, &money), ("c", false, &money), ("m", true, &none)];
        Route::new(Hands::of(hands.into_iter()).unwrap(), package)
    }

    fn package() -> Package<u8> {
        Package { hops_left: 5, ..Package::new(7) }
    }

    type P = Pass<u8, ()>;

    fn says(route: &Route, at: usize, package: &Package<u8>, pass: &P) -> String {
        route.check::<_, ()>(at, package)(pass).err().unwrap_or_default()
    }

    #[test]
    fn a_pass_that_leads_nowhere_says_what_to_do() {
        let (mut package, none) = (package(), BTreeSet::new());
        let route = route(&package);
        let says = |package: &Package<u8>, pass| says(&route, 0, package, &pass);
        assert_eq!(says(&package, P::to("b", "")), "");
        assert_eq!(
            says(&package, P::to("a", "")),
            "a holds it already: do it, or pass it to another of: b, c, m"
        );
        assert_eq!(says(&package, P::to("x\n", "")), "there is nobody called x\\n; there are: b, c, m");
        assert!(
            says(&package, P::to_whoever("love", ""))
                .starts_with("nobody else is interested in love; topics are: money")
        );
        package.hops_left = 0;
        assert!(says(&package, P::to("b", "")).starts_with("it may not be passed on any more"));
        assert_eq!(says(&package, P::Done(())), "");
        let twice = Hands::of([("a", false, &none), ("a", false, &none)].into_iter()).err();
        assert!(twice.unwrap().starts_with("two of the hands are called a"));
        assert!(Hands::of(std::iter::empty()).is_err());
    }

    #[test]
    fn back_and_forth_without_change_is_refused_and_with_change_is_not() {
        let mut package = package();
        let mut route = route(&package);
        route.hold(0, &package);
        assert_eq!(route.passed(0, P::to("b", "please"), &mut package), Some(Err(1)));
        route.hold(1, &package);
        assert!(says(&route, 1, &package, &P::to("a", "please")).starts_with("a has seen it just so"));
        assert_eq!(says(&route, 1, &package, &P::to("a", "please").with(8)), "");
        assert_eq!(route.passed(1, P::to("a", "not mine"), &mut package), Some(Err(0)));
        route.hold(0, &package);
        assert!(says(&route, 0, &package, &P::to("b", "please")).starts_with("b has seen it just so"));
        assert_eq!((package.hops_left, package.history.len(), package.from()), (3, 2, Some("b")));
    }

    #[test]
    fn one_of_those_who_are_interested_gets_it() {
        let mut package = package();
        let mut route = route(&package);
        let offer = |summary: &str| P::to_whoever("money", summary);
        assert_eq!(route.passed(0, offer("1"), &mut package), Some(Err(1)), "the first of them");
        route.hold(1, &package);
        assert_eq!(route.passed(1, offer("2"), &mut package), Some(Err(2)), "not the one that offers it");
        route.hold(2, &package);
        route.hold(2, &package);
        assert_eq!(route.passed(0, offer("3"), &mut package), Some(Err(1)), "who has held it least");
    }

    #[test]
    fn a_monitor_gets_what_another_has_failed_with() {
        let mut package = package();
        package.summary = "it is urgent".to_owned();
        let mut route = route(&package);
        let failed = Failure::Failed(skep_runtime::AgentError::message("no idea"));
        assert_eq!(route.failed(0, &failed, &mut package), Some(3));
        assert_eq!(package.summary, "it is urgent\na failed with it: no idea");
        assert_eq!(route.failed(3, &failed, &mut package), None, "not its own");
        package.hops_left = 0;
        assert_eq!(route.failed(0, &failed, &mut package), None);
    }
}
