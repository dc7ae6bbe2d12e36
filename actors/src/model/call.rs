//! Calling a model from a turn: one effect, its tries, its bill.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use parking_lot::Mutex;
use serde_json::Value;
use skep_runtime::effect::Tier;
use skep_runtime::{AgentError, Call, Context, Effect, EffectError, Env, Reach, Repeat, Retry, Tried, Usage};

use super::models::Candidate;
use super::reply::Assembly;
use super::route;
use super::streaming::{Hand, Streaming};
use super::{Chunk, Chunks, End, Message, Model, ModelError, Models, Price, Reply, Request, Tool};
use crate::{defaults, telemetry};

/// The kind of this effect.
pub(super) const KIND: &str = "model";

/// The role of a call that names none.
const ROLE: &str = "agent";

/// Gives a context its models.
pub trait CallModel {
    /// The model with this name, from the swarm's [`Models`].
    fn model(&self, name: &str) -> ModelCall<'_>;
}

impl CallModel for Context {
    fn model(&self, name: &str) -> ModelCall<'_> {
        let (models, none) = (self.get::<Models>(), Models::new());
        let models = models.as_deref().unwrap_or(&none);
        let plan = Plan {
            name: name.to_owned(),
            candidates: models.route(name),
            request: Request::new(),
            within: defaults::MODEL,
            silence: defaults::MODEL_SILENCE,
            tries: defaults::MODEL_TRIES,
            larger: true,
            shows_content: models.shows_content(),
            role: ROLE.to_owned(),
        };
        ModelCall { cx: self, plan }
    }
}

/// What is asked, and the models that can be asked.
pub(super) struct Plan {
    name: String,
    pub(super) candidates: Vec<Candidate>,
    pub(super) request: Request,
    pub(super) within: Duration,
    silence: Duration,
    pub(super) tries: u32,
    pub(super) larger: bool,
    shows_content: bool,
    role: String,
}

/// A call of a model, before it is made.
#[must_use = "a call is made with `ask` or `stream`"]
pub struct ModelCall<'c> {
    cx: &'c Context,
    plan: Plan,
}

impl ModelCall<'_> {
    /// The instructions that come before the conversation.
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.plan.request = self.plan.request.system(text);
        self
    }

    /// The conversation so far, oldest first.
    pub fn messages(mut self, messages: impl IntoIterator<Item = Message>) -> Self {
        self.plan.request.messages.extend(messages);
        self
    }

    /// Adds a tool that the model may call.
    pub fn tool(mut self, tool: Tool) -> Self {
        self.plan.request = self.plan.request.tool(tool);
        self
    }

    /// The most tokens that it may write; 4,096 by default. They are reserved at every budget above.
    pub fn max_output_tokens(mut self, most: u64) -> Self {
        self.plan.request = self.plan.request.max_output_tokens(most);
        self
    }

    /// A sampling setting, by the provider's own name for it: `("temperature", 0.2)`.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.plan.request = self.plan.request.setting(name, value);
        self
    }

    /// Who the call is for, in a word, such as a persona's name. It is a label of metrics, so there should be few;
    /// `agent` by default.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.plan.role = role.into();
        self
    }

    /// How long the call may take with all its tries; by default 300 s, or what is left of the turn's time if that is
    /// less.
    pub const fn within(mut self, limit: Duration) -> Self {
        self.plan.within = limit;
        self
    }

    /// If no chunk comes for this long, the try has failed; 60 s by default.
    pub const fn silence(mut self, limit: Duration) -> Self {
        self.plan.silence = limit;
        self
    }

    /// The number of tries in all, used when the error advises another: a rate limit (its retry-after is waited for, if
    /// the deadline allows that), an answer that was cut off, silence, a failure of the provider. 3 by default; each is
    /// reserved for.
    pub const fn tries(mut self, tries: u32) -> Self {
        self.plan.tries = tries;
        self
    }

    /// Whether a request that is too long for a model of a tier goes on to one with more room; it does by default. Whoever
    /// can make the request shorter says no first, because a larger model costs more.
    pub const fn larger(mut self, may: bool) -> Self {
        self.plan.larger = may;
        self
    }

    /// The tokens that the first model can take, if that is known.
    #[cfg(feature = "agent")]
    pub(crate) fn window(&self) -> Option<u64> {
        let first = self.plan.candidates.iter().map(Candidate::choice).filter(|choice| choice.model == 0);
        first.filter_map(|choice| choice.window).min()
    }

    /// Whether there is more than one model to ask.
    #[cfg(feature = "agent")]
    pub(crate) const fn is_route(&self) -> bool {
        self.plan.candidates.len() > 1
    }

    /// Asks, and waits for the whole reply.
    ///
    /// # Errors
    /// [`EffectError`]: refused by a budget or a link, out of time, cancelled with its turn, or failed in its last try;
    /// then the error inside is that of a [`ModelError`].
    ///
    /// # Cancel safety
    /// Dropping the future closes the model's stream and books the known usage, as an estimate.
    pub async fn ask(self, request: impl Into<Request>) -> Result<Reply, EffectError> {
        let cx = self.cx.clone();
        self.plan.and(request.into()).run(cx, None).await
    }

    /// Asks, and gives the chunks as they come. Nothing happens before it is first polled.
    ///
    /// Another try is made only until the first chunk is given: after that, a failure or a pause that cuts calls short
    /// becomes the stream's error, and the reader decides whether to ask again.
    pub fn stream(self, request: impl Into<Request>) -> Streaming {
        let (cx, hand) = (self.cx.clone(), Arc::new(Hand::default()));
        let agent = cx.id().clone();
        let running = self.plan.and(request.into()).run(cx, Some(Arc::clone(&hand)));
        Streaming::new(agent, hand, Box::pin(running))
    }
}

