//! What the cases are played with: children that answer, end and hang as they are told, and write down their lives.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep::testkit::{History, Lab};
use skep::{
    Agent, AgentError, AgentRef, AgentSpec, ChildState, Children, Context, Exit, FailureClass, Restart,
    StopContext, Supervisor, Swarm,
};

/// A case: its name in OTP's suite, or ours where OTP has none, the rules that it shows, and itself.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) rules: &'static str,
    pub(crate) run: fn(),
}

/// Seeds that each case takes in an ordinary run.
pub(crate) const SEEDS: u64 = 6;

/// Makes a test of each case, and the list of them for the table.
macro_rules! cases {
    ($($name:ident $rules:literal),+ $(,)?) => {
        pub(crate) const CASES: &[$crate::rig::Case] = &[
            $($crate::rig::Case {
                name: stringify!($name),
                rules: $rules,
                run: || skep::testkit::run_seeds(stringify!($name), 1, $name),
            }),+
        ];

        mod cases {
            $(
                #[test]
                fn $name() {
                    let name = concat!(module_path!(), "::", stringify!($name));
                    skep::testkit::run_seeds(name, $crate::rig::SEEDS, super::$name);
                }
            )+
        }
    };
}

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What a start answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Says {
    Ok,
    Error,
    Ignore,
    Panic,
    /// So many milliseconds later: ok.
    Late(u64),
    /// So many milliseconds later: an error.
    LateError(u64),
}

/// What a stop hook does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Hook {
    Ready,
    /// So many milliseconds.
    Takes(u64),
    Hangs,
    Panics,
    Fails,
}

/// What a task has a child do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Does {
    Exit(Exit),
    Answer,
    /// Works and listens to nobody.
    Deaf,
    /// Works until it is told to stop, and panics then.
    PanicWhenStopped,
    Panic,
}

pub(crate) fn crash() -> Exit {
    Exit::failed(FailureClass::Bug, "crash")
}

/// Lives, in the order in which they were written down: `+a` started, `?a` failed to start, `~a` ignored, `-a` was asked to
/// stop, `!a` died without a word.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn say(&self, sign: char, name: &str) {
        self.0.lock().unwrap().push(format!("{sign}{name}"));
    }

    /// What was written since this was asked last.
    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join(" ")
    }
}

pub(crate) struct Kid {
    name: String,
    says: Arc<[Says]>,
    hook: Hook,
    log: Log,
    is_up: bool,
}

impl Agent for Kid {
    type Task = Does;
    type Output = ();

    async fn start(&mut self, cx: &Context) -> Result<(), AgentError> {
        let says = self.says.get(cx.incarnation() as usize - 1).copied().unwrap_or(Says::Ok);
        match says {
            Says::Ok => {}
            Says::Late(time) => cx.sleep(ms(time)).await?,
            Says::LateError(time) => {
                cx.sleep(ms(time)).await?;
                return Err(AgentError::message("told to"));
            }
            Says::Ignore => {
                self.log.say('~', &self.name);
                return Err(AgentError::ignore());
            }
            Says::Error | Says::Panic => {
                self.log.say('?', &self.name);
                assert!(says == Says::Error, "told to");
                return Err(AgentError::message("told to"));
            }
        }
        self.log.say('+', &self.name);
        self.is_up = true;
        Ok(())
    }

    async fn handle(&mut self, does: &Does, cx: &Context) -> Result<(), AgentError> {
        match does {
            Does::Answer => {}
            Does::Exit(exit) => {
                self.is_up = false;
                cx.exit(exit.clone());
            }
            Does::Deaf => std::future::pending().await,
            Does::PanicWhenStopped => {
                let stopped = cx.sleep(ms(3_600_000)).await;
                panic!("told to: {stopped:?}");
            }
            Does::Panic => panic!("told to"),
        }
        Ok(())
    }

    async fn stop(&mut self, cx: &StopContext) -> Result<(), AgentError> {
        self.is_up = false;
        self.log.say('-', &self.name);
        match self.hook {
            Hook::Ready => Ok(()),
            Hook::Takes(time) => Ok(cx.sleep(ms(time)).await?),
            Hook::Hangs => std::future::pending().await,
            Hook::Panics => panic!("told to"),
            Hook::Fails => Err(AgentError::message("told to")),
        }
    }
}

impl Drop for Kid {
    fn drop(&mut self) {
        if self.is_up {
            self.log.say('!', &self.name);
        }
    }
}

/// A swarm for one case.
pub(crate) struct Rig {
    pub(crate) lab: Lab,
    pub(crate) swarm: Swarm,
    pub(crate) log: Log,
}

impl Rig {
    pub(crate) async fn new(lab: Lab) -> Self {
        let swarm = lab.start().await;
        Self { lab, swarm, log: Log::default() }
    }

    /// A permanent child whose starts answer so, one after another, and then ok.
    pub(crate) fn says(&self, name: &str, says: &[Says]) -> AgentSpec<Kid> {
        self.spec(name, says, Hook::Ready)
    }

    /// A permanent child whose stop hook does so.
    pub(crate) fn hook(&self, name: &str, hook: Hook) -> AgentSpec<Kid> {
        self.spec(name, &[], hook)
    }

    pub(crate) fn kid(&self, name: &str, restart: Restart) -> AgentSpec<Kid> {
        self.spec(name, &[], Hook::Ready).restart(restart)
    }

    fn spec(&self, name: &str, says: &[Says], hook: Hook) -> AgentSpec<Kid> {
        let (own, says, log) = (name.to_owned(), Arc::<[Says]>::from(says), self.log.clone());
        let kid =
            move || Kid { name: own.clone(), says: Arc::clone(&says), hook, log: log.clone(), is_up: false };
        AgentSpec::new(name, kid).restart(Restart::Permanent)
    }

    /// Starts a supervisor that nobody restarts.
    pub(crate) async fn start(&self, spec: AgentSpec<Supervisor>) -> AgentRef<Supervisor> {
        self.swarm.spawn(spec.named("sup").restart(Restart::Temporary)).await.unwrap()
    }

    pub(crate) fn child(&self, name: &str) -> AgentRef<Kid> {
        self.swarm.agent(name).unwrap()
    }

    /// Has a child end by itself and waits until all that follows has happened.
    pub(crate) async fn exit(&self, name: &str, exit: Exit) {
        self.child(name).tell(Does::Exit(exit)).unwrap();
        self.quiet().await;
    }

    pub(crate) async fn kill(&self, name: &str) {
        self.child(name).kill();
        self.quiet().await;
    }

    pub(crate) async fn quiet(&self) {
        let env = self.swarm.env();
        env.sleep_until(env.now() + ms(100)).await;
    }

    /// Stops the swarm; every oracle has its say.
    pub(crate) async fn end(self) -> History {
        self.lab.end(self.swarm).await
    }
}

/// The children in the order of their list, each with what can be seen of it.
pub(crate) fn seen(children: &Children) -> String {
    let mut all = children.which_children();
    all.reverse();
    let word = |state| match state {
        ChildState::Starting => "starting",
        ChildState::Running => "running",
        ChildState::Restarting => "restarting",
        ChildState::Stopping => "stopping",
        ChildState::Nothing => "nothing",
    };
    all.iter().map(|child| format!("{} {}", child.name, word(child.state))).collect::<Vec<_>>().join(", ")
}

/// The numbers of `count_children`: specs, active, supervisors, workers.
pub(crate) fn counted(children: &Children) -> [usize; 4] {
    let counts = children.count_children();
    [counts.specs, counts.active, counts.supervisors, counts.workers]
}
