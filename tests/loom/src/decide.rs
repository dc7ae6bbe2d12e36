//! Stand-ins for what decides, where a model needs its types alone.

pub(crate) mod kept {
    pub(crate) type NotKept = &'static str;

    pub(crate) fn write<T>(_: &T) -> Result<(Vec<u8>, ()), NotKept> {
        Err("no model asks twice")
    }
}

pub(crate) mod key {
    pub(crate) enum Key {}

    pub(crate) enum Standing {
        Holds,
        Spent,
    }
}

pub(crate) mod waits {
    include!(concat!(env!("OUT_DIR"), "/way.rs"));
}
