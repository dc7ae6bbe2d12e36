//! Every error of the runtime, one sample a variant: held against the table of the documentation, and searched for payloads.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::{Debug, Display};

use super::*;
use crate::ceiling::{BadCeiling, Beyond};
use crate::id::{AgentId, TaskId};
use crate::ledger::{Amount, BadBudget, OnRefusal, Refusal};
use crate::lifecycle::{AgentState, StopReason};
use crate::policy::FailureClass;
use crate::reach::Target;
use crate::supervision::{BadChild, BadPolicy};
use crate::text::breaks_a_line;
use proptest::prelude::*;

/// What must never be seen. It cannot be printed.
#[derive(Clone, PartialEq)]
struct Payload(&'static str);

const SECRET: &str = "sk-the-prompt-and-its-key";

thread_local! {
    /// What stands in every name, message and kind of the samples besides what is expected there.
    static HOSTILE: RefCell<String> = const { RefCell::new(String::new()) };
}

fn said(text: &str) -> String {
    HOSTILE.with_borrow(|hostile| format!("{text}{hostile}"))
}

fn agent() -> AgentId {
    AgentId::root(&said("s")).child(1)
}

fn refusal() -> Refusal {
    let (wanted, left, policy, closed) = (Some(2), 1, OnRefusal::Fail, false);
    let again = Advice::After(crate::defaults::RETRY);
    Refusal { ancestor: agent(), amount: Amount::Calls, wanted, left, policy, closed, turns_in: None, again }
}

fn failed() -> AgentError {
    AgentError::failed(std::io::Error::other(said("no such file")))
}

/// All variants in a chain: the compiler asks for the place of a new one.
fn after_class(last: Option<FailureClass>) -> Option<FailureClass> {
    use FailureClass as C;
    Some(match last {
        None => C::Failed,
        Some(C::Failed) => C::Bug,
        Some(C::Bug) => C::Overloaded,
        Some(C::Overloaded) => C::OverBudget,
        Some(C::OverBudget) => C::Poisoned,
        Some(C::Poisoned) => C::Killed,
        Some(C::Killed) => C::Stale,
        Some(C::Stale) => C::Deadline,
        Some(C::Deadline) => C::Interrupted,
        Some(C::Interrupted) => C::Stopped,
        Some(C::Stopped) => C::Start,
        Some(C::Start) => return None,
    })
}

fn after_spawn(last: Option<&SpawnError>) -> Option<SpawnError> {
    use SpawnError as E;
    let (parent, agent, name) = (agent(), agent(), said("lead"));
    Some(match last {
        None => E::BadSpec { name, field: said("mailbox"), message: said("it is 0; give at least 1") },
        Some(E::BadSpec { .. }) => E::NameTaken { parent, name },
        Some(E::NameTaken { .. }) => E::AlreadyStarted { agent, name },
        Some(E::AlreadyStarted { .. }) => E::AlreadyPresent { agent, name },
        Some(E::AlreadyPresent { .. }) => E::Fenced { parent, state: AgentState::Stopping },
        Some(E::Fenced { .. }) => E::ScopeOpen { agent, name },
        Some(E::ScopeOpen { .. }) => E::StaleTurn { agent },
        Some(E::StaleTurn { .. }) => E::Cancelled { agent },
        Some(E::Cancelled { .. }) => E::Refused(refusal()),
        Some(E::Refused(_)) => E::MaxChildren { parent, limit: 3 },
        Some(E::MaxChildren { .. }) => E::MaxDepth { ancestor: parent, limit: 5 },
        Some(E::MaxDepth { .. }) => E::MaxLiveAgents { ancestor: parent, limit: 9 },
        Some(E::MaxLiveAgents { .. }) => E::NumbersUsedUp { parent },
        Some(E::NumbersUsedUp { .. }) => E::Start { agent, message: said("no disk") },
        Some(E::Start { .. }) => E::Ignored { agent },
        Some(E::Ignored { .. }) => E::Stopped { agent },
        Some(E::Stopped { .. }) => return None,
    })
}

fn after_ask(last: Option<&AskError<Payload>>) -> Option<AskError<Payload>> {
    use AskError as E;
    let payload = Payload(SECRET);
    Some(match last {
        None => E::Failed(agent(), failed()),
        Some(E::Failed(..)) => E::Poisoned { agent: agent(), errors: vec![failed()] },
        Some(E::Poisoned { .. }) => E::Interrupted(agent()),
        Some(E::Interrupted(_)) => E::Expired(agent()),
        Some(E::Expired(_)) => E::MailboxFull(agent(), payload),
        Some(E::MailboxFull(..)) => E::Stopped(agent(), StopReason::Stopped, Some(payload)),
        Some(E::Stopped(..)) => E::Cancelled(agent()),
        Some(E::Cancelled(_)) => E::Cycle { path: vec![agent(), agent()], task: Some(payload) },
        Some(E::Cycle { .. }) => return None,
    })
}

fn after_question(last: Option<&QuestionError>) -> Option<QuestionError> {
    use QuestionError as E;
    Some(match last {
        None => E::Unanswered { from: agent(), path: vec![AgentId::root(&said("s"))] },
        Some(E::Unanswered { .. }) => E::Failed(agent(), failed()),
        Some(E::Failed(..)) => E::Expired(agent()),
        Some(E::Expired(_)) => E::Cancelled(agent()),
        Some(E::Cancelled(_)) => E::Stopping(agent()),
        Some(E::Stopping(_)) => return None,
    })
}

fn after_replay(last: Option<&ReplayError>) -> Option<ReplayError> {
    use ReplayError as E;
    let letter = TaskId::outside(agent(), 1);
    Some(match last {
        None => E::Unknown(letter),
        Some(E::Unknown(_)) => E::NotKept(letter),
        Some(E::NotKept(_)) => E::OtherTask { letter, agent: agent(), message: said("expected a string") },
        Some(E::OtherTask { .. }) => return None,
    })
}

fn after_effect(last: Option<&EffectError>) -> Option<EffectError> {
    use EffectError as E;
    let (agent, kind) = (agent(), said("model"));
    Some(match last {
        None => E::Failed { agent, kind, error: failed() },
        Some(E::Failed { .. }) => E::OverBudget { agent, kind, refusal: Box::new(refusal()) },
        Some(E::OverBudget { .. }) => {
            let (advice, class) = (Advice::Never, FailureClass::Failed);
            E::Refused { agent, kind, link: said("breaker"), message: said("open"), advice, class }
        }
        Some(E::Refused { .. }) => {
            let why = Beyond::Target(Target::Path(said("/etc/passwd")));
            E::BeyondCeiling { agent, kind, of: AgentId::root(&said("s")), why }
        }
        Some(E::BeyondCeiling { .. }) => {
            let why = Beyond::Target(Target::Command(vec![said("git"), said("push")]));
            E::NotGranted { agent, kind, of: AgentId::root(&said("s")), why }
        }
        Some(E::NotGranted { .. }) => E::Expired { agent, kind },
        Some(E::Expired { .. }) => E::Cancelled { agent, kind },
        Some(E::Cancelled { .. }) => return None,
    })
}

fn after_run(last: Option<&RunError<Payload>>) -> Option<RunError<Payload>> {
    Some(match last {
        None => RunError::Spawn(SpawnError::Stopped { agent: agent() }, Box::new(Payload(SECRET))),
        Some(RunError::Spawn(..)) => RunError::Ask(AskError::MailboxFull(agent(), Payload(SECRET))),
        Some(RunError::Ask(_)) => return None,
    })
}

fn after_lookup(last: Option<&LookupError>) -> Option<LookupError> {
    use LookupError as E;
    let name = said("lead");
    Some(match last {
        None => E::Unknown(name),
        Some(E::Unknown(_)) => E::Ambiguous(name, 2),
        Some(E::Ambiguous(..)) => E::Ended { agent: agent(), reason: StopReason::Done },
        Some(E::Ended { .. }) => E::Forgotten { agent: agent() },
        Some(E::Forgotten { .. }) => E::OtherType { name, found: said("Lead"), wanted: said("Editor") },
        Some(E::OtherType { .. }) => return None,
    })
}

fn after_control(last: Option<&ControlError>) -> Option<ControlError> {
    use ControlError as E;
    Some(match last {
        None => E::Ended { agent: agent(), reason: StopReason::Done },
        Some(E::Ended { .. }) => E::NoBehaviour { agent: agent() },
        Some(E::NoBehaviour { .. }) => E::Pause(after_pause(None)?),
        Some(E::Pause(_)) => E::Resume(after_resume(None)?),
        Some(E::Resume(_)) => E::Grant(after_grant(None)?),
        Some(E::Grant(_)) => E::Narrow(after_narrow(None)?),
        Some(E::Narrow(_)) => return None,
    })
}

fn after_start(last: Option<&StartError>) -> Option<StartError> {
    Some(match last {
        None => StartError::BadField { field: said("permits"), message: said("give at least 1") },
        Some(StartError::BadField { .. }) => StartError::NoRuntime,
        Some(StartError::NoRuntime) => StartError::NoTimers,
        Some(StartError::NoTimers) => return None,
    })
}

fn after_grant(last: Option<&GrantError>) -> Option<GrantError> {
    use GrantError as E;
    let agent = agent();
    Some(match last {
        None => E::Ended { agent },
        Some(E::Ended { .. }) => E::NoBudget { agent },
        Some(E::NoBudget { .. }) => {
            E::Bad { agent, bad: BadBudget { field: "usd", message: said("it is no amount") } }
        }
        Some(E::Bad { .. }) => return None,
    })
}

fn after_narrow(last: Option<&NarrowError>) -> Option<NarrowError> {
    use NarrowError as E;
    let agent = agent();
    Some(match last {
        None => E::Ended { agent },
        Some(E::Ended { .. }) => E::NoCeiling { agent },
        Some(E::NoCeiling { .. }) => {
            E::Bad { agent, bad: BadCeiling { field: "only", message: said("a pattern is empty") } }
        }
        Some(E::Bad { .. }) => return None,
    })
}

fn after_pause(last: Option<&PauseError>) -> Option<PauseError> {
    Some(match last {
        None => PauseError::NotLive { agent: agent(), state: AgentState::Stopping },
        Some(PauseError::NotLive { .. }) => return None,
    })
}

fn after_resume(last: Option<&ResumeError>) -> Option<ResumeError> {
    use ResumeError as E;
    Some(match last {
        None => E::NotPaused { agent: agent(), state: AgentState::Idle },
        Some(E::NotPaused { .. }) => E::HeldAbove { agent: agent(), above: AgentId::root(&said("s")) },
        Some(E::HeldAbove { .. }) => return None,
    })
}

fn after_child(last: Option<&ChildError>) -> Option<ChildError> {
    use ChildError as E;
    let (supervisor, name) = (agent(), said("lead"));
    Some(match last {
        None => E::NotFound { supervisor, name },
        Some(E::NotFound { .. }) => E::Running { supervisor, name },
        Some(E::Running { .. }) => E::Restarting { supervisor, name },
        Some(E::Restarting { .. }) => E::StartFailed { supervisor, name, message: said("no disk") },
        Some(E::StartFailed { .. }) => E::Ending { supervisor },
        Some(E::Ending { .. }) => return None,
    })
}

fn after_change(last: Option<&ChangeError>) -> Option<ChangeError> {
    use ChangeError as E;
    let (supervisor, name) = (agent(), said("lead"));
    Some(match last {
        None => E::Policy { supervisor, why: BadPolicy::Period },
        Some(E::Policy { .. }) => E::Child { supervisor, name, why: BadChild::Backoff },
        Some(E::Child { .. }) => E::NotFound { supervisor, name },
        Some(E::NotFound { .. }) => E::Ended { supervisor },
        Some(E::Ended { .. }) => return None,
    })
}

fn after_amount(last: Option<Amount>) -> Option<Amount> {
    Some(match last {
        None => Amount::Money,
        Some(Amount::Money) => Amount::Tokens,
        Some(Amount::Tokens) => Amount::Calls,
        Some(Amount::Calls) => return None,
    })
}

fn chain<E>(next: impl Fn(Option<&E>) -> Option<E>) -> Vec<E> {
    let mut all = Vec::new();
    while let Some(error) = next(all.last()) {
        all.push(error);
    }
    all
}

/// A row of the table, and how the error shows.
struct Sample {
    name: String,
    advice: String,
    status: String,
    shows: [String; 2],
}

fn sample(name: String, advice: Advice, status: u16, error: &(impl Display + Debug)) -> Sample {
    let advice = match advice {
        Advice::Now => "now".to_owned(),
        Advice::After(pause) => format!("after {} s", pause.as_secs()),
        Advice::Never => "never".to_owned(),
    };
    Sample { name, advice, status: status.to_string(), shows: [error.to_string(), format!("{error:?}")] }
}

/// An error that says what another says.
fn passes_on(name: &str, to: &str, error: &(impl Display + Debug)) -> Sample {
    let to = format!("as its {to}");
    let shows = [error.to_string(), format!("{error:?}")];
    Sample { name: name.to_owned(), advice: to.clone(), status: to, shows }
}

/// The variant's name, as `Debug` begins with it.
fn variant(error: &impl Debug) -> String {
    format!("{error:?}").split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

fn all() -> Vec<Sample> {
    let mut all = Vec::new();
    for class in chain(|last| after_class(last.copied())) {
        let error = AgentError::new(class, said("it failed"));
        let advice = if class == FailureClass::Failed { error.advice() } else { Advice::Never };
        all.push(sample(format!("AgentError {}", class.name()), advice, error.http_status(), &error));
    }
    for error in chain(after_spawn) {
        let name = format!("SpawnError::{}", variant(&error));
        all.push(match &error {
            SpawnError::Refused(_) => passes_on(&name, "Refusal", &error),
            _ => sample(name, error.advice(), error.http_status(), &error),
        });
    }
    for error in chain(after_ask) {
        let name = format!("AskError::{}", variant(&error));
        all.push(match &error {
            AskError::Failed(..) => passes_on(&name, "AgentError", &error),
            _ => sample(name, error.advice(), error.http_status(), &error),
        });
    }
    for error in chain(after_question) {
        let name = format!("QuestionError::{}", variant(&error));
        all.push(match &error {
            QuestionError::Failed(..) => passes_on(&name, "AgentError", &error),
            _ => sample(name, error.advice(), error.http_status(), &error),
        });
    }
    for error in chain(after_replay) {
        let name = format!("ReplayError::{}", variant(&error));
        all.push(sample(name, error.advice(), error.http_status(), &error));
    }
    for error in chain(after_effect) {
        let name = format!("EffectError::{}", variant(&error));
        all.push(match &error {
            EffectError::Failed { .. } => passes_on(&name, "AgentError", &error),
            EffectError::OverBudget { .. } => passes_on(&name, "Refusal", &error),
            _ => sample(name, error.advice(), error.http_status(), &error),
        });
    }
    for error in chain(after_run) {
        let of = if matches!(error, RunError::Spawn(..)) { "SpawnError" } else { "AskError" };
        all.push(passes_on(&format!("RunError::{}", variant(&error)), of, &error));
    }
    for error in chain(after_lookup) {
        let name = format!("LookupError::{}", variant(&error));
        all.push(sample(name, error.advice(), error.http_status(), &error));
    }
    for error in chain(after_control) {
        let variant = variant(&error);
        let name = format!("ControlError::{variant}");
        all.push(match &error {
            ControlError::Ended { .. } | ControlError::NoBehaviour { .. } => {
                sample(name, error.advice(), error.http_status(), &error)
            }
            _ => passes_on(&name, &format!("{variant}Error"), &error),
        });
    }
    for error in chain(after_start) {
        let name = format!("StartError::{}", variant(&error));
        all.push(sample(name, error.advice(), error.http_status(), &error));
    }
    for error in chain(after_grant) {
        let name = format!("GrantError::{}", variant(&error));
        all.push(sample(name, error.advice(), error.http_status(), &error));
    }
    for error in chain(after_narrow) {
        let name = format!("NarrowError::{}", variant(&error));
        all.push(sample(name, error.advice(), error.http_status(), &error));
    }
    for error in chain(after_pause) {
        let name = format!("PauseError::{}", variant(&error));
        all.push(sample(name, error.advice(), error.http_status(), &error));
    }
    for error in chain(after_resume) {
        let name = format!("ResumeError::{}", variant(&error));
        all.push(sample(name, error.advice(), error.http_status(), &error));
    }
    for error in chain(after_child) {
        let name = format!("ChildError::{}", variant(&error));
        all.push(sample(name, error.advice(), error.http_status(), &error));
    }
    for error in chain(after_change) {
        let name = format!("ChangeError::{}", variant(&error));
        all.push(sample(name, error.advice(), error.http_status(), &error));
    }
    for amount in chain(|last| after_amount(last.copied())) {
        let error = Refusal { amount, ..refusal() };
        all.push(sample(format!("Refusal {amount}"), error.advice(), error.http_status(), &error));
    }
    all
}

#[test]
fn every_error_stands_in_the_table_with_its_advice_and_status() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md");
    let text = std::fs::read_to_string(path).unwrap().replace("\r\n", "\n");
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| `")).map(cells).collect();
    for row in &rows {
        assert!(row.len() == 4 && !row[1].is_empty(), "error, when, advice, HTTP status: {row:?}");
    }
    let documented: BTreeSet<_> = rows
        .into_iter()
        .map(|row| (row[0].replace('`', ""), row[2].replace('`', ""), row[3].replace('`', "")))
        .collect();
    let real: BTreeSet<_> =
        all().into_iter().map(|sample| (sample.name, sample.advice, sample.status)).collect();
    let missing: Vec<_> = real.difference(&documented).collect();
    let gone: Vec<_> = documented.difference(&real).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "docs/errors.md lacks {missing:#?}\nand has too much {gone:#?}"
    );
}

