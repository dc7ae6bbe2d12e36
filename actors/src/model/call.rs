//! Calling a model from a turn: one effect, its tries, its bill.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::Value;
use skep_runtime::effect::Tier;
use skep_runtime::{AgentError, Call, Context, Effect, EffectError, Env, Reach, Repeat, Retry, Tried, Usage};

use super::reply::Assembly;
use super::streaming::{Hand, Streaming};
use super::{Chunk, Chunks, End, Message, Model, ModelError, Models, Price, Reply, Request, Tool};
use crate::defaults;

/// The kind of the effect.
pub(super) const KIND: &str = "model";

/// Gives a context its models.
pub trait CallModel {
    /// The model of a name, from the swarm's [`Models`].
    fn model(&self, name: &str) -> ModelCall<'_>;
}

impl CallModel for Context {
    fn model(&self, name: &str) -> ModelCall<'_> {
        let models = self.get::<Models>();
        let none = Models::new();
        let models = models.as_deref().unwrap_or(&none);
        let model = models.get(name);
        ModelCall {
            cx: self,
            name: name.to_owned(),
            price: models.price(&*model),
            model,
            request: Request::new(),
            within: defaults::MODEL,
            silence: defaults::MODEL_SILENCE,
            tries: defaults::MODEL_TRIES,
        }
    }
}

/// A call of a model before it is made.
#[must_use = "a call is made with `ask` or `stream`"]
pub struct ModelCall<'c> {
    cx: &'c Context,
    name: String,
    model: Arc<dyn Model>,
    price: Price,
    request: Request,
    within: Duration,
    silence: Duration,
    tries: u32,
}

impl ModelCall<'_> {
    /// What the model is told before all else.
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.request = self.request.system(text);
        self
    }

    /// The conversation so far, oldest first.
    pub fn messages(mut self, messages: impl IntoIterator<Item = Message>) -> Self {
        self.request.messages.extend(messages);
        self
    }

    /// Something that the model may call.
    pub fn tool(mut self, tool: Tool) -> Self {
        self.request = self.request.tool(tool);
        self
    }

    /// The most tokens that it may write; 4,096 unless told. They are reserved at every budget above.
    pub fn max_output_tokens(mut self, most: u64) -> Self {
        self.request = self.request.max_output_tokens(most);
        self
    }

    /// How it samples, by the provider's own name for it: `("temperature", 0.2)`.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.request = self.request.setting(name, value);
        self
    }

    /// What it may take with all its tries; 300 s or what is left of the turn's, whichever is less, unless told.
    pub const fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }

    /// Without a chunk for so long, the try has failed; 60 s unless told.
    pub const fn silence(mut self, limit: Duration) -> Self {
        self.silence = limit;
        self
    }

    /// Tries in all, where the error advises another: a rate limit (its retry-after is waited for, if the deadline allows
    /// that), an answer that was cut off, silence, a failure of the provider. 3 unless told; each is reserved for.
    pub const fn tries(mut self, tries: u32) -> Self {
        self.tries = tries;
        self
    }

    /// Asks, and waits for the whole reply.
    ///
    /// # Errors
    /// [`EffectError`]: refused by a budget or a link, out of time, cancelled with its turn, or failed in its last try: its
    /// error then is that of a [`ModelError`].
    ///
    /// # Cancel safety
    /// Dropping the future closes the model's stream and books what is known to have been used, as estimated.
    pub async fn ask(self, request: impl Into<Request>) -> Result<Reply, EffectError> {
        let (effect, asked) = self.effect(request.into());
        effect.run(move |call| Arc::clone(&asked).once(call, None)).await
    }

    /// Asks, and gives the chunks as they come. Nothing happens before it is first polled.
    ///
    /// There is another try only as long as no chunk was given: after that, a failure or a pause that cuts calls short is
    /// the stream's error, and whether to ask again is the reader's decision.
    pub fn stream(self, request: impl Into<Request>) -> Streaming {
        let agent = self.cx.id().clone();
        let (effect, asked) = self.effect(request.into());
        let hand = Arc::new(Hand::default());
        let given = Arc::clone(&hand);
        let call = move |call| Arc::clone(&asked).once(call, Some(Arc::clone(&given)));
        Streaming::new(agent, hand, Box::pin(effect.run(call)))
    }

    fn effect(self, request: Request) -> (Effect, Arc<Asked>) {
        let mut request = self.request.and(request);
        let most = *request.max_output_tokens.get_or_insert(defaults::MODEL_OUTPUT);
        let worst = self.price.worst_case(self.model.input_at_most(&request), most);
        // Whatever the swarm calls it, what is called is its provider's.
        let name = self.model.name().unwrap_or(&self.name).to_owned();
        let effect = self.cx.effect(KIND, (&self.name, &request));
        let effect = match self.price {
            Price::Known(_) => effect.worst_case(worst),
            Price::TokensOnly => effect.unpriced(worst),
            // It is refused before it costs anything.
            Price::Unknown => effect.free(),
        };
        let effect = effect
            .on(Reach::model(&name))
            .subject(&name)
            .tier(Tier::Reads)
            .modifies(false)
            .repeat(Repeat::Idempotent)
            .deadline(self.within)
            .retry(Retry::times(self.tries).if_advised());
        let (request, env) = (Arc::new(request), self.cx.env().clone());
        let Self { model, price, silence, .. } = self;
        (effect, Arc::new(Asked { name, model, price, request, env, silence }))
    }
}

/// What is asked, of whom.
struct Asked {
    name: String,
    model: Arc<dyn Model>,
    price: Price,
    request: Arc<Request>,
    env: Env,
    silence: Duration,
}

impl Asked {
    /// One try. Whatever ends it drops the model's stream.
    async fn once(self: Arc<Self>, call: Call, hand: Option<Arc<Hand>>) -> Tried<Reply> {
        if let Some(hand) = hand.as_deref().filter(|hand| hand.has_given()) {
            // A pause cut the call short, and its effect begins again; what was read cannot.
            call.used(Usage::ZERO);
            return Err(hand.failed(ModelError::Cut.into()));
        }
        if self.price == Price::Unknown {
            call.used(Usage::ZERO);
            return Err(failed(ModelError::Unpriced(self.name.clone()), hand.as_deref()));
        }
        let (price, about) = (self.price, self.request.tokens_about());
        let mut assembly = Assembly::default();
        match self.read(&call, &mut assembly, hand.as_deref()).await {
            Ok(end) => {
                let reply = assembly.reply(end, about, &price);
                if !reply.estimated {
                    call.used(reply.usage);
                }
                Ok(reply)
            }
            Err(error) => {
                if error.is_billed() {
                    call.estimated(price.usage(&assembly.tokens(about).0));
                } else {
                    call.used(Usage::calls(1));
                }
                Err(failed(error, hand.as_deref()))
            }
        }
    }

    /// Reads the stream to its end, tells the ledger what is known so far, and gives each chunk on.
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

/// What a try failed with. Once its chunks were given on, no other follows.
fn failed(error: ModelError, hand: Option<&Hand>) -> AgentError {
    let error = error.into();
    match hand {
        Some(hand) => hand.failed(error),
        None => error,
    }
}
