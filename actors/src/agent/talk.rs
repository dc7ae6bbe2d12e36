//! One task's conversation with the model, up to its answer.

use futures_util::future::join_all;
use skep_runtime::{Advice, AgentError, Context, EffectError};

use super::context::{self, ContextPolicy, Conversation};
use super::{Piece, Plan, Structured, summary, tag};
use crate::defaults;
use crate::model::{CallModel as _, Chunk, End, Message, ModelCall, ModelError, Reply, Request, ToolCall};
use crate::tool::{Output, Toolset};

pub(super) struct Talk<'c> {
    cx: &'c Context,
    plan: &'c Plan,
    tools: &'c Toolset,
    request: Request,
    /// The position of the task among its messages.
    task: usize,
    repairs: u32,
    /// Rounds of calls in a row that gave nothing but errors.
    in_vain: u32,
    has_more_room: bool,
    /// Whether it was reduced because its model had said that the context was too long.
    was_too_long: bool,
}

impl<'c> Talk<'c> {
    /// A conversation that starts with this request, whose last message is the task.
    pub(super) fn new(cx: &'c Context, plan: &'c Plan, tools: &'c Toolset, request: Request) -> Self {
        let (repairs, task) = (plan.repairs, request.messages.len().saturating_sub(1));
        Self {
            cx,
            plan,
            tools,
            request,
            task,
            repairs,
            in_vain: 0,
            has_more_room: false,
            was_too_long: false,
        }
    }

    /// The answer. In a later attempt, what was answered before and not accepted is in the conversation, with the reasons: the
    /// calls of earlier attempts give again what was paid for, so each refused answer comes up in its place.
    pub(super) async fn answer<O: Structured>(mut self) -> Result<O, AgentError> {
        let mut refusals = self.cx.refusals();
        let turns =
            self.plan.max_turns.saturating_add(u32::try_from(self.cx.refusals().count()).unwrap_or(u32::MAX));
        for turn in 0..turns {
            self.make_room().await?;
            let reply = self.think().await?;
            if self.wants_more_room(&reply) {
                continue;
            }
            self.request.messages.push(reply.message());
            if !reply.tool_calls.is_empty() {
                self.act(turn, &reply.tool_calls).await?;
                continue;
            }
            let said = if self.plan.result_tag { tag::between(&reply.text) } else { Ok(reply.text.as_str()) };
            match said.and_then(O::read) {
                Ok(output) => match refusals.next() {
                    None => return Ok(output),
                    Some(reason) => {
                        let text = format!("That was not accepted: {reason}. Answer again, in full.");
                        self.request.messages.push(Message::user(text));
                    }
                },
                Err(problem) if self.repairs > 0 => {
                    self.repairs -= 1;
                    let text = format!("That is not what was asked for: {problem}. Answer again, in full.");
                    self.request.messages.push(Message::user(text));
                }
                Err(problem) => {
                    return Err(AgentError::message(format!(
                        "the model gave no answer of the type that was asked for: {problem}"
                    )));
                }
            }
        }
        Err(AgentError::message(format!("the model has no answer after {} calls", self.plan.max_turns)))
    }

    /// One call of the model, passed on to the asker as it comes. A stream that breaks off is started again, as another
    /// effect.
    async fn think(&mut self) -> Result<Reply, AgentError> {
        let mut left = defaults::MODEL_TRIES;
        loop {
            left -= 1;
            match self.call().await {
                Ok(reply) => return Ok(reply),
                Err((error, _)) if self.may_be_shorter(&error) => {
                    left += 1;
                    self.was_too_long = true;
                    let before = self.request.tokens_about();
                    self.reduce(before / 2).await?;
                    // A larger model may take what cannot be shorter.
                    if self.request.tokens_about() >= before && !self.model().is_route() {
                        return Err(error.into());
                    }
                }
                Err((error, was_told)) => {
                    if left == 0 || !was_told || error.advice() == Advice::Never || self.cx.is_cancelled() {
                        return Err(error.into());
                    }
                    self.cx.tell_asker(Piece::Again);
                }
            }
        }
    }

