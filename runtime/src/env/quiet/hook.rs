//! The process's panic hook, of which there is one: a panic's place and backtrace can be had nowhere else.
//!
//! Ours stands before the one that was there. That one is called for every panic, also for one in an agent, if somebody has
//! installed it. The standard library's own only prints, and it is not called for a panic that becomes a value: that is an event,
//! and a warning in the log. Which of the two it is cannot be asked; but the standard library boxes its own anew for whoever takes
//! it where none is installed, and two of these are equal.
//!
//! In a simulation no hook is called for what is caught: a test's own harness installs one that prints.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{PanicHookInfo, set_hook, take_hook};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::listen::{HeardPanic, hear, is_simulated, listener};
use crate::words::error::Panic;

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Sync + Send + 'static>;

/// Where ours is, while it lives: a hook has no other identity.
static OURS: AtomicUsize = AtomicUsize::new(0);

/// One thread at a time takes the hook.
static LOOKING: Mutex<()> = Mutex::new(());

/// Who says on this thread whether a panic keeps its backtrace; none leaves it to the environment.
pub(crate) type Wish = fn() -> Option<bool>;

static WISH: OnceLock<Wish> = OnceLock::new();

/// What whoever has installed the hook wants on this thread.
pub(super) fn wants_backtraces() -> Option<bool> {
    WISH.get().and_then(|wish| wish())
}

/// Puts our hook before the one that is installed, if ours is nowhere.
pub(crate) fn install(wish: Wish) {
    // It is the same function each time.
    WISH.set(wish).ok();
    if is_nowhere() && !std::thread::panicking() {
        let _one = LOOKING.lock();
        // Many swarms may start at once: while the first one's hook is taken to be looked at, a panic would not be heard.
        if is_nowhere() {
            put();
        }
    }
}

fn is_nowhere() -> bool {
    OURS.load(Ordering::Acquire) == 0
}

/// Puts our hook before the one that is installed, unless that is ours. For a moment none is, so this is done seldom.
pub(super) fn look_again() {
    if std::thread::panicking() {
        // The hook may not be touched then.
        return;
    }
    let _one = LOOKING.lock();
    put();
}

fn put() {
    let before = take_hook();
    if address(&before) == OURS.load(Ordering::Acquire) {
        set_hook(before);
        return;
    }
    let ours = Ours { only_prints: is_of_std(&before), before };
    let hook: Hook = Box::new(move |info| ours.call(info));
    let ours = address(&hook);
    set_hook(hook);
    // Whoever reads this goes on without the lock, so it is said when it is so.
    OURS.store(ours, Ordering::Release);
}

fn address(hook: &Hook) -> usize {
    std::ptr::from_ref(&**hook).cast::<()>().addr()
}

/// Whether a hook that has just been taken is the standard library's.
#[allow(
    ambiguous_wide_pointer_comparisons,
    reason = "two hooks without a state differ in their vtable alone"
)]
fn is_of_std(taken: &Hook) -> bool {
    std::ptr::eq(&raw const **taken, &raw const *take_hook())
}

/// Our hook's state. It is never empty, so that its address is its own.
struct Ours {
    before: Hook,
    only_prints: bool,
}

impl Ours {
    fn call(&self, info: &PanicHookInfo<'_>) {
        let listener = listener();
        if let Some(wish) = listener {
            let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
            hear(HeardPanic {
                message: Panic::message_of(info.payload()),
                place,
                backtrace: backtrace(wish),
            });
        }
        if !(listener.is_some() && (self.only_prints || is_simulated())) {
            (self.before)(info);
        }
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        // Whoever replaced it has dropped it; the next swarm puts it back.
        OURS.store(0, Ordering::Release);
    }
}

/// The calls that led here, if the swarm wants them or else the environment.
fn backtrace(wish: Option<bool>) -> Option<String> {
    let trace = match wish {
        Some(true) => Backtrace::force_capture(),
        Some(false) => return None,
        None if is_simulated() => return None,
        None => Backtrace::capture(),
    };
    (trace.status() == BacktraceStatus::Captured).then(|| trace.to_string())
}
