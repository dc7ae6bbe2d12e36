//! From the rows of a file to a plan, or what is wrong with them: pure.

use std::collections::BTreeMap;
use std::time::Duration;

use skep_runtime::Budget;
use toml::Spanned;

use super::downstream::downstream;
use super::error::{BadWorkflow, Quoted, list};
use super::file::{
    ContractFile, ContractRow, File, Lines, LoopRow, Names, NeedsRow, PhaseRow, StepRow, parse,
};
use super::here::{Here, is_name};
use super::plan::{By, Contract, Need, Needs, PhasePlan, Plan, Repeats, StepPlan};
use super::shape::Shape;

/// Reads a file and checks all that can be known without the program.
pub(super) fn read(text: &str) -> Result<Plan, BadWorkflow> {
    let file: File = parse(text)?;
    let lines = Lines::of(text);
    let check = Check { lines: &lines };
    let name = check.name(&file.name, "name")?.to_owned();
    let within = file.within.as_ref().map(|secs| check.seconds(secs)).transpose()?;
    let costing = file.costing.as_ref().map(|text| check.budget(text)).transpose()?;
    let mut inputs = BTreeMap::new();
    if let Some(rows) = file.inputs {
        let bad = |problem| BadWorkflow::new(problem).line(lines.at(&rows.span())).field("inputs");
        for (input, shape) in &rows.get_ref().0 {
            is_name(input).map_err(|why| bad(format!("inputs: {why}")))?;
            if inputs.insert(input.clone(), shape.clone()).is_some() {
                return Err(bad(format!("has the input {} twice: name it once", Quoted(input))));
            }
        }
    }
    let mut plan = Plan {
        name,
        inputs,
        within,
        costing,
        contracts: check.contracts(&file.capability)?,
        phases: Vec::new(),
        givers: BTreeMap::new(),
    };
    if file.phase.is_empty() {
        return Err(BadWorkflow::new("has no phase: begin one with [[phase]]").field("phase"));
    }
    let mut phases = Names::default();
    let mut steps = Names::default();
    for (at, row) in file.phase.iter().enumerate() {
        let name = check.name(&row.get_ref().name, "name")?;
        let line = lines.at(&row.get_ref().name.span());
        phases.take(name, line).map_err(|before| {
            let problem = format!("has the name of the phase in line {before}: give it another");
            BadWorkflow::new(problem).line(line).phase(name).field("name")
        })?;
        let phase = check.phase(at, row.get_ref(), line, &mut plan, &mut steps);
        plan.phases.push(phase.map_err(|bad| bad.phase(name))?);
    }
    downstream(&plan, |_| Shape::Any)?;
    Ok(plan)
}

/// Takes in the contracts of another file.
pub(super) fn add_contracts(plan: &mut Plan, text: &str) -> Result<(), BadWorkflow> {
    let file: ContractFile = parse(text)?;
    let lines = Lines::of(text);
    for (name, contract) in (Check { lines: &lines }).contracts(&file.capability)? {
        if plan.contracts.insert(name.clone(), contract).is_some() {
            let problem = format!("has a contract of {} already: keep one of them", Quoted(&name));
            return Err(BadWorkflow::new(problem).field("capability"));
        }
    }
    downstream(plan, |_| Shape::Any)
}

struct Check<'l> {
    lines: &'l Lines,
}

