//! P7 in numbers: what is counted while a swarm runs is what its journal says, without a name in it.

use std::collections::{BTreeMap, BTreeSet};

use skep::fold::{Metered, Metrics};
use skep::testkit::{Lab, Point, TestResult};
use skep::{AgentError, AgentSpec, Context, Outcome, Restart, Usage};

use super::docs;
use super::forest::{Act, Imp, Soil, ms};
use super::storm::Storm;

/// Runs an effect of each kind that it is told, a little apart.
struct Caller;

impl skep::Agent for Caller {
    type Task = Vec<String>;
    type Output = ();

    async fn handle(&mut self, kinds: &Vec<String>, cx: &Context) -> Result<(), AgentError> {
        for kind in kinds {
            let effect = cx.effect(kind, kind).worst_case(Usage::calls(1));
            effect
                .run(async |call| {
                    call.used(Usage::calls(1));
                    Ok(())
                })
                .await?;
        }
        Ok(())
    }
}

/// Families by name, each with its type and its labels.
type Families<'a> = BTreeMap<&'a str, (&'a str, BTreeSet<&'a str>)>;

/// Every family with its type and the labels that it was seen with, and every label's values.
fn read(text: &str) -> (Families<'_>, BTreeSet<&str>) {
    let mut families = BTreeMap::new();
    let mut values = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a type");
            assert!(families.insert(name, (kind, BTreeSet::new())).is_none(), "{name} stands there once");
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').expect("a series and a value");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let family = families.iter_mut().rfind(|(family, _)| name.starts_with(**family));
            let (_, known) = family.map(|(_, family)| family).expect("a sample stands below its family");
            for label in labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty()) {
                let (label, value) = label.split_once('=').expect("a label and its value");
                if label != "le" {
                    known.insert(label);
                    values.insert(value.trim_matches('"'));
                }
            }
        }
    }
    (families, values)
}

#[skep::swarm_test(seeds = 60)]
async fn metrics_are_what_the_journal_says_and_name_nobody(lab: Lab) {
    let mut storm = Storm::begin(&lab, Soil::WILD).await;
    storm.blow(20, true).await;
    // The lab has compared what is shown with a fold of all events at every event.
    let history = storm.end().await;
    let metrics = history.fold::<Metered>().metrics();
    assert!(metrics.agents.is_empty() && metrics.queued == 0, "nothing lives: {metrics:?}");
    assert_eq!(metrics.accepted, metrics.tasks.values().sum::<u64>());
    let text = metrics.text();
    let (_, values) = read(&text);
    for row in history.tree().iter().map(|(_, row)| row) {
        assert!(!values.contains(row.id.as_str()) && !values.contains(row.name.as_str()), "{text}");
    }
}

#[skep::swarm_test(seeds = 10)]
async fn a_service_sees_what_its_swarm_and_a_tenant_of_it_do(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("tenant").nth(2).panics());
    let swarm = lab.start().await;
    let tenant = swarm.spawn(AgentSpec::new("tenant", || Caller).restart(Restart::Permanent)).await?;
    let other = swarm.spawn(AgentSpec::new("other", || Caller)).await?;
    tenant.ask(vec!["grep".into(), "model".into()]).await?;
    tenant.ask(vec!["grep".into()]).await?;
    other.ask(vec!["grep".into()]).await?;

    let (all, of) = (swarm.metrics(), tenant.metrics());
    assert_eq!((all.spawned, all.agents.get("idle")), (2, Some(&2)));
    assert_eq!((of.accepted, of.restarts, of.redelivered), (2, 1, 1));
    assert_eq!((all.accepted, all.restarts), (3, 1));
    assert_eq!((of.wait.count(), of.turn.count(), of.task.count()), (3, 3, 2), "the second came twice");
    assert_eq!(of.tasks, BTreeMap::from([(Outcome::Done, 2)]));
    assert_eq!((of.effects["grep"].time.count(), all.effects["grep"].time.count()), (2, 3));
    assert_eq!((of.spent.calls, all.spent.calls), (3, 4));

    drop(other.stop(skep::Stop::default()).await);
    assert_eq!(other.metrics().accepted, 0, "of what has ended nothing is left to count");
    let after = swarm.metrics();
    assert_eq!(
        (after.accepted, after.ended["stopped"], after.stop.count()),
        (3, 1, 1),
        "what it did is in the swarm's"
    );
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 5)]
async fn kinds_of_effects_beyond_the_limit_are_other(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let caller = swarm.spawn(AgentSpec::new("caller", || Caller)).await?;
    caller.ask((0..100).map(|n| format!("kind-{n}")).collect()).await?;
    let metrics = swarm.metrics();
    assert_eq!(metrics.effects.len(), 33);
    assert_eq!(metrics.effects["other"].time.count(), 68);
    assert_eq!(metrics.effects["kind-31"].time.count(), 1);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 5)]
async fn time_that_a_task_waits_and_works_falls_into_its_bucket(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    imp.tell(vec![Act::Sleep(400)])?;
    imp.ask(vec![Act::Sleep(2_000)]).await?;
    let metrics = swarm.metrics();
    assert_eq!(metrics.turn.quantile(500), Some(ms(500)));
    assert_eq!(metrics.turn.quantile(1_000), Some(ms(2_500)));
    assert_eq!(metrics.task.quantile(1_000), Some(ms(2_500)), "the second waited for the first");
    assert!(metrics.wait.total() >= ms(400) && metrics.wait.total() < ms(500), "{:?}", metrics.wait);
    lab.end(swarm).await;
    Ok(())
}

#[test]
fn every_metric_stands_in_the_table_as_it_is_written() {
    let text = full().text();
    let (families, _) = read(&text);
    let help = text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' '));
    let help: BTreeMap<_, _> = help.collect();
    let quoted =
        |labels: &BTreeSet<&str>| labels.iter().map(|label| format!("`{label}`")).collect::<BTreeSet<_>>();
    let written: BTreeSet<_> = families
        .iter()
        .map(|(name, (kind, labels))| {
            (format!("`{name}`"), (*kind).to_owned(), quoted(labels), help[name].to_owned())
        })
        .collect();
    let documented: BTreeSet<_> = docs::rows("docs/metrics.md", 4)
        .into_iter()
        .map(|row| {
            let labels = row[2].split(", ").filter(|label| !label.is_empty()).map(str::to_owned).collect();
            (row[0].clone(), row[1].clone(), labels, row[3].clone())
        })
        .collect();
    docs::assert_equal("docs/metrics.md", &documented, &written);
}

/// Metrics in which every label has a value.
fn full() -> Metrics {
    let mut metrics = Metrics::default();
    let one = || BTreeMap::from([("x".to_owned(), 1)]);
    (metrics.agents, metrics.ended, metrics.refusals) = (one(), one(), one());
    metrics.limits.insert("rate".to_owned(), one());
    metrics.failures.insert(skep::FailureClass::Bug, 1);
    metrics.tasks.insert(Outcome::Done, 1);
    metrics.effects.entry("grep".to_owned()).or_default().ended = one();
    metrics
}
