//! Rights only narrow: nobody below a ceiling, and nobody who works for somebody below it, does what it forbids.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use skep::error::NarrowError;
use skep::testkit::{Dice, Lab, Point, TestResult};
use skep::{
    Advice, Agent, AgentError, AgentId, AgentRef, AgentSpec, Answer, Call, Ceiling, Context, Effect,
    EffectError, FailureClass, OnDrop, Orphans, Question, Reach, SpawnError, StopContext, Supervisor, Swarm,
    What,
};

use super::forest::ms;

/// A kind of effect, and on what.
type Deed = (&'static str, fn() -> Reach);

/// What is tried, and a bit for each of them in what somebody may do.
const DEEDS: [Deed; 7] = [
    ("files.read", || Reach::path("/repo/a.rs")),
    ("files.read", || Reach::path("/etc/passwd")),
    ("files.write", || Reach::path("/repo/b.rs")),
    ("git.push", || Reach::Unknown),
    ("model", || Reach::model("mini")),
    ("model", || Reach::model("large")),
    ("clock", || Reach::NOTHING),
];
const ALL: u8 = 0b111_1111;

fn mask_of(ceiling: Option<&Ceiling>) -> u8 {
    let may = |(kind, reach): Deed| ceiling.is_none_or(|ceiling| ceiling.covers(kind, &reach()).is_ok());
    (0..DEEDS.len()).filter(|at| may(DEEDS[*at])).map(|at| 1 << at).sum()
}

fn effect(cx: &Context, deed: usize) -> Effect {
    let (kind, reach) = DEEDS[deed];
    cx.effect(kind, "").on(reach()).free()
}

/// What somebody may do: at most, and itself.
#[derive(Clone, Copy)]
struct May {
    mask: u8,
    granted: u8,
}

/// What to do, for somebody who may do this at most.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Errand {
    mask: u8,
    ways: Vec<Way>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Way {
    Make(usize),
    /// Has a new agent go on, with a ceiling and grants of its own.
    Spawn(Place, Box<[Option<Ceiling>; 2]>, Vec<Way>),
    /// Has one go on that is there.
    Send(Manner, usize, Vec<Way>),
    /// Has somebody above make the effect.
    Question(usize),
    CrashOnce,
    /// In every attempt: the errand becomes a dead letter.
    Crash,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Place {
    Task,
    Agent,
    Scope,
    Root,
    Under(usize),
    /// Of a supervisor that nothing bounds.
    Offered,
    Run(bool),
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Manner {
    Ask,
    Tell,
    Detach,
}

/// What the agents know of each other, and what went wrong.
#[derive(Default)]
struct Yard {
    swarm: Mutex<Option<Swarm>>,
    peers: Mutex<Vec<AgentRef<Deputy>>>,
    offering: Mutex<Option<AgentRef<Supervisor>>>,
    /// What each may do when nobody asks it, as the test reckons it.
    may: Mutex<BTreeMap<AgentId, May>>,
    names: AtomicU64,
    made: AtomicU64,
    refused: AtomicU64,
    wrong: Mutex<Vec<String>>,
}

impl Yard {
    fn of(cx: &Context) -> Arc<Self> {
        Arc::clone(&cx.get::<Arc<Self>>().expect("the swarm has it"))
    }

    /// Somebody who may do this much makes an effect.
    async fn make(&self, who: &AgentId, effect: Effect, kind: usize, mask: u8) {
        let made = effect.run(|_: Call| async { Ok(()) }).await;
        let may = mask & (1 << kind) != 0;
        match made {
            Ok(()) => self.made.fetch_add(1, Ordering::Relaxed),
            Err(EffectError::BeyondCeiling { .. } | EffectError::NotGranted { .. }) => {
                self.refused.fetch_add(1, Ordering::Relaxed)
            }
            // A stop, a fault.
            Err(_) => return,
        };
        if made.is_ok() != may {
            self.wrong
                .lock()
                .unwrap()
                .push(format!("{} by {who}: {made:?}, and {mask:07b} is its right", DEEDS[kind].0));
        }
    }

    fn peer(&self, at: usize) -> AgentRef<Deputy> {
        let peers = self.peers.lock().unwrap();
        peers[at % peers.len()].clone()
    }
}

/// Does errands, and knows what it may do when nobody asks it.
struct Deputy(May);

fn deputy(name: String, may: May, ceiling: Option<&Ceiling>, grants: Option<&Ceiling>) -> AgentSpec<Deputy> {
    let mut spec = AgentSpec::new(name, move || Deputy(may)).when_orphaned(Orphans::Adopt);
    if let Some(ceiling) = ceiling {
        spec = spec.ceiling(ceiling.clone());
    }
    match grants {
        Some(grants) => spec.grants(grants.clone()),
        None => spec,
    }
}

impl Agent for Deputy {
    type Task = Errand;
    type Output = ();

    async fn start(&mut self, cx: &Context) -> Result<(), AgentError> {
        let yard = Yard::of(cx);
        yard.may.lock().unwrap().insert(cx.id().clone(), self.0);
        let deed = cx.random() as usize % DEEDS.len();
        yard.make(cx.id(), effect(cx, deed), deed, self.0.mask & self.0.granted).await;
        Ok(())
    }

    async fn handle(&mut self, errand: &Errand, cx: &Context) -> Result<(), AgentError> {
        let may = May { mask: self.0.mask & errand.mask, ..self.0 };
        for way in &errand.ways {
            go(way, may, cx).await;
        }
        Ok(())
    }

    async fn on_question(question: Question, cx: Context) -> Result<Option<Answer>, AgentError> {
        if cx.random().is_multiple_of(3) {
            return Ok(None);
        }
        let (kind, mask): (usize, u8) = question.read()?;
        let yard = Yard::of(&cx);
        let own = yard.may.lock().unwrap().get(cx.id()).map_or(0, |may| may.mask & may.granted);
        yard.make(cx.id(), effect(&cx, kind), kind, own & mask).await;
        Ok(Some(Answer::of(())?))
    }

    async fn stop(&mut self, cx: &StopContext) -> Result<(), AgentError> {
        let yard = cx.get::<Arc<Yard>>().expect("the swarm has it");
        let (kind, reach) = DEEDS[0];
        let effect = cx.effect(kind, "").on(reach()).free();
        yard.make(cx.id(), effect, 0, self.0.mask & self.0.granted).await;
        Ok(())
    }
}

/// Goes one way for whoever may do this much. That it cannot be gone to its end is nobody's fault.
async fn go(way: &Way, may: May, cx: &Context) {
    let yard = Yard::of(cx);
    let May { mask, granted } = may;
    match way {
        Way::Make(deed) => {
            let (kind, reach) = DEEDS[*deed];
            assert_eq!(cx.may(kind, &reach()), mask & granted & (1 << deed) != 0);
            yard.make(cx.id(), effect(cx, *deed), *deed, mask & granted).await;
        }
        Way::Spawn(place, bounds, ways) => {
            let [ceiling, grants] = &**bounds;
            drop(Box::pin(spawn(*place, (ceiling.as_ref(), grants.as_ref()), ways, may, cx)).await);
        }
        Way::Send(manner, at, ways) => {
            let (peer, errand) = (yard.peer(*at), Errand { mask, ways: ways.clone() });
            match manner {
                Manner::Ask => drop(Box::pin(cx.ask(&peer, errand)).await),
                Manner::Tell => drop(peer.tell(errand)),
                Manner::Detach => drop(peer.ask(errand).detach()),
            }
        }
        Way::Question(kind) => {
            if let Ok(question) = Question::about("make").with((*kind, mask)) {
                drop(cx.ask_parent(question).await);
            }
        }
        Way::CrashOnce if cx.attempt() == 1 => panic!("once"),
        Way::CrashOnce => {}
        Way::Crash => panic!("again"),
    }
}

async fn spawn(
    place: Place,
    (ceiling, grants): (Option<&Ceiling>, Option<&Ceiling>),
    ways: &[Way],
    May { mask, granted }: May,
    cx: &Context,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let yard = Yard::of(cx);
    let swarm = yard.swarm.lock().unwrap().clone().ok_or("it is over")?;
    let parent = if let Place::Under(at) = place { Some(yard.peer(at)) } else { None };
    let all = May { mask: ALL, granted: ALL };
    let of = |peer: &AgentRef<Deputy>| yard.may.lock().unwrap().get(peer.id()).copied().unwrap_or(all);
    let above = parent.as_ref().map_or(all, of);
    let granted = grants.map_or(granted & above.granted, |grants| mask_of(Some(grants)));
    let own = May { mask: mask & above.mask & mask_of(ceiling), granted };
    let name = format!("deputy-{}", yard.names.fetch_add(1, Ordering::Relaxed));
    let (spec, errand) = (deputy(name, own, ceiling, grants), Errand { mask, ways: ways.to_vec() });
    let agent = match place {
        Place::Task => cx.spawn(spec).await?,
        Place::Agent => cx.agent().spawn(spec).await?,
        Place::Scope => {
            let scope = cx.scope("scope")?;
            let agent = scope.spawn(spec).await?;
            drop(agent.ask(errand).await);
            return Ok(());
        }
        Place::Root => swarm.spawn(spec).await?,
        Place::Under(_) => swarm.spawn(spec.under(&parent.ok_or("it has one")?)).await?,
        Place::Offered => {
            let offering = yard.offering.lock().unwrap().clone().ok_or("it is over")?;
            offering.children().start_child(spec).await?
        }
        Place::Run(goes_on) => {
            let then = if goes_on { OnDrop::Continue } else { OnDrop::Stop };
            swarm.run(spec, errand).on_drop(then).await.map_err(|_| "it did not run")?;
            return Ok(());
        }
    };
    agent.ask(errand).await?;
    Ok(())
}

fn any_ceiling(dice: &mut Dice) -> Option<Ceiling> {
    let kinds = ["files.read", "files.write", "git.push", "model", "clock"];
    let mut some = || kinds.into_iter().filter(|_| dice.below(2) == 0).collect::<Vec<_>>();
    let (first, second) = (some(), some());
    let ceiling = match dice.below(5) {
        0 | 1 => return None,
        2 => Ceiling::only(first),
        3 => Ceiling::only(["files.*", "model"]).never(second),
        _ => Ceiling::new().never(first),
    };
    Some(match dice.below(6) {
        0 => ceiling.paths(["/repo/**"]),
        1 => ceiling.models(["mini"]).paths(["/**"]),
        2 => ceiling.models([""; 0]),
        _ => ceiling,
    })
}

fn any_grants(dice: &mut Dice) -> Option<Ceiling> {
    if dice.below(3) == 0 { any_ceiling(dice) } else { None }
}

fn any_ways(dice: &mut Dice, depth: u64) -> Vec<Way> {
    (0..dice.between(1, 4)).map(|_| any_way(dice, depth)).collect()
}

fn any_way(dice: &mut Dice, depth: u64) -> Way {
    let kind = dice.below(DEEDS.len() as u64) as usize;
    let at = dice.below(100) as usize;
    match dice.below(if depth == 0 { 5 } else { 12 }) {
        0..=2 => Way::Make(kind),
        3 => Way::Question(kind),
        4 if dice.below(6) == 0 => Way::Crash,
        4 => Way::CrashOnce,
        5..=8 => {
            let place = match dice.below(8) {
                0 => Place::Task,
                1 => Place::Agent,
                2 => Place::Scope,
                3 => Place::Root,
                4 => Place::Under(at),
                5 => Place::Offered,
                6 => Place::Run(false),
                _ => Place::Run(true),
            };
            Way::Spawn(place, Box::new([any_ceiling(dice), any_grants(dice)]), any_ways(dice, depth - 1))
        }
        _ => {
            let manner = [Manner::Ask, Manner::Tell, Manner::Detach][dice.below(3) as usize];
            Way::Send(manner, at, any_ways(dice, depth - 1))
        }
    }
}

#[skep::swarm_test(seeds = 200)]
async fn nobody_does_what_a_ceiling_forbids_by_whichever_way(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let yard = Arc::<Yard>::default();
    let lab = lab
        .fault(Point::turn().chance(30).panics().may_rest())
        .fault(Point::effect("*").chance(20).kills().may_rest());
    let given = Arc::clone(&yard);
    let swarm =
        lab.start_with(|builder| builder.resource(given).intensity(100, ms(1_000)).max_depth(9)).await;
    *yard.swarm.lock().unwrap() = Some(swarm.clone());
    *yard.offering.lock().unwrap() = Some(swarm.spawn(Supervisor::dynamic().named("offering")).await?);
    // A forest in which everybody knows everybody.
    for number in 0..dice.between(2, 7) {
        let ceiling = any_ceiling(&mut dice);
        let above = (number > 0 && dice.below(3) > 0).then(|| yard.peer(dice.below(number) as usize));
        let grants = any_grants(&mut dice);
        let all = May { mask: ALL, granted: ALL };
        let over = above.as_ref().map_or(all, |peer| yard.may.lock().unwrap()[peer.id()]);
        let granted = grants.as_ref().map_or(over.granted, |grants| mask_of(Some(grants)));
        let may = May { mask: over.mask & mask_of(ceiling.as_ref()), granted };
        let spec = deputy(format!("peer-{number}"), may, ceiling.as_ref(), grants.as_ref());
        let spec = if let Some(above) = &above { spec.under(above) } else { spec };
        match swarm.spawn(spec).await {
            Ok(peer) => yard.peers.lock().unwrap().push(peer),
            // A fault came by.
            Err(SpawnError::Start { .. } | SpawnError::Stopped { .. } | SpawnError::Fenced { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        if yard.peers.lock().unwrap().is_empty() {
            break;
        }
    }
    let peers = yard.peers.lock().unwrap().clone();
    for peer in &peers {
        let errand = Errand { mask: ALL, ways: any_ways(&mut dice, 3) };
        drop(peer.ask(errand).await);
    }
    // What failed for good is done by somebody else: with its own rights, not with theirs.
    for letter in swarm.dead_letters() {
        if let Some(peer) = peers.get(dice.below(7) as usize) {
            drop(swarm.replay(&letter.task, peer)?.await);
        }
    }
    yard.swarm.lock().unwrap().take();
    lab.end(swarm).await;
    assert_eq!(*yard.wrong.lock().unwrap(), [""; 0]);
    let tried = yard.made.load(Ordering::Relaxed) + yard.refused.load(Ordering::Relaxed);
    assert!(tried > 0 || peers.is_empty(), "whoever has started has tried");
    Ok(())
}

#[skep::swarm_test(seeds = 5)]
async fn a_refusal_names_whose_ceiling_it_is_and_advises_no_second_try(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let tenant =
        swarm.spawn(Supervisor::dynamic().named("tenant").ceiling(Ceiling::only(["files.*"]))).await?;
    let below = swarm.spawn(Probe::spec("below").under(&tenant)).await?;
    let broker = swarm.spawn(Probe::spec("broker")).await?;
    broker.ask("model".to_owned()).await?;
    let error = below.ask("model".to_owned()).await.unwrap_err();
    let said = "model of lab.1.1 is beyond the ceiling of lab.1: its kind is not allowed";
    assert!(error.to_string().contains(said), "{error}");
    assert_eq!(error.advice(), Advice::Never);
    let history = lab.end(swarm).await;
    let refused = history.of("below").into_iter().find_map(|event| match &event.what {
        What::EffectRefused { kind, link, message } => Some((kind.clone(), link.clone(), message.clone())),
        _ => None,
    });
    assert_eq!(refused, Some(("model".to_owned(), "ceiling".to_owned(), said.to_owned())));
    Ok(())
}

#[skep::swarm_test(seeds = 5)]
async fn a_ceiling_over_the_whole_swarm_bounds_everybody(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.ceiling(Ceiling::new().never(["git.*"]))).await;
    let free = swarm.spawn(Probe::spec("free").ceiling(Ceiling::only(["*"]))).await?;
    free.ask("model".to_owned()).await?;
    assert!(free.ask("git.push".to_owned()).await.is_err());
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 5)]
async fn a_ceiling_that_can_match_nothing_is_a_bad_spec_that_names_the_field(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let error = swarm.spawn(Probe::spec("bad").ceiling(Ceiling::only(["*.read"]))).await.unwrap_err();
    assert!(matches!(&error, SpawnError::BadSpec { field, .. } if field == "ceiling.only"), "{error}");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_ceiling_is_narrowed_while_its_agents_live_and_for_whoever_works_for_them(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.ceiling(Ceiling::new())).await;
    let tenant = Supervisor::dynamic().named("tenant").ceiling(Ceiling::new());
    let tenant = swarm.spawn(tenant).await?;
    let (below, other) =
        (swarm.spawn(Probe::spec("below").under(&tenant)).await?, swarm.spawn(Probe::spec("other")).await?);
    below.ask("git.push".to_owned()).await?;
    tenant.narrow(Ceiling::only(["model"]))?;
    tenant.narrow(Ceiling::new().never(["model"]))?;
    for kind in ["git.push", "model"] {
        assert!(below.ask(kind.to_owned()).await.is_err(), "{kind}: neither of the two allows it");
        other.ask(kind.to_owned()).await?;
    }
    swarm.control("tenant")?.narrow(Ceiling::new())?;
    swarm.narrow(Ceiling::new().never(["git.*"]))?;
    assert!(other.ask("git.push".to_owned()).await.is_err());
    assert!(matches!(other.narrow(Ceiling::new()), Err(NarrowError::NoCeiling { .. })));
    assert!(matches!(tenant.narrow(Ceiling::only([""])), Err(NarrowError::Bad { .. })));
    drop(tenant.stop(skep::Stop::default()).await);
    assert!(matches!(tenant.narrow(Ceiling::new()), Err(NarrowError::Ended { .. })));
    let history = lab.end(swarm).await;
    assert_eq!(history.count("ceiling_narrowed"), 4);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_spec_with_another_fingerprint_is_another_agent(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let spec = |prompt: &str| Probe::spec("probe").fingerprint(&("probe", prompt));
    let first = swarm.spawn(spec("be brief")).await?;
    assert_eq!(swarm.spawn(spec("be brief")).await?.id(), first.id());
    for other in [spec("be long"), Probe::spec("probe")] {
        assert!(matches!(swarm.spawn(other).await, Err(SpawnError::NameTaken { .. })));
    }
    let unknown = swarm.spawn(Probe::spec("odd").fingerprint(&Unspeakable)).await.unwrap_err();
    assert!(matches!(&unknown, SpawnError::BadSpec { field, .. } if field == "fingerprint"), "{unknown}");
    lab.end(swarm).await;
    Ok(())
}

struct Unspeakable;

impl Serialize for Unspeakable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("it does not describe itself")
    }
}

/// Makes an effect of the kind that it is told.
struct Probe;

impl Probe {
    fn spec(name: &str) -> AgentSpec<Self> {
        AgentSpec::new(name, || Self)
    }
}

impl Agent for Probe {
    type Task = String;
    type Output = ();

    async fn handle(&mut self, kind: &String, cx: &Context) -> Result<(), AgentError> {
        let made = cx.effect(kind.as_str(), "").free().run(|_: Call| async { Ok(()) }).await;
        assert!(!matches!(&made, Err(error) if error.class() != FailureClass::Failed));
        Ok(made?)
    }
}
