//! What events say of amounts: what is reserved, and what is booked and given back.

use super::What;
use crate::words::usage::Usage;

/// What a try of an effect came to: booked, and no longer reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The effect's number.
    pub effect: u64,
    /// What is booked.
    pub used: Usage,
    /// What is no longer reserved.
    pub freed: Usage,
    /// Whether the provider did not say what was used.
    pub estimated: bool,
    /// Whether it ended after its agent's stop.
    pub late: bool,
}

/// The kind of what is kept back for a stop hook.
pub(crate) const ALLOWANCE: &str = "stop_allowance";

impl What {
    /// The effect of which a try begins, and what is reserved for it and those that may follow.
    #[must_use]
    pub const fn reserves(&self) -> Option<(u64, Usage)> {
        match self {
            Self::EffectBegan { effect, reserved, .. } | Self::TryBegan { effect, reserved } => {
                Some((*effect, *reserved))
            }
            _ => None,
        }
    }

    /// Whether what it reserves is kept back for a stop hook, in whichever window that may come.
    #[must_use]
    pub fn is_allowance(&self) -> bool {
        matches!(self, Self::EffectBegan { kind, .. } if kind == ALLOWANCE)
    }

    /// What is booked and given back: at an effect's end, and already in the pause before its next try.
    #[must_use]
    pub const fn settles(&self) -> Option<Settled> {
        match self {
            Self::EffectRetried { effect, used, freed, estimated, .. } => {
                let (effect, used, freed, estimated) = (*effect, *used, *freed, *estimated);
                Some(Settled { effect, used, freed, estimated, late: false })
            }
            Self::EffectEnded { effect, used, reserved, estimated, late, .. } => {
                let (effect, used, freed) = (*effect, *used, *reserved);
                Some(Settled { effect, used, freed, estimated: *estimated, late: *late })
            }
            _ => None,
        }
    }
}
