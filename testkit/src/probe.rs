//! A probe: an agent without a mind of its own, which stands where another would. It writes down what it is asked, and
//! answers what the test says, when the test says so.

use std::collections::VecDeque;
use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use skep_runtime::{Agent, AgentError, AgentSpec, Context, Message, OnStale};
use tokio::sync::Notify;
use tokio::time::timeout;

/// What is not expected comes with this much of what was there before.
const SEEN: usize = 5;

/// Longer than any test.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A scripted agent and what a test knows of it, like Akka's probes. Clones are the same probe.
///
/// Its spec goes wherever an agent's does: below a supervisor, into another agent's constructor. Each task that reaches it
/// is recorded and waits for an answer: the next one of the script, or one that [`Probe::reply`] gives later. A task that
/// is cancelled or redelivered meanwhile takes no answer; a redelivered task is recorded again.
///
/// ```
/// use std::time::Duration;
/// use skep_runtime::{Agent, AgentError, AgentRef, AgentSpec, Context};
/// use skep_testkit::{Probe, TestResult, run_seeds};
///
/// /// What is tested: doubles what its clerk says.
/// struct Doubler(AgentRef<Probe<String, u64>>);
///
/// impl Agent for Doubler {
///     type Task = String;
///     type Output = u64;
///     async fn handle(&mut self, what: &String, cx: &Context) -> Result<u64, AgentError> {
///         Ok(2 * cx.ask(&self.0, what.clone()).await?)
///     }
/// }
///
/// run_seeds("doubler", 8, |lab| async move {
///     let swarm = lab.start().await;
///     let clerk = Probe::<String, u64>::named("clerk");
///     let asked = swarm.spawn(clerk.spec()).await?;
///     let doubler = swarm.spawn(AgentSpec::new("doubler", move || Doubler(asked.clone()))).await?;
///     let answer = doubler.try_ask("stamps".to_owned())?;
///
///     clerk.expect(Duration::from_secs(1), |what| what == "stamps").await?;
///     clerk.expect_nothing(Duration::from_secs(10)).await?;
///     clerk.reply(21);
///     assert_eq!(answer.await?, 42);
///     lab.end(swarm).await;
///     TestResult::Ok(())
/// });
/// ```
pub struct Probe<T: Message, O: Message> {
    desk: Arc<Desk<T, O>>,
}

struct Desk<T, O> {
    name: String,
    state: Mutex<State<T, O>>,
    came: Notify,
    answered: Notify,
}

struct State<T, O> {
    seen: Vec<Arc<T>>,
    /// How many of them the test has looked at.
    looked_at: usize,
    answers: VecDeque<Result<O, AgentError>>,
}

/// Why something was not as a test expects it.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unexpected {
    /// Nothing came.
    #[error("{probe} got nothing within {within:?}; before that: {before}")]
    Nothing {
        /// The probe's name.
        probe: String,
        /// How long it was waited for, on the lab's clock.
        within: Duration,
        /// The last of what had come before.
        before: String,
    },
    /// Something else came.
    #[error("{probe} got {came}, which is not what was expected; before that: {before}")]
    Other {
        /// The probe's name.
        probe: String,
        /// What came.
        came: String,
        /// The last of what had come before.
        before: String,
    },
    /// Something came where nothing should.
    #[error("{probe} got {came} but should have got nothing for {span:?}; before that: {before}")]
    Something {
        /// The probe's name.
        probe: String,
        /// How long nothing should come.
        span: Duration,
        /// What came.
        came: String,
        /// The last of what had come before.
        before: String,
    },
}

