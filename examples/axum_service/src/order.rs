//! What a client may ask for, looked at before anything is begun: what cannot be is a 400 that says how it could.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use skep::NanoUsd;
use tokio::time::timeout;

use crate::app::App;
use crate::chat::Chat;
use crate::error::ApiError;
use crate::review::Order;
use crate::tenants::Tenant;

/// A request's body, in bytes; a larger one is not read.
pub(crate) const BODY: usize = 256 << 10;
/// Areas of one review, each of which is an agent.
const AREAS: usize = 16;
/// Characters of an area's name, and of an amount.
const NAME: usize = 64;

/// Whoever asks, if the service knows them. Looked up before the body is read.
pub(crate) struct Client(pub(crate) Arc<Tenant>);

impl FromRequestParts<App> for Client {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let unknown = || ApiError::client(StatusCode::NOT_FOUND, "the service has no tenant of this name");
        let Path(name): Path<String> = Path::from_request_parts(parts, app).await.map_err(|_| unknown())?;
        app.tenants.get(&name).map(Self).ok_or_else(unknown)
    }
}

/// An order that can be carried out.
pub(crate) struct Ordered(pub(crate) Order);

impl FromRequest<App> for Ordered {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        checked(body(request, app).await?).map(Self).map_err(|why| bad(&why))
    }
}

/// A chat that can be answered.
pub(crate) struct Asked(pub(crate) Chat);

impl FromRequest<App> for Asked {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let chat: Chat = body(request, app).await?;
        if chat.text.trim().is_empty() {
            return Err(bad("text: there is nothing to answer"));
        }
        cap(&chat.cap).map_err(|why| bad(&why))?;
        Ok(Self(chat))
    }
}

/// A request's body, if it comes in time and is of this type.
async fn body<T: DeserializeOwned>(request: Request, app: &App) -> Result<T, ApiError> {
    match timeout(app.patience, Json::<T>::from_request(request, app)).await {
        Ok(Ok(Json(body))) => Ok(body),
        Ok(Err(rejection)) => Err(unread(&rejection)),
        Err(_) => Err(ApiError::client(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
    }
}

fn bad(why: &str) -> ApiError {
    ApiError::client(StatusCode::BAD_REQUEST, why)
}

/// What is wrong with a body: that it is JSON and no order is the client's mistake as much as that it is not JSON.
fn unread(rejection: &JsonRejection) -> ApiError {
    let status = match rejection.status() {
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        other => other,
    };
    // It may quote what was sent.
    let why: String = rejection.body_text().chars().filter(|c| is_plain(*c)).take(300).collect();
    ApiError::client(status, &why)
}

fn checked(mut order: Order) -> Result<Order, String> {
    if order.text.trim().is_empty() {
        return Err("text: there is nothing to review".to_owned());
    }
    if order.areas.is_empty() || order.areas.len() > AREAS {
        return Err(format!("areas: name 1 to {AREAS} areas"));
    }
    for area in &mut order.areas {
        *area = area.trim().to_owned();
        if area.is_empty() || area.chars().count() > NAME || !area.chars().all(is_plain) {
            return Err(format!("areas: a name must have 1 to {NAME} characters, all of them visible"));
        }
    }
    let names: BTreeSet<_> = order.areas.iter().collect();
    if names.len() < order.areas.len() {
        return Err("areas: an area is named twice".to_owned());
    }
    cap(&order.cap)?;
    Ok(order)
}

/// Whether this is an amount that something can be done for.
fn cap(written: &str) -> Result<(), String> {
    match written.parse::<NanoUsd>() {
        Ok(NanoUsd::ZERO) => Err("cap: it must be more than zero".to_owned()),
        Ok(_) if written.len() <= NAME => Ok(()),
        _ => Err("cap: write it in dollars, such as \"0.05\"".to_owned()),
    }
}

/// Whether a character shows as itself: no control, no line or paragraph break, nothing that turns or hides others.
fn is_plain(c: char) -> bool {
    let hides = matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !c.is_control() && !hides
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(areas: &[&str], cap: &str) -> Result<Order, String> {
        let areas = areas.iter().map(|area| (*area).to_owned()).collect();
        checked(Order { text: "fn main() {}".into(), areas, cap: cap.into() })
    }

    #[test]
    fn an_order_that_can_be_carried_out_is_taken_as_it_is() {
        let taken = order(&[" security ", "caf\u{e9} \u{1f41d}"], "$0.05").unwrap();
        assert_eq!(taken.areas, ["security", "caf\u{e9} \u{1f41d}"]);
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_field_and_the_way_out() {
        let many = vec!["x"; AREAS + 1];
        let long = "x".repeat(NAME + 1);
        for areas in [
            &[][..],
            &[""],
            &["ok", " \t "],
            &["a", "a"],
            &["a", " a"],
            &["line\nbreak"],
            &["nul\0"],
            &["\u{202e}txt"],
            &["zero\u{200b}width"],
            &["line\u{2028}separator"],
            &[&long],
            &many,
        ] {
            let why = order(areas, "0.05").unwrap_err();
            assert!(why.starts_with("areas: "), "{areas:?}: {why}");
        }
        let digits = format!("0.{}", "0".repeat(99));
        for cap in ["", "0", "0.000", "-1", "NaN", "1e9", "two", "99999999999999999999999", &digits] {
            let why = order(&["a"], cap).unwrap_err();
            assert!(why.starts_with("cap: "), "{cap}: {why}");
        }
        let blank = Order { text: " \n".into(), areas: vec!["a".into()], cap: "1".into() };
        assert!(checked(blank).unwrap_err().starts_with("text: "));
    }
}