impl Plan {
    fn and(mut self, request: Request) -> Self {
        self.request = self.request.and(request);
        self.request.max_output_tokens.get_or_insert(defaults::MODEL_OUTPUT);
        self
    }

    /// Calls the only candidate, with its tries, or lets the route choose among several.
    async fn run(self, cx: Context, hand: Option<Arc<Hand>>) -> Result<Reply, EffectError> {
        match &self.candidates[..] {
            [only] => {
                let (effect, asked) = self.effect(&cx, only, self.within);
                let effect = effect.retry(Retry::times(self.tries).if_advised());
                effect.run(move |call| Arc::clone(&asked).once(call, hand.clone())).await
            }
            _ => route::run(cx, self, hand).await,
        }
    }

    /// The most tokens that a call may use.
    pub(super) fn tokens_at_most(&self, model: &dyn Model) -> (u64, u64) {
        (model.input_at_most(&self.request), self.request.max_output_tokens.unwrap_or(defaults::MODEL_OUTPUT))
    }

    pub(super) fn input(&self) -> (&str, &Request) {
        (&self.name, &self.request)
    }

    /// One call of one of the candidates, with what is needed to make it.
    pub(super) fn effect(
        &self,
        cx: &Context,
        candidate: &Candidate,
        within: Duration,
    ) -> (Effect, Arc<Asked>) {
        let model = Arc::clone(candidate.model());
        let price = candidate.price.keeping(self.request.context_cache);
        let (input, output) = self.tokens_at_most(&*model);
        let (worst, effect) = (price.worst_case(input, output), cx.effect(KIND, self.input()));
        let effect = match price {
            Price::Known(_) => effect.worst_case(worst),
            Price::TokensOnly => effect.unpriced(worst),
            // The call is refused before it costs anything.
            Price::Unknown => effect.free(),
        };
        let effect = effect
            .on(Reach::model(&candidate.name))
            .subject(&candidate.name)
            .tier(Tier::Reads)
            .modifies(false)
            .repeat(Repeat::Idempotent)
            .deadline(within)
            .through(model.limits());
        let asked = Asked {
            name: candidate.name.clone(),
            model,
            price,
            request: Arc::new(self.request.clone()),
            env: cx.env().clone(),
            silence: self.silence,
            shows_content: self.shows_content,
            role: self.role.clone(),
            said: Mutex::default(),
        };
        (effect, Arc::new(asked))
    }
}

