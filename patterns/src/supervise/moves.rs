//! Which decisions can be carried out: pure.

use super::table::{Assigned, Move, Next, Standing, Table};

/// What a decision may do, known when it is asked for. It stays true until the decision is there, since the table does.
pub(super) struct Allowed {
    /// By task, whether somebody works on it.
    working: Vec<bool>,
    tasks_left: usize,
    is_last: bool,
}

impl Allowed {
    pub(super) fn on<G, T, O>(table: &Table<G, T, O>) -> Self {
        let is_working = |task: &Assigned<T, O>| matches!(task.standing, Standing::Working);
        Self {
            working: table.tasks.iter().map(is_working).collect(),
            tasks_left: table.tasks_left,
            is_last: table.rounds_left == 0,
        }
    }

    /// Whether this can be done.
    ///
    /// # Errors
    /// Why not, and what can be done instead.
    pub(super) fn check<T, R>(&self, next: &Next<T, R>) -> Result<(), String> {
        let Next::Go(moves) = next else { return Ok(()) };
        if self.is_last {
            return Err("this is the last round: be done with what there is, or ask".to_owned());
        }
        let mut after = After { working: self.working.clone(), tasks_left: self.tasks_left };
        for (at, change) in moves.iter().enumerate() {
            after.take(change).map_err(|why| format!("move {}: {why}", at + 1))?;
        }
        if after.working.contains(&true) {
            return Ok(());
        }
        Err("nothing works then, so there is nothing to wait for: spawn or retry a task, be done, or ask"
            .to_owned())
    }
}

/// How it stands after some of the moves.
struct After {
    working: Vec<bool>,
    tasks_left: usize,
}

impl After {
    fn take<T>(&mut self, change: &Move<T>) -> Result<(), String> {
        match change {
            Move::Spawn(_) => {
                self.assign()?;
                self.working.push(true);
            }
            Move::Retry(number) | Move::Reassign(number, _) => {
                self.assign()?;
                *self.task(*number)? = true;
            }
            Move::GiveUp(number) => {
                let works = self.task(*number)?;
                if !std::mem::take(works) {
                    return Err(format!("nobody works on task {number}: leave it out"));
                }
            }
        }
        Ok(())
    }

    fn assign(&mut self) -> Result<(), String> {
        let left = self.tasks_left.checked_sub(1);
        self.tasks_left =
            left.ok_or("no worker may be given a task any more: wait for those at work, be done, or ask")?;
        Ok(())
    }

    fn task(&mut self, number: usize) -> Result<&mut bool, String> {
        let tasks = self.working.len();
        let task = number.checked_sub(1).and_then(|at| self.working.get_mut(at));
        task.ok_or_else(|| match tasks {
            0 => format!("there is no task {number}: there are none yet"),
            _ => format!("there is no task {number}: they have the numbers 1 to {tasks}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(allowed: &Allowed, moves: Vec<Move<u8>>) -> String {
        allowed.check(&Next::<u8, ()>::Go(moves)).err().unwrap_or_default()
    }

    fn allowed(working: &[bool], tasks_left: usize) -> Allowed {
        Allowed { working: working.to_vec(), tasks_left, is_last: false }
    }

    #[test]
    fn a_decision_is_checked_move_by_move() {
        let two = allowed(&[true, false], 2);
        assert_eq!(says(&two, vec![]), "");
        assert_eq!(says(&two, vec![Move::Spawn(7), Move::GiveUp(3), Move::Retry(3)]), "");
        assert_eq!(
            says(&two, vec![Move::GiveUp(1), Move::Retry(5)]),
            "move 2: there is no task 5: they have the numbers 1 to 2"
        );
        assert_eq!(says(&two, vec![Move::GiveUp(2)]), "move 1: nobody works on task 2: leave it out");
        assert!(says(&two, vec![Move::Retry(0)]).contains("no task 0"));
        assert!(says(&allowed(&[], 2), vec![Move::Reassign(1, 7)]).contains("there are none yet"));
        let three = vec![Move::Spawn(1), Move::Retry(1), Move::Spawn(3)];
        assert!(says(&two, three).starts_with("move 3: no worker may be given a task any more"));
    }

    #[test]
    fn nobody_waits_for_nothing() {
        for (working, moves) in [(&[][..], vec![]), (&[false], vec![]), (&[true], vec![Move::GiveUp(1)])] {
            assert!(says(&allowed(working, 9), moves).starts_with("nothing works then"));
        }
        assert_eq!(says(&allowed(&[false], 9), vec![Move::Retry(1)]), "");
    }

    #[test]
    fn the_last_round_ends_it() {
        let last = Allowed { is_last: true, ..allowed(&[true], 9) };
        assert!(says(&last, vec![]).starts_with("this is the last round"));
        assert_eq!(last.check(&Next::<u8, _>::Done(1)), Ok(()));
        assert_eq!(last.check(&Next::<u8, u8>::Ask("how?".into())), Ok(()));
    }
}