impl Check<'_> {
    fn bad<T>(&self, row: &Spanned<T>, field: &str, problem: impl Into<String>) -> BadWorkflow {
        BadWorkflow::new(problem).line(self.lines.at(&row.span())).field(field)
    }

    fn name<'s>(&self, row: &'s Spanned<String>, field: &str) -> Result<&'s str, BadWorkflow> {
        is_name(row.get_ref()).map_err(|why| self.bad(row, field, format!("{field}: {why}")))?;
        Ok(row.get_ref())
    }

    fn seconds(&self, row: &Spanned<i64>) -> Result<Duration, BadWorkflow> {
        let secs = u64::try_from(*row.get_ref()).ok().filter(|secs| *secs > 0);
        secs.map(Duration::from_secs).ok_or_else(|| {
            self.bad(row, "within", format!("within: {} is no time: write seconds from 1", row.get_ref()))
        })
    }

    fn budget(&self, row: &Spanned<String>) -> Result<Budget, BadWorkflow> {
        let budget = Budget::usd(row.get_ref());
        match budget.check() {
            Ok(_) => Ok(budget),
            Err(error) => Err(self.bad(row, "costing", format!("costing: {}", error.message))),
        }
    }

    fn contracts(&self, rows: &[Spanned<ContractRow>]) -> Result<BTreeMap<String, Contract>, BadWorkflow> {
        let mut all = BTreeMap::new();
        for row in rows {
            let ContractRow { name, takes, gives } = row.get_ref();
            let named = self.name(name, "capability.name")?;
            if by(named) != By::Capability(named.to_owned()) {
                let problem = format!(
                    "has a contract of {}, which is done by people: give it another name",
                    Quoted(named)
                );
                return Err(self.bad(name, "capability.name", problem));
            }
            let shape = |said: &Option<Shape>| said.clone().unwrap_or(Shape::Any);
            let contract = Contract { takes: shape(takes), gives: shape(gives) };
            if all.insert(named.to_owned(), contract).is_some() {
                let problem = format!("has two contracts of {}: keep one of them", Quoted(named));
                return Err(self.bad(name, "capability.name", problem));
            }
        }
        Ok(all)
    }

    fn phase<'f>(
        &self,
        at: usize,
        row: &'f PhaseRow,
        line: usize,
        plan: &mut Plan,
        names: &mut Names<'f>,
    ) -> Result<PhasePlan, BadWorkflow> {
        if row.steps.is_empty() {
            let problem = "has no steps: write steps = [{ name = \"..\", by = \"..\" }]";
            return Err(BadWorkflow::new(problem).line(line).field("steps"));
        }
        let mut hooks = Vec::new();
        for hook in &row.after {
            let name = self.name(hook, "after")?;
            if hooks.iter().any(|before| before == name) {
                return Err(self.bad(hook, "after", format!("has the hook {} twice after it", Quoted(name))));
            }
            hooks.push(name.to_owned());
        }
        // What the steps of this phase give, for those before them in a loop.
        let gives: Vec<_> = row.steps.iter().map(|step| gives(step.get_ref())).collect();
        let mut steps: Vec<StepPlan> = Vec::new();
        for (place, step) in row.steps.iter().enumerate() {
            let here = Here { plan, at, place, row, gives: &gives };
            let name = self.name(&step.get_ref().name, "name")?;
            let checked = self.step(&here, step, name, names).map_err(|bad| bad.step(name))?;
            plan.givers.insert(checked.gives.clone(), (at, place));
            steps.push(checked);
        }
        let repeats = row.repeats.as_ref().map(|row| self.repeats(row, &gives)).transpose()?;
        let name = row.name.get_ref().clone();
        Ok(PhasePlan { name, is_parallel: row.parallel, repeats, hooks, steps, line })
    }

    fn repeats(&self, row: &Spanned<LoopRow>, gives: &[&str]) -> Result<Repeats, BadWorkflow> {
        let LoopRow { until, most } = row.get_ref();
        let (Some(until), Some(most)) = (until, most) else {
            let lacks = if until.is_none() { "until" } else { "most" };
            let problem = format!(
                "loops without {}: write loop = {{ until = \"review.approved\", most = 3 }}",
                Quoted(lacks)
            );
            return Err(self.bad(row, "loop", problem));
        };
        let bound = u32::try_from(*most.get_ref()).ok().filter(|rounds| *rounds > 0);
        let Some(bound) = bound else {
            let problem = format!("loops at most {} times: it has to be at least once", most.get_ref());
            return Err(self.bad(most, "loop.most", problem));
        };
        let path: Vec<_> = until.get_ref().split('.').map(str::to_owned).collect();
        if !gives.contains(&path[0].as_str()) {
            let problem = format!(
                "loops until {}, and no step of it gives {}; they give: {}",
                Quoted(until.get_ref()),
                Quoted(&path[0]),
                list(gives.iter().copied())
            );
            return Err(self.bad(until, "loop.until", problem));
        }
        Ok(Repeats { until: path, most: bound })
    }

    fn step<'f>(
        &self,
        here: &Here<'_>,
        row: &'f Spanned<StepRow>,
        name: &'f str,
        names: &mut Names<'f>,
    ) -> Result<StepPlan, BadWorkflow> {
        let StepRow { name: named, by: done_by, needs, gives: given, costing, tier, within, retries } =
            row.get_ref();
        let line = self.lines.at(&named.span());
        let bad = |field: &str, problem: String| BadWorkflow::new(problem).line(line).field(field);
        names.take(name, line).map_err(|before| {
            bad("name", format!("has the name of the step in line {before}: give it another"))
        })?;
        let Some(done_by) = done_by else {
            let problem = "is done by nobody: write by = a capability, \"person\" or \"approval\"";
            return Err(bad("by", problem.to_owned()));
        };
        let done_by = by(self.name(done_by, "by")?);
        if let Some(given) = given {
            self.name(given, "gives")?;
        }
        let gives = gives(row.get_ref());
        if here.plan.inputs.contains_key(gives) {
            return Err(bad(
                "gives",
                format!("gives {}, which is an input: give it another name", Quoted(gives)),
            ));
        }
        if let Some((phase, step)) = here.giver(gives) {
            let giver = match here.plan.phases.get(phase) {
                Some(phase) => &phase.steps[step].name,
                None => here.row.steps[step].get_ref().name.get_ref(),
            };
            let problem = format!(
                "gives {}, which {} gives already: give it another name",
                Quoted(gives),
                Quoted(giver)
            );
            return Err(bad("gives", problem));
        }
        if !matches!(done_by, By::Capability(_)) {
            let set = [
                ("costing", costing.is_some()),
                ("tier", tier.is_some()),
                ("within", within.is_some()),
                ("retries", retries.is_some()),
            ];
            if let Some((field, _)) = set.iter().find(|(_, is_set)| *is_set) {
                return Err(bad(field, format!("has {field} and is done by a person: leave it out")));
            }
        }
        let tier = tier.as_ref().map(|tier| self.name(tier, "tier")).transpose()?.map(str::to_owned);
        let retries = retries.as_ref().map(|count| {
            let problem = || {
                self.bad(count, "retries", format!("retries: {} is no number of retries", count.get_ref()))
            };
            u32::try_from(*count.get_ref()).map_err(|_| problem())
        });
        let needs = match needs {
            None => Needs::Nothing,
            Some(row) => {
                let line = self.lines.at(&row.span());
                self.needs(here, row.get_ref()).map_err(|bad| bad.line(line).field("needs"))?
            }
        };
        Ok(StepPlan {
            name: name.to_owned(),
            by: done_by,
            after: here.after(&needs),
            needs,
            gives: gives.to_owned(),
            costing: costing.as_ref().map(|text| self.budget(text)).transpose()?,
            tier,
            within: within.as_ref().map(|secs| self.seconds(secs)).transpose()?,
            retries: retries.transpose()?,
            line,
        })
    }

    fn needs(&self, here: &Here<'_>, row: &NeedsRow) -> Result<Needs, BadWorkflow> {
        match row {
            NeedsRow::Whole(value) => Ok(Needs::Whole(here.need(value)?)),
            NeedsRow::Fields(rows) => {
                let mut fields: Vec<(String, Need)> = Vec::new();
                let mut names = Names::default();
                for (field, value) in rows {
                    let need = here.need(value)?;
                    let field = field.clone().unwrap_or_else(|| need.value.clone());
                    fields.push((field, need));
                }
                for (field, _) in &fields {
                    names
                        .take(field, 0)
                        .map_err(|_| BadWorkflow::new(format!("needs {} twice", Quoted(field))))?;
                }
                Ok(Needs::Fields(fields))
            }
        }
    }
}

/// What a step gives: a value of its own name, unless it says another.
fn gives(row: &StepRow) -> &str {
    row.gives.as_ref().unwrap_or(&row.name).get_ref()
}

fn by(name: &str) -> By {
    match name {
        "person" => By::Person,
        "approval" => By::Approval,
        name => By::Capability(name.to_owned()),
    }
}
