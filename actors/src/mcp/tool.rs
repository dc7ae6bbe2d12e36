//! A server's tool as agents use it: a call is an effect of the calling agent, made on the current connection.

use std::io;
use std::sync::Arc;

use rmcp::ServiceError;
use serde_json::{Map, Value};
use skep_runtime::text::one_line;
use skep_runtime::{Advice, AgentError, Call, Env, Reach};
use tokio::sync::oneshot;

use super::ask;
use super::content;
use super::door::{AFTER, Door, Up};
use super::table::Row;
use super::words::brief;
use crate::tool::{AnyTool, Card, Output, Prepared, ToolError};

pub(super) struct McpTool {
    door: Arc<Door>,
    row: Row,
}

impl McpTool {
    pub(super) fn new(door: &Arc<Door>, row: Row) -> Self {
        Self { door: Arc::clone(door), row }
    }

    async fn call(&self, arguments: Map<String, Value>, call: Call) -> Result<Output, ToolError> {
        loop {
            let up = self.door.up(&call).await.map_err(ToolError::Failed)?;
            match self.ask(&up, arguments.clone(), &call).await {
                Some(Ok(result)) => return Ok(content::read(&result, self.row.card.most_output)),
                Some(Err(ServiceError::McpError(error))) => {
                    return Err(ToolError::said(format!("the server refused it: {}", brief(&error.message))));
                }
                // A line that was not written completely was not read: the next incarnation gets the call.
                Some(Err(ServiceError::TransportSend(error))) if error.error.is::<io::Error>() => {
                    self.left(up, &call).await;
                }
                Some(Err(ServiceError::TransportSend(error))) => {
                    return Err(ToolError::Failed(self.unasked(&error.error.to_string())));
                }
                Some(Err(ServiceError::TransportClosed)) | None => {
                    self.left(up, &call).await;
                    return Err(ToolError::Failed(self.cut()));
                }
                Some(Err(error)) => return Err(ToolError::Failed(self.unasked(&error.to_string()))),
            }
        }
    }

    /// Asks on a connection; returns none if the connection ends meanwhile.
    async fn ask(
        &self,
        up: &Up,
        arguments: Map<String, Value>,
        call: &Call,
    ) -> Option<Result<Value, ServiceError>> {
        // When the work outside runs on another thread, only this channel tells it that we were dropped, as the effect's
        // clock stands still.
        let (_waits, given_up) = oneshot::channel::<()>();
        let left = call.deadline().since(call.env().now());
        let (peer, name) = (up.peer.clone(), self.row.name.clone());
        let asking = call.outside(async move {
            tokio::select! {
                biased;
                answer = Env::at_most_outside(left, ask::call(&peer, name, arguments)) => answer,
                _ = given_up => None,
            }
        });
        let waiting = self.door.calls.begin();
        tokio::select! {
            biased;
            answer = asking => match answer {
                Some(answer) => {
                    waiting.answered();
                    Some(answer)
                }
                // The effect has its own deadline, and reports it itself.
                None => std::future::pending().await,
            },
            () = self.door.left(up) => None,
        }
    }

    /// Waits until the end of a connection is reported with its reason. That takes real time.
    async fn left(&self, up: Up, call: &Call) {
        let door = Arc::clone(&self.door);
        call.outside(async move { Env::at_most_outside(AFTER, door.left(&up)).await }).await;
    }

    fn unasked(&self, why: &str) -> AgentError {
        let name = self.door.name().unwrap_or_default();
        let error = AgentError::message(format!("the server {name} gave no answer: {}", brief(why)));
        error.advise(Advice::After(AFTER))
    }

    fn cut(&self) -> AgentError {
        self.door.down("ended during the call, and what became of it is unknown")
    }
}

impl AnyTool for McpTool {
    fn card(&self) -> &Card {
        &self.row.card
    }

    fn schema(&self) -> Value {
        self.row.schema.clone()
    }

    /// Only checks that the arguments are an object; the rest is left to the server, since its schema may use more than
    /// we read.
    fn prepare(self: Arc<Self>, arguments: &str) -> Result<Prepared, ToolError> {
        let text = if arguments.trim().is_empty() { "{}" } else { arguments };
        let arguments: Value = serde_json::from_str(text).map_err(|error| {
            ToolError::said(format!("the arguments are not JSON: {}", one_line(&error.to_string())))
        })?;
        let reach = self.row.reaches.as_ref().map_or(Reach::Unknown, |reaches| reaches(&arguments));
        let Value::Object(arguments) = arguments else {
            return Err(ToolError::said("the arguments are no object"));
        };
        Ok(Prepared::new(reach, move |call| {
            let (tool, arguments) = (Arc::clone(&self), arguments.clone());
            async move { tool.call(arguments, call).await }
        }))
    }
}
