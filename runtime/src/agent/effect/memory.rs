//! Results that an attempt at a task has paid for, for the next attempt to have.
//!
//! Only where the agent's restart mode is to resume. They are kept with the task, under the key of what was begun, until it
//! has its outcome; so what is kept is bounded by what one task does.
//!
//! What cannot be kept is said when it is made, and counts as what may happen only once: the task does not come again by
//! itself, since its next attempt would pay again. What can be is given to the turn as it was read back, so that this attempt
//! has what the next one would have.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;

use super::Effect;
use crate::agent::Message;
use crate::decide::kept::{self, NotKept};
use crate::decide::key::{About, Digest, Key, Standing};
use crate::engine::turn::Turn;
use crate::engine::turn::asked::Remembered;
use crate::env::quiet::caught;
use crate::words::error::EffectError;
use crate::words::event::What;
use crate::words::policy::RestartMode;

/// What names an effect, or whatever else is remembered, among those of its task, without its number.
pub(super) struct EffectPlace {
    branch: Option<Arc<str>>,
    name: InputName,
    /// Of the kind and the input, where somebody wants it.
    digest: Option<Digest>,
    /// Any result under its name will do, whatever its number.
    pub(super) is_alternative: bool,
}

enum InputName {
    /// Nothing is kept.
    None,
    Digest(Digest),
    /// Something would be kept, and its input does not even describe itself.
    Unknown,
}

impl EffectPlace {
    pub(super) fn of(
        turn: &Turn,
        branch: Option<&Arc<str>>,
        kind: &str,
        input: &impl serde::Serialize,
        is_wanted: bool,
    ) -> Self {
        let resumes = turn.seat.policies.restart_mode == RestartMode::Resume;
        let is_wanted = resumes || is_wanted;
        // A user's code describes the input: one that panics there has described nothing.
        let digest = is_wanted.then(|| caught(|| Digest::of(kind, input)).ok().flatten()).flatten();
        let name = match digest {
            _ if !resumes => InputName::None,
            Some(digest) => InputName::Digest(digest),
            None => InputName::Unknown,
        };
        Self { branch: branch.cloned(), name, digest, is_alternative: false }
    }

    pub(super) const fn digest(&self) -> Option<Digest> {
        self.digest
    }
}

/// A result, as JSON.
struct Done(Vec<u8>);

impl Remembered for Done {
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

/// What the attempts at a turn's task have had under one name.
pub(crate) struct Memory<'t> {
    turn: &'t Arc<Turn>,
    place: EffectPlace,
    kind: &'t str,
}

impl<'t> Memory<'t> {
    pub(crate) fn of(
        turn: &'t Arc<Turn>,
        branch: Option<&Arc<str>>,
        kind: &'t str,
        input: &impl serde::Serialize,
    ) -> Self {
        Self { turn, place: EffectPlace::of(turn, branch, kind, input, true), kind }
    }

    /// The same, kept whatever the agent's restart mode, as asks are: what hangs on them has to last as long.
    pub(crate) fn of_asks(
        turn: &'t Arc<Turn>,
        branch: Option<&Arc<str>>,
        kind: &'t str,
        input: &impl serde::Serialize,
    ) -> Self {
        let mut memory = Self::of(turn, branch, kind, input);
        memory.place.name = memory.place.digest.map_or(InputName::Unknown, InputName::Digest);
        memory
    }