/// As in words, since that is what a test shows that returns it.
impl Debug for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T: Message + Clone + Debug, O: Message> Probe<T, O> {
    /// A probe with this name.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        let state = State { seen: Vec::new(), looked_at: 0, answers: VecDeque::new() };
        let desk = Desk {
            name: name.into(),
            state: Mutex::new(state),
            came: Notify::new(),
            answered: Notify::new(),
        };
        Self { desk: Arc::new(desk) }
    }

    /// Its spec, to be spawned and changed as any agent's.
    #[must_use]
    pub fn spec(&self) -> AgentSpec<Self> {
        let probe = self.clone();
        // It waits as long as the test wants it to.
        AgentSpec::new(&self.desk.name, move || probe.clone()).on_stale(OnStale::Report)
    }

    /// Answers the next task that has no answer yet: the one that waits, or a later one.
    pub fn reply(&self, output: O) -> &Self {
        self.answer(Ok(output))
    }

    /// Fails the next task that has no answer yet.
    pub fn fail(&self, error: AgentError) -> &Self {
        self.answer(Err(error))
    }

    fn answer(&self, answer: Result<O, AgentError>) -> &Self {
        self.desk.state.lock().answers.push_back(answer);
        self.desk.answered.notify_waiters();
        self
    }

    /// All tasks that have reached it.
    #[must_use]
    pub fn seen(&self) -> Vec<Arc<T>> {
        self.desk.state.lock().seen.clone()
    }

    /// The next task that was not looked at yet, if it matches. It may be there already, or arrive within this time.
    ///
    /// # Errors
    /// [`Unexpected`] says what came instead; that task then counts as looked at.
    ///
    /// # Cancel safety
    /// Dropping it looks at nothing.
    pub async fn expect(&self, within: Duration, is_it: impl Fn(&T) -> bool) -> Result<Arc<T>, Unexpected> {
        let before = self.before();
        match timeout(within, self.next()).await {
            Ok(task) if is_it(&task) => Ok(task),
            Ok(task) => Err(Unexpected::Other { probe: self.name(), came: format!("{task:?}"), before }),
            Err(_) => Err(Unexpected::Nothing { probe: self.name(), within, before }),
        }
    }

    /// Lets this much time pass, in which no task may reach the probe.
    ///
    /// # Errors
    /// [`Unexpected`] says what came; that task then counts as looked at.
    pub async fn expect_nothing(&self, span: Duration) -> Result<(), Unexpected> {
        let before = self.before();
        match timeout(span, self.next()).await {
            Err(_) => Ok(()),
            Ok(task) => {
                Err(Unexpected::Something { probe: self.name(), span, came: format!("{task:?}"), before })
            }
        }
    }

    /// The next task that was not looked at.
    async fn next(&self) -> Arc<T> {
        loop {
            // Listens before it looks, so that nothing comes in between.
            let came = self.desk.came.notified();
            {
                let mut state = self.desk.state.lock();
                if let Some(task) = state.seen.get(state.looked_at).cloned() {
                    state.looked_at += 1;
                    return task;
                }
            }
            came.await;
        }
    }

    /// The last of what was looked at, in words.
    fn before(&self) -> String {
        let state = self.desk.state.lock();
        let seen = &state.seen[..state.looked_at];
        let last: Vec<_> =
            seen[seen.len().saturating_sub(SEEN)..].iter().map(|task| format!("{task:?}")).collect();
        if last.is_empty() { "nothing".to_owned() } else { last.join(", ") }
    }

    fn name(&self) -> String {
        format!("the probe {}", self.desk.name)
    }
}

impl<T: Message + Clone + Debug, O: Message> Agent for Probe<T, O> {
    type Task = T;
    type Output = O;

    async fn handle(&mut self, task: &T, cx: &Context) -> Result<O, AgentError> {
        self.desk.state.lock().seen.push(Arc::new(task.clone()));
        self.desk.came.notify_waiters();
        loop {
            let answered = self.desk.answered.notified();
            if let Some(answer) = self.desk.state.lock().answers.pop_front() {
                return answer;
            }
            tokio::select! {
                biased;
                // Whoever asked may give up.
                cancelled = cx.sleep(FOR_EVER) => cancelled?,
                () = answered => {}
            }
        }
    }
}

impl<T: Message, O: Message> Clone for Probe<T, O> {
    fn clone(&self) -> Self {
        Self { desk: Arc::clone(&self.desk) }
    }
}
