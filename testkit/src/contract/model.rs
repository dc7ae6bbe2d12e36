//! What every model has to pass, whatever stands behind it.
//!
//! The checks look at a model from three sides: what an agent gets, what the ledger books, and what the provider sees.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep_actors::model::{Answer, Chunk, End, Tool};
use skep_actors::{CallModel as _, Model, Models, Reply};
use skep_runtime::event::EffectEnd;
use skep_runtime::{
    Advice, Agent, AgentError, AgentRef, AgentSpec, AgentState, AskError, Context, FailureClass, Restart,
    Stop, Swarm, Usage, What,
};

use crate::Lab;

/// How the provider behind a model should behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conduct {
    /// It answers with text, in three chunks or more, at least four tokens long, and sends its usage.
    Answers,
    /// It calls a tool of the request, with JSON.
    CallsATool,
    /// It refuses requests, to be tried again after two seconds.
    RateLimits,
    /// It breaks off after its first chunk.
    BreaksOff,
    /// It falls silent after its first chunk, for an hour or forever.
    FallsSilent,
    /// It answers and sends no usage.
    WithholdsUsage,
}

impl Conduct {
    /// A script that behaves like this, with a chunk every `every`; a rate limit advises to try again after `retry_after`.
    #[must_use]
    pub fn answer(self, every: Duration, retry_after: Duration) -> Answer {
        let words = || Answer::says("only a handful of words").slowly(every);
        match self {
            Self::Answers => words(),
            Self::CallsATool => Answer::new().calls("grep", &serde_json::json!({"pattern": "needle"})),
            Self::RateLimits => Answer::rate_limited(retry_after),
            Self::BreaksOff => Answer::says("half").cut(),
            Self::FallsSilent => Answer::says("half").then_hangs(),
            Self::WithholdsUsage => words().without_usage(),
        }
    }
}

const ALL: [Conduct; 6] = [
    Conduct::Answers,
    Conduct::CallsATool,
    Conduct::RateLimits,
    Conduct::BreaksOff,
    Conduct::FallsSilent,
    Conduct::WithholdsUsage,
];

/// When to come again after a [`Conduct::RateLimits`].
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// A model's provider, for its checks: it behaves as told.
pub trait Provider {
    /// The model under test.
    type Model: Model;

    /// A model with prices whose provider behaves like this. A rate limit advises to try again after `retry_after`.
    fn model(&self, conduct: Conduct, retry_after: Duration) -> Self::Model;

    /// How many answers are in progress right now, by the provider's own count.
    fn open(&self) -> u64;
}

/// Checks a model against everything that its trait requires.
///
/// # Panics
/// With what it does wrong.
pub async fn model(lab: Lab, provider: &impl Provider) {
    let models = ALL.into_iter().fold(Models::new(), |models, conduct| {
        models.with(name(conduct), provider.model(conduct, RETRY_AFTER))
    });
    let swarm = lab.start_with(|builder| builder.resource(models.clone())).await;
    let spec = AgentSpec::new("reader", || Reader).restart(Restart::Permanent);
    let reader = swarm.spawn(spec).await.expect("an agent without start can be spawned");
    let bench = Bench { swarm: swarm.clone(), reader, models };
    bench.an_answer_has_one_end_and_is_billed_as_it_says().await;
    bench.no_more_is_written_than_the_request_allows().await;
    bench.answers_at_once_are_not_mixed().await;
    bench.a_tool_call_has_id_name_and_arguments().await;
    bench.a_rate_limit_costs_nothing_and_says_when_to_come_again().await;
    bench.an_answer_that_broke_off_is_an_error_and_an_estimate().await;
    bench.without_usage_the_bill_is_an_estimate().await;
    bench.whoever_hangs_up_closes_the_stream(provider).await;
    lab.end(swarm).await;
    all_closed(provider).await;
}

fn name(conduct: Conduct) -> String {
    format!("{conduct:?}")
}

/// What the reader does with a model.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Read {
    /// Asks once, for at most so many tokens.
    Whole(u64),
    /// Twice at the same time.
    Twice,
    /// Reads chunk by chunk.
    Chunks,
    /// Reads one chunk and goes on with something else.
    One,
}

struct Reader;

impl Agent for Reader {
    type Task = (String, Read);
    type Output = (Vec<Reply>, Vec<Chunk>);

