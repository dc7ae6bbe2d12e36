//! Permissions as links of the chain: one decides, and one asks.

use std::sync::Arc;

use serde_json::json;
use skep_runtime::effect::{Admitted, Admitting, Denied, Link, Request, Stage};

use super::{Asking, Permissions, Say, Then};

/// Denies.
pub(super) struct Permits(pub(super) Arc<Permissions>);

impl Link for Permits {
    fn name(&self) -> &str {
        "permissions"
    }

    fn stage(&self) -> Stage {
        Stage::Permission
    }

    fn check(&self) -> Result<(), String> {
        self.0.check()
    }

    fn admit<'a>(&'a self, request: &'a Request<'a>) -> Admitting<'a> {
        let decided = match self.0.decide(&Asking::from(request)) {
            Then::Allow => Ok(Admitted::free()),
            Then::Deny => Err(Denied::new(format!("{} on {} is not permitted", request.kind, request.reach))),
            Then::Ask if self.0.approvals.is_none() => {
                let text = format!(
                    "{} on {} needs an approval, and nobody can be asked",
                    request.kind, request.reach
                );
                Err(Denied::new(text))
            }
            Then::Ask => Ok(Admitted::free()),
        };
        Box::pin(std::future::ready(decided))
    }
}

/// Asks.
pub(super) struct Approves(pub(super) Arc<Permissions>);

impl Link for Approves {
    fn name(&self) -> &str {
        "approvals"
    }

    fn stage(&self) -> Stage {
        Stage::Approval
    }

    fn admit<'a>(&'a self, request: &'a Request<'a>) -> Admitting<'a> {
        Box::pin(async move {
            let Some(approvals) = &self.0.approvals else { return Ok(Admitted::free()) };
            if self.0.decide(&Asking::from(request)) != Then::Ask || approvals.knows(request) {
                return Ok(Admitted::free());
            }
            let (kind, on) = (request.kind, request.reach.to_string());
            request.record("approval_asked", 1, json!({ "kind": kind, "on": on, "path": request.path() }));
            let (say, in_time) = approvals.ask(request).await;
            request.record(
                "approval_answered",
                1,
                json!({ "kind": kind, "on": on, "say": say, "in_time": in_time }),
            );
            // The mode may have changed in the meantime, so that the effect is denied now.
            if self.0.decide(&Asking::from(request)) == Then::Deny {
                return Err(Denied::new(format!("{kind} on {on} is not permitted any more")));
            }
            match say {
                Say::No if in_time => Err(Denied::new(format!("{kind} on {on} was not approved"))),
                Say::No => Err(Denied::new(format!("{kind} on {on} was not approved in time"))),
                Say::Once | Say::Swarm | Say::Always => Ok(Admitted::free()),
            }
        })
    }
}
