//! Requests to a server. A dropped request is cancelled: the server is told that nobody waits for its answer.

use futures_util::FutureExt as _;
use rmcp::ServiceError;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CancelledNotification, CancelledNotificationParam, ClientRequest,
    JsonObject, ListToolsRequest, PaginatedRequestParams, PingRequest, RequestId,
};
use rmcp::service::{Peer, PeerRequestOptions, RoleClient};
use serde_json::Value;

use super::listed::Listed;
use super::words::brief;

/// Cancels the request when it is dropped.
struct Asked<'p> {
    peer: &'p Peer<RoleClient>,
    id: Option<RequestId>,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else { return };
        let params = CancelledNotificationParam::new(Some(id), Some("nobody waits for it".to_owned()));
        let notification = CancelledNotification::new(params);
        // The first poll puts it into the queue. If the queue is full, the server is not reading anyway.
        self.peer.send_notification(notification.into()).now_or_never();
    }
}

/// Calls a tool.
pub(super) async fn call(
    peer: &Peer<RoleClient>,
    name: String,
    arguments: JsonObject,
) -> Result<Value, ServiceError> {
    let params = CallToolRequestParams::new(name).with_arguments(arguments);
    ask(peer, ClientRequest::CallToolRequest(CallToolRequest::new(params))).await
}

/// Asks for a sign of life; any answer counts.
pub(super) async fn ping(peer: &Peer<RoleClient>) {
    ask(peer, ClientRequest::PingRequest(PingRequest::default())).await.ok();
}

/// Reads the list of tools, page by page.
pub(super) async fn list(peer: &Peer<RoleClient>) -> Result<Listed, String> {
    let mut listed = Listed::default();
    if peer.peer_info().is_some_and(|info| info.capabilities.tools.is_none()) {
        return Ok(listed);
    }
    let mut cursor = None;
    loop {
        let params = PaginatedRequestParams::default().with_cursor(cursor);
        let request = ClientRequest::ListToolsRequest(ListToolsRequest::with_param(params));
        let page = ask(peer, request).await;
        let page =
            page.map_err(|error| format!("it does not list its tools: {}", brief(&error.to_string())))?;
        cursor = listed.page(&page)?;
        if cursor.is_none() {
            return Ok(listed);
        }
    }
}

/// The result is read as JSON, so that fields beyond the protocol are not lost.
async fn ask(peer: &Peer<RoleClient>, request: ClientRequest) -> Result<Value, ServiceError> {
    let asked = peer.send_request_with_option(request, PeerRequestOptions::no_options()).await?;
    let mut guard = Asked { peer, id: Some(asked.id.clone()) };
    let answer = asked.await_response().await;
    guard.id = None;
    Ok(serde_json::to_value(answer?).unwrap_or_default())
}
