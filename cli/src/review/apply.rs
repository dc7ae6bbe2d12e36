//! One reviewer's rules over one source.
//!
//! # Invariants
//! 1. The result depends on the rules, the configuration and the source only, so a reviewer that is restarted
//!    in the middle finds the same again.
//! 2. A source is parsed only when a rule that may match needs its tree, and walked once for all such rules.

use crate::review::baseline::fingerprint;
use crate::review::config::Config;
use crate::review::finding::{Category, Finding, Severity};
use crate::review::rules::{Hit, Look, Matcher, Rule, RuleSet, Structure, is_full};
use crate::review::source::Source;
use crate::review::suppress::Ignores;
use crate::review::touched::Touched;

/// The longest line that a report shows, in characters.
const EXCERPT: usize = 200;

/// What the rules of `category` find in `source`, by line. Rules that `config` turns off and places with an
/// ignore comment are left out.
#[must_use]
pub fn apply(category: Category, rules: &RuleSet, config: &Config, source: &Source) -> Vec<Finding> {
    apply_to(category, rules, config, source, &Touched::Whole)
}

/// What the rules of `category` find in `source` that a change has touched: a finding counts if a line of what brought it
/// about is among those.
#[must_use]
pub fn apply_to(
    category: Category,
    rules: &RuleSet,
    config: &Config,
    source: &Source,
    touched: &Touched,
) -> Vec<Finding> {
    let look = Look::at(source, touched);
    let mut ignores = None;
    let mut active: Vec<Active<'_>> = rules
        .of(category)
        .filter_map(|rule| {
            let settings = config.settings(rule, source.path());
            let severity = settings.severity.filter(|_| rule.may_match(source))?;
            Some(Active { rule, severity, limit: settings.limit, hits: Vec::new() })
        })
        .collect();
    for active in &mut active {
        active.read_lines(&look);
    }
    walk(&look, &mut active);
    let mut findings: Vec<Finding> = active.into_iter().flat_map(|active| active.findings(source)).collect();
    findings.retain(|finding| {
        let ignores = ignores.get_or_insert_with(|| Ignores::of(source));
        !ignores.cover(&finding.rule, finding.line)
    });
    findings.sort_by(|a, b| (a.line, a.column, &a.rule).cmp(&(b.line, b.column, &b.rule)));
    findings
}

/// A rule at work on one source.
struct Active<'r> {
    rule: &'r Rule,
    severity: Severity,
    limit: u32,
    hits: Vec<Hit>,
}

impl<'r> Active<'r> {
    fn read_lines(&mut self, look: &Look<'_>) {
        for matcher in &self.rule.matchers {
            if let Matcher::Lines(lines) = matcher {
                let in_scope = |at| self.rule.scope.holds(look.source, at);
                self.hits.extend(lines.hits(look, self.limit, in_scope));
            }
        }
    }

    fn structures(&self) -> impl Iterator<Item = &'r Structure> + use<'r> {
        let matchers = &self.rule.matchers;
        matchers.iter().filter_map(|matcher| match matcher {
            Matcher::Structure(structure) => Some(structure),
            Matcher::Lines(_) => None,
        })
    }

    fn findings(mut self, source: &Source) -> Vec<Finding> {
        self.hits.sort_by_key(|hit| (hit.range.start, hit.range.end));
        self.hits.dedup_by_key(|hit| source.place(hit.range.start).0);
        let further = self.hits.len().saturating_sub(1);
        if self.rule.once_per_file {
            self.hits.truncate(1);
        }
        let mut findings: Vec<Finding> = self.hits.iter().map(|hit| self.finding(source, hit)).collect();
        if let ([finding], true, 1..) = (findings.as_mut_slice(), self.rule.once_per_file, further) {
            let places = if further == 1 { "place" } else { "places" };
            finding.description.push_str(&format!(" {further} more {places} in this file."));
        }
        findings
    }

    fn finding(&self, source: &Source, hit: &Hit) -> Finding {
        let rule = self.rule;
        let (line, column) = source.place(hit.range.start);
        let (last, _) = source.place(hit.range.end.saturating_sub(1).max(hit.range.start));
        let detail = hit.detail.as_deref().unwrap_or("");
        Finding {
            file: source.path().to_owned(),
            line,
            end_line: (last > line).then_some(last),
            column: Some(column),
            severity: self.severity,
            category: rule.category,
            description: rule.description.replace("{detail}", detail),
            suggestion: rule.suggestion.clone(),
            rule: rule.id.clone(),
            concern: rule.concern.clone(),
            also: Vec::new(),
            excerpt: excerpt(source, hit),
            fingerprint: fingerprint(&rule.id, source.path(), source.line_at(hit.range.start)),
        }
    }
}

/// Walks the tree once for all rules that ask for it.
fn walk(look: &Look<'_>, active: &mut [Active<'_>]) {
    let source = look.source;
    let asking: Vec<(usize, &Structure)> = active
        .iter()
        .enumerate()
        .flat_map(|(index, active)| active.structures().map(move |structure| (index, structure)))
        .collect();
    if asking.is_empty() {
        return;
    }
    let Some(syntax) = source.syntax() else { return };
    let kinds = asking
        .iter()
        .flat_map(|(_, structure)| structure.kinds())
        .max()
        .map_or(0, |kind| usize::from(*kind) + 1);
    let mut by_kind: Vec<Vec<(usize, &Structure)>> = vec![Vec::new(); kinds];
    for (index, structure) in asking {
        for kind in structure.kinds() {
            by_kind[usize::from(*kind)].push((index, structure));
        }
    }
    for node in syntax.root().dfs() {
        let Some(asking) = by_kind.get(usize::from(node.kind_id())) else { continue };
        for (index, structure) in asking {
            let active = &mut active[*index];
            // The scope is the cheaper question, and places out of scope fill no bag.
            if !is_full(active.hits.len()) && active.rule.scope.holds(source, node.range().start) {
                active.hits.extend(structure.hit(look, syntax, &node, active.limit));
            }
        }
    }
}

/// The line as a reader may see it.
fn excerpt(source: &Source, hit: &Hit) -> String {
    let line = source.line_range(hit.range.start);
    let text = source.text();
    let shown =
        match hit.secret.as_ref().filter(|secret| secret.start >= line.start && secret.end <= line.end) {
            None if hit.secret.is_some() => String::new(),
            None => text[line].to_owned(),
            // The first letters say which secret it is; the rest would copy it into every log that holds the report.
            Some(secret) => {
                let head: String = text[secret.clone()].chars().take(4).collect();
                format!("{}{head}…{}", &text[line.start..secret.start], &text[secret.end..line.end])
            }
        };
    if shown.chars().count() > EXCERPT {
        let head: String = shown.chars().take(EXCERPT).collect();
        return head + "…";
    }
    shown.trim_end().to_owned()
}
