//! What is begun side by side in one turn is not mistaken for each other's after a crash: it is known by the path of scopes,
//! the part and the how-many-th it is, never by an agent's name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use serde::{Deserialize, Serialize};
use skep::testkit::{Dice, History, Lab, Point, TestResult};
use skep::{
    Agent, AgentError, AgentRef, AgentSpec, AskError, Context, Failure, FailureClass, Gathered, Scope,
    ScopeOwner, SpawnError, Stop, Swarm, Usage, What, fan_out,
};

use super::forest::ms;

/// Answers with who it is, after so long; the answers that were made are counted.
struct Scribe {
    who: String,
    takes: u64,
    made: Made,
}

type Made = Arc<Mutex<BTreeMap<String, u32>>>;

impl Agent for Scribe {
    type Task = String;
    type Output = String;

    async fn handle(&mut self, word: &String, cx: &Context) -> Result<String, AgentError> {
        let (who, takes) = (&self.who, ms(self.takes));
        let write = |call: skep::Call| async move {
            cx.env().sleep_until(cx.now() + takes).await;
            call.used(Usage::calls(1));
            Ok(format!("{who}:{word}"))
        };
        let text = cx.effect("write", word).worst_case(Usage::calls(1)).run(write).await?;
        cx.breathe().await?;
        // From here on nothing comes in between: the task is done.
        *self.made.lock().unwrap().entry(self.who.clone()).or_default() += 1;
        Ok(text)
    }
}

/// One fan-out: its name, its words with how long each takes, and how many at once.
#[derive(Clone, Serialize, Deserialize)]
struct Fan {
    name: String,
    words: Vec<(String, u64)>,
    at_most: usize,
    owner: Owner,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Owner {
    Task,
    Branch,
    Agent,
    Swarm,
    Scope,
}

#[derive(Clone, Serialize, Deserialize)]
struct Job {
    fans: Vec<Fan>,
    /// Each of the first attempts comes to a step at these moments.
    steps: Vec<u64>,
    crashes: u32,
}

struct Lead {
    made: Made,
    own: Arc<OnceLock<(Swarm, AgentRef<Lead>)>>,
}

impl Lead {
    async fn gather(
        &self,
        fan: &Fan,
        cx: &Context,
    ) -> Result<Gathered<(usize, String, u64), String>, AgentError> {
        let (swarm, own) = self.own.get().ok_or_else(|| AgentError::message("not there yet"))?;
        let outer;
        let owner = match fan.owner {
            Owner::Task => ScopeOwner::from(cx),
            Owner::Branch => ScopeOwner::from(&cx.branch(&fan.name)),
            Owner::Agent => ScopeOwner::from(own),
            Owner::Swarm => ScopeOwner::from(swarm),
            Owner::Scope => {
                outer = cx.scope(&format!("outer {}", fan.name))?;
                ScopeOwner::from(&outer)
            }
        };
        let name = if matches!(fan.owner, Owner::Branch | Owner::Scope) { "same" } else { &*fan.name };
        let items: Vec<_> =
            fan.words.iter().enumerate().map(|(at, (word, takes))| (at, word.clone(), *takes)).collect();
        let gathered = fan_out(owner, items)
            .named(name)
            .agent(|(at, _, takes)| {
                let (who, made) = (format!("{}-{at}", fan.name), Arc::clone(&self.made));
                AgentSpec::new("scribe", move || Scribe { who: who.clone(), takes, made: Arc::clone(&made) })
            })
            .task(|(_, word, _)| word)
            .at_most(fan.at_most)
            .within(ms(600_000))
            .await;
        Ok(gathered)
    }
}

impl Agent for Lead {
    type Task = Job;
    /// What each fan-out has gathered, row by row.
    type Output = Vec<Vec<String>>;

