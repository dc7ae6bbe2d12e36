//! The lead: finds out what there is to do and gives it to the specialists, batch by batch.

use std::sync::Arc;

use futures_util::future::{join_all, try_join_all};
use serde_json::json;
use skep_runtime::{Agent, AgentError, AgentRef, AskError, Context};

use super::shelf::Shelf;
use super::specialist::{Batch, Specialist};
use super::survey::{self, Survey};
use super::tally::Tally;
#[cfg(feature = "http")]
use super::thinker::Thinker;
use super::{Order, PLAN_EVENT};
use crate::review::Category;

/// Surveys, hands out, gathers.
#[derive(Debug)]
pub(crate) struct Lead {
    order: Arc<Order>,
    tally: Arc<Tally>,
}

impl Lead {
    pub(super) fn new(order: Arc<Order>, tally: Arc<Tally>) -> Self {
        Self { order, tally }
    }

    /// Gives a specialist its batches, one after the other, and takes what comes of each.
    async fn supervise(
        &self,
        cx: &Context,
        specialist: &AgentRef<Specialist>,
        category: Category,
        survey: &Survey,
    ) {
        let until = cx.now() + self.order.patience();
        let mut before = 0;
        for (number, files) in survey.batches.iter().enumerate() {
            let batch = Batch { before, files: files.clone() };
            before += files.len();
            let left = until.since(cx.now());
            match cx.ask(specialist, batch).within(left).await {
                Ok(done) => {
                    let is_cut = done.cut.is_some();
                    self.tally.put(category, number, done);
                    if is_cut {
                        return;
                    }
                }
                // The lead's own time was over first: whoever gave it knows how much that was.
                Err(AskError::Expired(_)) if cx.now() < until => return,
                Err(AskError::Expired(_)) => {
                    let limit = humantime::format_duration(self.order.patience());
                    return self.tally.fail(category, format!("its deadline of {limit} had passed"));
                }
                // The lead itself is at its end; whoever ended it knows why.
                Err(AskError::Cancelled(_)) => return,
                Err(error @ AskError::Stopped(..)) => return self.tally.fail(category, error.to_string()),
                // One batch is lost, the next may do.
                Err(error) => self.tally.fail(category, error.to_string()),
            }
        }
    }
}

impl Agent for Lead {
    type Task = ();
    type Output = ();

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<(), AgentError> {
        cx.progress("looks at what there is");
        // Boxed, as all that is large here: an unoptimised build lays a turn's future on the stack, several times over.
        let survey = Arc::new(Box::pin(survey::survey(cx, &self.order)).await?);
        self.tally.begin(Arc::clone(&survey));
        cx.record(PLAN_EVENT, 1, json!({ "files": survey.files(), "scope": survey.scope }));
        if survey.batches.is_empty() || self.order.only_survey {
            return Ok(());
        }
        let shelf = Arc::new(Shelf::default());
        let own = cx.agent();
        let mut spawned = Vec::new();
        for category in Category::ALL {
            let spec = Specialist::spec(category, &self.order, &survey, &shelf, &self.tally);
            #[cfg(feature = "http")]
            let spec = match Box::pin(Thinker::begin(cx, category, &self.order, &survey)).await? {
                Some(thinker) => spec.resource(thinker),
                None => spec,
            };
            spawned.push(Box::pin(own.spawn(spec)));
        }
        let specialists = Box::pin(try_join_all(spawned)).await?;
        cx.progress("waits for its specialists");
        let work = Category::ALL
            .iter()
            .zip(&specialists)
            .map(|(category, specialist)| self.supervise(cx, specialist, *category, &survey));
        Box::pin(join_all(work)).await;
        Ok(())
    }
}
