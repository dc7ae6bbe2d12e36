//! Spans: each piece of an agent's work is one, under what asked for it. So one request is one trace, whoever works for it.
//!
//! `docs/observability.md` has their names and fields. Where nobody keeps a trace a span is three words of nothing.

use tracing::Span;
use tracing::field::Empty;

use crate::engine::seat::Seat;
use crate::engine::turn::Turn;
use crate::env::fault::Phase;
use crate::words::event::Outcome;
use crate::words::id::TaskId;

/// The handling of a task, under what asked for it.
pub(crate) fn of_turn(seat: &Seat, task: &TaskId, asked_in: Option<&Span>) -> Span {
    tracing::info_span!(
        target: "skep",
        parent: asked_in.and_then(Span::id),
        "turn",
        agent = %seat.id,
        name = &*seat.name,
        agent_type = seat.body.agent_type(),
        incarnation = seat.incarnation(),
        task = %task,
        attempt = Empty,
        outcome = Empty,
        otel.name = %format_args!("invoke_agent {}", seat.name),
        otel.status_code = Empty,
        gen_ai.operation.name = "invoke_agent",
        gen_ai.agent.id = %seat.id,
        gen_ai.agent.name = &*seat.name,
    )
}

/// A start or a stop hook, under what brings it about.
pub(crate) fn of_part(seat: &Seat, phase: Phase) -> Span {
    let (agent, name, incarnation) = (&seat.id, &*seat.name, seat.incarnation());
    if phase == Phase::Stop {
        tracing::info_span!(target: "skep", "stop", %agent, name, incarnation)
    } else {
        tracing::info_span!(target: "skep", "start", %agent, name, incarnation)
    }
}

/// The answering of another agent's question, under the turn that asks.
pub(crate) fn of_question(seat: &Seat, asking: &Span) -> Span {
    let (agent, name, incarnation) = (&seat.id, &*seat.name, seat.incarnation());
    tracing::info_span!(target: "skep", parent: asking.id(), "question", %agent, name, incarnation)
}

/// An effect of a turn. What calls a model or a tool says more of it in its call, under the names that OpenTelemetry has for it: they are
/// declared here, since a span takes no others later.
pub(crate) fn of_effect(turn: &Turn, kind: &str) -> Span {
    let (agent, name) = (&turn.seat.id, &*turn.seat.name);
    tracing::info_span!(
        target: "skep",
        parent: here(Some(turn)).id(),
        "effect",
        kind,
        %agent,
        name,
        outcome = Empty,
        otel.name = Empty,
        otel.status_code = Empty,
        gen_ai.operation.name = Empty,
        gen_ai.provider.name = Empty,
        gen_ai.request.model = Empty,
        gen_ai.request.max_tokens = Empty,
        gen_ai.response.finish_reasons = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        gen_ai.input.messages = Empty,
        gen_ai.output.messages = Empty,
        gen_ai.tool.name = Empty,
    )
}

/// What the code that is running now is filed under: its own span, or that of the turn in whose name it acts.
pub(crate) fn here(turn: Option<&Turn>) -> Span {
    let here = Span::current();
    match turn {
        Some(turn) if here.is_disabled() => turn.span.clone(),
        _ => here,
    }
}

/// The turn has its task.
pub(crate) fn begins(turn: &Span, attempt: u32) {
    turn.record("attempt", attempt);
}

/// The turn's task has its outcome.
pub(crate) fn ends(turn: &Span, outcome: Outcome) {
    if !turn.is_disabled() {
        turn.record("outcome", tracing::field::display(outcome));
        turn.record("otel.status_code", if outcome == Outcome::Done { "OK" } else { "ERROR" });
    }
}

/// The effect is over.
pub(crate) fn effect_ends(effect: &Span, end: crate::words::event::EffectEnd) {
    effect.record("outcome", end.name());
    effect
        .record("otel.status_code", if end == crate::words::event::EffectEnd::Done { "OK" } else { "ERROR" });
}
