//! From what is known of the work to a pattern: pure.

use super::questions::Work;
use crate::args::{Goal, Order, Who};

/// Work below this is done sooner than it is divided.
const INLINE_MINUTES: u64 = 5;
/// From here on pieces are tasks in a queue and not agents.
const MANY: u64 = 500;
/// Results that one agent can read together.
const FAN_IN: u64 = 8;
/// Voices of a council, panel or vote unless there are as many pieces.
const VOICES: u64 = 3;

/// A way to coordinate agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pattern {
    Inline,
    FanOut,
    Queue,
    MapReduce,
    Pipeline,
    Waves,
    Delegate,
    Supervise,
    Council,
    Panel,
    Vote,
    ReviewLoop,
    Race,
    Handoff,
    Workflow,
}

/// What fits, and why.
pub(super) struct Choice {
    pub(super) pattern: Pattern,
    pub(super) why: String,
    pub(super) cost: String,
    /// What else would do, if something is otherwise.
    pub(super) instead: Vec<&'static str>,
}

impl Pattern {
    #[cfg(test)]
    pub(super) const ALL: [Self; 15] = [
        Self::Inline,
        Self::FanOut,
        Self::Queue,
        Self::MapReduce,
        Self::Pipeline,
        Self::Waves,
        Self::Delegate,
        Self::Supervise,
        Self::Council,
        Self::Panel,
        Self::Vote,
        Self::ReviewLoop,
        Self::Race,
        Self::Handoff,
        Self::Workflow,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Inline => "no pattern",
            Self::FanOut => "fan_out",
            Self::Queue => "queue",
            Self::MapReduce => "map_reduce",
            Self::Pipeline => "pipeline",
            Self::Waves => "waves",
            Self::Delegate => "delegate",
            Self::Supervise => "supervise",
            Self::Council => "council",
            Self::Panel => "panel",
            Self::Vote => "vote",
            Self::ReviewLoop => "review_loop",
            Self::Race => "race",
            Self::Handoff => "handoff",
            Self::Workflow => "workflow",
        }
    }

    /// The lines to start from.
    pub(super) const fn starter(self) -> &'static str {
        match self {
            Self::Inline => include_str!("starters/inline.rs"),
            Self::FanOut => include_str!("starters/fan_out.rs"),
            Self::Queue => include_str!("starters/queue.rs"),
            Self::MapReduce => include_str!("starters/map_reduce.rs"),
            Self::Pipeline => include_str!("starters/pipeline.rs"),
            Self::Waves => include_str!("starters/waves.rs"),
            Self::Delegate => include_str!("starters/delegate.rs"),
            Self::Supervise => include_str!("starters/supervise.rs"),
            Self::Council => include_str!("starters/council.rs"),
            Self::Panel => include_str!("starters/panel.rs"),
            Self::Vote => include_str!("starters/vote.rs"),
            Self::ReviewLoop => include_str!("starters/review_loop.rs"),
            Self::Race => include_str!("starters/race.rs"),
            Self::Handoff => include_str!("starters/handoff.rs"),
            Self::Workflow => include_str!("starters/workflow.rs"),
        }
    }
}

