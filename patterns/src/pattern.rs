//! What all patterns have in common for generic code and for nesting.

use std::borrow::Cow;
use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use skep_runtime::{AgentError, Usage};

use crate::estimate::Estimate;
use crate::parts::Parts;

/// A pattern that has all of its parts and can run. Patterns have these methods themselves too, so the trait is needed only in
/// generic code and for [`nest`](crate::nest).
#[diagnostic::on_unimplemented(
    message = "`{Self}` lacks a part and cannot run yet",
    note = "its builder's last required method makes it a pattern"
)]
pub trait Pattern: Send + Sync + Sized {
    /// What it gives.
    type Report: Report;

    /// Runs it. It never fails: failures are in the report.
    ///
    /// # Cancel safety
    /// Dropping it stops everything that it has begun, in the background.
    fn run(&self) -> impl Future<Output = Self::Report> + Send;

    /// What it takes at most. Nothing is spent.
    fn estimate(&self) -> Estimate;
}

/// What a pattern gives: data in which a failure is a row. `Display` is one line.
pub trait Report: Display + Send {
    /// What the pattern is for.
    type Value;

    /// Its parts, each with its cost, time and failure.
    fn parts(&self) -> Cow<'_, Parts>;

    /// The value, or why there is none: for `?` in a `handle`.
    ///
    /// # Errors
    /// The report as one line, with the class and advice of the first part that failed.
    fn into_result(self) -> Result<Self::Value, AgentError>;

    /// What all parts cost.
    fn cost(&self) -> Usage {
        self.parts().cost()
    }

    /// From its beginning until nothing of it was left.
    fn took(&self) -> Duration {
        self.parts().took
    }
}

/// Makes a pattern of a type that has `run` and `estimate`, and awaiting it the same as running it.
macro_rules! runs {
    ([$($generics:tt)*] $pattern:ty => $report:ty) => {
        impl<'a, $($generics)*> $crate::pattern::Pattern for $pattern {
            type Report = $report;

            async fn run(&self) -> $report {
                <$pattern>::run(self).await
            }

            fn estimate(&self) -> $crate::estimate::Estimate {
                <$pattern>::estimate(self)
            }
        }

        impl<'a, $($generics)*> std::future::IntoFuture for $pattern {
            type Output = $report;
            type IntoFuture = std::pin::Pin<Box<dyn std::future::Future<Output = $report> + Send + 'a>>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(async move { <$pattern>::run(&self).await })
            }
        }
    };
}
pub(crate) use runs;
