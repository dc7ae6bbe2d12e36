//! What a model costs where nobody has said it, and the name that events and ceilings have for it.

use serde::{Deserialize, Serialize};
use skep::actors::model::{PriceTable, Prices, UnknownPrice};
use skep::actors::{CallModel as _, Models, Reply, Scripted};
use skep::testkit::{Lab, TestResult};
use skep::{
    Advice, Agent, AgentError, AgentRef, AgentSpec, AskError, Budget, Ceiling, Context, FailureClass, Swarm,
    Target, Usage, What,
};

/// Asks a model by the swarm's name for it, once.
struct Asker;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Ask {
    model: String,
    by_chunk: bool,
}

impl Agent for Asker {
    type Task = Ask;
    type Output = Reply;

    async fn handle(&mut self, task: &Ask, cx: &Context) -> Result<Reply, AgentError> {
        let call = cx.model(&task.model).tries(1).max_output_tokens(100);
        if task.by_chunk {
            return Ok(call.stream("say").reply().await?);
        }
        Ok(call.ask("say").await?)
    }
}

async fn asker(lab: &Lab, models: &Models, budget: Budget) -> (Swarm, AgentRef<Asker>) {
    let swarm = lab.start_with(|builder| builder.resource(models.clone()).budget(budget)).await;
    let asker = swarm.spawn(AgentSpec::new("asker", || Asker)).await.unwrap();
    (swarm, asker)
}

fn ask(model: &str) -> Ask {
    Ask { model: model.to_owned(), by_chunk: false }
}

fn failure(answer: Result<Reply, AskError<Ask>>) -> AgentError {
    match answer {
        Err(AskError::Failed(_, error)) => error,
        other => panic!("{other:?}"),
    }
}

fn dear() -> Prices {
    Prices::per_million("1000", "2000").unwrap()
}

fn script() -> Scripted {
    Scripted::new().when(|_| true).says("four words for you").named("gpt-9").unpriced()
}

#[skep::swarm_test(seeds = 10)]
async fn a_model_of_unknown_price_is_refused_before_anything_is_sent(lab: Lab) -> TestResult {
    let model = script();
    let models = Models::new().with("fast", model.clone());
    let (swarm, asker) = asker(&lab, &models, Budget::new()).await;
    for by_chunk in [false, true] {
        let error = failure(asker.ask(Ask { by_chunk, ..ask("fast") }).await);
        let text = error.to_string();
        assert!(text.contains("gpt-9") && text.contains("Models::prices(..)"), "{text}");
        assert_eq!((error.class(), error.advice()), (FailureClass::Failed, Advice::Never));
    }
    assert_eq!((model.requests().len(), swarm.cost().spent), (0, Usage::ZERO));
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn counted_by_tokens_alone_it_is_bounded_by_tokens_and_refused_by_money(lab: Lab) -> TestResult {
    let models = Models::new().unknown_price(UnknownPrice::TokensOnly).with("fast", script());
    // A hundred tokens out and some allowances in, twice.
    let (swarm, one) = asker(&lab, &models, Budget::new().tokens(400).calls(99)).await;
    let reply = one.ask(ask("fast")).await?;
    assert!(reply.estimated, "what it costs is not known");
    let spent = swarm.cost().spent;
    assert_eq!(
        (spent.money.0, spent.calls, spent.tokens()),
        (0, 1, reply.tokens.input + reply.tokens.output)
    );
    let mut calls = 1;
    let error = loop {
        match one.ask(ask("fast")).await {
            Ok(_) => calls += 1,
            other => break failure(other),
        }
    };
    assert!(error.to_string().contains("tokens are wanted") && calls < 99, "{calls}: {error}");
    let history = lab.end(swarm).await;
    let costs = history.costs();
    let own = costs.own(&history.agents("asker")[0]).unwrap();
    assert_eq!(own.estimated, own.spent, "all of it is marked");

    let lab = Lab::seed(lab.which_seed());
    let (swarm, one) = asker(&lab, &models, Budget::usd("1000000").tokens(400)).await;
    let error = failure(one.ask(ask("fast")).await);
    assert_eq!((error.class(), error.advice()), (FailureClass::OverBudget, Advice::Never));
    assert!(error.to_string().contains("give a model its prices"), "{error}");
    assert_eq!(swarm.cost().spent, Usage::ZERO);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn its_own_prices_go_before_the_tables_and_those_before_what_is_assumed(lab: Lab) -> TestResult {
    let cheap = Prices::per_million("1", "2")?;
    let table = PriceTable::new().with("gpt-9", cheap).with("own", dear());
    let models = Models::new()
        .with("listed", script())
        .with("own", script().named("own").prices(cheap))
        .with("assumed", script().named("gpt-10"))
        .unknown_price(UnknownPrice::Assume(dear()))
        .prices(table);
    let (swarm, one) = asker(&lab, &models, Budget::usd("100")).await;
    for (name, prices) in [("listed", cheap), ("own", cheap), ("assumed", dear())] {
        let before = swarm.cost().spent;
        let reply = one.ask(ask(name)).await?;
        let bill = swarm.cost().spent.above(&before);
        assert_eq!((bill, reply.estimated), (reply.tokens.usage(&prices), false), "{name}");
        assert!(bill.money.0 > 0, "{name}");
    }
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn events_and_ceilings_go_by_the_providers_name_whatever_the_swarms_is(lab: Lab) -> TestResult {
    let free = |name: &str| script().prices(Prices::FREE).named(name);
    let models = Models::new()
        .with("fast", free("gpt-5-mini"))
        .with("gpt-5-mini", free("claude-opus"))
        .with("plain", Scripted::new().when(|_| true).says("hm"));
    let swarm = lab.start_with(|builder| builder.resource(models)).await;
    let spec = AgentSpec::new("asker", || Asker).ceiling(Ceiling::new().models(["gpt-5*"]));
    let bound = swarm.spawn(spec).await?;
    bound.ask(ask("fast")).await?;
    for beyond in ["gpt-5-mini", "plain"] {
        let error = failure(bound.ask(ask(beyond)).await);
        assert_eq!(error.class(), FailureClass::Failed, "{error}");
        assert!(error.to_string().contains("is not allowed"), "{beyond}: {error}");
    }
    let free = swarm.spawn(AgentSpec::new("free", || Asker)).await?;
    free.ask(ask("gpt-5-mini")).await?;
    free.ask(ask("plain")).await?;
    let began = |what: &What| match what {
        What::EffectBegan { on: Some(on), .. } => {
            assert_eq!(
                on.reach.targets(),
                on.subject.clone().map(|name| vec![Target::Model(name)]).as_deref()
            );
            on.subject.clone()
        }
        _ => None,
    };
    let called: Vec<_> = swarm.events_so_far().iter().filter_map(|event| began(&event.what)).collect();
    assert_eq!(called, ["gpt-5-mini", "claude-opus", "plain"]);
    lab.end(swarm).await;
    Ok(())
}
