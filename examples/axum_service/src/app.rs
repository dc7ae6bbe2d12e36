//! What every request shares: the swarm, and how many may be at it.

use std::sync::Arc;
use std::time::Duration;

use skep::actors::{Models, Simulated};
use skep::{StartError, Swarm};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::error::ApiError;
use crate::outage::Outage;
use crate::tenants::Tenants;
use crate::words::Words;

/// The state of the service; clones are the same.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) swarm: Swarm,
    /// Its own handle to the model, to show how many streams are open.
    pub(crate) model: Simulated,
    pub(crate) tenants: Arc<Tenants>,
    /// How long a client may take with each part of a request.
    pub(crate) patience: Duration,
    /// The service is to end: nothing new is taken.
    pub(crate) draining: CancellationToken,
    /// The time to drain is over: what still goes on is cut.
    pub(crate) closing: CancellationToken,
    places: Arc<Semaphore>,
}

impl App {
    pub(crate) async fn start(config: &Config) -> Result<Self, StartError> {
        let simulated = Simulated::new()
            .latency(Duration::from_millis(100)..=Duration::from_millis(400))
            .tokens_a_second(config.tokens_a_second)
            .output_tokens(30..=90)
            .rate_limits(config.rate_limits, Duration::from_secs(1));
        let model = Outage { model: simulated.clone(), while_there: config.outage.clone() };
        // One swarm for the process: it lives as long as the service does.
        let swarm = Swarm::builder("reviews")
            .resource(Models::new().with("fast", model.clone()))
            .permits("model", 100)
            .start()
            .await?;
        let tenants = Tenants::new(&swarm, &config.tenants, config.tenant_usd, config.idle);
        Ok(Self {
            swarm,
            tenants: Arc::new(tenants),
            model: simulated,
            patience: config.patience,
            draining: CancellationToken::new(),
            closing: CancellationToken::new(),
            places: Arc::new(Semaphore::new(config.at_once)),
        })
    }

    /// A place for one more review, held until it is answered. Who finds none is told so at once, instead of waiting in a
    /// queue until their patience ends.
    pub(crate) fn admit(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        if self.draining.is_cancelled() {
            return Err(ApiError::unavailable("the service is shutting down"));
        }
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map_err(|_| ApiError::unavailable("the maximum number of reviews is running"))
    }

    /// The words for what is told to a tenant.
    pub(crate) fn words(&self, tenant: &str) -> Words {
        Words::new(self.swarm.id().as_str(), tenant)
    }
}
