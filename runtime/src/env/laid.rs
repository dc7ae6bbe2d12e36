//! Laying a future of a user's on the heap.

use std::future::Future;
use std::pin::Pin;

/// Makes a future and lays it on the heap.
///
/// What a user's future holds across its awaits may be large, and an unoptimised build copies it into the frame of each layer
/// that awaits it, up to 160 times where it was measured: it would overflow the stack of a worker. It would also make each agent that waits as large as
/// its largest turn. The call that makes the future runs in here, so that its frame is gone when the future is polled.
#[inline(never)]
pub(crate) fn laid<'a, F: Future + Send + 'a>(
    make: impl FnOnce() -> F,
) -> Pin<Box<dyn Future<Output = F::Output> + Send + 'a>> {
    Box::pin(make())
}
