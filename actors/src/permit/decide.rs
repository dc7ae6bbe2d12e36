//! The decision: pure.

use serde::{Deserialize, Serialize};
use skep_runtime::Reach;
use skep_runtime::effect::{Request, Tier};

use super::{Mode, Permissions, Rule};

/// What happens to an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// It goes on.
    Allow,
    /// Somebody is asked.
    Ask,
    /// It is refused.
    Deny,
}

/// What an effect states about itself.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Its kind.
    pub kind: &'a str,
    /// What it acts on.
    pub reach: &'a Reach,
    /// How much harm it can do.
    pub tier: Tier,
    /// Whether it changes anything.
    pub modifies: bool,
}

impl<'a> From<&Request<'a>> for Asking<'a> {
    fn from(request: &Request<'a>) -> Self {
        Self { kind: request.kind, reach: request.reach, tier: request.tier, modifies: request.modifies }
    }
}

pub(super) fn decide(permissions: &Permissions, mode: Mode, asking: &Asking<'_>) -> Then {
    let named = |kinds: &[String]| kinds.iter().any(|pattern| is_of(pattern, asking.kind));
    let Permissions { listed, safe, rules, .. } = permissions;
    if !named(listed) || rules.iter().any(|rule| rule.then == Then::Deny && fits(rule, asking)) {
        return Then::Deny;
    }
    if mode == Mode::ReadOnly && asking.modifies {
        return Then::Deny;
    }
    if named(safe) {
        return Then::Allow;
    }
    let first = rules.iter().find(|rule| fits(rule, asking)).map(|rule| rule.then);
    first.unwrap_or(match mode {
        Mode::ReadOnly | Mode::Everything => Then::Allow,
        Mode::Ask => Then::Ask,
    })
}

fn is_of(pattern: &str, kind: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == kind, |begin| kind.starts_with(begin))
}

fn fits(rule: &Rule, asking: &Asking<'_>) -> bool {
    is_of(&rule.kind, asking.kind)
        && rule.tier.is_none_or(|least| asking.tier >= least)
        && fits_targets(rule, asking.reach)
}

