//! Permissions: what is denied is not done by whichever way, and what needs an approval waits for it, once.

use std::sync::{Arc, Mutex};

use skep::actors::permit::{Approval, Approvals, Equip as _, Mode, Permissions, Remembered, Rule, Say};
use skep::effect::Tier;
use skep::testkit::{Lab, TestResult};
use skep::{
    Agent, AgentError, AgentRef, AgentSpec, Call, Context, EffectError, Pause, Reach, StopContext,
    Supervisor, Swarm,
};

use super::forest::ms;

/// Makes one effect: a kind, and a path.
struct Doer;

impl Doer {
    fn spec(name: &str) -> AgentSpec<Self> {
        AgentSpec::new(name, || Self)
    }
}

async fn make(cx: &Context, kind: &str, path: &str) -> Result<(), EffectError> {
    let effect = cx.effect(kind, path).free().on(Reach::path(path)).subject("it");
    effect.tier(Tier::Writes).modifies(kind != "read").run(|_: Call| async { Ok(()) }).await
}

impl Agent for Doer {
    type Task = (String, String);
    type Output = ();

    async fn handle(&mut self, (kind, path): &Self::Task, cx: &Context) -> Result<(), AgentError> {
        Ok(make(cx, kind, path).await?)
    }
}

async fn asked(doer: &AgentRef<Doer>, kind: &str, path: &str) -> Result<(), String> {
    doer.ask((kind.to_owned(), path.to_owned()))
        .within(ms(30_000_000))
        .await
        .map_err(|error| error.to_string())
}

type Heard = Arc<Mutex<Vec<Approval>>>;

/// Answers what it is told to, in order and at last with no, after so long.
fn says(all: &[Say], after: u64) -> (Approvals, Heard) {
    let (heard, left) = (Heard::default(), Arc::new(Mutex::new(all.to_vec())));
    let hears = Arc::clone(&heard);
    let approvals = Approvals::by(move |approval| {
        hears.lock().unwrap().push(approval);
        let mut left = left.lock().unwrap();
        let say = if left.is_empty() { Say::No } else { left.remove(0) };
        async move {
            tokio::time::sleep(ms(after)).await;
            say
        }
    });
    (approvals, heard)
}

async fn started(lab: &Lab, permissions: Permissions) -> (Swarm, AgentRef<Doer>) {
    let swarm = lab.start_with(|builder| builder.permissions(permissions)).await;
    let team = swarm.spawn(Supervisor::dynamic().named("team")).await.unwrap();
    let doer = swarm.spawn(Doer::spec("doer").under(&team)).await.unwrap();
    (swarm, doer)
}

