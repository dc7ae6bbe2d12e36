//! Every error of the runtime, one sample a variant: held against the table of the documentation, and searched for payloads.

mod each;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::{Debug, Display};

use self::each::*;
use super::*;
use crate::words::budget::{BadBudget, OnRefusal};
use crate::words::ceiling::{BadCeiling, Beyond};
use crate::words::child::BadChild;
use crate::words::id::{AgentId, TaskId};
use crate::words::policy::FailureClass;
use crate::words::reach::Target;
use crate::words::refusal::{Amount, Refusal};
use crate::words::state::{AgentState, StopReason};
use crate::words::supervisor::BadPolicy;
use crate::words::text::breaks_a_line;
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
    let again = Advice::After(crate::words::defaults::RETRY);
    Refusal { ancestor: agent(), amount: Amount::Calls, wanted, left, policy, closed, turns_in: None, again }
}

fn failed() -> AgentError {
    AgentError::failed(std::io::Error::other(said("no such file")))
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