    /// Makes room if the conversation has reached its limit.
    async fn make_room(&mut self) -> Result<(), AgentError> {
        let known = || self.model().window().map(ContextPolicy::prune);
        let policy = self.plan.context.clone().or_else(known);
        match policy.and_then(|policy| policy.too_long(&self.request)) {
            Some(tokens) => self.reduce(tokens).await,
            None => Ok(()),
        }
    }

    /// Whether the model says, for the first time in this task, that its context is too long.
    fn may_be_shorter(&self, error: &EffectError) -> bool {
        !self.was_too_long && ModelError::is_context_too_long(error)
    }

    /// Reduces the request to this many tokens, as far as possible.
    async fn reduce(&mut self, tokens: u64) -> Result<(), AgentError> {
        let room = context::room(&self.request, tokens);
        let messages = std::mem::take(&mut self.request.messages);
        let mut talk = Conversation { messages, task: self.task };
        if let Some(policy) = &self.plan.context
            && let Some(by) = policy.summariser(&self.plan.model)
        {
            talk = summary::summarise(self.cx, by, policy.most_summarised(), talk, room).await?;
        }
        Conversation { messages: self.request.messages, task: self.task } = context::reduce(talk, room);
        Ok(())
    }

    fn model(&self) -> ModelCall<'_> {
        // The conversation is reduced first, and a larger model is asked only after that.
        let call = self.cx.model(&self.plan.model).larger(self.was_too_long);
        match &self.plan.role {
            Some(role) => call.role(role),
            None => call,
        }
    }

    /// The error comes with whether any part of the answer was passed on.
    async fn call(&self) -> Result<Reply, (EffectError, bool)> {
        let mut stream = self.model().stream(self.request.clone());
        let mut was_told = false;
        while let Some(chunk) = stream.next().await {
            if let Chunk::Text(text) = chunk.map_err(|error| (error, was_told))? {
                was_told = true;
                self.cx.tell_asker(Piece::Text(text));
            }
        }
        let reply = stream.reply().await.map_err(|error| (error, was_told))?;
        if !was_told && !reply.text.is_empty() {
            // An earlier attempt had read the answer: it comes at once.
            self.cx.tell_asker(Piece::Text(reply.text.clone()));
        }
        Ok(reply)
    }

    /// If a call was cut off by the limit on output, it is asked for once more with twice the room.
    fn wants_more_room(&mut self, reply: &Reply) -> bool {
        let is_cut =
            |call: &ToolCall| serde_json::from_str::<serde::de::IgnoredAny>(&call.arguments).is_err();
        let wants =
            reply.end == End::Length && reply.tool_calls.last().is_some_and(is_cut) && !self.has_more_room;
        if wants {
            self.has_more_room = true;
            self.request.max_output_tokens =
                self.request.max_output_tokens.map(|most| most.saturating_mul(2));
            self.cx.tell_asker(Piece::Again);
        }
        wants
    }

    /// Calls tools concurrently, each in its own branch: an attempt after a crash finds each result, whichever call was
    /// first.
    async fn act(&mut self, turn: u32, calls: &[ToolCall]) -> Result<(), AgentError> {
        let (cx, tools) = (self.cx, self.tools);
        let made = calls.iter().enumerate().map(|(number, call)| {
            cx.tell_asker(Piece::Tool { name: call.name.clone() });
            let cx = cx.branch(&format!("call-{turn}-{number}"));
            async move { tools.call(&cx, &call.name, &call.arguments).await }
        });
        let outputs = join_all(made).await.into_iter().collect::<Result<Vec<Output>, _>>()?;
        let all_failed = outputs.iter().all(|output| output.is_error);
        self.in_vain = if all_failed { self.in_vain + 1 } else { 0 };
        if self.in_vain == defaults::AGENT_IN_VAIN
            && let Some(last) = outputs.last()
        {
            let text =
                format!("{} rounds of tool calls in a row failed, the last: {}", self.in_vain, last.text);
            return Err(AgentError::message(text));
        }
        for (call, output) in calls.iter().zip(outputs) {
            self.request.messages.push(Message::tool(call, output.text));
        }
        Ok(())
    }
}
