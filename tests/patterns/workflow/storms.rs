//! Workflows of random shapes in trouble.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use skep::testkit::{Dice, Lab, TestResult};
use skep::workflow::{Capabilities, Gate, Workflow};
use skep::workflow::{PhaseEnd, Worked};
use skep::{ScopeOwner, Work as _, workflow};

use crate::storm::{Hands, storm};

/// A file of a random shape: phases one after the other or side by side, loops, hooks, and people if they may be in it.
fn shape(dice: &mut Dice, has_people: bool) -> String {
    let mut file = "name = \"storm\"\ninputs = [\"brief\"]\nwithin = 600\n".to_owned();
    let mut given = vec!["brief".to_owned()];
    let mut count = 0;
    for phase in 0..dice.between(1, 4) {
        let loops = dice.chance(300);
        file += &format!("[[phase]]\nname = \"p{phase}\"\nparallel = {}\nsteps = [\n", dice.chance(500));
        let mut judge = String::new();
        for step in 0..dice.between(1, 4) {
            let mut needs: Vec<String> = Vec::new();
            for _ in 0..dice.below(3) {
                let value = dice.pick(&given).clone();
                if !needs.contains(&value) {
                    needs.push(value);
                }
            }
            let name = format!("s{count}");
            if loops && step == 0 {
                judge.clone_from(&name);
            }
            // The first step of a loop says when it ends, which it does in the second round at the latest.
            let is_judge = loops && step == 0;
            if is_judge || (loops && dice.chance(300)) {
                needs.push(format!("{name}?"));
            }
            let is_persons = has_people && !is_judge && dice.chance(150);
            let by = match is_persons {
                true => "person",
                false if is_judge => "judge",
                false => "hand",
            };
            let bounds = match (is_persons, dice.below(3)) {
                (false, 0) => ", costing = \"0.004\"",
                (false, 1) => ", retries = 1",
                _ => "",
            };
            file += &format!("{{ name = \"{name}\", by = \"{by}\", needs = {needs:?}{bounds} }},\n");
            given.push(name);
            count += 1;
        }
        file += "]\n";
        if loops {
            file += &format!("loop = {{ until = \"{judge}.ok\", most = {} }}\n", dice.between(2, 3));
        }
        let hooks: Vec<_> = ["gate", "retro", "pulse"].into_iter().filter(|_| dice.chance(200)).collect();
        file += &format!("after = {hooks:?}\n");
    }
    file
}

/// Who does the steps. A judge approves from its second round on; `blocks` is how many of a thousand gates block.
fn capabilities(hands: &Hands, blocks: u64) -> Capabilities<'static> {
    let (one, two, three, four, five) =
        (hands.clone(), hands.clone(), hands.clone(), hands.clone(), hands.clone());
    let told = |end: &PhaseEnd| json!([end.phase, end.is_done, end.parts.len()]);
    Capabilities::new()
        .can("hand", move |input: Value| (one.hand("hand", |task: &Value| Ok(task.to_string().len())), input))
        .can("judge", move |input: Value| {
            let again =
                input.as_object().is_some_and(|input| input.values().any(|value| value.get("ok").is_some()));
            (
                two.hand("judge", |ok: &bool| Ok(json!({ "ok": ok }))),
                again || input.to_string().len().is_multiple_of(2),
            )
        })
        .gate("gate", move |end| {
            let is_closed = (end.values.len() as u64 * 377) % 1_000 < blocks;
            (three.hand("gate", |is_closed: &bool| Ok(*is_closed)), is_closed)
                .map(|is_closed| if is_closed { Gate::Block("closed".into()) } else { Gate::Pass })
        })
        .reflect("retro", move |end| (four.hand("retro", |task: &Value| Ok(task.clone())), told(end)))
        .health("pulse", move |end| (five.hand("pulse", |task: &Value| Ok(task.clone())), told(end)))
}

fn build(
    dice: &mut Dice,
    hands: Hands,
    has_people: bool,
    blocks: u64,
) -> crate::storm::Build<skep::workflow::Working<'static>> {
    let text = shape(dice, has_people);
    let file = Workflow::read(&text).unwrap_or_else(|bad| panic!("{bad}\n{text}"));
    let at_most = dice.between(1, 4) as usize;
    Arc::new(move |owner: ScopeOwner| {
        let file = file.clone().with("brief", "b");
        let working =
            workflow(owner, file, capabilities(&hands, blocks)).unwrap_or_else(|bad| panic!("{bad}\n{text}"));
        working.at_most(at_most).within(Duration::from_secs(600))
    })
}

#[skep::swarm_test(seeds = 500)]
async fn a_workflow_in_trouble_leaves_nothing_and_bills_what_it_cost(lab: Lab) -> TestResult {
    storm(lab, false, |dice, hands| build(dice, hands, false, 0)).await
}

#[skep::swarm_test(seeds = 500)]
async fn a_workflow_with_people_and_closed_gates_in_trouble_leaves_nothing(lab: Lab) -> TestResult {
    storm(lab, true, |dice, hands| build(dice, hands, true, 300)).await
}

/// Runs that are dropped in the middle, written down and gone on with in another swarm come to what one run comes to.
#[skep::swarm_test(seeds = 300)]
async fn however_often_it_is_dropped_it_comes_to_the_same(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let hands = Hands::default();
    let build = build(&mut dice, hands.clone(), false, 0);
    let swarm = lab.start_with(|builder| builder).await;
    let whole = build(ScopeOwner::from(&swarm)).run().await;
    assert_eq!(whole.standing, None, "{whole}");
    let steps = hands.done();
    let mut report = Worked { parts: skep::Parts::default(), ..whole.clone() };
    report.values.retain(|name, _| name == "brief");
    report.notes.clear();
    report.standing = build(ScopeOwner::from(&swarm)).within(Duration::ZERO).run().await.standing;
    let mut drops = 0;
    while report.standing.is_some() {
        let middle = Duration::from_millis(dice.between(1, 900));
        let working = build(ScopeOwner::from(&swarm));
        tokio::select! {
            biased;
            () = working.retry_failed(&mut report) => {}
            () = tokio::time::sleep(middle) => drops += 1,
        }
        report = serde_json::from_str(&serde_json::to_string(&report)?)?;
    }
    assert_eq!(report.values, whole.values);
    // Notes hold how many parts there were, and those of a dropped run are not in its report.
    let hooks = |worked: &Worked| {
        worked.notes.iter().map(|note| format!("{} {}", note.phase, note.hook)).collect::<Vec<_>>()
    };
    assert_eq!(hooks(&report), hooks(&whole));
    let again = hands.done() - steps;
    assert!(
        (steps..=steps + 4 * drops).contains(&again),
        "{again} of {steps}, {drops} drops of four at once at most"
    );
    tokio::time::sleep(Duration::from_secs(120)).await;
    lab.end(swarm).await;
    Ok(())
}
