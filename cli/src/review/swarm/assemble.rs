//! The report of a swarm that has stopped, from its tally and its chronicle.

use std::collections::BTreeSet;

use skep_runtime::{StopReceipt, Time};

use super::Review;
use super::account::account;
use super::bill;
use super::survey::Survey;
use crate::review::coverage::{Written, judged};
use crate::review::report::Reviewer;
use crate::review::{Category, Finding, Note, Report, RuleSet, merge, untested_changes};

const PRICES: &str = "Prices are simulated: no model was called and nothing was charged.";

/// Where the prices come from.
fn prices(review: &Review) -> String {
    #[cfg(feature = "http")]
    if let Some(minds) = &review.order.minds {
        return format!("The models {} are billed at their prices; tools cost nothing.", minds.names());
    }
    let _ = review;
    PRICES.to_owned()
}

/// The report. `cut` says what ended the work before its time, if something did.
pub(super) fn report(review: &Review, cut: Option<&str>, receipt: &StopReceipt) -> Report {
    let told = review.chronicle.told();
    let survey = review.tally.survey();
    let rules = RuleSet::embedded();
    let mut notes = BTreeSet::new();
    let mut unread = BTreeSet::new();
    let mut findings = Vec::new();
    let mut reviewers = Vec::new();
    let mut written = Written::new();
    let mut files = 0;
    for category in Category::ALL {
        let Some(survey) = survey.as_deref().filter(|survey| !survey.batches.is_empty()) else { break };
        let fared = Fared::of(review, category, survey, cut, told.turns(category.word()));
        files = files.max(fared.reviewer.files);
        findings.extend(fared.findings);
        notes.extend(fared.notes);
        unread.extend(fared.unread);
        for (language, files) in fared.written {
            let most = written.entry(language).or_default();
            *most = files.max(*most);
        }
        reviewers.push(fared.reviewer);
    }
    unread.extend(survey.iter().flat_map(|survey| survey.unread.clone()));
    notes.extend(survey.iter().flat_map(|survey| survey.notes.clone()));
    let unread_paths = unread.iter().map(|note| &note.file).collect::<BTreeSet<_>>().len() as u64;
    notes.extend(unread);
    if let (Some(why), None) = (cut, &survey) {
        notes.insert(Note { file: String::new(), why: format!("nothing was reviewed: {why}") });
    }
    let cost = bill::cost(&review.swarm.costs(), |name| review.tally.was_read(name));
    let chaos = review.order.chaos.map(|seed| account(seed, super::plan(seed).rules.len(), &told, &cost));
    let elapsed = told.last.since(Time::ZERO);
    let came_to_their_ends = cut.is_none() && reviewers.iter().all(|reviewer| reviewer.failed.is_none());
    Report {
        root: review.order.named.clone(),
        scope: survey.as_ref().map_or_else(|| "not started".to_owned(), |survey| survey.scope.clone()),
        files,
        complete: came_to_their_ends && unread_paths == 0,
        unread: unread_paths,
        findings: merge(findings),
        known: 0,
        stale: 0,
        reviewers,
        languages: judged(&written, rules, &review.order.config),
        notes: notes.into_iter().collect(),
        needs_model: if files > 0 && !review.order.thinks() {
            rules.needs_model().to_vec()
        } else {
            Vec::new()
        },
        cost,
        prices: prices(review),
        chaos,
        receipt: receipt.to_string(),
        elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
    }
}

/// How one specialist fared.
struct Fared {
    reviewer: Reviewer,
    findings: Vec<Finding>,
    notes: Vec<Note>,
    unread: Vec<Note>,
    written: Written,
}

impl Fared {
    fn of(review: &Review, category: Category, survey: &Survey, cut: Option<&str>, attempts: u64) -> Self {
        let (mut done, failed) = review.tally.take(category);
        let refused = done.values().find_map(|batched| batched.cut.clone());
        let missing = survey.batches.len() - done.len();
        let why = refused.or_else(|| failed.first().cloned()).or_else(|| cut.map(str::to_owned));
        let failed = match (missing, why) {
            (0, None) => None,
            (0, Some(why)) => (!failed.is_empty() || done.values().any(|b| b.cut.is_some())).then_some(why),
            (missing, why) => {
                let why = why.unwrap_or_else(|| "the reviewer did not answer".to_owned());
                let of = survey.batches.len();
                Some(format!("{missing} of {of} batches were not reviewed: {why}"))
            }
        };
        let mut findings = Vec::new();
        let mut written = Written::new();
        for batched in done.values_mut() {
            findings.append(&mut batched.findings);
            for (language, files) in std::mem::take(&mut batched.written) {
                *written.entry(language).or_default() += files;
            }
        }
        if category == Category::Tests && survey.of_a_change && failed.is_none() {
            let changed: Vec<_> = done.values().flat_map(|batched| batched.changed.clone()).collect();
            let rules = RuleSet::embedded();
            findings.extend(untested_changes(&changed, &survey.crates, rules, &review.order.config));
        }
        let reviewer = Reviewer {
            category,
            files: done.values().map(|batched| batched.files).sum(),
            batches: done.len() as u64,
            findings: findings.len() as u64,
            // A batch that is done was begun.
            attempts: attempts.max(done.len() as u64),
            failed,
        };
        let (mut notes, mut unread) = (Vec::new(), Vec::new());
        for batched in done.into_values() {
            notes.extend(batched.notes);
            unread.extend(batched.unread);
        }
        Self { reviewer, findings, notes, unread, written }
    }
}
