//! What comes back for the next attempt is what it was; what could not come back so is said when it is made, and its task
//! does not come again by itself.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use skep::testkit::{Lab, TestResult};
use skep::{
    Agent, AgentError, AgentRef, AgentSpec, AskError, Context, Message, Outcome, Repeat, RestartMode, Swarm,
    Usage, What,
};

use super::forest::ms;

/// How a value is had.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Way {
    Effect,
    Ask,
}

/// Gives one value, and counts how often that is paid for.
struct Maker<T> {
    value: fn() -> T,
    paid: Arc<AtomicU64>,
}

impl<T: Message> Agent for Maker<T> {
    type Task = ();
    type Output = T;
    async fn handle(&mut self, (): &(), cx: &Context) -> Result<T, AgentError> {
        let paid = &self.paid;
        let pay = |call: skep::Call| async move {
            call.used(Usage::calls(1));
            paid.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        cx.effect("pay", ()).worst_case(Usage::calls(1)).run(pay).await?;
        Ok((self.value)())
    }
}

/// Has a value in one of the ways, and crashes when it has it, once.
struct Taker<T: Message> {
    value: fn() -> T,
    paid: Arc<AtomicU64>,
    maker: AgentRef<Maker<T>>,
}

impl<T: Message> Agent for Taker<T> {
    type Task = Way;
    /// What each attempt had, as JSON.
    type Output = String;

    async fn handle(&mut self, way: &Way, cx: &Context) -> Result<String, AgentError> {
        let value = match way {
            Way::Effect => {
                let (paid, value) = (&self.paid, self.value);
                let make = |call: skep::Call| async move {
                    call.used(Usage::calls(1));
                    paid.fetch_add(1, Ordering::SeqCst);
                    Ok(value())
                };
                cx.effect("make", "it").worst_case(Usage::calls(1)).run(make).await?
            }
            Way::Ask => self.maker.ask(()).await?,
        };
        let text = serde_json::to_string(&value).unwrap_or_default();
        if cx.attempt() == 1 {
            panic!("when it has it");
        }
        Ok(text)
    }
}

/// What came of it: the answer, how often it was paid for, how many events said that it cannot be kept.
type Came = (Result<String, Outcome>, u64, usize);

async fn take<T: Message>(lab: &Lab, mode: RestartMode, way: Way, value: fn() -> T) -> Came {
    let lab = Lab::seed(lab.which_seed());
    let swarm = lab.start().await;
    let paid = Arc::<AtomicU64>::default();
    let maker = {
        let paid = Arc::clone(&paid);
        AgentSpec::new("maker", move || Maker { value, paid: Arc::clone(&paid) })
    };
    let maker = swarm.spawn(maker).await.unwrap();
    let taker = {
        let paid = Arc::clone(&paid);
        AgentSpec::new("taker", move || Taker { value, paid: Arc::clone(&paid), maker: maker.clone() })
    };
    let taker = swarm.spawn(taker.restart_mode(mode)).await.unwrap();
    let answer = match taker.ask(way).await {
        Ok(text) => Ok(text),
        Err(AskError::Failed(..)) => Err(Outcome::Failed),
        Err(error) => panic!("{error}"),
    };
    drop(taker);
    let history = lab.end(swarm).await;
    let said = |what: &What| matches!(what, What::ResultNotKept { .. } | What::AnswerNotKept { .. });
    let said = history.events().iter().filter(|event| said(&event.what)).count();
    (answer, paid.load(Ordering::SeqCst), said)
}

/// It cannot be kept: that is said, and nobody pays again.
async fn cannot_be_kept<T: Message>(lab: &Lab, value: fn() -> T) {
    let name = std::any::type_name::<T>();
    let once = (Err(Outcome::Failed), 1, 1);
    assert_eq!(take(lab, RestartMode::Resume, Way::Effect, value).await, once, "an effect's {name}");
    for mode in [RestartMode::Resume, RestartMode::Anew] {
        assert_eq!(take(lab, mode, Way::Ask, value).await, once, "an answer's {name}");
    }
    // Where nothing is kept nothing need be said.
    let (answer, paid, said) = take(lab, RestartMode::Anew, Way::Effect, value).await;
    assert!(answer.is_ok() && (paid, said) == (2, 0), "{answer:?}, {paid}, {said}");
}

async fn is_kept<T: Message>(lab: &Lab, value: fn() -> T) {
    let text = serde_json::to_string(&value()).unwrap();
    for way in [Way::Effect, Way::Ask] {
        let (answer, paid, said) = take(lab, RestartMode::Resume, way, value).await;
        assert_eq!((answer.as_ref(), paid, said), (Ok(&text), 1, 0), "{way:?}");
    }
}

#[derive(Serialize, Deserialize)]
struct Row<T> {
    value: T,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Loose {
    Float(f64),
    Whole(u64),
}

#[derive(Serialize, Deserialize)]
#[expect(dead_code, reason = "what it would hold does not come back")]
struct Secret {
    name: String,
    #[serde(skip_serializing)]
    key: String,
}

#[derive(Serialize, Deserialize)]
enum Shape {
    Round(f32),
    Square { side: Option<f64> },
}

/// A list, as deep as it is long.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Nested {
    next: Option<Box<Nested>>,
}

fn nested(levels: usize) -> Nested {
    (0..levels).fold(Nested::default(), |next, _| Nested { next: Some(Box::new(next)) })
}

/// Asks with a task, and has it as the input of an effect.
struct Asker {
    count: AgentRef<Count>,
}

/// Says how deep it is.
struct Count;

impl Agent for Count {
    type Task = Nested;
    type Output = usize;
    async fn handle(&mut self, task: &Nested, _: &Context) -> Result<usize, AgentError> {
        Ok(std::iter::successors(task.next.as_deref(), |nested| nested.next.as_deref()).count())
    }
}

impl Agent for Asker {
    type Task = usize;
    type Output = [usize; 2];
    async fn handle(&mut self, levels: &usize, cx: &Context) -> Result<[usize; 2], AgentError> {
        let asked = self.count.ask(nested(*levels)).await?;
        let run = |_| async { Ok(asked) };
        Ok([asked, cx.effect("look", nested(*levels)).free().run(run).await?])
    }
}

#[skep::swarm_test(seeds = 3)]
async fn a_task_that_nests_deeply_is_asked_and_ends_no_process(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let count = swarm.spawn(AgentSpec::new("count", || Count)).await?;
    let asker = {
        let count = count.clone();
        AgentSpec::new("asker", move || Asker { count: count.clone() }).restart_mode(RestartMode::Resume)
    };
    let asker = swarm.spawn(asker).await?;
    for levels in [0, 100, 2_500] {
        assert_eq!(asker.ask(levels).await?, [levels; 2]);
    }
    drop((asker, count));
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 3)]
async fn what_cannot_be_kept_is_said_when_it_is_made_and_is_not_made_twice(lab: Lab) -> TestResult {
    cannot_be_kept(&lab, || f64::NAN).await;
    cannot_be_kept(&lab, || Some(f64::INFINITY)).await;
    cannot_be_kept(&lab, || Row { value: vec![1.5, f64::NEG_INFINITY] }).await;
    cannot_be_kept(&lab, || vec![Shape::Round(f32::NAN)]).await;
    cannot_be_kept(&lab, || Shape::Square { side: Some(f64::NAN) }).await;
    cannot_be_kept(&lab, || BTreeMap::from([((1, 2), "three".to_owned())])).await;
    cannot_be_kept(&lab, || HashMap::from([(vec!["key".to_owned()], 3)])).await;
    cannot_be_kept(&lab, || Some(None::<u32>)).await;
    cannot_be_kept(&lab, || Loose::Whole(3)).await;
    cannot_be_kept(&lab, || nested(300)).await;
    cannot_be_kept(&lab, || Secret { name: "n".into(), key: "k".into() }).await;
    Ok(())
}

