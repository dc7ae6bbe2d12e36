//! What follows from the error of a call: one table, for all that can be called.
//!
//! | error | what follows |
//! |---|---|
//! | rate limit, overloaded, refused by a breaker or another limit | whoever is free first, this one not before it says so |
//! | not reached, silent before the first chunk | another, this one after a pause |
//! | failed, cut | this one once more after a pause, or another that is free sooner |
//! | quota used up, key refused, not permitted, no such model, price unknown | another, this one never again |
//! | longer than the model's context | one with more room, unless the caller wants to make it shorter first |
//! | the request is wrong, over budget, cancelled, out of time | nobody |

use std::time::Duration;

use skep_runtime::{Advice, EffectError};

use crate::model::ModelError;

/// What follows from an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// Whoever is free first; this one not before so long, or a pause.
    Later(Option<Duration>),
    /// Any but this one.
    Never,
    /// One with more room than this one.
    Larger,
    /// Nobody.
    End,
}

impl Reaction {
    /// What follows from an effect's error; `said` is what the model's own error was, where the call has come so far.
    pub(crate) fn to(error: &EffectError, said: Option<&ModelError>) -> Self {
        match (error, said) {
            (EffectError::Failed { .. }, Some(said)) => Self::to_model(said),
            (EffectError::Failed { error, .. }, None) => Self::by(error.advice()),
            (EffectError::Refused { advice, .. }, _) => match advice {
                Advice::Never => Self::Never,
                advice => Self::by(*advice),
            },
            (EffectError::BeyondCeiling { .. } | EffectError::NotGranted { .. }, _) => Self::Never,
            _ => Self::End,
        }
    }

    const fn by(advice: Advice) -> Self {
        match advice {
            Advice::Now => Self::Later(None),
            Advice::After(pause) => Self::Later(Some(pause)),
            Advice::Never => Self::End,
        }
    }

    const fn to_model(error: &ModelError) -> Self {
        match error {
            ModelError::RateLimited { retry_after } | ModelError::Overloaded { retry_after } => {
                Self::Later(*retry_after)
            }
            ModelError::Unreachable(_) | ModelError::Silent(_) | ModelError::Failed(_) | ModelError::Cut => {
                Self::Later(None)
            }
            ModelError::QuotaUsedUp
            | ModelError::Unauthorized(_)
            | ModelError::Unpriced(_)
            | ModelError::Unknown { .. } => Self::Never,
            ModelError::ContextTooLong => Self::Larger,
            ModelError::Refused(_)
            | ModelError::Unscripted(_)
            | ModelError::Unrecorded(_)
            | ModelError::NotRecorded(_) => Self::End,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_runtime::{AgentError, AgentId, FailureClass};

    #[test]
    fn each_error_has_its_reaction() {
        let after = Some(Duration::from_secs(7));
        let cases = [
            (ModelError::RateLimited { retry_after: after }, Reaction::Later(after)),
            (ModelError::Overloaded { retry_after: None }, Reaction::Later(None)),
            (ModelError::Unreachable("no route".into()), Reaction::Later(None)),
            (ModelError::Silent(Duration::from_secs(60)), Reaction::Later(None)),
            (ModelError::Failed("500".into()), Reaction::Later(None)),
            (ModelError::Cut, Reaction::Later(None)),
            (ModelError::QuotaUsedUp, Reaction::Never),
            (ModelError::Unauthorized("401".into()), Reaction::Never),
            (ModelError::Unknown { name: "x".into(), known: vec![] }, Reaction::Never),
            (ModelError::ContextTooLong, Reaction::Larger),
            (ModelError::Refused("400".into()), Reaction::End),
        ];
        let (agent, kind) = (AgentId::root("s"), "model".to_owned());
        for (said, reaction) in cases {
            let error =
                EffectError::Failed { agent: agent.clone(), kind: kind.clone(), error: said.clone().into() };
            assert_eq!(Reaction::to(&error, Some(&said)), reaction, "{said:?}");
        }
        let refused = |advice| EffectError::Refused {
            agent: agent.clone(),
            kind: kind.clone(),
            link: "breaker".into(),
            message: "open".into(),
            advice,
            class: FailureClass::Overloaded,
        };
        assert_eq!(
            Reaction::to(&refused(Advice::After(Duration::ZERO)), None),
            Reaction::Later(Some(Duration::ZERO))
        );
        assert_eq!(Reaction::to(&refused(Advice::Never), None), Reaction::Never);
        let ends = EffectError::Expired { agent: agent.clone(), kind: kind.clone() };
        assert_eq!(Reaction::to(&ends, Some(&ModelError::Cut)), Reaction::End);
        let own = AgentError::new(FailureClass::Failed, "a fault of the lab").advise(Advice::Now);
        let failed = EffectError::Failed { agent, kind, error: own };
        assert_eq!(Reaction::to(&failed, None), Reaction::Later(None));
    }
}
