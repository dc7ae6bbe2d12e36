//! How many have to be there for the whole to count.

use crate::cut::Cut;
use crate::failure::Failure;
use crate::run::{Phase, Run};

/// Why what still works is stopped when too many have failed.
const OUT_OF_REACH: &str = "the quorum cannot be reached any more";

/// How many have to be there: more than half, unless told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quorum(Option<usize>);

impl Quorum {
    /// So many. Zero is one, since nobody is no quorum.
    pub(crate) const fn number(count: usize) -> Self {
        Self(Some(if count == 0 { 1 } else { count }))
    }

    /// How many of so many.
    pub(crate) fn of(self, all: usize) -> usize {
        self.0.unwrap_or(all / 2 + 1)
    }
}

/// Begins nothing if there are fewer than the quorum from the start.
pub(crate) fn require(run: &mut Run<'_>, all: usize, quorum: usize) {
    if all < quorum {
        run.end(Cut::Decided(OUT_OF_REACH));
    }
}

/// Awaits all parts of a phase, and gives each output to `keep` as it comes, with its part. When fewer than `quorum` of the
/// `possible` can still be had, the rest is stopped: without a quorum nothing is made of it.
pub(crate) async fn gather<O: Send + Sync + 'static>(
    phase: &mut Phase<'_, '_, O>,
    mut possible: usize,
    quorum: usize,
    mut keep: impl FnMut(&mut Run<'_>, usize, O),
) {
    while let Some((at, result)) = phase.next().await {
        match result {
            Ok(output) => keep(phase.run, at, output),
            Err(_) => {
                possible = possible.saturating_sub(1);
                require(phase.run, possible, quorum);
            }
        }
    }
}

/// Of a part that does not begin without a quorum.
pub(crate) fn not_reached(reached: usize, quorum: usize) -> Failure {
    let text = format!("{reached} is no quorum, which is {quorum}");
    Failure::NotBegun(skep_runtime::AgentError::new(skep_runtime::FailureClass::Stopped, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quorum_is_more_than_half_unless_told() {
        let all = [0, 1, 2, 3, 4, 5].map(|all| Quorum::default().of(all));
        assert_eq!(all, [1, 1, 2, 2, 3, 3]);
        assert_eq!((Quorum::number(0).of(5), Quorum::number(9).of(5)), (1, 9));
    }
}