    async fn handle(&mut self, (model, read): &Self::Task, cx: &Context) -> Result<Self::Output, AgentError> {
        let schema = serde_json::json!({"type": "object", "properties": {"pattern": {"type": "string"}}});
        let tool = Tool::new("grep", "Searches files.", schema);
        let call = || {
            let call = cx.model(model).tries(1).system("You are brief.").max_output_tokens(64);
            if *model == name(Conduct::CallsATool) { call.tool(tool.clone()) } else { call }
        };
        match read {
            Read::Whole(most) => {
                Ok((vec![call().max_output_tokens(*most).ask("Say a few words.").await?], Vec::new()))
            }
            Read::Twice => {
                let (one, other) =
                    tokio::join!(call().ask("Say a few words."), call().ask("Say other words."));
                Ok((vec![one?, other?], Vec::new()))
            }
            Read::Chunks => {
                let (mut stream, mut chunks) = (call().stream("Say a few words."), Vec::new());
                while let Some(chunk) = stream.next().await {
                    chunks.push(chunk?);
                }
                Ok((vec![stream.reply().await?], chunks))
            }
            Read::One => {
                let mut stream = call().stream("Say a few words.");
                let chunk = stream.next().await.transpose()?;
                drop(stream);
                Ok((Vec::new(), chunk.into_iter().collect()))
            }
        }
    }
}

struct Bench {
    swarm: Swarm,
    reader: AgentRef<Reader>,
    models: Models,
}

type Answered = Result<(Vec<Reply>, Vec<Chunk>), AskError<(String, Read)>>;

impl Bench {
    /// Has the reader read, and says what that cost.
    async fn read(&self, conduct: Conduct, read: Read) -> (Answered, Usage) {
        let before = self.swarm.cost().spent;
        let answered = self.reader.ask((name(conduct), read)).within(Duration::from_secs(60)).await;
        (answered, self.swarm.cost().spent.above(&before))
    }

    async fn replies(&self, conduct: Conduct, read: Read) -> (Vec<Reply>, Vec<Chunk>, Usage) {
        let (answered, cost) = self.read(conduct, read).await;
        let (replies, chunks) = answered.unwrap_or_else(|error| panic!("{conduct:?}, {read:?}: {error}"));
        (replies, chunks, cost)
    }

    async fn error(&self, conduct: Conduct) -> (AgentError, Usage) {
        match self.read(conduct, Read::Whole(64)).await {
            (Err(AskError::Failed(_, error)), cost) => (error, cost),
            (other, _) => panic!("{conduct:?} should fail the task, and gave {other:?}"),
        }
    }

    /// Whether the last model call was settled by an estimate.
    fn is_estimated(&self) -> bool {
        let events = self.swarm.events_so_far();
        let settled = events.iter().rev().find_map(|event| match event.what {
            What::EffectEnded { estimated, .. } => Some(estimated),
            _ => None,
        });
        settled.expect("a model was called")
    }

    async fn an_answer_has_one_end_and_is_billed_as_it_says(&self) {
        let (replies, chunks, cost) = self.replies(Conduct::Answers, Read::Chunks).await;
        let said: String = chunks.iter().filter_map(text).collect();
        assert!(chunks.iter().filter_map(text).count() >= 3, "it comes in chunks: {chunks:?}");
        assert_eq!(replies[0].text, said, "the reply is the chunks");
        let ends = chunks.iter().filter(|chunk| matches!(chunk, Chunk::End(_))).count();
        assert_eq!(ends, 1, "one end: {chunks:?}");
        let after = chunks.iter().skip_while(|chunk| !matches!(chunk, Chunk::End(_))).skip(1);
        assert!(
            after.clone().all(|chunk| matches!(chunk, Chunk::Usage(_))),
            "after the end only usage: {chunks:?}"
        );
        let prices = self.models.get(&name(Conduct::Answers)).prices();
        let prices = prices.expect("a model under test says what it costs");
        assert_eq!(cost, replies[0].tokens.usage(&prices), "the bill is what the provider says");
        assert!(!replies[0].estimated && !self.is_estimated(), "it sent its usage");
        assert!(cost.money.0 > 0 && cost.calls == 1, "it has prices: {cost}");
        let overruns =
            self.swarm.events_so_far().iter().filter(|event| event.what.name() == "overrun").count();
        assert_eq!(overruns, 0, "the worst case was the worst case");
    }

