//! Results that an attempt at a task has paid for, for the next attempt to have.
//!
//! Only where the agent's restart mode is to resume. They are kept with the task, under the key of what was begun, until it
//! has its outcome; so what is kept is bounded by what one task does.

use std::any::Any;
use std::sync::Arc;

use super::Effect;
use crate::agent::Message;
use crate::asked::Begun;
use crate::engine::quiet::caught;
use crate::error::EffectError;
use crate::event::What;
use crate::key::{About, Digest, Key, Standing};
use crate::policy::RestartMode;

/// What names an effect among those of its task, without its number.
pub(super) struct Place {
    branch: Option<Arc<str>>,
    digest: Option<Digest>,
}

impl Place {
    pub(super) fn of(
        mode: RestartMode,
        branch: Option<&Arc<str>>,
        kind: &str,
        input: &impl serde::Serialize,
    ) -> Self {
        let digest = if mode == RestartMode::Resume { Digest::of(kind, input) } else { None };
        Self { branch: branch.cloned(), digest }
    }
}

/// A result, as JSON.
struct Done(Vec<u8>);

impl Begun for Done {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn standing(&self) -> Standing {
        Standing::Holds
    }

    fn has_failed(&self) -> bool {
        false
    }

    fn withdraw(&self) {}
}

/// What an earlier attempt has left under an effect's key.
pub(super) enum Recalled<T> {
    /// Nothing is kept of such: its agent does not resume, or it is made by a start or a hook.
    Never,
    Nothing(Key),
    Result(T),
}

impl Effect {
    /// The key under which its result is kept, or the result that an earlier attempt has left there.
    ///
    /// # Errors
    /// As an effect that may not begin.
    pub(super) async fn recall<T: Message>(&self) -> Result<Recalled<T>, EffectError> {
        const KIND: &str = "effect";
        let (Some(asked), Some(digest)) = (self.turn.asked(), self.place.digest) else {
            return Ok(Recalled::Never);
        };
        self.turn.parked().await;
        self.may_begin()?;
        let about = About { branch: self.place.branch.clone(), kind: KIND, digest };
        loop {
            let (key, held) = asked.next(&about, |begun| begun.as_any().is::<Done>());
            let held = held.as_ref().and_then(|held| held.as_any().downcast_ref::<Done>());
            let Some(Done(text)) = held else { return Ok(Recalled::Nothing(key)) };
            // A user's code reads it; one that panics reads nothing.
            if let Ok(Ok(value)) = caught(|| serde_json::from_slice(text)) {
                self.turn.note(What::EffectRecalled { kind: self.kind.clone() });
                return Ok(Recalled::Result(value));
            }
            // It was another type's, or is no JSON that can be read back: it is made again.
            asked.spend(&key);
        }
    }

    /// Keeps a result for the next attempt.
    pub(super) fn keep(&self, key: Key, value: &impl Message) {
        // A user's code writes it: a panic there is not to cost the turn what it has just paid for.
        if let (Some(asked), Ok(Ok(text))) = (self.turn.asked(), caught(|| serde_json::to_vec(value))) {
            asked.enter(key, Arc::new(Done(text)));
        }
    }
}