    /// Does something once for all attempts. It is given a branch of its own: what it has begun is not counted with what is begun
    /// beside it, where it is not done again.
    pub(crate) async fn memo<T, E, F, Fut>(self, cancelled: impl Fn() -> E, work: F) -> Result<T, E>
    where
        T: Message,
        F: FnOnce(String) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        const KIND: &str = "memo";
        self.turn.parked().await;
        if !self.turn.is_open() || self.turn.cancel.is_raised() {
            return Err(cancelled());
        }
        let branch = |key: &Key| key.to_string();
        match recall(self.turn, &self.place, KIND, self.kind) {
            Recalled::Result(value) => Ok(value),
            Recalled::Nothing(key) => {
                let value = work(branch(&key)).await?;
                Ok(keep(self.turn, key, self.kind, value))
            }
            Recalled::Unnamed => {
                let done = work(self.kind.to_owned()).await;
                cannot_keep(self.turn, self.kind, "its input cannot be serialised");
                done
            }
            // What it asks has keys all the same.
            Recalled::Never => {
                let key = self.turn.asked().zip(self.place.digest).map(|(asked, digest)| {
                    let about = About { branch: self.place.branch.clone(), kind: KIND, digest };
                    asked.next(&about, |_| false).0
                });
                work(key.as_ref().map_or_else(|| self.kind.to_owned(), branch)).await
            }
        }
    }
}

/// The key under which a result is kept, or the result that an earlier attempt has left there.
fn recall<T: Message>(turn: &Turn, place: &EffectPlace, sort: &'static str, kind: &str) -> Recalled<T> {
    let Some(asked) = turn.asked() else { return Recalled::Never };
    let digest = match place.name {
        InputName::None => return Recalled::Never,
        InputName::Unknown => return Recalled::Unnamed,
        InputName::Digest(digest) => digest,
    };
    let about = About { branch: place.branch.clone(), kind: sort, digest };
    let is_done = |begun: &dyn Remembered| begun.as_any().is::<Done>();
    loop {
        let (key, held) = if place.is_alternative {
            asked.next_of_any(&about, is_done)
        } else {
            asked.next(&about, is_done)
        };
        let held = held.as_ref().and_then(|held| held.as_any().downcast_ref::<Done>());
        let Some(Done(text)) = held else { return Recalled::Nothing(key) };
        // A user's code reads it; one that panics reads nothing.
        if let Ok(Ok(value)) = caught(|| serde_json::from_slice(text)) {
            turn.note(What::EffectRecalled { kind: kind.to_owned() });
            return Recalled::Result(value);
        }
        // It was another type's: it is made again.
        asked.spend(&key);
    }
}

/// Keeps a result for the next attempt, and gives it as that will have it; or says that it cannot.
fn keep<T: Message>(turn: &Turn, key: Key, kind: &str, value: T) -> T {
    // A user's code writes it: a panic there is not to cost the turn what it has just paid for.
    let kept = caught(|| kept::write(&value));
    match kept.unwrap_or(Err("its own code panicked during serialisation")) {
        Ok((text, back)) => {
            if let Some(asked) = turn.asked() {
                asked.enter(key, Arc::new(Done(text)));
            }
            back
        }
        Err(why) => {
            cannot_keep(turn, kind, why);
            value
        }
    }
}

/// There will be no next attempt by itself: it would make this once more.
fn cannot_keep(turn: &Turn, kind: &str, why: NotKept) {
    turn.set_once_begun();
    if turn.is_open() {
        turn.note(What::ResultNotKept { kind: kind.to_owned(), why: why.to_owned() });
    }
}

impl Effect {
    /// The key under which its result is kept, or the result that an earlier attempt has left there.
    ///
    /// # Errors
    /// As an effect that may not begin.
    pub(super) async fn recall<T: Message>(&self) -> Result<Recalled<T>, EffectError> {
        if self.turn.asked().is_none() || matches!(self.place.name, InputName::None) {
            return Ok(Recalled::Never);
        }
        if !matches!(self.place.name, InputName::Unknown) {
            self.turn.parked().await;
            self.may_begin()?;
        }
        Ok(recall(&self.turn, &self.place, "effect", &self.kind))
    }

    /// Keeps its result for the next attempt, and gives it as that will have it.
    pub(super) fn keep<T: Message>(&self, key: Key, value: T) -> T {
        keep(&self.turn, key, &self.kind, value)
    }

    /// Its result is not there for a next attempt.
    pub(super) fn cannot_keep(&self, why: NotKept) {
        cannot_keep(&self.turn, &self.kind, why);
    }
}
