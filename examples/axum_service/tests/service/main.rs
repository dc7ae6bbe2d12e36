//! The service as its clients have it: a process of its own, over HTTP.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod guide;
mod http;
mod leaving;
mod load;
mod rig;