#[skep::swarm_test(seeds = 3)]
async fn what_can_be_kept_is_paid_for_once_and_nothing_is_said(lab: Lab) -> TestResult {
    is_kept(&lab, || 1.577_777_777_777_000_1_f64).await;
    is_kept(&lab, || (f64::MIN_POSITIVE, f64::MAX, -0.0_f64, 0.1_f32)).await;
    is_kept(&lab, || BTreeMap::from([(u64::MAX, 'x')])).await;
    is_kept(&lab, || Loose::Float(0.5)).await;
    is_kept(&lab, || Shape::Square { side: None }).await;
    is_kept(&lab, || ()).await;
    is_kept(&lab, || nested(100)).await;
    is_kept(&lab, || vec![7_u8; 100_000]).await;
    is_kept(&lab, || serde_json::json!({ "b": [null, 1e-7], "a": {} })).await;
    // Written in another order each time, and the same set.
    for way in [Way::Effect, Way::Ask] {
        let set = || (0..50).collect::<HashSet<u32>>();
        let (answer, paid, said) = take(&lab, RestartMode::Resume, way, set).await;
        assert!(answer.is_ok() && (paid, said) == (1, 0), "{answer:?}, {paid}, {said}");
    }
    Ok(())
}

/// Draws numbers in its effects, each once.
struct Drawer {
    paid: Arc<AtomicU64>,
}

impl Agent for Drawer {
    type Task = Vec<u64>;
    type Output = Vec<u64>;
    async fn handle(&mut self, bits: &Vec<u64>, cx: &Context) -> Result<Vec<u64>, AgentError> {
        let mut drawn = Vec::new();
        for bits in bits {
            let (bits, paid) = (*bits, &self.paid);
            let draw = |_| async move {
                paid.fetch_add(1, Ordering::SeqCst);
                Ok((f64::from_bits(bits), Some(f64::from_bits(bits))))
            };
            let (one, two): (f64, Option<f64>) = cx.effect("draw", bits).free().run(draw).await?;
            drawn.extend([one.to_bits(), two.unwrap_or_default().to_bits()]);
        }
        if cx.attempt() == 1 { Err(AgentError::crash("with all of it")) } else { Ok(drawn) }
    }
}

