//! A failing run of the lab: it is shrunk to what matters, told in a page, kept as files, and the same when run again.

use std::sync::{Arc, Mutex};

use skep::testkit::{Dice, FaultPlan, Found, Lab, Point, Recipe, TestResult, event_lines, examine, replay};
use skep::{Agent, AgentError, AgentSpec, Context};

use super::forest::ms;

/// What the cashiers have charged, outside of the swarm.
type Bank = Arc<Mutex<Vec<u64>>>;

/// Charges an order and writes a receipt. Its bug: a crash between the two charges again.
struct Cashier(Bank);

impl Agent for Cashier {
    type Task = u64;
    type Output = ();

    async fn handle(&mut self, order: &u64, cx: &Context) -> Result<(), AgentError> {
        let (bank, order) = (Arc::clone(&self.0), *order);
        cx.effect("charge", order)
            .free()
            .run(move |_| {
                let bank = Arc::clone(&bank);
                async move {
                    bank.lock().unwrap().push(order);
                    Ok(())
                }
            })
            .await?;
        cx.sleep(ms(20)).await.map_err(AgentError::failed)?;
        cx.effect("print", order).free().run(|_| async { Ok(()) }).await?;
        Ok(())
    }
}

/// Faults at random places, most of which do no harm.
fn noise(dice: &mut Dice) -> FaultPlan {
    let mut plan = FaultPlan { seed: dice.below(1_000), ..FaultPlan::default() };
    for _ in 0..dice.between(4, 12) {
        let agent = format!("cashier-{}", dice.between(1, 3));
        let rule = match dice.below(5) {
            0 => Point::turn().of(agent).chance(200).slows(ms(dice.between(1, 50))),
            1 => Point::effect("*").chance(100).slows(ms(dice.between(1, 50))),
            2 => Point::effect("charge").of(agent).nth(dice.between(1, 4)).loses_cell(),
            3 => Point::effect("print").chance(300).panics().times(dice.between(1, 2)),
            _ => Point::turn().of(agent).nth(dice.between(1, 4)).panics(),
        };
        plan = plan.rule(rule.may_rest());
    }
    plan
}

async fn three_cashiers(lab: Lab) -> TestResult {
    let lab = lab.clone().plan(noise(&mut lab.dice()));
    let bank = Bank::default();
    let swarm = lab.start_with(|builder| builder.intensity(50, ms(1_000))).await;
    let mut asks = Vec::new();
    for number in 1..=3_u64 {
        let till = Arc::clone(&bank);
        let spec = AgentSpec::new(format!("cashier-{number}"), move || Cashier(Arc::clone(&till)));
        let cashier = swarm.spawn(spec).await?;
        asks.extend((0..4).map(|order| cashier.try_ask(number * 100 + order)));
    }
    for ask in asks {
        // A task that crashes every time is poisoned, which is no fault of the till.
        drop(ask?.await);
    }
    lab.end(swarm).await;
    let mut charged = bank.lock().unwrap().clone();
    charged.sort_unstable();
    let twice = charged.windows(2).find(|pair| pair[0] == pair[1]);
    assert!(
        twice.is_none(),
        "order {} of cashier-{} is charged twice",
        twice.unwrap()[0],
        twice.unwrap()[0] / 100
    );
    Ok(())
}

/// Every seed below a bound that fails.
fn failures(seeds: u64) -> Vec<Found> {
    (0..seeds)
        .filter_map(|seed| examine("a::three_cashiers", seed, three_cashiers).err())
        .map(|found| *found)
        .collect()
}

#[test]
fn a_failing_plan_is_shrunk_to_the_one_fault_that_matters() {
    let found = failures(40);
    assert!(found.len() > 10, "{}", found.len());
    for Found { seed, plan, given, wrong, remark, .. } in &found {
        assert!(wrong.contains("is charged twice"), "seed {seed}: {wrong}");
        assert!(
            given.rules.len() >= 4 && plan.rules.len() == 1,
            "seed {seed}, {remark}: {:?}",
            plan.describe()
        );
        let rule = &plan.rules[0];
        // Nothing is left to chance, and one crash after the charge is enough.
        assert_eq!((rule.permille, rule.nth.is_some(), rule.may_rest), (None, true, false), "{rule}");
    }
}

#[test]
fn a_recipe_gives_the_same_failure_with_the_same_events() {
    for found in failures(12) {
        let text = found.recipe().to_json();
        let recipe: Recipe = serde_json::from_str(&text).unwrap();
        let again = replay(&recipe, three_cashiers).unwrap_err();
        assert_eq!((&again.wrong, &again.place), (&found.wrong, &found.place));
        assert_eq!(event_lines(&again.events), event_lines(&found.events), "seed {}", found.seed);
        let sound = Recipe { plan: FaultPlan::default(), ..recipe };
        assert!(replay(&sound, three_cashiers).is_ok(), "it is the plan that fails");
    }
}

