//! Metrics in the text format that Prometheus scrapes (version 0.0.4). No float: seconds and money are written by integers.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::time::Duration;

use super::names::NAMES;
use super::{Histogram, Metrics};
use crate::words::money::NanoUsd;

impl Metrics {
    /// The `Content-Type` of [`Metrics::text`].
    pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// The page that a service answers a scrape with; the names stand in `docs/metrics.md`. No id or name of an agent is in
    /// it, and of kinds of effects and of links the first 32 each.
    #[must_use]
    pub fn text(&self) -> String {
        let mut page = Page::default();
        page.by("skep_agents", "gauge", "Living agents, by state.", "state", &self.agents);
        page.one("skep_agents_spawned_total", "counter", "Agents spawned.", self.spawned);
        page.by("skep_agents_ended_total", "counter", "Agents that ended for good.", "reason", &self.ended);
        page.one("skep_agent_restarts_total", "counter", "Starts after an agent's first.", self.restarts);
        let failures = self.failures.iter().map(|(class, count)| (class.name(), *count)).collect();
        page.by("skep_agent_failures_total", "counter", "Incarnations that failed.", "class", &failures);
        let help = "Supervisors whose children failed more often than they allow.";
        page.one("skep_agent_escalations_total", "counter", help, self.escalations);
        page.one("skep_agent_start_failures_total", "counter", "Starts that failed.", self.start_failures);
        page.one("skep_tasks_accepted_total", "counter", "Tasks accepted by a mailbox.", self.accepted);
        page.one("skep_tasks_redelivered_total", "counter", "Tasks that were redelivered.", self.redelivered);
        let tasks = self.tasks.iter().map(|(outcome, count)| (outcome.to_string(), *count)).collect();
        page.by("skep_tasks_total", "counter", "Tasks that have ended.", "outcome", &tasks);
        page.one("skep_tasks_queued", "gauge", "Tasks that wait for their turn.", self.queued);
        page.one(
            "skep_longest_queue",
            "gauge",
            "Tasks in the longest queue of one agent.",
            self.longest_queue,
        );
        self.effects(&mut page);
        page.one("skep_turn_interrupts_total", "counter", "Turns interrupted.", self.interrupts);
        page.one("skep_stale_turns_total", "counter", "Turns found without progress.", self.stale_turns);
        page.one("skep_lost_cells_total", "counter", "Cells lost and replaced.", self.lost_cells);
        page.one("skep_stuck_agents_total", "counter", "Agents that a stop could not end.", self.stuck);
        page.one("skep_spent_usd_total", "counter", "Money booked.", Usd(self.spent.money));
        page.one("skep_reserved_usd", "gauge", "Money that effects in flight may cost.", Usd(self.reserved));
        let tokens = BTreeMap::from([
            ("input", self.spent.input_tokens),
            ("output", self.spent.output_tokens),
            ("cached", self.spent.cached_tokens),
        ]);
        page.by(
            "skep_tokens_total",
            "counter",
            "Tokens booked; the input includes cached ones.",
            "direction",
            &tokens,
        );
        page.one("skep_calls_total", "counter", "Calls booked.", self.spent.calls);
        page.times("skep_task_wait_seconds", "Time in the queue before a turn.", &self.wait);
        page.times("skep_turn_seconds", "Time of a turn.", &self.turn);
        page.times("skep_task_seconds", "Time from a task's acceptance to its outcome.", &self.task);
        page.times("skep_stop_seconds", "Time of an ordered stop.", &self.stop);
        page.0
    }

    fn effects(&self, page: &mut Page) {
        let open = self.effects.iter().map(|(kind, effect)| (kind.as_str(), effect.open)).collect();
        page.by("skep_effects_open", "gauge", "Effects in flight.", "kind", &open);
        page.head("skep_effects_total", "counter", "Effects that have ended.");
        for (kind, effect) in &self.effects {
            for (end, count) in &effect.ended {
                page.sample("skep_effects_total", &[("kind", kind), ("end", end)], count);
            }
        }
        page.one(
            "skep_effect_retries_total",
            "counter",
            "Tries that failed and were followed by another.",
            self.retries,
        );
        page.by(
            "skep_refusals_total",
            "counter",
            "Effects refused, by the link that refused.",
            "by",
            &self.refusals,
        );
        page.head(
            "skep_limit",
            "gauge",
            "Numbers of rates, permits, breakers and caches, summed over all keys.",
        );
        for (link, numbers) in self.limits.iter().take(NAMES) {
            for (number, count) in numbers.iter().take(NAMES) {
                page.sample("skep_limit", &[("link", link), ("number", number)], count);
            }
        }
        page.one("skep_overruns_total", "counter", "Effects billed above their worst case.", self.overruns);
        page.head("skep_effect_seconds", "histogram", "Time of an effect since its admission.");
        for (kind, effect) in &self.effects {
            page.histogram("skep_effect_seconds", Some(("kind", kind)), &effect.time);
        }
    }
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.sample(name, &[], value);
    }

    fn by<K: AsRef<str>>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        label: &str,
        values: &BTreeMap<K, u64>,
    ) {
        self.head(name, kind, help);
        for (value, count) in values {
            self.sample(name, &[(label, value.as_ref())], count);
        }
    }

    fn times(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        self.histogram(name, None, histogram);
    }

    fn histogram(&mut self, name: &str, label: Option<(&str, &str)>, histogram: &Histogram) {
        for (bound, count) in histogram.cumulated() {
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| Seconds(bound).to_string());
            let labels: Vec<_> = label.into_iter().chain([("le", bound.as_str())]).collect();
            self.sample(&format!("{name}_bucket"), &labels, count);
        }
        let labels: Vec<_> = label.into_iter().collect();
        self.sample(&format!("{name}_sum"), &labels, Seconds(histogram.total()));
        self.sample(&format!("{name}_count"), &labels, histogram.count());
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.line(format_args!("{name}{labels} {value}"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("a text takes what is written to it");
    }
}

/// A label's value: backslash, quote and line feed are escaped, as the format has it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Billionths as a decimal number, without zeros at its end.
fn decimal(whole: u64, billionths: u32) -> String {
    let text = format!("{whole}.{billionths:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

struct Seconds(Duration);

impl Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&decimal(self.0.as_secs(), self.0.subsec_nanos()))
    }
}

struct Usd(NanoUsd);

impl Display for Usd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let billionths = u32::try_from(self.0.0 % 1_000_000_000).expect("below a billion");
        f.write_str(&decimal(self.0.0 / 1_000_000_000, billionths))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_money_are_written_exactly() {
        assert_eq!(Seconds(Duration::from_millis(1)).to_string(), "0.001");
        assert_eq!(Seconds(Duration::from_millis(2_500)).to_string(), "2.5");
        assert_eq!(Seconds(Duration::from_secs(600)).to_string(), "600");
        assert_eq!(Seconds(Duration::ZERO).to_string(), "0");
        assert_eq!(Usd(NanoUsd(u64::MAX)).to_string(), "18446744073.709551615");
        assert_eq!(Usd(NanoUsd(1)).to_string(), "0.000000001");
    }

    #[test]
    fn a_kind_with_odd_characters_is_one_label() {
        let mut metrics = Metrics::default();
        metrics.effects.entry("a\"b\\c\nd".to_owned()).or_default().open = 2;
        let text = metrics.text();
        assert!(text.contains("skep_effects_open{kind=\"a\\\"b\\\\c\\nd\"} 2\n"), "{text}");
    }
}
