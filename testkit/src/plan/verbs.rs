//! What is done at a point, in words: the end of a rule's sentence.

use std::time::Duration;

use skep_runtime::fault::Fault;
use skep_runtime::{AgentError, Usage};

use super::Rule;
use super::point::Point;

/// One verb for each [`Fault`].
impl Point {
    /// Panics.
    #[must_use]
    pub fn panics(self) -> Rule {
        self.does(Fault::Panic)
    }

    /// Fails with this error.
    #[must_use]
    pub fn fails(self, error: AgentError) -> Rule {
        self.does(Fault::Error(error))
    }

    /// Says that there is nothing to start: OTP's *ignore*.
    #[must_use]
    pub fn ignores(self) -> Rule {
        self.does(Fault::Ignore)
    }

    /// Never returns, and unwinds when it is cancelled.
    #[must_use]
    pub fn hangs(self) -> Rule {
        self.does(Fault::Hang)
    }

    /// Never returns and does not listen to its cancel.
    #[must_use]
    pub fn hangs_deaf(self) -> Rule {
        self.does(Fault::HangDeaf)
    }

    /// Goes on after a pause.
    #[must_use]
    pub fn slows(self, pause: Duration) -> Rule {
        self.does(Fault::Slow(pause))
    }

    /// Blocks its thread for so long; simulated, it is deaf to everything meanwhile.
    #[must_use]
    pub fn blocks(self, span: Duration) -> Rule {
        self.does(Fault::Block(span))
    }

    /// Is paused with its subtree at its next await, and resumed after so long.
    #[must_use]
    pub fn pauses(self, span: Duration) -> Rule {
        self.does(Fault::Pause(span))
    }

    /// The cell that serves the agent is lost.
    #[must_use]
    pub fn loses_cell(self) -> Rule {
        self.does(Fault::LoseCell)
    }

    /// The cell that serves the agent is lost and nobody notices.
    #[must_use]
    pub fn mislays_cell(self) -> Rule {
        self.does(Fault::MislayCell)
    }

    /// What its turn shows of its progress is not seen any more.
    #[must_use]
    pub fn loses_heartbeat(self) -> Rule {
        self.does(Fault::LoseHeartbeat)
    }

    /// The agent is lost: its place ends, and nothing below it is told.
    #[must_use]
    pub fn vanishes(self) -> Rule {
        self.does(Fault::Vanish)
    }

    /// The agent is killed.
    #[must_use]
    pub fn kills(self) -> Rule {
        self.does(Fault::Kill)
    }

    /// The agent and all below it are killed, each by itself.
    #[must_use]
    pub fn kills_subtree(self) -> Rule {
        self.does(Fault::KillSubtree)
    }

    /// The agent's supervisor is killed.
    #[must_use]
    pub fn kills_supervisor(self) -> Rule {
        self.does(Fault::KillSupervisor)
    }

    /// The agent tries to spawn a child.
    #[must_use]
    pub fn spawns(self) -> Rule {
        self.does(Fault::Spawn)
    }

    /// The clock moves on by so much at once, and nobody ran meanwhile.
    #[must_use]
    pub fn jumps_clock(self, by: Duration) -> Rule {
        self.does(Fault::JumpClock(by))
    }

    /// The provider bills this on top.
    #[must_use]
    pub fn costs(self, usage: Usage) -> Rule {
        self.does(Fault::CostSpike(usage))
    }

    /// The other side does not answer in time.
    #[must_use]
    pub fn times_out(self) -> Rule {
        self.does(Fault::Timeout)
    }

    /// The other side turns the call away until then: HTTP's 429.
    #[must_use]
    pub fn rate_limits(self, retry_after: Duration) -> Rule {
        self.does(Fault::RateLimited(retry_after))
    }

    /// The other side fails with this HTTP status, of 500 and more.
    #[must_use]
    pub fn answers(self, status: u16) -> Rule {
        self.does(Fault::Unavailable(status))
    }

    /// The answer breaks off.
    #[must_use]
    pub fn cuts(self) -> Rule {
        self.does(Fault::Cut)
    }

    /// The answer comes and means nothing.
    #[must_use]
    pub fn garbles(self) -> Rule {
        self.does(Fault::Garbage)
    }

    /// The message never arrives.
    #[must_use]
    pub fn drops(self) -> Rule {
        self.does(Fault::Drop)
    }

    /// The message arrives twice.
    #[must_use]
    pub fn duplicates(self) -> Rule {
        self.does(Fault::Duplicate)
    }

    /// The message arrives so much later.
    #[must_use]
    pub fn delays(self, pause: Duration) -> Rule {
        self.does(Fault::Delay(pause))
    }

    /// The message overtakes all that waits.
    #[must_use]
    pub fn reorders(self) -> Rule {
        self.does(Fault::Reorder)
    }

    /// The mailbox is full for so long.
    #[must_use]
    pub fn fills_mailbox(self, span: Duration) -> Rule {
        self.does(Fault::FillMailbox(span))
    }

    /// The drop of the message, or of the turn's output, panics.
    #[must_use]
    pub fn panics_in_drop(self) -> Rule {
        self.does(Fault::PanicInDrop)
    }

    /// That drop takes so long.
    #[must_use]
    pub fn drops_slowly(self, span: Duration) -> Rule {
        self.does(Fault::SlowDrop(span))
    }
}
