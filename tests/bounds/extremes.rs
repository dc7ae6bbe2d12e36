//! Numbers and names at their limits: 0, 1, the largest, and one beyond what makes sense. They are taken as the largest that
//! makes sense, or refused by name; nothing panics, hangs or loops.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use skep::testkit::{Dice, Lab, TestResult};
use skep::{
    Advice, Agent, AgentError, AgentSpec, AskError, AutoShutdown, Backoff, Budget, Ceiling, Context,
    Decision, FailureClass, Intensity, Keep, NanoUsd, OnRefusal, OnStale, Orphans, Pause, Question, Repeat,
    Restart, RestartMode, Retry, Shutdown, SpawnError, StartError, Stop, StopContext, Strategy, Usage,
    Window, fan_out,
};

use super::forest::ms;

mod named;

const SPANS: [Duration; 7] = [
    Duration::ZERO,
    Duration::from_nanos(1),
    Duration::from_millis(1),
    Duration::from_secs(1),
    Duration::from_secs(u32::MAX as u64),
    Duration::from_nanos(u64::MAX),
    Duration::MAX,
];
const COUNTS: [u32; 6] = [0, 1, 2, 1_001, u32::MAX - 1, u32::MAX];
const SIZES: [usize; 6] = [0, 1, 2, 1 << 20, usize::MAX - 1, usize::MAX];
const AMOUNTS: [u64; 4] = [0, 1, u64::MAX - 1, u64::MAX];

fn names() -> Vec<String> {
    let long = |length| "é".repeat(length);
    let odd = ["", "a", "a.b/c#7", "*", "line\nbreak", "\u{1b}[2J", "\u{202e}", "\0"];
    odd.into_iter().map(str::to_owned).chain([long(128), long(129), long(70_000)]).collect()
}

/// Does what its task says once, and is well otherwise.
struct Odd;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
enum Job {
    Nothing,
    Crash,
    /// An effect with extreme terms, which fails so often.
    Effect {
        seed: u64,
        failures: u32,
    },
    Wait(Duration),
    Say(String),
}

fn span(dice: &mut Dice) -> Duration {
    *dice.pick(&SPANS)
}

fn usage(dice: &mut Dice) -> Usage {
    let mut amount = || *dice.pick(&AMOUNTS);
    Usage {
        money: NanoUsd(amount()),
        input_tokens: amount(),
        output_tokens: amount(),
        cached_tokens: amount(),
        calls: amount(),
    }
}

impl Agent for Odd {
    type Task = Job;
    type Output = String;

    async fn handle(&mut self, job: &Job, cx: &Context) -> Result<String, AgentError> {
        match job {
            Job::Nothing => {}
            Job::Crash if cx.attempt() == 1 => panic!("{}", "line\n".repeat(10_000)),
            Job::Crash => {}
            Job::Effect { seed, failures } => return extreme_effect(*seed, *failures, cx).await,
            Job::Wait(span) => cx.sleep(*span).await?,
            Job::Say(text) => cx.progress(text.as_str()),
        }
        Ok(cx.last_error().map(ToString::to_string).unwrap_or_default())
    }

    async fn stop(&mut self, cx: &StopContext) -> Result<(), AgentError> {
        cx.effect("note", ()).run(|_| async { Ok(()) }).await?;
        Ok(())
    }
}

async fn extreme_effect(seed: u64, failures: u32, cx: &Context) -> Result<String, AgentError> {
    let mut dice = Dice::seeded(seed);
    let kind = dice.pick(&names()).clone();
    let retry = Retry::times(*dice.pick(&COUNTS)).backoff(span(&mut dice), span(&mut dice));
    let retry = if dice.chance(500) { retry.if_advised() } else { retry };
    let mut effect = cx.effect(kind, "x").retry(retry);
    if dice.chance(500) {
        effect = effect.deadline(span(&mut dice));
    }
    effect = if dice.chance(700) { effect.worst_case(usage(&mut dice)) } else { effect.unbounded() };
    effect = effect.repeat(*dice.pick(&[Repeat::Pure, Repeat::Idempotent, Repeat::Once]));
    let (said, after) = (usage(&mut dice), span(&mut dice));
    let failed = AtomicU32::new(0);
    let value = effect
        .run(move |call| {
            call.used(said);
            let fails = failed.fetch_add(1, Ordering::Relaxed) < failures;
            async move {
                let error = AgentError::message("not\nyet").advise(Advice::After(after));
                if fails { Err(error) } else { Ok("done".to_owned()) }
            }
        })
        .await?;
    Ok(value)
}

fn odd(name: &str) -> AgentSpec<Odd> {
    AgentSpec::new(name, || Odd)
}

fn intensity(dice: &mut Dice) -> Intensity {
    Intensity { restarts: *dice.pick(&COUNTS), period: span(dice) }
}

