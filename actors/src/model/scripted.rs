//! A model that follows a script: for tests and examples.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use skep_runtime::Env;

use super::traffic::Counter;
use super::{Answer, Chunks, Model, ModelError, Prices, Request, Traffic};

/// A model with a script: answers for requests that match, and steps, one for each other request, in order. Each try is a
/// request. Clones are the same model, so a test can keep one to see what was asked.
///
/// ```
/// use std::time::Duration;
/// use skep_actors::model::Scripted;
///
/// let model = Scripted::lines(["a draft", "a better draft"])
///     .rate_limited(Duration::from_secs(2))
///     .says("the best draft")
///     .when(|request| request.last_said().contains("weather")).says("It rains.");
/// assert_eq!(model.steps_left(), 4);
/// ```
///
/// A request without an answer fails with [`ModelError::Unscripted`], which gives its number.
#[derive(Clone)]
pub struct Scripted {
    name: Option<Arc<str>>,
    prices: Option<Prices>,
    script: Arc<Mutex<Script>>,
    counter: Counter,
}

#[derive(Default)]
struct Script {
    steps: VecDeque<Answer>,
    matches: Vec<(Matcher, Answer)>,
    requests: Vec<Arc<Request>>,
}

type Matcher = Box<dyn Fn(&Request) -> bool + Send + Sync>;

impl Script {
    fn answer(&mut self, request: Arc<Request>) -> Answer {
        let matching = self.matches.iter().find(|(matches, _)| matches(&request));
        let answer = matching.map(|(_, answer)| answer.clone()).or_else(|| self.steps.pop_front());
        self.requests.push(request);
        answer.unwrap_or_else(|| Answer::fails(ModelError::Unscripted(self.requests.len())))
    }
}

impl Default for Scripted {
    fn default() -> Self {
        Self::new()
    }
}

impl Scripted {
    /// A model without a script.
    #[must_use]
    pub fn new() -> Self {
        Self { name: None, prices: Some(Prices::FREE), script: Arc::default(), counter: Counter::default() }
    }

    /// A model that says one line for each request.
    #[must_use]
    pub fn lines<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Self {
        lines.into_iter().fold(Self::new(), Scripted::says)
    }

    /// The name that its provider would have for it; none by default.
    #[must_use]
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What its tokens cost; nothing by default.
    #[must_use]
    pub const fn prices(mut self, prices: Prices) -> Self {
        self.prices = Some(prices);
        self
    }

    /// It does not say what its tokens cost, like a model behind an endpoint without prices.
    #[must_use]
    pub const fn unpriced(mut self) -> Self {
        self.prices = None;
        self
    }

    /// Then it gives this answer.
    #[must_use]
    pub fn answers(self, answer: Answer) -> Self {
        self.script.lock().steps.push_back(answer);
        self
    }

    /// Then it says a text.
    #[must_use]
    pub fn says(self, text: impl AsRef<str>) -> Self {
        self.answers(Answer::says(text))
    }

    /// Then it calls a tool.
    #[must_use]
    pub fn calls(self, tool: &str, arguments: &Value) -> Self {
        self.answers(Answer::new().calls(tool, arguments))
    }

    /// Then it rejects a request.
    #[must_use]
    pub fn rate_limited(self, retry_after: Duration) -> Self {
        self.answers(Answer::rate_limited(retry_after))
    }

    /// Then it fails.
    #[must_use]
    pub fn fails(self, error: ModelError) -> Self {
        self.answers(Answer::fails(error))
    }

    /// Then it never answers.
    #[must_use]
    pub fn hangs(self) -> Self {
        self.answers(Answer::hangs())
    }

    /// An answer for all requests that match, checked before any step; if several match, the first is used.
    pub fn when(self, matches: impl Fn(&Request) -> bool + Send + Sync + 'static) -> When {
        When { model: self, matches: Box::new(matches) }
    }

    /// All requests so far, in order, each try counted separately.
    #[must_use]
    pub fn requests(&self) -> Vec<Arc<Request>> {
        self.script.lock().requests.clone()
    }

    /// How many steps have not been used yet.
    #[must_use]
    pub fn steps_left(&self) -> usize {
        self.script.lock().steps.len()
    }

    /// What became of its answers.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.counter.traffic()
    }

    /// Fails a test if steps are left over.
    ///
    /// If steps are left over; the message says how many, and how many requests there were.
    pub fn assert_used_up(&self) {
        let (left, asked) = (self.steps_left(), self.requests().len());
        assert!(left == 0, "{left} steps of the script are left over after {asked} requests");
    }
}

impl Model for Scripted {
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn prices(&self) -> Option<Prices> {
        self.prices
    }

    fn stream(&self, request: Arc<Request>, env: &Env) -> Chunks {
        let answer = self.script.lock().answer(Arc::clone(&request));
        answer.play(&request, env, self.counter.begin())
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let script = self.script.lock();
        f.debug_struct("Scripted")
            .field("requests", &script.requests.len())
            .field("steps_left", &script.steps.len())
            .finish_non_exhaustive()
    }
}

/// Requests that match, before the script says what to answer.
#[must_use = "say what the model does then"]
pub struct When {
    model: Scripted,
    matches: Matcher,
}

impl When {
    /// It gives this answer.
    #[must_use]
    pub fn answers(self, answer: Answer) -> Scripted {
        self.model.script.lock().matches.push((self.matches, answer));
        self.model
    }

    /// It says a text.
    #[must_use]
    pub fn says(self, text: impl AsRef<str>) -> Scripted {
        self.answers(Answer::says(text))
    }

    /// It calls a tool.
    #[must_use]
    pub fn calls(self, tool: &str, arguments: &Value) -> Scripted {
        self.answers(Answer::new().calls(tool, arguments))
    }

    /// It rejects them.
    #[must_use]
    pub fn rate_limited(self, retry_after: Duration) -> Scripted {
        self.answers(Answer::rate_limited(retry_after))
    }

    /// It fails.
    #[must_use]
    pub fn fails(self, error: ModelError) -> Scripted {
        self.answers(Answer::fails(error))
    }

    /// It never answers.
    #[must_use]
    pub fn hangs(self) -> Scripted {
        self.answers(Answer::hangs())
    }
}