#[test]
fn a_person_is_told_what_broke_where_and_how_to_have_it_again_in_a_page() {
    for found in failures(12) {
        let story = found.story(&["SKEP_SEED=7 cargo test three_cashiers".to_owned()], None);
        assert!(story.lines().count() <= 45, "{story}");
        for words in [
            "is charged twice",
            "failing.rs:",
            "SKEP_SEED=7",
            "fault injected",
            "task redelivered",
            "cashier-3  Cashier  idle",
        ] {
            assert!(story.contains(words), "{words} is missing:\n{story}");
        }
    }
}

#[test]
fn all_of_a_failure_is_kept_in_a_folder() {
    let found = failures(12).remove(0);
    let folder = std::env::temp_dir().join(format!("skep-found-{}", std::process::id()));
    let folder = found.folder_in(&folder);
    assert!(folder.ends_with(format!("a.three_cashiers/seed-{}", found.seed)));
    found.write(&folder, "as told").unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(Recipe::read(&folder.join("plan.json")).unwrap(), found.recipe());
    assert_eq!(serde_json::from_str::<FaultPlan>(&read("given.json")).unwrap(), found.given);
    assert_eq!(read("events.jsonl").lines().count(), found.events.len());
    assert!(read("tree.txt").contains("cashier-3") && read("failure.txt").starts_with("as told\n"));
    assert!(Recipe::read(&folder.join("tree.txt")).unwrap_err().to_string().contains("plan.json"));
    std::fs::remove_dir_all(folder.parent().unwrap()).unwrap();
}

#[test]
fn what_fails_without_any_fault_needs_none_and_what_never_fired_is_named_alone() {
    let always = |lab: Lab| async move {
        let swarm = lab.fault(Point::turn().panics().may_rest()).start().await;
        lab_ends(swarm).await;
        Err::<(), _>("it never works")
    };
    let found = examine("always", 1, always).unwrap_err();
    assert!(found.plan.rules.is_empty() && found.remark.contains("fails without"), "{}", found.remark);

    let idle = |lab: Lab| async move {
        let lab = lab.fault(Point::step("a").panics()).fault(Point::step("b").panics());
        let swarm = lab.start().await;
        lab.try_end(swarm).await.map(drop)
    };
    let found = examine("idle", 1, idle).unwrap_err();
    assert_eq!(found.plan.describe(), ["a panic at each step a of any agent, once"]);
}

async fn lab_ends(swarm: skep::Swarm) {
    drop(swarm.stop(skep::Stop::default()).await);
}

#[test]
fn a_failure_that_does_not_come_from_the_seed_is_said_to_be_one() {
    let told = |plan: FaultPlan, starts: bool| {
        let runs = std::sync::atomic::AtomicUsize::new(0);
        let fickle = |lab: Lab| {
            let is_first = runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
            let lab = lab.plan(plan.clone());
            async move {
                if starts {
                    let swarm = lab.start().await;
                    lab.end(swarm).await;
                }
                if is_first { Err("only once") } else { Ok(()) }
            }
        };
        examine("fickle", 1, fickle).unwrap_err().story(&[], None)
    };
    let planned = FaultPlan::default().rule(Point::turn().panics().may_rest());
    // Also where there is no plan to shrink, and where there is not even a swarm.
    for story in [told(planned, true), told(FaultPlan::default(), true), told(FaultPlan::default(), false)] {
        assert!(story.contains("does not come from the seed"), "{story}");
    }
    let always = |lab: Lab| async move {
        let swarm = lab.start().await;
        lab.end(swarm).await;
        Err::<(), _>("each time")
    };
    let found = examine("always", 1, always).unwrap_err();
    assert_eq!(found.remark, "which is empty: it fails without any fault");
}

/// Charges wrongly from the second receipt on that goes wrong, and after one that is late.
struct Clerk {
    bank: Bank,
    printed: u64,
}

impl Agent for Clerk {
    type Task = u64;
    type Output = ();

    async fn handle(&mut self, _: &u64, cx: &Context) -> Result<(), AgentError> {
        let began = cx.now();
        let printed = cx.effect("print", self.printed).run(|_| async { Ok(()) }).await.is_ok();
        let filed = cx.effect("file", self.printed).run(|_| async { Ok(()) }).await.is_ok();
        self.printed += 1;
        let is_late = cx.now().since(began) >= ms(700);
        if self.printed > 1 && !(printed && filed) || is_late {
            self.bank.lock().unwrap().push(u64::from(printed) + 2 * u64::from(filed));
        }
        Ok(())
    }
}