/// A spec in which so many things, on average, are at their limits; every method of the builder is in it.
fn extreme(name: &str, dice: &mut Dice, permille: u64) -> AgentSpec<Odd> {
    let mut spec = odd(name);
    let methods = 19;
    for method in 0..methods {
        if !dice.chance(permille) {
            continue;
        }
        spec = match method {
            0 => {
                let name = dice.pick(&names()).clone();
                spec.named(name)
            }
            1 => spec.restart(*dice.pick(&[Restart::Permanent, Restart::Transient, Restart::Temporary])),
            2 => spec.restart_mode(*dice.pick(&[RestartMode::Anew, RestartMode::Resume])),
            3 => {
                let within = Shutdown::within(span(dice));
                spec.shutdown(*dice.pick(&[Shutdown::Brutal, within, within, Shutdown::UntilDeadline]))
            }
            4 => spec.backoff(Backoff {
                min: span(dice),
                max: span(dice),
                jitter_permille: *dice.pick(&COUNTS),
                reset_after: span(dice),
            }),
            5 => {
                let Intensity { restarts, period } = intensity(dice);
                spec.limit(restarts, period)
            }
            6 => {
                let class = *dice.pick(&[FailureClass::Bug, FailureClass::Failed]);
                spec.on_failure(class, *dice.pick(&[Decision::Restart, Decision::Stop, Decision::Escalate]))
            }
            7 => {
                let class = FailureClass::Bug;
                spec.on_failure(class, Decision::Restart)
            }
            8 => spec.significant(),
            9 => spec.start_within(span(dice)),
            10 => spec.attempts(*dice.pick(&COUNTS)),
            11 => spec.mailbox(*dice.pick(&SIZES)),
            12 => {
                spec.heartbeat(span(dice), span(dice)).on_stale(*dice.pick(&[OnStale::End, OnStale::Report]))
            }
            13 => spec.when_orphaned(*dice.pick(&[Orphans::Stop, Orphans::Adopt, Orphans::UntilDone])),
            14 => spec.budget(budget(dice)),
            15 => spec.ceiling(Ceiling::only([dice.pick(&names()).as_str(), "*"])),
            16 => spec.stop_allowance(usage(dice)),
            17 => {
                let Intensity { restarts, period } = intensity(dice);
                let strategies = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];
                let shutdowns =
                    [AutoShutdown::Never, AutoShutdown::AnySignificant, AutoShutdown::AllSignificant];
                spec.intensity(restarts, period)
                    .strategy(*dice.pick(&strategies))
                    .auto_shutdown(*dice.pick(&shutdowns))
            }
            _ => spec.max_children(*dice.pick(&COUNTS)),
        };
    }
    spec
}

fn budget(dice: &mut Dice) -> Budget {
    let mut budget = match dice.below(3) {
        0 => Budget::usd(*dice.pick(&["0", "18446744073.709551615", "18446744074", "-1", "1e9", ""])),
        1 => Budget::new().money(NanoUsd(*dice.pick(&AMOUNTS))),
        _ => Budget::new(),
    };
    if dice.chance(500) {
        budget = budget.tokens(*dice.pick(&AMOUNTS)).calls(*dice.pick(&AMOUNTS));
    }
    if dice.chance(500) {
        budget = budget.depth(*dice.pick(&COUNTS)).live_agents(*dice.pick(&COUNTS));
    }
    if dice.chance(500) {
        budget = budget.warn_at(*dice.pick(&COUNTS));
    }
    if dice.chance(500) {
        budget = match dice.below(3) {
            0 => budget.every(span(dice)),
            1 => budget.per(Window::Month),
            _ => budget.per(Window::Hour),
        };
    }
    budget.on_refusal(*dice.pick(&[OnRefusal::Fail, OnRefusal::Warn]))
}

