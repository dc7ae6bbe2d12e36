//! Workflows that come with the crate, as files to copy: `patterns/workflows/`.

use serde::{Deserialize, Serialize};

use super::Workflow;

/// The kinds of issue that differ in how they are worked on. Whoever triages says which: an agent whose output it is, or a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssueKind {
    /// Something does not do what it should: reproduce, diagnose, fix, verify.
    Bug,
    /// Something new: scope, agree, build, verify, document.
    Feature,
    /// The same in better shape: pin down what it does, plan, change, verify.
    Refactor,
}

impl Workflow {
    /// Scout, plan, build and review, where building and reviewing go on until the review approves, at most three times. Input:
    /// `brief`. Capabilities: `scout`, `plan`, `code`, `review`. Gate: `checks`, after the plan.
    pub fn scout_plan_build_review() -> Self {
        read(include_str!("../../workflows/scout-plan-build-review.toml"))
    }

    /// An issue from its report to what is verified, as its kind needs it. Input: `issue`. Capabilities: of a bug `reproduce`,
    /// `diagnose`, `fix`, `verify`; of a feature `scope`, `design`, `code`, `verify`, `document`, with an approval of the scope; of
    /// a refactoring `pin`, `plan`, `change`, `verify`.
    pub fn issue_triage(kind: IssueKind) -> Self {
        read(match kind {
            IssueKind::Bug => include_str!("../../workflows/issue-bug.toml"),
            IssueKind::Feature => include_str!("../../workflows/issue-feature.toml"),
            IssueKind::Refactor => include_str!("../../workflows/issue-refactor.toml"),
        })
    }
}

fn read(text: &str) -> Workflow {
    Workflow::read(text).unwrap_or_else(|bad| unreachable!("the files of the crate are tested: {bad}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_that_comes_with_the_crate_is_right() {
        let all = [IssueKind::Bug, IssueKind::Feature, IssueKind::Refactor].map(Workflow::issue_triage);
        let names: Vec<_> = all.iter().map(Workflow::name).collect();
        assert_eq!(names, ["issue-bug", "issue-feature", "issue-refactor"]);
        assert_eq!(all[0].capabilities(), ["diagnose", "fix", "reproduce", "verify"]);
        assert_eq!(all[1].capabilities(), ["code", "design", "document", "scope", "verify"]);
        assert_eq!(all[2].capabilities(), ["change", "pin", "plan", "verify"]);
        let ship = Workflow::scout_plan_build_review();
        assert_eq!(ship.capabilities(), ["code", "plan", "review", "scout"]);
        assert_eq!(ship.hooks(), ["checks"]);
    }
}
