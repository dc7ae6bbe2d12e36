//! The runtime's defaults, each with its reason. All of them can be changed, in a spec or where the thing is used.

use std::time::Duration;

/// An ask's deadline: longer than a slow model call, shorter than a person's patience.
pub const ASK: Duration = Duration::from_secs(30);
/// The deadline of an effect that states none, or what is left of the turn's if that is less.
pub const EFFECT: Duration = Duration::from_secs(30);
/// A stop's deadline.
pub const STOP: Duration = Duration::from_secs(10);
/// When a pause's receipt is due: longer than most calls, and soon enough to be told who is still busy.
pub const PAUSE: Duration = Duration::from_secs(10);
/// What a stopped agent's own turn and hook get; OTP's value for a worker.
pub const SHUTDOWN: Duration = Duration::from_secs(5);
/// A start that takes longer has failed.
pub const START: Duration = Duration::from_secs(30);
/// How long a supervisor waits for the drop of what has ended, and of what that held, before it goes on beside it.
pub const LET_GO: Duration = Duration::from_secs(1);
/// How long an interrupted turn may unwind through its own code before it is dropped.
pub const INTERRUPT_GRACE: Duration = Duration::from_secs(1);
/// Attempts that a task has in all before it is poisoned.
pub const ATTEMPTS: u32 = 3;
/// Restarts that a supervisor bears in a [`PERIOD`]; OTP's.
pub const INTENSITY: u32 = 1;
/// The window in which restarts are counted; OTP's.
pub const PERIOD: Duration = Duration::from_secs(5);
/// The first pause of `Backoff::default()`. Without a backoff a restart is immediate, as in OTP.
pub const BACKOFF_MIN: Duration = Duration::from_secs(1);
/// The longest pause of `Backoff::default()`.
pub const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// The jitter of `Backoff::default()`, in thousandths; Akka's 0.2.
pub const BACKOFF_JITTER_PERMILLE: u32 = 200;
/// So long without a failure and `Backoff::default()` starts over.
pub const BACKOFF_RESET: Duration = Duration::from_secs(60);
/// Tasks that a mailbox holds: enough to keep an agent busy, few enough that a flood is felt at once.
pub const MAILBOX: usize = 64;
/// How often a turn's progress is looked at.
pub const HEARTBEAT: Duration = Duration::from_secs(30);
/// A turn without progress for so long is stale; above the longest model call that is still sensible.
pub const STALE: Duration = Duration::from_secs(600);
/// Events that a journal keeps in memory: some thousand tasks back, for a few dozen megabytes.
pub const JOURNAL: usize = 65_536;
/// How often a swarm is searched for orphans and other remains: there should be none, so a minute is soon enough.
pub const SWEEP: Duration = Duration::from_secs(60);
/// When to try again where nobody knows better: a turn or an effect may be over by then.
pub const RETRY: Duration = Duration::from_secs(1);
/// The least pause between two tries of an effect: so short that nobody waits for it, and long enough that one which fails at once
/// leaves the thread to others.
pub const RETRY_MIN: Duration = Duration::from_millis(1);
/// Dead letters that a swarm keeps: a bad day's worth to look through, and a few megabytes at most with payloads of a
/// kilobyte or two.
pub const DEAD_LETTERS: usize = 1_000;
/// The longest that a name may be, in bytes: that of an agent, a scope, a session, a kind of effect.
pub const NAME: usize = 256;
/// How many levels of agents a swarm may be given at most: an id is a path, so each level makes all ids below it longer.
pub const DEPTH_MOST: u32 = 4_096;
/// How many levels of agents a swarm may have: nobody draws a chart of more, and a recursion that has lost its end goes there.
pub const DEPTH: u32 = 5;