#[skep::swarm_test(seeds = 40)]
async fn every_number_comes_back_to_its_last_bit(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let swarm = lab.start().await;
    let paid = Arc::<AtomicU64>::default();
    let spec = {
        let paid = Arc::clone(&paid);
        AgentSpec::new("drawer", move || Drawer { paid: Arc::clone(&paid) }).restart_mode(RestartMode::Resume)
    };
    let drawer = swarm.spawn(spec).await?;
    let mut bits: Vec<u64> = (0..200).map(|_| dice.below(u64::MAX)).collect();
    bits.push(1.577_777_777_777_000_1_f64.to_bits());
    bits.retain(|bits| f64::from_bits(*bits).is_finite());
    bits.dedup();
    let drawn = drawer.ask(bits.clone()).await?;
    assert_eq!(drawn, bits.iter().flat_map(|bits| [*bits; 2]).collect::<Vec<_>>());
    assert_eq!(paid.load(Ordering::SeqCst), bits.len() as u64);
    drop(drawer);
    lab.end(swarm).await;
    Ok(())
}

/// Makes effects whose inputs JSON cannot say, or cannot tell apart.
struct OddInputs {
    paid: Arc<AtomicU64>,
}

impl Agent for OddInputs {
    type Task = ();
    type Output = Vec<u64>;
    async fn handle(&mut self, (): &(), cx: &Context) -> Result<Vec<u64>, AgentError> {
        let paid = &self.paid;
        let make = |_| async move { Ok(paid.fetch_add(1, Ordering::SeqCst)) };
        // In another order in each attempt: an input is what it is, whatever came before.
        let floats = [Some(f64::NAN), Some(f64::INFINITY), None];
        let mut made = vec![0; 5];
        let order = if cx.attempt() == 1 { [0, 1, 2] } else { [2, 0, 1] };
        for at in order {
            made[at] = cx.effect("make", floats[at]).free().run(make).await?;
        }
        made[3] = cx.effect("make", BTreeMap::from([((1, 2), 3)])).free().run(make).await?;
        made[4] = cx.effect("make", BTreeMap::from([((2, 1), 3)])).free().run(make).await?;
        if cx.attempt() == 1 { Err(AgentError::crash("with all of it")) } else { Ok(made) }
    }
}

#[skep::swarm_test(seeds = 3)]
async fn an_input_that_json_cannot_say_has_a_key_all_the_same(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let paid = Arc::<AtomicU64>::default();
    let spec = {
        let paid = Arc::clone(&paid);
        AgentSpec::new("odd", move || OddInputs { paid: Arc::clone(&paid) }).restart_mode(RestartMode::Resume)
    };
    assert_eq!(swarm.spawn(spec).await?.ask(()).await?, [0, 1, 2, 3, 4]);
    assert_eq!(paid.load(Ordering::SeqCst), 5);
    lab.end(swarm).await;
    Ok(())
}

/// A value whose own code fails to write it.
struct Unwritten;

impl Serialize for Unwritten {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("the secret is 42"))
    }
}

impl<'de> Deserialize<'de> for Unwritten {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

struct Taking;

impl Agent for Taking {
    type Task = Unwritten;
    type Output = u32;
    async fn handle(&mut self, _: &Unwritten, _: &Context) -> Result<u32, AgentError> {
        Ok(1)
    }
}

/// Asks with a task, or makes an effect on an input, that has no key.
struct Keyless(AgentRef<Taking>);

impl Agent for Keyless {
    type Task = Way;
    type Output = ();
    async fn handle(&mut self, way: &Way, cx: &Context) -> Result<(), AgentError> {
        match way {
            Way::Ask => drop(self.0.ask(Unwritten).await?),
            Way::Effect => {
                cx.effect("make", Unwritten).repeat(Repeat::Pure).free().run(|_| async { Ok(()) }).await?;
            }
        }
        panic!("when it has it")
    }
}

async fn keyless(lab: &Lab) -> (Swarm, AgentRef<Keyless>) {
    let swarm = lab.start().await;
    let taking = swarm.spawn(AgentSpec::new("taking", || Taking)).await.unwrap();
    let spec = AgentSpec::new("keyless", move || Keyless(taking.clone())).restart_mode(RestartMode::Resume);
    let keyless = swarm.spawn(spec).await.unwrap();
    (swarm, keyless)
}

#[skep::swarm_test(seeds = 3)]
async fn what_has_no_key_is_not_done_twice_either(lab: Lab) -> TestResult {
    for way in [Way::Ask, Way::Effect] {
        let lab = Lab::seed(lab.which_seed());
        let (swarm, agent) = keyless(&lab).await;
        assert!(matches!(agent.ask(way).await, Err(AskError::Failed(..))));
        tokio::time::sleep(ms(10)).await;
        drop(agent);
        let history = lab.end(swarm).await;
        assert_eq!(history.outcomes("keyless"), [Outcome::Failed]);
        assert_eq!(history.count("answer_not_kept") + history.count("result_not_kept"), 1);
        let written =
            serde_json::to_string(&history.events().iter().map(|event| &**event).collect::<Vec<_>>())?;
        assert!(!written.contains("42"), "nothing of a value is in an event");
    }
    Ok(())
}
