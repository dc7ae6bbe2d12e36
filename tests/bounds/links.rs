//! What links of the chain see, say and hear: they admit, answer or deny, and hear how what they let pass has ended.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use skep::effect::{Admitted, Admitting, Denied, Ended, Link, Pass, Request, Stage, Tier};
use skep::testkit::{Lab, TestResult};
use skep::{
    Advice, Agent, AgentError, AgentSpec, Call, Context, EffectError, FailureClass, Pause, Reach, Retry,
    Tried, Usage, What,
};

use super::forest::ms;

type Heard = Arc<Mutex<Vec<String>>>;

/// A link that does what it is told, and writes down what it sees and hears.
struct Wire {
    stage: Stage,
    says: Says,
    heard: Heard,
}

#[derive(Clone)]
enum Says {
    Yes,
    /// After so long.
    Late(Duration),
    No(Denied),
    /// The result, as text.
    Knows(&'static str),
}

struct Hears {
    stage: Stage,
    heard: Heard,
    ended: bool,
}

impl Pass for Hears {
    fn ended(mut self: Box<Self>, how: &Ended<'_>) {
        self.ended = true;
        let error = how.error.map_or_else(|| "done".to_owned(), |error| format!("{:?}", error.class()));
        let result = how.result.map_or("", |text| std::str::from_utf8(text).unwrap());
        let text = format!("{:?} ended: {error}, {} calls, {result}", self.stage, how.used.calls);
        self.heard.lock().unwrap().push(text);
    }
}

impl Drop for Hears {
    fn drop(&mut self) {
        if !self.ended {
            self.heard.lock().unwrap().push(format!("{:?} dropped", self.stage));
        }
    }
}

impl Link for Wire {
    fn name(&self) -> &str {
        "wire"
    }

    fn stage(&self) -> Stage {
        self.stage
    }

    fn keeps_results(&self) -> bool {
        self.stage == Stage::Cache
    }

    fn admit<'a>(&'a self, request: &'a Request<'a>) -> Admitting<'a> {
        Box::pin(async move {
            let Request { kind, subject, reach, tier, modifies, number, .. } = *request;
            let text = format!(
                "{:?} try {number}: {} makes {kind} {} on {reach}, {tier:?}{}{}",
                self.stage,
                request.path(),
                subject.unwrap_or_default(),
                if modifies { ", modifies" } else { "" },
                if request.digest.is_some() { ", digest" } else { "" },
            );
            self.heard.lock().unwrap().push(text);
            request.record("seen", 1, json!(number));
            let hears = || Hears { stage: self.stage, heard: Arc::clone(&self.heard), ended: false };
            match &self.says {
                Says::Yes => Ok(Admitted::hearing(hears())),
                Says::Late(late) => {
                    request.env().sleep_until(request.env().now() + *late).await;
                    Ok(Admitted::hearing(hears()))
                }
                Says::No(denied) => Err(denied.clone()),
                Says::Knows(text) => Ok(Admitted::Answer(text.as_bytes().to_vec())),
            }
        })
    }
}

/// Makes one effect that fails so often at first.
struct Maker {
    fails: u64,
    calls: Arc<AtomicU64>,
}

impl Maker {
    fn spec(fails: u64, calls: &Arc<AtomicU64>) -> AgentSpec<Self> {
        let calls = Arc::clone(calls);
        AgentSpec::new("maker", move || Self { fails, calls: Arc::clone(&calls) })
    }
}

impl Agent for Maker {
    type Task = ();
    type Output = Result<u32, (Advice, FailureClass)>;

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<Self::Output, AgentError> {
        let effect = cx.effect("look", "at it").worst_case(Usage::calls(2)).deadline(ms(5_000));
        let effect = effect.on(Reach::path("/repo")).subject("it").tier(Tier::Reads).modifies(false);
        let made = effect.retry(Retry::times(5).backoff(ms(100), ms(100))).run(|call| self.call(call)).await;
        match made {
            Ok(value) => Ok(Ok(value)),
            Err(error @ EffectError::Refused { .. }) => Ok(Err((error.advice(), error.class()))),
            Err(error) => Err(error.into()),
        }
    }
}

