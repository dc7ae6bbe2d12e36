//! What an HTTP status other than success means, together with the provider's code from the body, but never its text.

use std::time::Duration;

use serde_json::Value;

use super::text;
use crate::model::ModelError;

/// Anything longer is not a code.
const CODE: usize = 64;

/// The error for an answer with this status.
pub(crate) fn refusal(status: u16, retry_after: Option<Duration>, body: &[u8]) -> ModelError {
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    let error = ProviderError::of(&body);
    let said = error.said(status);
    match status {
        _ if error.is_too_long() => ModelError::ContextTooLong,
        429 if error.is_quota() => ModelError::QuotaUsedUp,
        429 => ModelError::RateLimited { retry_after },
        402 => ModelError::QuotaUsedUp,
        401 | 403 => ModelError::Unauthorized(said),
        503 | 529 => ModelError::Overloaded { retry_after },
        408 | 500..=599 => ModelError::Failed(said),
        _ => ModelError::Refused(said),
    }
}

/// What both protocols say about an error, in a body or in a stream.
pub(super) struct ProviderError {
    code: Option<String>,
    message: String,
}

impl ProviderError {
    /// `{"error": {"type": .., "code": .., "message": ..}}`, with a type, a code or both.
    pub(super) fn of(body: &Value) -> Self {
        let error = &body["error"];
        let code = [&error["code"], &error["type"]].into_iter().find_map(text);
        let is_code = |code: &String| {
            code.len() <= CODE
                && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        };
        let message = error["message"].as_str().or_else(|| error.as_str()).unwrap_or_default();
        Self { code: code.filter(is_code), message: message.to_ascii_lowercase() }
    }

    fn said(&self, status: u16) -> String {
        match &self.code {
            Some(code) => format!("HTTP {status}, {code}"),
            None => format!("HTTP {status}"),
        }
    }

    fn is_code(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| codes.contains(&code))
    }

    /// OpenAI has a code for this, Anthropic a sentence, and compatible servers use either.
    fn is_too_long(&self) -> bool {
        const SAYS: [&str; 4] =
            ["prompt is too long", "maximum context length", "context window", "input is too long"];
        self.is_code(&["context_length_exceeded"]) || SAYS.iter().any(|says| self.message.contains(says))
    }

    fn is_quota(&self) -> bool {
        self.is_code(&["insufficient_quota", "billing_hard_limit_reached", "credit_balance_too_low"])
    }

    /// The error of a stream that had already started.
    pub(super) fn in_stream(&self) -> ModelError {
        if self.is_too_long() {
            ModelError::ContextTooLong
        } else if self.is_quota() {
            ModelError::QuotaUsedUp
        } else if self.is_code(&["overloaded_error", "server_overloaded", "529", "503"]) {
            ModelError::Overloaded { retry_after: None }
        } else if self.is_code(&["rate_limit_error", "rate_limit_exceeded", "429"]) {
            ModelError::RateLimited { retry_after: None }
        } else {
            let code = self.code.as_deref().unwrap_or("no code");
            ModelError::Failed(format!("an error in the stream, {code}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_runtime::Advice;

    #[test]
    fn each_status_is_an_error_with_its_advice_and_no_text_of_the_providers() {
        let secret = "sk-live-and-the-prompt";
        let body = |error_type: &str, code: &str| {
            let code = if code.is_empty() { Value::Null } else { code.into() };
            serde_json::json!({ "error": { "type": error_type, "code": code, "message": secret } })
                .to_string()
        };
        let after = Some(Duration::from_secs(7));
        let cases = [
            (429, body("x", "rate_limit_exceeded"), ModelError::RateLimited { retry_after: after }),
            (429, body("insufficient_quota", "insufficient_quota"), ModelError::QuotaUsedUp),
            (402, String::new(), ModelError::QuotaUsedUp),
            (
                401,
                body("authentication_error", ""),
                ModelError::Unauthorized("HTTP 401, authentication_error".into()),
            ),
            (403, "<html>".into(), ModelError::Unauthorized("HTTP 403".into())),
            (529, body("overloaded_error", ""), ModelError::Overloaded { retry_after: after }),
            (503, "[]".into(), ModelError::Overloaded { retry_after: after }),
            (400, body("invalid_request_error", "context_length_exceeded"), ModelError::ContextTooLong),
            (404, body("not_found_error", ""), ModelError::Refused("HTTP 404, not_found_error".into())),
            (422, body("a code of <several> words", ""), ModelError::Refused("HTTP 422".into())),
            (500, body("api_error", ""), ModelError::Failed("HTTP 500, api_error".into())),
            (301, String::new(), ModelError::Refused("HTTP 301".into())),
        ];
        for (status, text, error) in cases {
            let got = refusal(status, after, text.as_bytes());
            assert!(got == error && !got.to_string().contains(secret), "{status}: {got:?}");
        }
        let too_long =
            br#"{"error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens"}}"#;
        assert_eq!(refusal(400, None, too_long), ModelError::ContextTooLong);
        assert_eq!(refusal(429, after, b"").advice(), Advice::After(Duration::from_secs(7)));
        assert_eq!(ModelError::QuotaUsedUp.advice(), Advice::Never);
    }
}
