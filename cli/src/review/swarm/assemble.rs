//! The report of a swarm that has stopped, from its tally and its journal.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use skep_runtime::{Event, StopReceipt, Time, What};

use super::Review;
use super::account::account;
use super::bill;
use super::survey::Survey;
use crate::review::report::Reviewer;
use crate::review::{Category, Finding, Report, RuleSet, merge, untested_changes};

const PRICES: &str = "Prices are simulated: nothing was bought, and no model was asked.";

/// The report. `cut` says what ended the work before its time, if something did.
pub(super) fn report(review: &Review, cut: Option<&str>, receipt: &StopReceipt) -> Report {
    let events = review.swarm.events_so_far();
    let survey = review.tally.survey();
    let rules = RuleSet::embedded();
    let mut notes = BTreeSet::new();
    let mut findings = Vec::new();
    let mut reviewers = Vec::new();
    let mut files = 0;
    for category in Category::ALL {
        let Some(survey) = survey.as_deref().filter(|survey| !survey.batches.is_empty()) else { break };
        let fared = Fared::of(review, category, survey, cut, &events);
        files = files.max(fared.reviewer.files);
        findings.extend(fared.findings);
        notes.extend(fared.notes);
        reviewers.push(fared.reviewer);
    }
    notes.extend(survey.iter().flat_map(|survey| survey.notes.clone()));
    if let (Some(why), None) = (cut, &survey) {
        notes
            .insert(crate::review::Note { file: String::new(), why: format!("nothing was reviewed: {why}") });
    }
    let findings = merge(findings);
    let cost = bill::cost(&review.swarm.costs(), &events);
    let chaos = review.order.chaos.map(|seed| account(seed, super::plan(seed).rules.len(), &events, &cost));
    let elapsed = events.last().map_or(Duration::ZERO, |last| last.at.since(Time::ZERO));
    Report {
        root: review.order.named.clone(),
        scope: survey.as_ref().map_or_else(|| "not begun".to_owned(), |survey| survey.scope.clone()),
        files,
        complete: cut.is_none() && reviewers.iter().all(|reviewer| reviewer.failed.is_none()),
        findings,
        known: 0,
        stale: 0,
        reviewers,
        notes: notes.into_iter().collect(),
        needs_model: if files > 0 { rules.needs_model().to_vec() } else { Vec::new() },
        cost,
        prices: PRICES.to_owned(),
        chaos,
        receipt: receipt.to_string(),
        elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
    }
}

/// How one specialist fared.
struct Fared {
    reviewer: Reviewer,
    findings: Vec<Finding>,
    notes: Vec<crate::review::Note>,
}

impl Fared {
    fn of(
        review: &Review,
        category: Category,
        survey: &Survey,
        cut: Option<&str>,
        events: &[Arc<Event>],
    ) -> Self {
        let (done, failed) = review.tally.of(category);
        let refused = done.values().find_map(|batched| batched.cut.clone());
        let missing = survey.batches.len() - done.len();
        let why = refused.or_else(|| failed.first().cloned()).or_else(|| cut.map(str::to_owned));
        let failed = match (missing, why) {
            (0, None) => None,
            (0, Some(why)) => (!failed.is_empty() || done.values().any(|b| b.cut.is_some())).then_some(why),
            (missing, why) => {
                let why = why.unwrap_or_else(|| "it did not answer".to_owned());
                let of = survey.batches.len();
                Some(format!("{missing} of {of} batches were not reviewed: {why}"))
            }
        };
        let mut findings: Vec<Finding> = done.values().flat_map(|batched| batched.findings.clone()).collect();
        if category == Category::Tests && survey.of_a_change && failed.is_none() {
            let changed: Vec<_> = done.values().flat_map(|batched| batched.changed.clone()).collect();
            findings.extend(untested_changes(
                &changed,
                &survey.crates,
                RuleSet::embedded(),
                &review.order.config,
            ));
        }
        let reviewer = Reviewer {
            category,
            files: done.values().map(|batched| batched.files).sum(),
            batches: done.len() as u64,
            findings: findings.len() as u64,
            attempts: attempts(category, events),
            failed,
        };
        let notes = done.into_values().flat_map(|batched| batched.notes).collect();
        Self { reviewer, findings, notes }
    }
}

/// How often a batch was begun.
fn attempts(category: Category, events: &[Arc<Event>]) -> u64 {
    let is_it = |event: &&Arc<Event>| matches!(&event.what, What::AgentSpawned { name, .. } if name == category.word());
    let Some(spawned) = events.iter().find(is_it) else { return 0 };
    let began =
        |event: &&Arc<Event>| event.agent == spawned.agent && matches!(event.what, What::TurnBegan { .. });
    events.iter().filter(began).count() as u64
}
