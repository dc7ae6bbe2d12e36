//! Where the clock may have jumped over something real: what waited there for nothing that the lab knows, while it went on.

use std::collections::BTreeMap;
use std::time::Duration;

use skep_runtime::fault::{Phase, Site};

/// An agent's name, and where.
type Place = (String, Phase, String);

#[derive(Default)]
pub(super) struct Blind {
    /// Since when it waits there now.
    waits: BTreeMap<Place, Duration>,
    /// The longest while in which the clock went on.
    longest: BTreeMap<Place, Duration>,
}

impl Blind {
    pub(super) fn change(&mut self, site: &Site<'_>, waits: bool, now: Duration) {
        let place = (site.name.to_owned(), site.phase, site.detail.to_owned());
        if waits {
            self.waits.entry(place).or_insert(now);
        } else if let Some(since) = self.waits.remove(&place) {
            lengthen(&mut self.longest, place, now - since);
        }
    }

    /// A line for each place, with what waits there still.
    pub(super) fn lines(&self, now: Duration) -> Vec<String> {
        let mut longest = self.longest.clone();
        for (place, since) in &self.waits {
            lengthen(&mut longest, place.clone(), now - *since);
        }
        longest.iter().map(|(place, moved)| line(place, *moved)).collect()
    }
}

fn lengthen(longest: &mut BTreeMap<Place, Duration>, place: Place, moved: Duration) {
    if !moved.is_zero() {
        let before = longest.entry(place).or_default();
        *before = moved.max(*before);
    }
}

fn line((agent, phase, detail): &Place, moved: Duration) -> String {
    let (what, mend) = match phase {
        Phase::Effect => (format!("effect {detail}"), "await it in `call.outside(..)`"),
        _ => (format!("a {phase}"), "make it an effect, and await it there in `call.outside(..)`"),
    };
    format!(
        "the clock went on by {moved:?} while {what} of {agent} waited for something that the lab does not know. Is it a socket, a \
         process, a thread or another clock? Virtual time does not wait for it: {mend}"
    )
}

#[cfg(test)]
mod tests {
    use skep_runtime::AgentId;

    use super::*;

    #[test]
    fn the_longest_while_at_a_place_is_told_also_of_what_waits_still() {
        let second = Duration::from_secs(1);
        let id = AgentId::root("lab").child(1);
        let site = |detail| Site { agent: &id, name: "till", phase: Phase::Effect, detail };
        let mut blind = Blind::default();
        for (waits, now) in [(true, 0), (false, 2), (true, 3), (false, 4), (true, 5)] {
            blind.change(&site("fetch"), waits, second * now);
        }
        blind.change(&site("quick"), true, second * 5);
        blind.change(&site("quick"), false, second * 5);
        assert!(
            blind.lines(second * 5)[0]
                .starts_with("the clock went on by 2s while effect fetch of till waited")
        );
        assert!(blind.lines(second * 35)[0].starts_with("the clock went on by 30s while"));
        assert_eq!(blind.lines(second * 35).len(), 1, "where no time went by nothing was jumped over");
    }
}