/// A rule that allows must match every target; for one that denies or asks, a single target is enough.
fn fits_targets(rule: &Rule, reach: &Reach) -> bool {
    let Some(on) = &rule.on else { return true };
    match (reach.targets(), rule.then) {
        (None, Then::Allow) => false,
        (None, _) => true,
        (Some(targets), Then::Allow) => !targets.is_empty() && targets.iter().all(|target| on.covers(target)),
        (Some(targets), _) => targets.iter().any(|target| on.touches(target)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use skep_runtime::Target;

    fn asking<'a>(kind: &'a str, reach: &'a Reach, modifies: bool) -> Asking<'a> {
        let tier = if modifies { Tier::Writes } else { Tier::Reads };
        Asking { kind, reach, tier, modifies }
    }

    fn all() -> Permissions {
        Permissions::only(["*"])
    }

    #[test]
    fn the_three_cases_that_could_be_decided_either_way() {
        let nothing = Reach::NOTHING;
        let count = asking("tool.count", &nothing, false);
        let permissions = all().safe(["tool.count"]).rule(Rule::kind("tool.*").deny());
        assert_eq!(
            decide(&permissions, Mode::Everything, &count),
            Then::Deny,
            "a denial beats safe internal"
        );
        let path = Reach::path("/repo/a");
        let permissions = all().rule(Rule::kind("files.write").allow());
        let write = asking("files.write", &path, true);
        assert_eq!(decide(&permissions, Mode::ReadOnly, &write), Then::Deny, "read-only beats an allow");
        let unknown = Reach::Unknown;
        let permissions = all().rule(Rule::kind("command").ask());
        let command = asking("command", &unknown, true);
        assert_eq!(
            decide(&permissions, Mode::Everything, &command),
            Then::Ask,
            "a written ask asks in every mode"
        );
    }

    #[test]
    fn an_allow_fits_all_targets_and_a_denial_any_and_what_is_unknown_is_denied_by_targets_and_never_allowed()
    {
        let both = Reach::Only(vec![Target::Path("/repo/src/a".into()), Target::Path("/repo/x".into())]);
        let src = || Rule::kind("files.*").path("/repo/src/**");
        let moved = asking("files.move", &both, true);
        assert_eq!(
            decide(&all().rule(src().allow()), Mode::Ask, &moved),
            Then::Ask,
            "one of the two is outside"
        );
        assert_eq!(decide(&all().rule(src().deny()), Mode::Everything, &moved), Then::Deny);
        let unknown = Reach::Unknown;
        let mcp = asking("files.odd", &unknown, true);
        assert_eq!(decide(&all().rule(src().allow()), Mode::Ask, &mcp), Then::Ask);
        assert_eq!(decide(&all().rule(src().deny()), Mode::Everything, &mcp), Then::Deny);
        let nothing = Reach::NOTHING;
        let none = asking("files.none", &nothing, true);
        assert_eq!(
            decide(&all().rule(src().allow()), Mode::Ask, &none),
            Then::Ask,
            "an allow by path is about paths"
        );
        let tricks = Reach::path("/repo/src/../../etc/passwd");
        assert_eq!(
            decide(&all().rule(src().allow()), Mode::Ask, &asking("files.read", &tricks, false)),
            Then::Ask
        );
    }

    #[test]
    fn a_search_below_a_folder_is_denied_for_what_is_denied_in_it_and_allowed_where_all_of_it_is() {
        let repo = Reach::tree("/repo");
        let grep = asking("grep", &repo, false);
        let secret = Rule::kind("*").path("/repo/secret/**").deny();
        assert_eq!(decide(&all().rule(secret), Mode::Everything, &grep), Then::Deny);
        let src = Rule::kind("*").path("/repo/src/**").allow();
        assert_eq!(decide(&all().rule(src), Mode::Ask, &grep), Then::Ask);
        let whole = Rule::kind("*").path("/repo/**").allow();
        assert_eq!(decide(&all().rule(whole), Mode::Ask, &grep), Then::Allow);
    }

    #[test]
    fn what_is_not_listed_is_denied_and_a_tier_picks_by_harm() {
        let nothing = Reach::NOTHING;
        let permissions = Permissions::only(["files.*"]).safe(["clock"]).rule(Rule::kind("clock").allow());
        assert_eq!(decide(&permissions, Mode::Everything, &asking("clock", &nothing, false)), Then::Deny);
        assert_eq!(
            decide(&Permissions::only([""; 0]), Mode::Everything, &asking("a", &nothing, false)),
            Then::Deny
        );
        let permissions = all().rule(Rule::kind("*").tier(Tier::Dangerous).deny());
        let harm = |tier| Asking { tier, ..asking("command", &nothing, true) };
        assert_eq!(decide(&permissions, Mode::Everything, &harm(Tier::Dangerous)), Then::Deny);
        assert_eq!(decide(&permissions, Mode::Everything, &harm(Tier::Writes)), Then::Allow);
    }

    fn rule() -> impl Strategy<Value = Rule> {
        let kind = prop_oneof![Just("a"), Just("b"), Just("a*"), Just("*")];
        let on = proptest::option::of(prop_oneof![Just("/r/**"), Just("/r/s/*"), Just("/**")]);
        let then = prop_oneof![Just(Then::Allow), Just(Then::Ask), Just(Then::Deny)];
        (kind, on, then).prop_map(|(kind, on, then)| {
            let rule = Rule { then, ..Rule::kind(kind) };
            match on {
                Some(path) => rule.path(path),
                None => rule,
            }
        })
    }

    fn reach() -> impl Strategy<Value = Reach> {
        let path = prop_oneof![Just("/r/a"), Just("/r/s/b"), Just("/x"), Just("/r/../x"), Just("rel")];
        let known = proptest::collection::vec(path.prop_map(|path| Target::Path(path.to_owned())), 0..3);
        prop_oneof![4 => known.prop_map(Reach::Only), 1 => Just(Reach::Unknown)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        /// More rules that deny, a stricter mode, or less knowledge about an effect never allow more.
        #[test]
        fn nothing_that_is_stricter_allows_more(
            rules in proptest::collection::vec(rule(), 0..5),
            more in rule(),
            reach in reach(),
            modifies: bool,
            kind in prop_oneof![Just("a"), Just("ab"), Just("b")],
            safe: bool,
        ) {
            let permissions = rules.into_iter().fold(all(), Permissions::rule);
            let permissions = if safe { permissions.safe(["a"]) } else { permissions };
            let asking = asking(kind, &reach, modifies);
            let strict = |then| match then { Then::Allow => 0, Then::Ask => 1, Then::Deny => 2 };
            let now = |permissions: &Permissions, mode, asking: &Asking<'_>| strict(decide(permissions, mode, asking));
            let (everything, ask) = (now(&permissions, Mode::Everything, &asking), now(&permissions, Mode::Ask, &asking));
            prop_assert!(everything <= ask);
            if modifies {
                prop_assert_eq!(now(&permissions, Mode::ReadOnly, &asking), 2);
            }
            let denied = permissions.clone().rule(Rule { then: Then::Deny, ..more });
            prop_assert!(now(&denied, Mode::Everything, &asking) >= everything);
            // Rules that allow certain targets do not apply to unknown ones.
            let unknown = Asking { reach: &Reach::Unknown, ..asking };
            let mut fewer = permissions.clone();
            fewer.rules.retain(|rule| rule.then != Then::Allow || rule.on.is_none());
            for mode in [Mode::ReadOnly, Mode::Ask, Mode::Everything] {
                prop_assert_eq!(decide(&permissions, mode, &unknown), decide(&fewer, mode, &unknown));
            }
        }
    }
}
