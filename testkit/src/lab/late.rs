//! No task is queued or running past its deadline, and no turn of one goes on past its grace.

use std::collections::BTreeMap;
use std::time::Duration;

use skep_runtime::{Overdue, TaskId, Time};

/// What was late at the last look, and since when it was seen to be.
///
/// One look is not enough: where the clock has just jumped, what is due has not been done yet.
#[derive(Default)]
pub(super) struct Late(BTreeMap<(TaskId, bool), Time>);

/// By a virtual clock, what is due is done in the same moment.
const SLACK: Duration = Duration::from_millis(60);

impl Late {
    /// Takes a look in. Gives what has been late for some time, each once.
    pub(super) fn look(&mut self, overdue: &[Overdue]) -> Vec<String> {
        let before = std::mem::take(&mut self.0);
        let mut wrong = Vec::new();
        for late in overdue {
            let key = (late.task.clone(), late.is_turn);
            let since = before.get(&key).copied().unwrap_or(late.at);
            let was_said = since == Time::NEVER;
            let is_wrong = !was_said && late.at.since(since) >= SLACK;
            self.0.insert(key, if is_wrong { Time::NEVER } else { since });
            if is_wrong {
                let (task, by) = (&late.task, late.by);
                let what = if late.is_turn {
                    "the turn goes on past its grace"
                } else {
                    "it is open past its deadline"
                };
                wrong.push(format!("deadlines: {task} of {}: {what}, by {by:?}", late.agent));
            }
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use skep_runtime::AgentId;

    use super::*;

    fn late(ms: u64) -> Overdue {
        let agent = AgentId::root("s").child(1);
        let task = serde_json::from_str("\"s.1#1\"").unwrap();
        let at = Time::from(Duration::from_millis(ms));
        Overdue { task, agent, is_turn: false, by: Duration::from_millis(ms), at }
    }

    #[test]
    fn what_is_late_at_two_moments_is_said_once() {
        let mut seen = Late::default();
        assert!(seen.look(&[late(10)]).is_empty(), "the clock may have jumped");
        assert!(seen.look(&[late(20)]).is_empty());
        assert_eq!(seen.look(&[late(100)]).len(), 1);
        assert!(seen.look(&[late(900)]).is_empty(), "it was said");
        assert!(seen.look(&[]).is_empty());
        assert!(seen.look(&[late(2_000)]).is_empty(), "another time is another");
    }
}
