//! What a step can need where it stands: pure.

use skep_runtime::text::OneLine;

use super::error::{BadWorkflow, Quoted, list};
use super::file::PhaseRow;
use super::plan::{Need, Needs, Plan};

/// Where a step stands.
pub(super) struct Here<'p> {
    pub(super) plan: &'p Plan,
    pub(super) at: usize,
    pub(super) place: usize,
    pub(super) row: &'p PhaseRow,
    /// What each step of the phase gives.
    pub(super) gives: &'p [&'p str],
}

impl Here<'_> {
    /// Who gives a value, of those that stand before.
    pub(super) fn giver(&self, value: &str) -> Option<(usize, usize)> {
        self.plan.givers.get(value).copied()
    }

    pub(super) fn need(&self, said: &str) -> Result<Need, BadWorkflow> {
        let (value, is_optional) = match said.strip_suffix('?') {
            Some(value) => (value, true),
            None => (said, false),
        };
        is_name(value).map_err(|why| BadWorkflow::new(format!("needs: {why}")))?;
        let is_given = self.plan.inputs.contains_key(value) || self.giver(value).is_some();
        if is_given {
            return Ok(Need { value: value.to_owned(), is_optional: false });
        }
        let is_of_last_round = self.row.repeats.is_some() && self.gives[self.place..].contains(&value);
        if is_optional && is_of_last_round {
            return Ok(Need { value: value.to_owned(), is_optional: true });
        }
        let so_far = self.plan.inputs.keys().chain(self.plan.givers.keys()).map(String::as_str);
        let mut problem =
            format!("needs {}, which no earlier step gives; given so far: {}", Quoted(value), list(so_far));
        if is_of_last_round {
            problem += &format!(
                " (for what the last round gave, which the first has not, write {})",
                Quoted(&format!("{value}?"))
            );
        }
        Err(BadWorkflow::new(problem))
    }

    /// The steps of its phase that it waits for.
    pub(super) fn after(&self, needs: &Needs) -> Vec<usize> {
        if !self.row.parallel {
            return self.place.checked_sub(1).into_iter().collect();
        }
        let givers = needs.all().filter_map(|need| self.giver(&need.value));
        let mut after: Vec<_> = givers.filter(|giver| giver.0 == self.at).map(|giver| giver.1).collect();
        after.sort_unstable();
        after.dedup();
        after
    }
}

/// Names are words: a path of fields has dots, an optional need a question mark, and a part that is told from others a space.
pub(super) fn is_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("it is empty: give it a name".to_owned());
    }
    match name.chars().find(|char| !char.is_alphanumeric() && !matches!(char, '-' | '_')) {
        None => Ok(()),
        Some(char) => {
            let char = OneLine(char.encode_utf8(&mut [0; 4])).to_string();
            Err(format!("{} has `{char}` in it: names are letters, digits, `-` and `_`", Quoted(name)))
        }
    }
}
