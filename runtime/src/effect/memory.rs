//! Results that an attempt at a task has paid for, for the next attempt to have.
//!
//! Only where the agent's restart mode is to resume. They are kept with the task, under the key of what was begun, until it
//! has its outcome; so what is kept is bounded by what one task does.
//!
//! What cannot be kept is said when it is made, and counts as what may happen only once: the task does not come again by
//! itself, since its next attempt would pay again. What can be is given to the turn as it was read back, so that this attempt
//! has what the next one would have.

use std::any::Any;
use std::sync::Arc;

use super::Effect;
use crate::agent::Message;
use crate::asked::Begun;
use crate::engine::quiet::caught;
use crate::error::EffectError;
use crate::event::What;
use crate::kept::{self, NotKept};
use crate::key::{About, Digest, Key, Standing};
use crate::policy::RestartMode;

/// What names an effect among those of its task, without its number.
pub(super) struct Place {
    branch: Option<Arc<str>>,
    name: InputName,
    /// Of the kind and the input, where somebody wants it.
    digest: Option<Digest>,
}

enum InputName {
    /// Nothing is kept.
    None,
    Digest(Digest),
    /// Something would be kept, and its input does not even describe itself.
    Unknown,
}

impl Place {
    pub(super) fn of(
        mode: RestartMode,
        is_wanted: bool,
        branch: Option<&Arc<str>>,
        kind: &str,
        input: &impl serde::Serialize,
    ) -> Self {
        let resumes = mode == RestartMode::Resume;
        // A user's code describes the input: one that panics there has described nothing.
        let digest =
            (resumes || is_wanted).then(|| caught(|| Digest::of(kind, input)).ok().flatten()).flatten();
        let name = match digest {
            _ if !resumes => InputName::None,
            Some(digest) => InputName::Digest(digest),
            None => InputName::Unknown,
        };
        Self { branch: branch.cloned(), name, digest }
    }

    pub(super) const fn digest(&self) -> Option<Digest> {
        self.digest
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
    /// Something of it would be kept, if there were a name for it.
    Unnamed,
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
        let Some(asked) = self.turn.asked() else { return Ok(Recalled::Never) };
        let digest = match self.place.name {
            InputName::None => return Ok(Recalled::Never),
            InputName::Unknown => return Ok(Recalled::Unnamed),
            InputName::Digest(digest) => digest,
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
            // It was another type's: it is made again.
            asked.spend(&key);
        }
    }

    /// Keeps a result for the next attempt, and gives it as that will have it; or says that it cannot.
    pub(super) fn keep<T: Message>(&self, key: Key, value: T) -> T {
        // A user's code writes it: a panic there is not to cost the turn what it has just paid for.
        let kept = caught(|| kept::write(&value));
        match kept.unwrap_or(Err("its own code panicked when it was written")) {
            Ok((text, back)) => {
                if let Some(asked) = self.turn.asked() {
                    asked.enter(key, Arc::new(Done(text)));
                }
                back
            }
            Err(why) => {
                self.cannot_keep(why);
                value
            }
        }
    }

    /// There will be no next attempt by itself: it would make this once more.
    pub(super) fn cannot_keep(&self, why: NotKept) {
        self.turn.set_once_begun();
        if self.turn.is_open() {
            self.turn.note(What::ResultNotKept { kind: self.kind.clone(), why: why.to_owned() });
        }
    }
}