#[skep::swarm_test(seeds = 300)]
async fn a_check_passes_where_the_spawn_does_and_any_agent_that_came_up_can_be_ended(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let swarm = lab.start().await;
    let permille = *dice.pick(&[30, 100, 300]);
    let mut spec = extreme("odd", &mut dice, permille);
    for number in 0..dice.below(3) {
        spec = spec.child(extreme(&format!("below-{number}"), &mut dice, permille));
    }
    let checked = spec.check();
    let spawned = swarm.spawn(spec).await;
    match (checked, spawned) {
        (Ok(()), Ok(agent)) => {
            let jobs = [Job::Crash, Job::Nothing, Job::Wait(span(&mut dice)), Job::Say("é\n".repeat(9_000))];
            for job in jobs {
                match agent.ask(job).within(span(&mut dice).min(ms(60_000))).await {
                    Ok(text) => assert!(text.lines().count() <= 1, "{text}"),
                    Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
                }
            }
            let _ = agent.children().count_children();
            let _ = agent.stop(Stop::within(span(&mut dice))).await;
        }
        // What is kept back for its hook needs money, which is no matter of the spec alone; so does its start time.
        (Ok(()), Err(SpawnError::Refused(_) | SpawnError::Start { .. })) => {}
        (Err(SpawnError::BadSpec { field, message, .. }), Err(_)) => {
            assert!(!field.is_empty() && !message.is_empty());
        }
        (checked, spawned) => panic!("the check says {checked:?} and the spawn {:?}", spawned.err()),
    }
    let drawn = (swarm.tree().tree(), swarm.costs().tree());
    assert!(drawn.0.lines().chain(drawn.1.lines()).all(|line| line.chars().count() < 2_000));
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 200)]
async fn a_swarm_starts_with_extreme_terms_or_says_which_cannot_be(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let chosen: Vec<bool> = (0..12).map(|_| dice.chance(250)).collect();
    let mut draw = lab.dice();
    let started = lab
        .wrap({
            let mut builder =
                skep::Swarm::builder(if chosen[0] { draw.pick(&names()).clone() } else { "s".to_owned() });
            if chosen[1] {
                builder = builder.budget(budget(&mut draw));
            }
            if chosen[2] {
                builder = builder.permits(draw.pick(&names()).clone(), *draw.pick(&SIZES));
            }
            if chosen[3] {
                builder = builder.permits("model", *draw.pick(&SIZES));
            }
            if chosen[4] {
                let Intensity { restarts, period } = intensity(&mut draw);
                builder = builder.intensity(restarts, period);
            }
            if chosen[5] {
                builder = builder.interrupt_grace(span(&mut draw));
            }
            if chosen[6] {
                builder = builder.background_stop(span(&mut draw));
            }
            if chosen[7] {
                builder = builder.max_depth(*draw.pick(&COUNTS));
            }
            if chosen[8] {
                builder = builder.keep(Keep::Last(*draw.pick(&SIZES)));
            }
            if chosen[9] {
                let every = [None, Some(Duration::from_secs(1)), Some(span(&mut draw))];
                builder = builder.sweep(*draw.pick(&every));
            }
            if chosen[10] {
                builder = builder.dead_letters(*draw.pick(&SIZES));
            }
            if chosen[11] {
                builder = builder.ceiling(Ceiling::new().never([draw.pick(&names()).as_str()]));
            }
            builder
        })
        .await;
    let swarm = match started {
        Ok(swarm) => swarm,
        Err(StartError::BadField { field, message }) => {
            assert!(!field.is_empty() && !message.is_empty() && message.len() < 400, "{field}: {message}");
            return Ok(());
        }
        Err(other) => panic!("{other}"),
    };
    if let Ok(agent) = swarm.spawn(odd("odd").attempts(2)).await {
        for job in [Job::Crash, Job::Effect { seed: dice.below(1_000), failures: 2 }, Job::Wait(ms(5))] {
            drop(agent.ask(job).within(ms(3_000)).await);
        }
        let interrupted = agent.ask(Job::Wait(Duration::MAX)).within(ms(100));
        drop(interrupted.await);
    }
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 400)]
async fn an_effect_with_extreme_terms_ends_with_its_turn_and_the_bill_is_exact(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let swarm = lab.start().await;
    let agent = swarm.spawn(odd("odd")).await?;
    let job = Job::Effect { seed: dice.below(u64::MAX), failures: *dice.pick(&[0, 1, 5, u32::MAX]) };
    let answer = agent.ask(job).within(ms(2_000)).await;
    if let Err(error) = &answer {
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 200)]
async fn asks_questions_pauses_and_runs_take_any_span(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let swarm = lab.start().await;
    let agent = swarm.spawn(odd("odd").shutdown(Shutdown::within(span(&mut dice)))).await?;
    let asked = agent.ask(Job::Nothing).within(span(&mut dice)).await;
    assert!(matches!(asked, Ok(_) | Err(AskError::Expired(_))), "{asked:?}");
    drop(
        swarm.run(odd("run"), Job::Nothing).within(span(&mut dice)).stop(Stop::within(span(&mut dice))).await,
    );
    if let Ok(receipt) = agent.pause(Pause::at_next_await().within(span(&mut dice))).await {
        assert!(receipt.is_quiet(), "{receipt}");
        agent.resume()?;
    }
    let question = Question::about(dice.pick(&names()).as_str());
    drop(question);
    let scope = skep::Scope::open(&skep::ScopeOwner::from(&agent), &dice.pick(&names()).clone());
    match scope {
        Ok(scope) => drop(scope.stop(Stop::within(span(&mut dice))).await),
        Err(SpawnError::BadSpec { field, .. }) => assert_eq!(field, "name"),
        Err(other) => panic!("{other}"),
    }
    let gathered = fan_out(&agent, (0..dice.below(4)).collect::<Vec<_>>())
        .named("fan")
        .at_most(*dice.pick(&SIZES))
        .batches_of(*dice.pick(&SIZES))
        .give_up_after(*dice.pick(&SIZES))
        .within(span(&mut dice))
        .each_within(span(&mut dice))
        .stop(Stop::within(span(&mut dice)))
        .agent(|number| odd(&format!("row-{number}")))
        .task(|_| Job::Nothing)
        .await;
    assert_eq!(gathered.to_string().lines().count(), 1);
    lab.end(swarm).await;
    Ok(())
}