proptest! {
    #[test]
    fn an_error_is_one_line_whatever_is_in_its_names_and_messages(
        hostile in prop_oneof![any::<String>(), "[\\PC\\n\\r\\u{85}\\u{2028}\\u{1b}\\u{202e}]{1,8}"],
    ) {
        HOSTILE.set(hostile.clone());
        let all = all();
        let panic = Panic::new(&said("oh"), Some(said("src/lib.rs:1:2")), None);
        let panicked = AgentError::panicked_in(&said("on_help"), panic.clone());
        let receipt = StopReason::Failed { class: FailureClass::Bug, message: said("oh") };
        let others = [panic.to_string(), panicked.to_string(), receipt.to_string(), TaskId::outside(agent(), 1).to_string()];
        HOSTILE.set(String::new());
        for shown in all.iter().flat_map(|sample| &sample.shows).chain(&others) {
            prop_assert!(!shown.contains(breaks_a_line), "{shown:?} for {hostile:?}");
        }
    }
}

#[test]
fn no_error_shows_a_payload_and_each_is_one_line() {
    let secret = Payload(SECRET);
    assert!(secret.0 == SECRET);
    for sample in all() {
        for shown in &sample.shows {
            assert!(!shown.contains(SECRET), "{}: {shown}", sample.name);
            assert!(!shown.is_empty() && !shown.contains('\n'), "{}: {shown}", sample.name);
        }
    }
}