    async fn handle(&mut self, job: &Job, cx: &Context) -> Result<Self::Output, AgentError> {
        let (first, second) = (&job.fans[0], job.fans.get(1));
        let steps = async {
            for step in &job.steps {
                cx.sleep(ms(*step)).await?;
                cx.step("now").await?;
                if cx.attempt() <= job.crashes && cx.random().is_multiple_of(3) {
                    panic!("in the middle of it");
                }
            }
            std::future::pending::<Result<(), AgentError>>().await
        };
        let both = async {
            tokio::join!(self.gather(first, cx), async {
                match second {
                    Some(second) => Some(self.gather(second, cx).await),
                    None => None,
                }
            })
        };
        let (one, two) = tokio::select! {
            both = both => both,
            step = steps => return Err(step.err().unwrap_or_else(|| AgentError::message("no end"))),
        };
        let mut all = vec![rows(one?)?];
        if let Some(two) = two {
            all.push(rows(two?)?);
        }
        if cx.attempt() <= job.crashes {
            panic!("with all of it");
        }
        Ok(all)
    }
}

fn rows(gathered: Gathered<(usize, String, u64), String>) -> Result<Vec<String>, AgentError> {
    let rows = gathered.into_rows().into_iter();
    rows.map(|row| row.result.map_err(|failure| failure.error().clone())).collect()
}

async fn lead(swarm: &Swarm, made: &Made) -> AgentRef<Lead> {
    let own = Arc::<OnceLock<_>>::default();
    let spec = {
        let (made, own) = (Arc::clone(made), Arc::clone(&own));
        AgentSpec::new("lead", move || Lead { made: Arc::clone(&made), own: Arc::clone(&own) })
    };
    let lead = swarm.spawn(spec.attempts(9).intensity(1_000, ms(1_000))).await.unwrap();
    own.set((swarm.clone(), lead.clone())).ok();
    lead
}

fn fans(dice: &mut Dice, count: usize) -> Vec<Fan> {
    // Equal names of agents, equal types and equal tasks; some of the words of one fan-out are equal too.
    let words: Vec<String> =
        (0..dice.between(2, 6)).map(|_| ["a", "b", "c"][dice.below(3) as usize].to_owned()).collect();
    let all = [Owner::Task, Owner::Branch, Owner::Agent, Owner::Swarm, Owner::Scope];
    let fan = |name: usize| Fan {
        name: format!("fan {name}"),
        words: words.iter().map(|word| (word.clone(), dice.between(1, 400))).collect(),
        at_most: dice.between(1, 6) as usize,
        owner: *dice.pick(&all),
    };
    (0..count).map(fan).collect()
}

fn expected(fan: &Fan) -> Vec<String> {
    fan.words.iter().enumerate().map(|(at, (word, _))| format!("{}-{at}:{word}", fan.name)).collect()
}

async fn crash_and_compare(
    lab: Lab,
    count: usize,
) -> Result<(History, Made), Box<dyn std::error::Error + Send + Sync>> {
    let mut dice = lab.dice();
    let at = || Point::step("now").of("lead").chance(100);
    let lab = lab
        .fault(at().panics().may_rest())
        .fault(at().kills().may_rest())
        .fault(at().loses_cell().may_rest())
        .fault(Point::turn().of("lead").chance(50).panics().may_rest());
    let swarm = lab.start_with(|builder| builder.intensity(1_000, ms(1_000))).await;
    let made = Made::default();
    let lead = lead(&swarm, &made).await;
    let fans = fans(&mut dice, count);
    let (steps, crashes) = ((0..40).map(|_| dice.between(5, 120)).collect(), dice.between(1, 3) as u32);
    let job = Job { fans: fans.clone(), steps, crashes };
    match lead.ask(job).within(ms(600_000)).await {
        Ok(all) => {
            assert_eq!(
                all,
                fans.iter().map(expected).collect::<Vec<_>>(),
                "each row has the answer to its own ask"
            );
            let rows =
                fans.iter().flat_map(|fan| (0..fan.words.len()).map(|at| format!("{}-{at}", fan.name)));
            for row in rows {
                assert_eq!(made.lock().unwrap().get(&row), Some(&1), "{row} is made and paid for once");
            }
        }
        Err(AskError::Poisoned { .. }) => {
            assert!(made.lock().unwrap().values().all(|count| *count == 1), "{:?}", made.lock().unwrap());
        }
        Err(error) => return Err(error.to_string().into()),
    }
    Ok((lab.end(swarm).await, made))
}

#[skep::swarm_test(seeds = 200)]
async fn fan_outs_side_by_side_get_each_their_own_answers_after_a_crash(lab: Lab) -> TestResult {
    crash_and_compare(lab, 2).await.map(drop)
}

#[skep::swarm_test(seeds = 100)]
async fn rows_whose_agents_share_a_name_are_not_paid_again(lab: Lab) -> TestResult {
    crash_and_compare(lab, 1).await.map(drop)
}

/// What a turn makes of scopes that have one name.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Names {
    SideBySide,
    OneAfterAnother,
    InBranches,
    InEachOther,
    FanOuts,
}