impl Maker {
    async fn call(&self, call: Call) -> Tried<u32> {
        call.used(Usage::calls(1));
        tokio::time::sleep(ms(200)).await;
        let made = self.calls.fetch_add(1, Ordering::SeqCst);
        if made < self.fails { Err(AgentError::new(FailureClass::Overloaded, "busy")) } else { Ok(7) }
    }
}

async fn wired(
    lab: &Lab,
    wires: &[(Stage, Says)],
    fails: u64,
) -> (skep::Swarm, skep::AgentRef<Maker>, Heard, Arc<AtomicU64>) {
    let (heard, calls) = (Heard::default(), Arc::<AtomicU64>::default());
    let swarm = lab
        .start_with(|builder| {
            wires.iter().fold(builder, |builder, (stage, says)| {
                builder.link(Wire { stage: *stage, says: says.clone(), heard: Arc::clone(&heard) })
            })
        })
        .await;
    let maker = swarm.spawn(Maker::spec(fails, &calls)).await.unwrap();
    (swarm, maker, heard, calls)
}

fn take(heard: &Heard) -> Vec<String> {
    std::mem::take(&mut heard.lock().unwrap())
}

#[skep::swarm_test(seeds = 10)]
async fn links_see_what_an_effect_is_and_hear_how_it_ended(lab: Lab) -> TestResult {
    let wires = [(Stage::RateLimit, Says::Yes), (Stage::Permission, Says::Yes), (Stage::Cache, Says::Yes)];
    let (swarm, maker, heard, calls) = wired(&lab, &wires, 1).await;
    assert_eq!(maker.ask(()).await?, Ok(7));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    let about = "maker makes look it on path /repo, Reads, digest";
    assert_eq!(
        take(&heard),
        [
            format!("Permission try 1: {about}"),
            format!("Cache try 1: {about}"),
            format!("RateLimit try 1: {about}"),
            "RateLimit ended: Overloaded, 1 calls, ".to_owned(),
            format!("RateLimit try 2: {about}"),
            "RateLimit ended: done, 1 calls, ".to_owned(),
            "Cache ended: done, 2 calls, 7".to_owned(),
            "Permission ended: done, 2 calls, 7".to_owned(),
        ]
    );
    let history = lab.end(swarm).await;
    let on: Vec<_> = history
        .events()
        .iter()
        .filter_map(|event| match &event.what {
            What::EffectBegan { on, .. } => on.clone(),
            _ => None,
        })
        .collect();
    assert!(on.len() == 1 && on[0].subject.as_deref() == Some("it") && on[0].reach == Reach::path("/repo"));
    assert_eq!(history.count("custom"), 4, "each admission was recorded");
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_link_that_knows_the_result_answers_and_nothing_is_called_or_paid(lab: Lab) -> TestResult {
    let wires = [(Stage::Permission, Says::Yes), (Stage::Cache, Says::Knows("41"))];
    let (swarm, maker, heard, calls) = wired(&lab, &wires, 0).await;
    assert_eq!((maker.ask(()).await?, calls.load(Ordering::SeqCst)), (Ok(41), 0));
    assert_eq!(take(&heard).last().map(String::as_str), Some("Permission ended: done, 0 calls, 41"));
    let history = lab.end(swarm).await;
    assert_eq!((history.count("effect_answered"), history.count("effect_began")), (1, 0));
    // What is no result of that type is none, and the effect is made.
    let lab = Lab::seed(lab.which_seed());
    let (swarm, maker, _, calls) = wired(&lab, &[(Stage::Cache, Says::Knows("\"text\""))], 0).await;
    assert_eq!((maker.ask(()).await?, calls.load(Ordering::SeqCst)), (Ok(7), 1));
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_denial_carries_its_advice_and_class_and_what_was_let_pass_before_is_let_go(
    lab: Lab,
) -> TestResult {
    let busy = Denied::overloaded("open", ms(3_000));
    let cases = [
        (Denied::new("no"), Err((Advice::Never, FailureClass::Failed))),
        (busy, Err((Advice::After(ms(3_000)), FailureClass::Overloaded))),
    ];
    for (denied, said) in cases {
        let lab = Lab::seed(lab.which_seed());
        let wires = [(Stage::Permission, Says::Yes), (Stage::Breaker, Says::No(denied))];
        let (swarm, maker, heard, calls) = wired(&lab, &wires, 0).await;
        assert_eq!((maker.ask(()).await?, calls.load(Ordering::SeqCst)), (said, 0));
        assert!(take(&heard).last().is_some_and(|text| text.starts_with("Permission ended: ")));
        assert_eq!(lab.end(swarm).await.count("effect_began"), 0);
    }
    Ok(())
}

/// The effect has five seconds, and somebody takes a minute to say yes.
#[skep::swarm_test(seeds = 10)]
async fn the_clock_of_an_effect_stands_while_it_is_to_be_approved_and_no_other_links(lab: Lab) -> TestResult {
    for (stage, is_done) in [(Stage::Approval, true), (Stage::Permission, false), (Stage::RateLimit, false)] {
        let lab = Lab::seed(lab.which_seed());
        let (swarm, maker, heard, calls) = wired(&lab, &[(stage, Says::Late(ms(60_000)))], 0).await;
        let answer = maker.ask(()).within(ms(120_000)).await;
        assert_eq!(
            (answer.is_ok(), calls.load(Ordering::SeqCst)),
            (is_done, u64::from(is_done)),
            "{stage:?}"
        );
        assert_eq!(take(&heard).len(), if is_done { 2 } else { 1 });
        lab.end(swarm).await;
    }
    // It waits no longer than its turn may.
    let (swarm, maker, _, calls) = wired(&lab, &[(Stage::Approval, Says::Late(ms(60_000)))], 0).await;
    assert!(maker.ask(()).within(ms(30_000)).await.is_err());
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn an_agent_that_waits_for_an_approval_is_quiet_at_once_and_asks_nobody_twice(lab: Lab) -> TestResult {
    let (swarm, maker, heard, calls) = wired(&lab, &[(Stage::Approval, Says::Late(ms(60_000)))], 0).await;
    let answer = tokio::spawn(maker.ask(()).within(ms(600_000)));
    tokio::time::sleep(ms(1_000)).await;
    assert!(maker.cost().reserved.calls == 0, "it holds no budget");
    for pause in [Pause::at_next_await(), Pause::now()] {
        assert!(maker.pause(pause).await?.is_quiet());
        tokio::time::sleep(ms(10_000)).await;
        drop(maker.resume()?);
        tokio::time::sleep(ms(10)).await;
    }
    assert_eq!((answer.await??, calls.load(Ordering::SeqCst)), (Ok(7), 1));
    assert_eq!(take(&heard).iter().filter(|text| text.contains("try")).count(), 1);
    // A stop ends the wait.
    let waits = tokio::spawn(maker.ask(()).within(ms(600_000)));
    tokio::time::sleep(ms(1_000)).await;
    lab.end(swarm).await;
    assert!(waits.await?.is_err());
    assert_eq!(take(&heard).len(), 1, "nobody was told: nothing was let pass");
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn one_link_may_serve_several_swarms(lab: Lab) -> TestResult {
    let heard = Heard::default();
    let shared = Arc::new(Wire { stage: Stage::Permission, says: Says::Yes, heard: Arc::clone(&heard) });
    for _ in 0..2 {
        let lab = Lab::seed(lab.which_seed());
        let swarm = lab.start_with(|builder| builder.link(Arc::clone(&shared))).await;
        let maker = swarm.spawn(Maker::spec(0, &Arc::default())).await?;
        assert_eq!(maker.ask(()).await?, Ok(7));
        lab.end(swarm).await;
    }
    assert_eq!(take(&heard).len(), 4);
    Ok(())
}