/// What is asked, and which model is asked.
pub(super) struct Asked {
    name: String,
    model: Arc<dyn Model>,
    price: Price,
    request: Arc<Request>,
    env: Env,
    silence: Duration,
    shows_content: bool,
    role: String,
    /// The error of the last try.
    said: Mutex<Option<ModelError>>,
}

impl Asked {
    /// The error of the last try, as the model reported it.
    pub(super) fn said(&self) -> Option<ModelError> {
        self.said.lock().clone()
    }

    fn failed(&self, error: ModelError, hand: Option<&Hand>) -> AgentError {
        *self.said.lock() = Some(error.clone());
        failed(error, hand)
    }

    /// One try. However it ends, the model's stream is dropped.
    pub(super) async fn once(self: Arc<Self>, call: Call, hand: Option<Arc<Hand>>) -> Tried<Reply> {
        if let Some(hand) = hand.as_deref().filter(|hand| hand.has_given()) {
            // A pause cut the call short, and its effect starts again; but chunks that were read cannot be taken back.
            call.used(Usage::ZERO);
            return Err(hand.failed(ModelError::Cut.into()));
        }
        if self.price == Price::Unknown {
            call.used(Usage::ZERO);
            return Err(self.failed(ModelError::Unpriced(self.name.clone()), hand.as_deref()));
        }
        let (price, about) = (self.price, self.request.tokens_about());
        let mut assembly = Assembly::default();
        let began = self.env.now();
        telemetry::chat(self.model.provider(), &self.name, &self.request, self.shows_content);
        match self.read(&call, &mut assembly, hand.as_deref()).await {
            Ok(end) => {
                let reply = assembly.reply(end, about, &price);
                if !reply.estimated {
                    call.used(reply.usage);
                }
                telemetry::answered(&reply, self.shows_content);
                telemetry::count(&self.role, &self.name, Some(&reply.usage), self.env.now().since(began));
                Ok(reply)
            }
            Err(error) => {
                if error.is_billed() {
                    call.estimated(price.usage(&assembly.tokens(about).0));
                } else {
                    call.used(Usage::calls(1));
                }
                telemetry::count(&self.role, &self.name, None, self.env.now().since(began));
                Err(self.failed(error, hand.as_deref()))
            }
        }
    }

    /// Reads the stream to its end, reports to the ledger what is known so far, and passes each chunk on.
    async fn read(
        &self,
        call: &Call,
        assembly: &mut Assembly,
        hand: Option<&Hand>,
    ) -> Result<End, ModelError> {
        let about = self.request.tokens_about();
        let mut chunks = self.model.stream(Arc::clone(&self.request), &self.env);
        let mut has_begun = false;
        while let Some(chunk) = self.next(&mut chunks).await? {
            if !std::mem::replace(&mut has_begun, true) {
                call.streaming();
            }
            assembly.take(&chunk);
            call.estimated(self.price.usage(&assembly.tokens(about).0));
            if let Some(hand) = hand {
                hand.give(chunk).await;
            }
        }
        assembly.end().ok_or(ModelError::Cut)
    }

    async fn next(&self, chunks: &mut Chunks) -> Result<Option<Chunk>, ModelError> {
        let until = self.env.now() + self.silence;
        tokio::select! {
            biased;
            chunk = chunks.next() => chunk.transpose(),
            () = self.env.sleep_until(until) => Err(ModelError::Silent(self.silence)),
        }
    }
}

/// What a try failed with. Once chunks were passed on, no other try follows.
fn failed(error: ModelError, hand: Option<&Hand>) -> AgentError {
    let error = error.into();
    match hand {
        Some(hand) => hand.failed(error),
        None => error,
    }
}
