//! Tools called through a context, and the terms on which they are called.
//!
//! # Invariants
//! 1. A tool's work is an effect: nothing here touches the world outside of one. The exception: to state its reach, a
//!    model's tool first reads the names in its path, and nothing else.
//! 2. What a tool could not do to a file or a repository is its result, as a value. An error means that the tool did not
//!    run: refused, cancelled, out of time in every try.
//! 3. A tool does not leave the folder that it was given, and it never blocks on others: see `files` and `git`. Work that is cut
//!    short ends on its thread at its next check.

mod beneath;
#[cfg(all(feature = "agent", feature = "http"))]
mod fetch;
pub mod files;
pub mod git;
pub mod grep;
pub mod price;
mod wanted;
#[cfg(feature = "agent")]
mod workspace;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use skep_runtime::{Call, Context, EffectError, Message, Retry, Tried, Usage};

#[cfg(all(feature = "agent", feature = "http"))]
pub use self::fetch::Fetch;
use self::files::Files;
use self::git::Git;
use self::grep::Grep;
use self::price::Price;
use self::wanted::{Waiter, Wanted};
#[cfg(feature = "agent")]
pub use self::workspace::{BadWorkspace, Below, Commands, Found, Workspace};
use crate::defaults;

/// Gives a context its tools.
pub trait Tools {
    /// The tools of this turn, on the default [`Terms`].
    fn tools(&self) -> Toolbox<'_>;
}

impl Tools for Context {
    fn tools(&self) -> Toolbox<'_> {
        Toolbox { cx: self, terms: Terms::default(), is_free: false }
    }
}

/// How long one try of a tool may take, and how many tries there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// For one try; 30 s by default, the runtime's own deadline for an effect.
    pub within: Duration,
    /// Tries in all, after a deadline or a temporary failure; 3 by default, like the attempts of a task.
    pub tries: u32,
}

impl Default for Terms {
    fn default() -> Self {
        Self { within: defaults::TOOL_WITHIN, tries: defaults::TOOL_TRIES }
    }
}

/// The tools of one turn.
#[derive(Clone, Copy, Debug)]
pub struct Toolbox<'c> {
    cx: &'c Context,
    terms: Terms,
    is_free: bool,
}

impl<'c> Toolbox<'c> {
    /// The same tools on other terms.
    #[must_use]
    pub const fn on(mut self, terms: Terms) -> Self {
        self.terms = terms;
        self
    }

    /// The same tools, each call of which counts as a call but costs no money: for callers who pay for something else and
    /// do not want simulated prices in that bill.
    #[must_use]
    pub const fn free(mut self) -> Self {
        self.is_free = true;
        self
    }

    /// The price of a tool's call here.
    const fn price(&self, price: Price) -> Price {
        if self.is_free { Price::FREE } else { price }
    }

    /// Files below a folder.
    #[must_use]
    pub fn files(self, root: impl AsRef<Path>) -> Files<'c> {
        Files::new(self, root.as_ref())
    }

    /// Search in files below a folder.
    #[must_use]
    pub fn grep(self, root: impl AsRef<Path>) -> Grep<'c> {
        Grep::new(self, root.as_ref())
    }

    /// The git repository around a folder.
    #[must_use]
    pub fn git(self, folder: impl AsRef<Path>) -> Git<'c> {
        Git::new(self, folder.as_ref())
    }

    /// A tool of your own on the same terms: `work` may block, and returns how many bytes it went through.
    ///
    /// `most` is the worst case in bytes, and the most that one try is billed for: beyond that the price stays flat, so a
    /// file that grew does not overrun a budget. A try that is cut short goes on in the background on its thread and is
    /// billed at its worst case.
    ///
    /// # Errors
    /// [`EffectError`]: refused by a budget or a link, cancelled with its turn, or out of time or failed in every try.
    pub async fn run<T, W>(
        &self,
        tool: (&str, Price),
        input: impl Serialize,
        most: u64,
        work: W,
    ) -> Result<T, EffectError>
    where
        T: Message,
        W: Fn() -> Tried<(T, u64)> + Send + Sync + 'static,
    {
        self.run_wanted(tool, input, most, move |_| work()).await
    }

    /// The same for work that checks whether anybody still waits for it.
    async fn run_wanted<T, W>(
        &self,
        tool: (&str, Price),
        input: impl Serialize,
        most: u64,
        work: W,
    ) -> Result<T, EffectError>
    where
        T: Message,
        W: Fn(&Wanted) -> Tried<(T, u64)> + Send + Sync + 'static,
    {
        let work = Arc::new(work);
        let price = self.price(tool.1);
        let call = move |call: Call| {
            let work = Arc::clone(&work);
            async move {
                let waiter = Waiter::default();
                let wanted = waiter.wanted();
                let (value, bytes) = call.blocking(move || work(&wanted)).await?;
                call.used(price.of(bytes.min(most)));
                Ok(value)
            }
        };
        self.tried(tool.0, input, price.of(most), call).await
    }

    /// Runs an effect with its tries. A deadline limits all tries of one effect, so a tool that ran out of time is called
    /// again as another effect.
    async fn tried<T, F, Fut>(
        &self,
        kind: &str,
        input: impl Serialize,
        worst: Usage,
        call: F,
    ) -> Result<T, EffectError>
    where
        T: Message,
        F: Fn(Call) -> Fut + Send + Sync,
        Fut: Future<Output = Tried<T>> + Send,
    {
        let retry =
            Retry::times(self.terms.tries).backoff(defaults::TOOL_FIRST_PAUSE, defaults::TOOL_LONGEST_PAUSE);
        let mut left = self.terms.tries.max(1);
        loop {
            left -= 1;
            let effect = self.cx.effect(kind, &input).worst_case(worst).deadline(self.terms.within);
            match effect.retry(retry).run(&call).await {
                // Pauses first, or a tool with a time limit of zero would use up all its tries in one go.
                Err(expired @ EffectError::Expired { .. }) if left > 0 => {
                    if self.cx.sleep(defaults::TOOL_FIRST_PAUSE).await.is_err() {
                        return Err(expired);
                    }
                }
                result => return result,
            }
        }
    }
}
