//! What a swarm does, as seen from outside: from its journal alone. Nothing here holds an agent.
//!
//! ```text
//! journal ──▶ Sight (folds) ──┬─▶ watch  the tree, drawn again and again
//!                             ├─▶ bars   a bar for each agent
//!                             └─▶ lines  where nobody watches: a log
//! ```

mod bars;
mod lines;
mod sight;
mod watch;

use std::convert::Infallible;
use std::time::Duration;

use console::Term;
use skep_runtime::{Env, Events};

use self::bars::Bars;
use self::lines::Lines;
use self::sight::Sight;
use self::watch::Watch;

/// Ten pictures a second are smooth, and cost nothing.
const FRAME: Duration = Duration::from_millis(100);

/// A view of one swarm, on standard error.
pub(crate) struct View {
    events: Events,
    env: Env,
    sight: Sight,
    look: Look,
}

enum Look {
    Watch(Watch),
    Bars(Bars),
    Lines(Lines),
}

impl View {
    /// A view as it suits: the tree if it is wanted, bars, and plain lines where there is no terminal.
    pub(crate) fn of(events: Events, env: Env, watch: bool) -> Self {
        let term = Term::buffered_stderr();
        let look = match (term.is_term(), watch) {
            (false, _) => Look::Lines(Lines),
            (true, true) => Look::Watch(Watch::new(term)),
            (true, false) => Look::Bars(Bars::default()),
        };
        Self { events, env, sight: Sight::default(), look }
    }

    /// Follows the swarm until it is dropped.
    pub(crate) async fn run(&mut self) -> Infallible {
        loop {
            self.draw();
            self.env.sleep_until(self.env.now() + FRAME).await;
        }
    }

    /// Draws what has happened since, and clears what would stand in the way of the report.
    pub(crate) fn close(mut self) {
        self.draw();
        match self.look {
            Look::Watch(watch) => watch.close(),
            Look::Bars(bars) => bars.close(),
            Look::Lines(_) => {}
        }
    }

    fn draw(&mut self) {
        while let Some(event) = self.events.try_next() {
            let said = match &event {
                Ok(event) => self.sight.take(event),
                Err(lagged) => Some(self.sight.skip(lagged)),
            };
            if let (Look::Lines(lines), Some(said)) = (&self.look, said) {
                lines.say(&said);
            }
        }
        match &mut self.look {
            Look::Watch(watch) => watch.draw(&self.sight, self.env.now()),
            Look::Bars(bars) => bars.draw(&self.sight),
            Look::Lines(_) => {}
        }
    }
}
