//! MCP servers as tools: real processes, of which one is this test itself, begun again as a server that behaves as it is told.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::disallowed_methods, reason = "what stands around a swarm in a test is no part of it")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]
#![cfg(unix)]

mod bounded;
mod ends;
mod lab;
mod reference;
mod rig;
mod rights;
mod server;
mod serves;
mod web;
