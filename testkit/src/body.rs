//! A test's body whose type is forgotten.
//!
//! Whatever runs, shrinks, replays or compares bodies is compiled once here. With the body's type it would be compiled for
//! each of a user's tests, in the user's own crate, and that took longer than the tests themselves.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::lab::Lab;
use crate::world::Verdict;

/// A body that goes on. Its output is what is wrong, if anything is.
pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Option<String>> + 'a>>;

/// What begins a body in a lab.
pub(crate) type Body<'a> = dyn Fn(Lab) -> Running<'a> + 'a;

/// Forgets a body's type.
pub(crate) fn body<'a, F, Fut>(test: &'a F) -> impl Fn(Lab) -> Running<'a> + 'a
where
    F: Fn(Lab) -> Fut,
    Fut: Future<Output: Verdict> + 'a,
{
    move |lab| running(test(lab))
}

/// Forgets a future's type.
pub(crate) fn running<'a>(test: impl Future<Output: Verdict> + 'a) -> Running<'a> {
    Box::pin(Judged(Box::pin(test)))
}

/// A body with its verdict. Not an async block, which would move the whole body once more.
struct Judged<F>(Pin<Box<F>>);

impl<F: Future<Output: Verdict>> Future for Judged<F> {
    type Output = Option<String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Verdict::wrong)
    }
}
