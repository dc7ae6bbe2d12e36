//! A provider that says nothing for a while, at will: `touch` a file and see what clients get, remove it and all goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use skep::Env;
use skep::actors::Model;
use skep::actors::model::{Chunks, Prices, Request};

/// How often it is looked whether the outage is over.
const LOOK: Duration = Duration::from_millis(10);

/// A model whose answers do not begin while a file is there.
#[derive(Clone)]
pub(crate) struct Outage<M> {
    pub(crate) model: M,
    pub(crate) while_there: Option<PathBuf>,
}

impl<M: Model> Model for Outage<M> {
    fn name(&self) -> Option<&str> {
        self.model.name()
    }

    fn prices(&self) -> Option<Prices> {
        self.model.prices()
    }

    fn input_at_most(&self, request: &Request) -> u64 {
        self.model.input_at_most(request)
    }

    fn stream(&self, request: Arc<Request>, env: &Env) -> Chunks {
        let answer = self.model.stream(request, env);
        let Some(file) = self.while_there.clone() else { return answer };
        // The connection is open meanwhile: dropped, it is one that hung up.
        let env = env.clone();
        let late = async move {
            is_over(&file, &env).await;
            answer
        };
        Box::pin(stream::once(late).flatten())
    }
}

async fn is_over(file: &Path, env: &Env) {
    while file.exists() {
        env.sleep_until(env.now() + LOOK).await;
    }
}
