//! The service as its clients have it: a process of its own, over HTTP.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]
#![allow(clippy::disallowed_methods, reason = "a test stands outside: it starts a process and clients of it")]

mod chat;
mod guide;
mod http;
mod leaving;
mod load;
mod odd;
mod operators;
mod rig;
mod slow;
mod tenants;
