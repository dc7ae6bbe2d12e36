//! One of each variant, by the one before it: a variant that is new does not compile until it stands here.

use super::*;

/// All variants in a chain: the compiler asks for the place of a new one.
pub(super) fn after_class(last: Option<FailureClass>) -> Option<FailureClass> {
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

pub(super) fn after_spawn(last: Option<&SpawnError>) -> Option<SpawnError> {
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

pub(super) fn after_ask(last: Option<&AskError<Payload>>) -> Option<AskError<Payload>> {
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

pub(super) fn after_question(last: Option<&QuestionError>) -> Option<QuestionError> {
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

pub(super) fn after_replay(last: Option<&ReplayError>) -> Option<ReplayError> {
    use ReplayError as E;
    let letter = TaskId::outside(agent(), 1);
    Some(match last {
        None => E::Unknown(letter),
        Some(E::Unknown(_)) => E::NotKept(letter),
        Some(E::NotKept(_)) => E::OtherTask { letter, agent: agent(), message: said("expected a string") },
        Some(E::OtherTask { .. }) => return None,
    })
}

pub(super) fn after_effect(last: Option<&EffectError>) -> Option<EffectError> {
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

pub(super) fn after_run(last: Option<&RunError<Payload>>) -> Option<RunError<Payload>> {
    Some(match last {
        None => RunError::Spawn(SpawnError::Stopped { agent: agent() }, Box::new(Payload(SECRET))),
        Some(RunError::Spawn(..)) => RunError::Ask(AskError::MailboxFull(agent(), Payload(SECRET))),
        Some(RunError::Ask(_)) => return None,
    })
}

pub(super) fn after_lookup(last: Option<&LookupError>) -> Option<LookupError> {
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

pub(super) fn after_control(last: Option<&ControlError>) -> Option<ControlError> {
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

pub(super) fn after_start(last: Option<&StartError>) -> Option<StartError> {
    Some(match last {
        None => StartError::BadField { field: said("permits"), message: said("give at least 1") },
        Some(StartError::BadField { .. }) => StartError::NoRuntime,
        Some(StartError::NoRuntime) => StartError::NoTimers,
        Some(StartError::NoTimers) => return None,
    })
}

pub(super) fn after_grant(last: Option<&GrantError>) -> Option<GrantError> {
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

pub(super) fn after_narrow(last: Option<&NarrowError>) -> Option<NarrowError> {
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

pub(super) fn after_pause(last: Option<&PauseError>) -> Option<PauseError> {
    Some(match last {
        None => PauseError::NotLive { agent: agent(), state: AgentState::Stopping },
        Some(PauseError::NotLive { .. }) => return None,
    })
}

pub(super) fn after_resume(last: Option<&ResumeError>) -> Option<ResumeError> {
    use ResumeError as E;
    Some(match last {
        None => E::NotPaused { agent: agent(), state: AgentState::Idle },
        Some(E::NotPaused { .. }) => E::HeldAbove { agent: agent(), above: AgentId::root(&said("s")) },
        Some(E::HeldAbove { .. }) => return None,
    })
}

pub(super) fn after_child(last: Option<&ChildError>) -> Option<ChildError> {
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

pub(super) fn after_change(last: Option<&ChangeError>) -> Option<ChangeError> {
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

pub(super) fn after_amount(last: Option<Amount>) -> Option<Amount> {
    Some(match last {
        None => Amount::Money,
        Some(Amount::Money) => Amount::Tokens,
        Some(Amount::Tokens) => Amount::Calls,
        Some(Amount::Calls) => return None,
    })
}