struct Opener;

impl Agent for Opener {
    type Task = Names;
    type Output = Result<usize, String>;

    async fn handle(&mut self, names: &Names, cx: &Context) -> Result<Self::Output, AgentError> {
        let name = "same";
        let opened = match names {
            Names::SideBySide => cx.scope(name).and_then(|_first| cx.scope(name).map(|_| 2)),
            Names::OneAfterAnother => {
                drop(cx.scope(name)?.close(Stop::default()).await);
                drop(cx.scope(name)?);
                cx.scope(name).map(|_| 3)
            }
            Names::InBranches => {
                let _first = cx.scope(name)?;
                cx.branch("other").scope(name).map(|_| 2)
            }
            Names::InEachOther => {
                let first = cx.scope(name)?;
                let second = Scope::open(&ScopeOwner::from(&first), name)?;
                Scope::open(&ScopeOwner::from(&second), name).map(|_| 3)
            }
            Names::FanOuts => {
                let fan = || fan_out(cx, [1, 2]).agent(|_| AgentSpec::new("echo", || Echo)).task(|item| item);
                let (one, two) = tokio::join!(fan().into_future(), fan().into_future());
                assert_eq!(one.completed(), 2, "{one}");
                let is_not_begun = |failure: &Failure| {
                    matches!(failure, Failure::NotBegun(_)) && failure.class() == FailureClass::Failed
                };
                assert!(two.failed().all(|row| row.result.as_ref().is_err_and(is_not_begun)), "{two}");
                return Ok(Err(two.to_string()));
            }
        };
        match opened {
            Ok(count) => Ok(Ok(count)),
            Err(error @ SpawnError::ScopeOpen { .. }) => Ok(Err(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }
}

struct Echo;

impl Agent for Echo {
    type Task = u32;
    type Output = u32;
    async fn handle(&mut self, task: &u32, cx: &Context) -> Result<u32, AgentError> {
        cx.sleep(ms(10)).await?;
        Ok(*task)
    }
}

#[skep::swarm_test(seeds = 4)]
async fn two_scopes_of_a_turn_have_different_names_or_it_is_an_error_that_says_so(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let opener = swarm.spawn(AgentSpec::new("opener", || Opener)).await?;
    for (names, opened) in [
        (Names::SideBySide, None),
        (Names::OneAfterAnother, Some(3)),
        (Names::InBranches, Some(2)),
        (Names::InEachOther, Some(3)),
        (Names::FanOuts, None),
    ] {
        let said = opener.ask(names).await?;
        assert_eq!(said.clone().ok(), opened);
        if let Err(text) = said {
            assert!(text.contains("an open scope named") && text.contains(".named(..)"), "{text}");
        }
    }
    // Outside of a turn nobody asks again, and names are for people.
    let first = Scope::open(&ScopeOwner::from(&swarm), "same")?;
    let second = Scope::open(&ScopeOwner::from(&swarm), "same")?;
    drop((first, second));
    lab.end(swarm).await;
    Ok(())
}

/// Begins an agent of one name in each of two scopes, asks both the same side by side, and crashes.
struct Twice {
    made: Made,
}

impl Agent for Twice {
    type Task = [u64; 4];
    type Output = Vec<String>;

    async fn handle(&mut self, takes: &[u64; 4], cx: &Context) -> Result<Vec<String>, AgentError> {
        let (left, right) = (cx.scope("left")?, cx.scope("right")?);
        let part = async |scope: &Scope, at: usize| {
            let (who, takes, made) = (at.to_string(), takes[at], Arc::clone(&self.made));
            let spec =
                AgentSpec::new("scribe", move || Scribe { who: who.clone(), takes, made: Arc::clone(&made) });
            // Which comes first depends on time.
            cx.sleep(ms(cx.random() % 20)).await?;
            Ok::<_, AgentError>(scope.spawn(spec).await?.ask("word".to_owned()).within(ms(60_000)).await?)
        };
        let pair = async |scope: &Scope, at: usize| -> Result<Vec<String>, AgentError> {
            let first = part(scope, at).await?;
            Ok(vec![first, part(scope, at + 1).await?])
        };
        let crash = async {
            cx.sleep(ms(100)).await?;
            match cx.attempt() {
                1 | 2 => panic!("in the middle of it"),
                _ => std::future::pending::<Result<(), AgentError>>().await,
            }
        };
        let (one, two) = tokio::select! {
            both = async { tokio::join!(pair(&left, 0), pair(&right, 2)) } => both,
            crash = crash => return Err(crash.err().unwrap_or_else(|| AgentError::message("no end"))),
        };
        Ok([one?, two?].concat())
    }
}

#[skep::swarm_test(seeds = 60)]
async fn agents_of_one_name_in_two_scopes_are_not_mistaken_for_each_other(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let swarm = lab.start_with(|builder| builder.intensity(10, ms(1_000))).await;
    let made = Made::default();
    let spec = {
        let made = Arc::clone(&made);
        AgentSpec::new("twice", move || Twice { made: Arc::clone(&made) })
    };
    let twice = swarm.spawn(spec).await?;
    let takes = [0; 4].map(|_: u64| dice.between(1, 60));
    let answers = twice.ask(takes).within(ms(600_000)).await?;
    assert_eq!(answers, ["0:word", "1:word", "2:word", "3:word"]);
    assert!(made.lock().unwrap().values().all(|count| *count == 1), "{:?}", made.lock().unwrap());
    lab.end(swarm).await;
    Ok(())
}

/// Fans out in its turn, and answers with what it has, whole or not.
struct Nested {
    made: Made,
}

impl Agent for Nested {
    type Task = Vec<u64>;
    type Output = String;

    async fn handle(&mut self, takes: &Vec<u64>, cx: &Context) -> Result<String, AgentError> {
        let gathered = fan_out(cx, takes.clone())
            .agent(|takes| {
                let made = Arc::clone(&self.made);
                AgentSpec::new("scribe", move || Scribe {
                    who: takes.to_string(),
                    takes,
                    made: Arc::clone(&made),
                })
            })
            .task(|takes| takes.to_string())
            .within(ms(600_000))
            .await;
        Ok(format!("{} of {}", gathered.completed(), gathered.rows().len()))
    }
}

/// Has it done by a child of its task, and crashes in the middle of it.
struct Owning {
    made: Made,
}

impl Agent for Owning {
    type Task = (Vec<u64>, u64);
    type Output = String;

    async fn handle(&mut self, (takes, crash): &(Vec<u64>, u64), cx: &Context) -> Result<String, AgentError> {
        let made = Arc::clone(&self.made);
        let nested = cx.spawn(AgentSpec::new("nested", move || Nested { made: Arc::clone(&made) })).await?;
        let ask = nested.ask(takes.clone()).within(ms(600_000));
        if cx.attempt() > 2 {
            return Ok(ask.await?);
        }
        let crash = async {
            cx.sleep(ms(*crash)).await?;
            panic!("in the middle of it")
        };
        tokio::select! { biased; answer = ask => Ok(answer?), crash = crash => crash }
    }
}

#[skep::swarm_test(seeds = 60)]
async fn what_a_stop_had_cut_is_not_taken_for_the_whole_by_the_next_attempt(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let swarm = lab.start_with(|builder| builder.intensity(10, ms(1_000))).await;
    let made = Made::default();
    let spec = {
        let made = Arc::clone(&made);
        AgentSpec::new("owning", move || Owning { made: Arc::clone(&made) })
    };
    let owning = swarm.spawn(spec).await?;
    // Some rows are done when the crash comes, and one is not.
    let crash = dice.between(50, 300);
    let mut takes: Vec<_> = (0..dice.between(1, 4)).map(|_| dice.between(1, 40)).collect();
    takes.push(dice.between(400, 900));
    dice.shuffle(&mut takes);
    let count = takes.len();
    assert_eq!(owning.ask((takes, crash)).within(ms(600_000)).await?, format!("{count} of {count}"));
    let history = lab.end(swarm).await;
    let claimed = |what: &What| matches!(what, What::TaskClaimed { .. });
    assert_eq!(history.events().iter().filter(|event| claimed(&event.what)).count(), 0);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn who_waits_while_a_stop_comes_by_has_the_answer_all_the_same(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let nested = swarm.spawn(AgentSpec::new("nested", || Nested { made: Made::default() })).await?;
    let asked = tokio::spawn(nested.ask(vec![10, 10, 5_000]));
    tokio::time::sleep(ms(100)).await;
    lab.saw(&nested.stop(Stop::within(ms(2_000))).await);
    assert_eq!(asked.await??, "2 of 3");
    lab.end(swarm).await;
    Ok(())
}