/// The pattern that fits. What binds most comes first: people, then who holds the work, what is wanted, how pieces depend on each
/// other, and at last how many there are.
pub(super) fn choose(work: &Work) -> Choice {
    let Work { minutes, pieces, order, goal, who, splits } = *work;
    let choice = |pattern, why: &str, cost: String, instead: &[&'static str]| Choice {
        pattern,
        why: why.to_owned(),
        cost,
        instead: instead.to_vec(),
    };
    let voices = if pieces > 1 { pieces } else { VOICES };
    match (who, goal, order) {
        (Who::People, ..) => choice(
            Pattern::Workflow,
            "people do or approve some steps, so the work has to wait for them, in another process if need be",
            format!(
                "{} for the steps, times the bound of each loop; a step of a person costs none",
                calls(pieces)
            ),
            &["a pipeline, if nobody has to be waited for"],
        ),
        (Who::Hands, ..) => choice(
            Pattern::Handoff,
            "one has the work at a time, and whoever has it knows who is next",
            "1 call for each hand it goes through, 5 hands at most unless told".to_owned(),
            &["a pipeline, if the order is known beforehand"],
        ),
        (Who::Ways, ..) => choice(
            Pattern::Race,
            "several ways lead to one answer, and the first good one will do",
            format!("{} at most; in turn, the cheap one first, often 1", calls(voices)),
            &["a council or a vote, if the answers are to be weighed"],
        ),
        (_, Goal::Choice, _) => choice(
            Pattern::Vote,
            "there are options, and several voices decide",
            format!("{} at most: it ends when it is decided", calls(voices)),
            &["a council, if the options are not known beforehand"],
        ),
        (Who::Roles, Goal::Opinions, _) => choice(
            Pattern::Panel,
            "experts with different roles judge it, and one brings their opinions together",
            calls(voices + 1),
            &["a council, if all of them can judge all of it"],
        ),
        (Who::Same, Goal::Opinions, _) => choice(
            Pattern::Council,
            "independent answers, ranked without names, make one that is better than each",
            format!(
                "{} at most for {voices} members: an answer, a ranking with a second try, and a chair",
                calls(3 * voices + 1)
            ),
            &["a panel, if each has a field of its own"],
        ),
        (_, Goal::Draft, _) => choice(
            Pattern::ReviewLoop,
            "an author drafts, and reviewers send it back until they approve or the rounds are used up",
            "1 call of the author and 1 of each reviewer a round, 3 rounds unless told".to_owned(),
            &["a pipeline, if one pass will do"],
        ),
        _ if minutes < INLINE_MINUTES && pieces <= 1 && !splits => choice(
            Pattern::Inline,
            "it takes less than five minutes, so one agent does it sooner than several are told to",
            "1 call".to_owned(),
            &["a race of a cheap and a dear model, if it has to be quick or cheap"],
        ),
        (_, _, Order::Found) => choice(
            Pattern::Supervise,
            "what comes next depends on what is found, so somebody decides after each result",
            "1 call for each task, and 1 for each decision: 40 decisions and 30 tasks at most unless told"
                .to_owned(),
            &["delegate, if the work only has to be split"],
        ),
        _ if splits => choice(
            Pattern::Delegate,
            "a piece may be too large, so it is assessed, split, solved in parts and put together again",
            format!("up to 2 calls for each part that comes of {pieces}, 5 levels at most unless told"),
            &["map_reduce, if the pieces are known beforehand"],
        ),
        (_, _, Order::Chain) => choice(
            Pattern::Pipeline,
            "each step needs the one before",
            format!("{}, one after the other", calls(pieces)),
            &["waves, if some steps could go on at the same time"],
        ),
        (_, _, Order::Some) => choice(
            Pattern::Waves,
            "some pieces need some others, and all that is ready can go on at once",
            calls(pieces),
            &["a pipeline, if each needs exactly the one before"],
        ),
        (_, Goal::One, Order::None) if pieces > FAN_IN => choice(
            Pattern::MapReduce,
            "the pieces are independent, and their results are too many for one agent to read together",
            format!(
                "{} for the pieces on a cheap model, and {} to put eight together at a time on a smart one",
                calls(pieces),
                calls((pieces - 1).div_ceil(FAN_IN - 1))
            ),
            &["fan_out and one more agent, if all results fit into one prompt"],
        ),
        (_, Goal::One, Order::None) => choice(
            Pattern::MapReduce,
            "the pieces are independent, and one result is made of all",
            format!("{} for the pieces, and 1 to put them together", calls(pieces)),
            &["fan_out, if each result stands alone"],
        ),
        (_, _, Order::None) if pieces > MANY => choice(
            Pattern::Queue,
            "there are many independent pieces, so a few workers take them one after the other",
            format!("{}, in flat memory", calls(pieces)),
            &["fan_out, if each piece needs an agent of its own"],
        ),
        (_, _, Order::None) => choice(
            Pattern::FanOut,
            "the pieces are independent of each other",
            format!("{}, six at once unless told", calls(pieces)),
            &["map_reduce, if one result is made of all"],
        ),
    }
}

fn calls(count: u64) -> String {
    match count.max(1) {
        1 => "1 call".to_owned(),
        count => format!("{count} calls"),
    }
}