/// The shrunk plan of a clerk that is given six tasks, where `is_wrong` says whether what it charged is.
fn shrunk(plan: &FaultPlan, is_wrong: fn(&[u64]) -> bool) -> Vec<String> {
    let test = |lab: Lab| {
        let lab = lab.plan(plan.clone());
        async move {
            let swarm = lab.start().await;
            let bank = Bank::default();
            let charged = Arc::clone(&bank);
            let clerk = AgentSpec::new("clerk", move || Clerk { bank: Arc::clone(&bank), printed: 0 });
            let clerk = swarm.spawn(clerk).await.unwrap();
            for order in 0..6 {
                drop(clerk.ask(order).await);
            }
            lab.end(swarm).await;
            assert!(!is_wrong(&charged.lock().unwrap()), "the clerk charged");
        }
    };
    examine("clerk", 1, test).unwrap_err().plan.describe()
}

#[test]
fn a_shrunk_plan_has_no_number_that_a_smaller_one_could_stand_for() {
    let no = || AgentError::message("no paper");
    let print = |nth| Point::effect("print").of("clerk").nth(nth).fails(no());
    let any = |charged: &[u64]| !charged.is_empty();
    let second = [r#"the error "no paper" in the 2nd effect print of clerk"#];
    for nth in [2, 3, 5] {
        assert_eq!(shrunk(&FaultPlan::default().rule(print(nth)), any), second);
    }
    // Both have to hit the same task.
    let file = |nth| Point::effect("file").of("clerk").nth(nth).fails(no());
    let both = |charged: &[u64]| charged.contains(&0);
    let plan = FaultPlan::default().rule(print(5)).rule(file(5));
    let two = [second[0], r#"the error "no paper" in the 2nd effect file of clerk"#];
    assert_eq!(shrunk(&plan, both), two);
    // So often, and for so long.
    let slow = Point::effect("print").of("clerk").slows(ms(2_900)).times(3);
    let plan = shrunk(&FaultPlan::default().rule(slow), any);
    assert_eq!(plan, ["a slowdown of 750ms in the 1st effect print of clerk"]);
}

#[test]
fn a_seed_that_failed_is_kept_and_run_before_all_others() {
    let package = std::env::temp_dir().join(format!("skep-package-{}", std::process::id()));
    let package: &'static str = package.display().to_string().leak();
    let test = skep::testkit::Test { name: "a::kept", package };
    let ran = Mutex::new(Vec::new());
    let fails_at = |wrong: Option<u64>| {
        ran.lock().unwrap().clear();
        let body = |lab: Lab| {
            let seed = lab.which_seed();
            ran.lock().unwrap().push(seed);
            async move { if Some(seed) == wrong { Err("this one") } else { Ok(()) } }
        };
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test.run(4, body)));
        (ended.err().map(|told| *told.downcast::<String>().unwrap()), ran.lock().unwrap().clone())
    };
    // Whatever seeds the environment asks for, but for one alone, before which none is run.
    let all: Vec<u64> = skep::testkit::seeds(4).collect();
    let last = *all.last().expect("at least one seed runs");
    let (told, _) = fails_at(Some(last));
    assert!(told.unwrap().contains("a.kept.txt, to be run first\n"));
    let first_the_kept: Vec<u64> = [last].into_iter().chain(all).collect();
    assert_eq!(fails_at(None), (None, first_the_kept));
    let (told, ran) = fails_at(Some(last));
    // Once more, to see whether it fails each time.
    assert!(told.unwrap().contains("the seed stands in") && ran == [last, last]);
    std::fs::remove_dir_all(package).unwrap();
}

#[test]
#[ignore = "fails as it has to: another test runs it in a process of its own"]
fn it_fails_as_it_has_to() {
    // No folder can be made below a file.
    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    skep::testkit::Test { name: "failing::it_fails_as_it_has_to", package }.run(64, three_cashiers);
}

#[test]
fn what_is_printed_leads_to_the_same_failure() {
    let folder = std::env::temp_dir().join(format!("skep-printed-{}", std::process::id()));
    let run = |name: &str, value: &std::path::Path| {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "failing::it_fails_as_it_has_to", "--include-ignored", "--nocapture"]);
        command.env("SKEP_LAB_OUT", &folder).env("RUST_BACKTRACE", "0").env(name, value);
        let out = command.output().unwrap();
        assert!(!out.status.success());
        String::from_utf8(out.stderr).unwrap()
    };
    let first = run("SKEP_SEEDS", std::path::Path::new("64"));
    assert_eq!(first.matches("thread '").count(), 0, "the runs of the shrinking print nothing:\n{first}");
    assert!(first.contains("the seed could not be kept"), "{first}");
    let plan = first.split_once("SKEP_PLAN=").unwrap().1.split(' ').next().unwrap();
    let told =
        |text: &str| text.split_once("is charged twice").unwrap().0.rsplit('\n').next().unwrap().to_owned();
    let again = run("SKEP_PLAN", std::path::Path::new(plan));
    assert_eq!(told(&first), told(&again));
    assert!(again.contains("the plan, as recorded:"), "{again}");
    std::fs::remove_dir_all(folder).unwrap();
}
