//! What a fault plan can do, each action where a user meets it; whatever it does, every oracle agrees.

mod apart;
mod calls;
mod delivery;
mod lives;
mod presets;

use serde::{Deserialize, Serialize};
use skep::actors::{CallModel as _, Simulated};
use skep::testkit::{FaultPlan, Lab, Rule, TestResult};
use skep::{
    Agent, AgentError, AgentRef, AgentSpec, Answer, Context, Question, Repeat, Retry, Stop, Swarm, Usage,
};

use super::forest::ms;

/// Does everything in a turn that has a fault point: so many levels of it.
#[derive(Clone, Serialize, Deserialize)]
struct Work {
    levels: u32,
}

struct Hand;

fn hand(name: &str) -> AgentSpec<Hand> {
    let spec = AgentSpec::new(name, || Hand).intensity(3, ms(5_000)).heartbeat(ms(500), ms(4_000));
    spec.start_within(ms(5_000)).mailbox(4)
}

impl Agent for Hand {
    type Task = Work;
    type Output = u32;

    async fn handle(&mut self, work: &Work, cx: &Context) -> Result<u32, AgentError> {
        cx.step("first").await?;
        let env = cx.env();
        let call = cx.effect("call", work.levels).worst_case(Usage::calls(1)).repeat(Repeat::Pure);
        let call = call.deadline(ms(3_000)).retry(Retry::times(3));
        call.run(|call| async move {
            env.sleep_until(env.now() + ms(50)).await;
            call.used(Usage::calls(1));
            Ok(())
        })
        .await?;
        cx.model("fast").silence(ms(2_000)).within(ms(9_000)).ask("write").await?;
        if work.levels == 0 {
            let answer = cx.ask_parent(Question::about("word")).within(ms(5_000)).await?;
            return answer.read();
        }
        let child = cx.spawn(hand("below")).await?;
        Ok(child.ask(Work { levels: work.levels - 1 }).within(ms(20_000)).await? + 1)
    }

    async fn on_question(question: Question, cx: Context) -> Result<Option<Answer>, AgentError> {
        let env = cx.env();
        env.sleep_until(env.now() + ms(20)).await;
        let _ = question;
        Ok(Some(Answer::of(7_u32)?))
    }
}

/// A swarm of three at work, and their ends, whatever becomes of them.
async fn works(lab: &Lab) -> Result<Swarm, Box<dyn std::error::Error + Send + Sync>> {
    let model = Simulated::new().latency(ms(50)..=ms(200)).tokens_a_second(100).output_tokens(2..=5);
    let lab = lab.clone().model("fast", model);
    let swarm = lab.start_with(|builder| builder.intensity(3, ms(5_000)).sweep(Some(ms(1_000)))).await;
    let lead = swarm.spawn(hand("lead")).await;
    let beside = swarm.spawn(hand("beside")).await;
    let asked = |agent: &AgentRef<Hand>| agent.ask(Work { levels: 1 }).within(ms(40_000));
    if let (Ok(lead), Ok(beside)) = (lead, beside) {
        let (first, second) = (asked(&lead), asked(&beside));
        drop(lead.tell(Work { levels: 0 }));
        drop(tokio::join!(first, second));
        drop(lead.ask(Work { levels: 0 }).within(ms(10_000)).await);
    }
    Ok(swarm)
}

#[skep::swarm_test(seeds = 4)]
async fn whatever_a_plan_does_wherever_it_can_every_oracle_agrees(lab: Lab) -> TestResult {
    for (number, rule) in Rule::every(&mut lab.dice()).into_iter().enumerate() {
        let nth = 1 + (lab.which_seed() + number as u64) % 2;
        let rule = Rule { nth: Some(nth), times: Some(1), ..rule };
        let world = Lab::seed(lab.which_seed()).fault(rule.clone());
        let swarm = works(&world).await?;
        let receipt = swarm.stop(Stop::within(ms(10_000))).await;
        if let Err(failure) = world.conclude(receipt).await {
            return Err(format!("{rule}:\n{failure}{}", world.report()).into());
        }
    }
    Ok(())
}

#[skep::swarm_test(seeds = 60)]
async fn many_faults_together_leave_every_promise_whole(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let rules = (0..12).map(|_| Rule::random(&mut dice)).collect();
    let plan = FaultPlan { seed: lab.which_seed(), rules };
    let lab = lab.plan(plan);
    let swarm = works(&lab).await?;
    lab.end(swarm).await;
    Ok(())
}