#[skep::swarm_test(seeds = 10)]
async fn what_is_denied_is_said_and_an_approval_says_who_asks_for_what(lab: Lab) -> TestResult {
    let (approvals, heard) = says(&[Say::Once, Say::No], 60_000);
    let permissions = Permissions::only(["read", "write"])
        .rule(Rule::kind("write").path("/etc/**").deny())
        .rule(Rule::kind("read").allow())
        .approvals(approvals);
    let (swarm, doer) = started(&lab, permissions).await;
    asked(&doer, "read", "/a").await?;
    for (kind, path) in [("write", "/etc/passwd"), ("push", "/a")] {
        let error = asked(&doer, kind, path).await.unwrap_err();
        assert!(error.contains("permissions") && error.contains(path), "{error}");
    }
    assert!(heard.lock().unwrap().is_empty());
    asked(&doer, "write", "/a").await?;
    let error = asked(&doer, "write", "/a").await.unwrap_err();
    assert!(error.contains("write on path /a was not approved"), "a yes to one is to one: {error}");
    let heard = heard.lock().unwrap().clone();
    assert_eq!(
        (heard.len(), heard[0].path.as_str(), heard[0].reach.clone()),
        (2, "team/doer", Reach::path("/a"))
    );
    assert_eq!(
        (heard[0].subject.as_deref(), heard[0].tier, heard[0].modifies),
        (Some("it"), Tier::Writes, true)
    );
    drop(doer);
    let history = lab.end(swarm).await;
    assert_eq!(history.count("custom"), 4, "asked and answered, twice");
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_lasting_yes_is_for_the_same_and_for_as_long_as_it_was_said(lab: Lab) -> TestResult {
    let (approvals, heard) = says(&[Say::Swarm, Say::Always], 10);
    let permissions = || Permissions::only(["*"]).approvals(approvals.clone());
    let asked_so_far = || heard.lock().unwrap().len();
    let (swarm, doer) = started(&lab, permissions()).await;
    for _ in 0..3 {
        asked(&doer, "write", "/a").await?;
        asked(&doer, "read", "/b").await?;
    }
    assert_eq!(asked_so_far(), 2, "each was asked for once");
    assert!(
        asked(&doer, "write", "/b").await.is_err() && asked_so_far() == 3,
        "another path is another question"
    );
    drop(doer);
    lab.end(swarm).await;
    let kept = approvals.remembered();
    assert_eq!(kept.iter().filter(|kept| kept.session.is_none()).count(), 1);
    // In another session only what is always so holds, and what was kept from before.
    let before = Remembered {
        session: None,
        kind: "old".into(),
        subject: Some("it".into()),
        reach: Reach::path("/o"),
    };
    let lab = Lab::seed(lab.which_seed());
    let swarm = lab.wrap(Swarm::builder("other").permissions(permissions())).await?;
    let doer = swarm.spawn(Doer::spec("doer")).await?;
    asked(&doer, "read", "/b").await?;
    assert!(asked(&doer, "write", "/a").await.is_err());
    assert!(asked(&doer, "old", "/o").await.is_err());
    drop(approvals.clone().remember([before]));
    asked(&doer, "old", "/o").await?;
    assert_eq!(asked_so_far(), 5);
    drop(doer);
    lab.end(swarm).await;
    Ok(())
}

/// A denial that can match nothing would deny nothing, so it is an error at once.
#[tokio::test(start_paused = true)]
async fn a_swarm_does_not_start_with_a_rule_that_can_match_nothing() {
    let all = || Permissions::only(["*"]);
    for (permissions, place) in [
        (Permissions::only(["write", "files*x"]), "the list: \"files*x\""),
        (all().safe([""]), "safe: a pattern is empty"),
        (all().rule(Rule::kind("*.write").deny()), "rule 1 on \"*.write\""),
        (all().rule(Rule::kind("write").deny()).rule(Rule::kind("*").path("etc/**").deny()), "rule 2 on"),
        (all().rule(Rule::kind("write").path("/etc/").deny()), "write `/repo` for a folder"),
        (all().rule(Rule::kind("fetch").host("https://example.com").deny()), "is not a host"),
        (all().rule(Rule::kind("model").model("").deny()), "a pattern is empty"),
        (all().rule(Rule::kind("command").argv([""; 0]).deny()), "has no program"),
    ] {
        let error =
            Swarm::builder("desk").permissions(permissions).start().await.err().map(|e| e.to_string());
        let error = error.unwrap_or_else(|| panic!("it started with a bad pattern in {place}"));
        assert!(error.contains("permissions is wrong") && error.contains(place), "{error}");
    }
}

#[skep::swarm_test(seeds = 10)]
async fn without_an_answer_in_time_what_was_said_beforehand_holds_and_without_anybody_to_ask_it_is_no(
    lab: Lab,
) -> TestResult {
    for (otherwise, is_done) in [(Say::No, false), (Say::Once, true)] {
        let lab = Lab::seed(lab.which_seed());
        let (approvals, _) = says(&[Say::Once], 60_000_000);
        let approvals = approvals.within(ms(1_000)).otherwise(otherwise);
        let (swarm, doer) = started(&lab, Permissions::only(["*"]).approvals(approvals)).await;
        let done = asked(&doer, "write", "/a").await;
        assert_eq!(done.is_ok(), is_done);
        assert!(done.is_ok() || done.is_err_and(|error| error.contains("in time")));
        drop(doer);
        lab.end(swarm).await;
    }
    let (swarm, doer) = started(&lab, Permissions::only(["*"])).await;
    let error = asked(&doer, "write", "/a").await.unwrap_err();
    assert!(error.contains("nobody can be asked"), "{error}");
    drop(doer);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn who_waits_for_an_approval_is_paused_and_stopped_and_a_mode_that_changes_meanwhile_holds(
    lab: Lab,
) -> TestResult {
    let (approvals, heard) = says(&[Say::Once, Say::Once], 60_000);
    let permissions = Permissions::only(["*"]).approvals(approvals);
    let switch = permissions.switch();
    let (swarm, doer) = started(&lab, permissions).await;
    let ask = |path: &str| {
        let (doer, path) = (doer.clone(), path.to_owned());
        tokio::spawn(async move { asked(&doer, "write", &path).await })
    };
    let first = ask("/a");
    tokio::time::sleep(ms(1_000)).await;
    assert!(doer.pause(Pause::at_next_await()).await?.is_quiet());
    tokio::time::sleep(ms(100_000)).await;
    drop(doer.resume()?);
    first.await??;
    assert_eq!(heard.lock().unwrap().len(), 1, "nobody was asked twice");
    let second = ask("/b");
    tokio::time::sleep(ms(1_000)).await;
    switch.set(Mode::ReadOnly);
    let error = second.await?.unwrap_err();
    assert!(error.contains("not permitted any more"), "{error}");
    switch.set(Mode::Everything);
    asked(&doer, "write", "/c").await?;
    switch.set(Mode::Ask);
    let third = ask("/d");
    tokio::time::sleep(ms(1_000)).await;
    lab.saw(&doer.stop(skep::Stop::default()).await);
    assert!(third.await?.is_err());
    drop(doer);
    lab.end(swarm).await;
    Ok(())
}

/// Makes the same effect in its start, in a turn of a child, and in its stop hook.
struct Sly(Arc<Mutex<Vec<&'static str>>>);

impl Sly {
    fn made(&self, where_: &'static str, made: &Result<(), EffectError>) {
        if made.is_ok() {
            self.0.lock().unwrap().push(where_);
        }
    }
}

impl Agent for Sly {
    type Task = bool;
    type Output = ();

    async fn start(&mut self, cx: &Context) -> Result<(), AgentError> {
        self.made("start", &make(cx, "write", "/a").await);
        Ok(())
    }

    async fn handle(&mut self, goes_on: &bool, cx: &Context) -> Result<(), AgentError> {
        self.made("handle", &make(cx, "write", "/a").await);
        if *goes_on {
            let seen = Arc::clone(&self.0);
            let child = cx.spawn(AgentSpec::new("child", move || Self(Arc::clone(&seen)))).await?;
            child.ask(false).await?;
        }
        Ok(())
    }

    async fn stop(&mut self, cx: &StopContext) -> Result<(), AgentError> {
        let effect = cx.effect("write", "/a").free().on(Reach::path("/a"));
        self.made("stop", &effect.run(|_: Call| async { Ok(()) }).await);
        Ok(())
    }
}

#[skep::swarm_test(seeds = 10)]
async fn a_start_a_hook_and_a_child_are_no_way_around(lab: Lab) -> TestResult {
    for (mode, is_made) in [(Mode::ReadOnly, false), (Mode::Everything, true)] {
        let lab = Lab::seed(lab.which_seed());
        let swarm =
            lab.start_with(|builder| builder.permissions(Permissions::only(["write"]).mode(mode))).await;
        let seen = Arc::default();
        let its = Arc::clone(&seen);
        let sly = swarm.spawn(AgentSpec::new("sly", move || Sly(Arc::clone(&its)))).await?;
        sly.ask(true).await?;
        drop(sly);
        lab.end(swarm).await;
        let seen = seen.lock().unwrap();
        for where_ in ["start", "handle", "stop"] {
            assert_eq!(seen.contains(&where_), is_made, "{where_}");
        }
    }
    Ok(())
}