#[test]
fn an_error_that_concerns_an_agent_names_it() {
    let of_agents = [
        "AskError",
        "QuestionError",
        "ReplayError",
        "EffectError",
        "SpawnError",
        "RunError",
        "GrantError",
        "NarrowError",
        "PauseError",
        "ResumeError",
        "ChildError",
        "ChangeError",
        "ControlError",
        "Refusal",
    ];
    for sample in all().into_iter().filter(|sample| of_agents.iter().any(|of| sample.name.starts_with(of))) {
        // A spec that cannot be has no id yet, and is named by its name.
        let is_named = sample.shows[0].contains("s.1") || sample.name == "SpawnError::BadSpec";
        assert!(is_named, "{}: {}", sample.name, sample.shows[0]);
    }
}

#[test]
fn turned_into_an_agents_error_class_advice_and_causes_stay() {
    let mut inner =
        AgentError::failed(std::io::Error::other("disk")).advise(Advice::After(Duration::from_secs(7)));
    inner = AgentError::new(FailureClass::Overloaded, "busy").advise(inner.advice());
    let asked: AgentError = AskError::<Payload>::Failed(agent(), inner.clone()).into();
    assert_eq!((asked.class(), asked.advice()), (FailureClass::Overloaded, inner.advice()));
    let called: AgentError =
        EffectError::Failed { agent: agent(), kind: "model".into(), error: asked.clone() }.into();
    assert_eq!((called.class(), called.advice()), (FailureClass::Overloaded, inner.advice()));
    for error in chain(after_spawn) {
        let (class, advice) = (error.class(), error.advice());
        let run: AgentError = RunError::Spawn(error, Box::new(Payload(SECRET))).into();
        assert_eq!((run.class(), run.advice()), (class, advice));
        assert!(!run.to_string().contains(SECRET));
    }
    for error in chain(after_ask) {
        let (class, advice) = (error.class(), error.advice());
        let own: AgentError = error.into();
        assert_eq!((own.class(), own.advice()), (class, advice));
    }
    let refused: AgentError = refusal().into();
    assert_eq!((refused.class(), refused.advice()), (FailureClass::OverBudget, refusal().advice()));
}