    async fn no_more_is_written_than_the_request_allows(&self) {
        let (replies, _, cost) = self.replies(Conduct::Answers, Read::Whole(3)).await;
        assert!(cost.output_tokens <= 3, "{cost:?}");
        assert_eq!(replies[0].end, End::Length);
    }

    async fn answers_at_once_are_not_mixed(&self) {
        let (replies, _, cost) = self.replies(Conduct::Answers, Read::Twice).await;
        let sum = replies.iter().fold(Usage::ZERO, |sum, reply| sum + reply.usage);
        assert_eq!((replies.len(), cost), (2, sum));
        assert!(replies.iter().all(|reply| !reply.text.is_empty()), "{replies:?}");
    }

    async fn a_tool_call_has_id_name_and_arguments(&self) {
        let (replies, ..) = self.replies(Conduct::CallsATool, Read::Chunks).await;
        let reply = &replies[0];
        assert_eq!(reply.end, End::ToolCalls);
        assert!(!reply.tool_calls.is_empty(), "{reply:?}");
        for call in &reply.tool_calls {
            assert!(!call.id.is_empty() && call.name == "grep", "{call:?}");
            let arguments: serde_json::Value =
                call.parse().unwrap_or_else(|error| panic!("{error}: {call:?}"));
            assert!(arguments.is_object(), "{call:?}");
        }
    }

    async fn a_rate_limit_costs_nothing_and_says_when_to_come_again(&self) {
        let (error, cost) = self.error(Conduct::RateLimits).await;
        assert_eq!((error.class(), error.advice()), (FailureClass::Overloaded, Advice::After(RETRY_AFTER)));
        assert_eq!(cost, Usage::calls(1), "what is turned away is not billed");
        assert!(!self.is_estimated(), "and that is certain");
    }

    async fn an_answer_that_broke_off_is_an_error_and_an_estimate(&self) {
        let (error, cost) = self.error(Conduct::BreaksOff).await;
        assert_eq!(error.advice(), Advice::Now, "{error}");
        assert!(cost.money.0 > 0 && self.is_estimated(), "what came is owed, by estimate: {cost}");
    }

    async fn without_usage_the_bill_is_an_estimate(&self) {
        let (replies, _, cost) = self.replies(Conduct::WithholdsUsage, Read::Whole(64)).await;
        assert!(replies[0].estimated && self.is_estimated());
        assert!(cost.money.0 > 0, "{cost}");
        assert_eq!(cost, replies[0].usage);
    }

    async fn whoever_hangs_up_closes_the_stream(&self, provider: &impl Provider) {
        // By dropping the stream in its turn.
        let (_, chunks, _) = self.replies(Conduct::FallsSilent, Read::One).await;
        assert!(chunks.len() == 1, "{chunks:?}");
        all_closed(provider).await;
        // By an interrupt, and by a stop.
        for is_stop in [false, true] {
            let ask = self.reader.try_ask((name(Conduct::FallsSilent), Read::Chunks));
            let ask = ask.unwrap_or_else(|error| panic!("{error}"));
            self.until("streaming", || self.reader.state() == AgentState::Streaming).await;
            assert_eq!(provider.open(), 1, "the provider is at it");
            if is_stop {
                let receipt = self.reader.stop(Stop::within(Duration::from_secs(5))).await;
                assert!(receipt.is_clean(), "{receipt}");
            } else {
                self.reader.interrupt();
            }
            assert!(ask.await.is_err());
            all_closed(provider).await;
        }
        let events = self.swarm.events_so_far();
        let cut = |what: &What| {
            matches!(what, What::EffectEnded { end: EffectEnd::Cancelled, estimated: true, .. })
        };
        assert_eq!(events.iter().filter(|event| cut(&event.what)).count(), 3, "each is booked as estimated");
    }

    async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        for _ in 0..PATIENCE {
            if is_so() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the reader never was {what}");
    }
}

/// A socket's end is seen a little later than a value's.
const PATIENCE: u32 = 3_000;

async fn all_closed(provider: &impl Provider) {
    for _ in 0..PATIENCE {
        if provider.open() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the provider still gives {} answers that nobody reads", provider.open());
}

fn text(chunk: &Chunk) -> Option<&str> {
    match chunk {
        Chunk::Text(text) => Some(text),
        _ => None,
    }
}
