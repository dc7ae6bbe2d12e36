//! A specialist's mind: the agent with a model that looks at what the specialist has read.

use std::sync::Arc;
use std::time::Duration;

use skep_actors::ModelAgent;
use skep_actors::tool::Toolset;
use skep_actors::tools::Workspace;
use skep_runtime::{AgentError, AgentRef, AskError, Budget, Context, FailureClass, NanoUsd, Restart};

use super::Order;
use super::specialist::Batched;
use super::survey::{Origin, Survey};
use crate::review::mind::{Desk, OUTPUT, Part, Said, Structure, TURNS, parts, prompt, system, tier};
use crate::review::{Category, Note, RuleSet, Source, Touched};

/// For one part: some calls of a model that takes its time.
const PART: Duration = Duration::from_secs(600);

/// The mind of one specialist. It is the lead's child, so that what it was asked outlives a crash of the specialist.
#[derive(Debug)]
pub(super) struct Thinker {
    category: Category,
    agent: AgentRef<ModelAgent<Said>>,
    desk: Desk,
}

impl Thinker {
    /// Brings it up below the lead; none where the review has no models.
    ///
    /// # Errors
    /// What is wrong with the folder, or with the spec.
    pub(super) async fn begin(
        cx: &Context,
        category: Category,
        order: &Order,
        survey: &Survey,
    ) -> Result<Option<Self>, AgentError> {
        let Some(minds) = &order.minds else { return Ok(None) };
        let share = NanoUsd(order.budget.0 / Category::ALL.len() as u64);
        let desk = Desk::default();
        let mut agent = ModelAgent::new(tier(category))
            .system(system(category, RuleSet::embedded().needs_model()))
            .max_turns(TURNS)
            .max_output_tokens(OUTPUT)
            .tool(desk.rules(&order.config));
        // What lies in the folder is not what a commit has.
        if survey.origin == Origin::Folder {
            let workspace = Workspace::at(&order.root).map_err(AgentError::failed)?;
            agent = agent.tools(workspace.reading());
            if let Some(workers) = minds.pool() {
                agent = agent.tools(Toolset::new().planned(Structure::new(&workspace, workers)));
            }
        }
        let spec = agent.output::<Said>().spec(format!("{category}-mind"));
        let spec = spec.restart(Restart::Transient).budget(Budget::new().money(share));
        let agent = cx.agent().spawn(spec).await?;
        Ok(Some(Self { category, agent, desk }))
    }

    /// Looks at sources, part by part, and adds what it finds.
    pub(super) async fn think(
        &self,
        cx: &Context,
        sources: Vec<Arc<Source>>,
        order: &Order,
        survey: &Survey,
        done: &mut Batched,
    ) {
        let touched = |path: &str| if order.whole_files { &Touched::Whole } else { survey.touched(path) };
        for part in parts(sources) {
            self.desk.put(&part);
            let text = prompt(&part, &done.findings, touched);
            match cx.ask(&self.agent, text.into()).within(PART).await {
                Ok(said) => {
                    let (found, dropped) = said.findings(self.category, &part, touched);
                    done.findings.extend(found);
                    if dropped > 0 {
                        done.notes.push(misplaced(self.category, dropped));
                    }
                }
                Err(AskError::Failed(_, error)) if error.class() == FailureClass::OverBudget => {
                    done.cut = Some(format!("{error}; give more with --budget"));
                    return;
                }
                Err(error) => done.unread.extend(unread(&part, &error.to_string())),
            }
        }
    }
}

fn misplaced(category: Category, dropped: usize) -> Note {
    let (problems, are) = if dropped == 1 { ("problem", "is") } else { ("problems", "are") };
    let why = format!(
        "{dropped} {problems} of the {category} model {are} left out: not on a line of the sources that it was given"
    );
    Note { file: String::new(), why }
}

fn unread<'p>(part: &'p Part, why: &'p str) -> impl Iterator<Item = Note> + 'p {
    part.sources().map(move |source| Note {
        file: source.path().to_owned(),
        why: format!("the model did not review it: {why}"),
    })
}
