//! A model over HTTP is all that a model has to be, in both protocols.

use std::sync::Mutex;
use std::time::Duration;

use skep::actors::{Remote, Scripted};
use skep::testkit::Lab;
use skep::testkit::contract::{self, Conduct, Provider};

use super::rig::{BOTH, Serving, Speaks, only, prices};

/// A server for each conduct.
struct Wire {
    speaks: Speaks,
    served: Mutex<Vec<(Serving, Scripted)>>,
}

impl Provider for Wire {
    type Model = Remote;

    fn model(&self, conduct: Conduct, retry_after: Duration) -> Remote {
        let answer = conduct.answer(Duration::from_millis(5), retry_after);
        let script = Scripted::new().prices(prices()).when(|_| true).answers(answer);
        let serving = Serving::of(only("m", script.clone()));
        let model = serving.model(self.speaks, "m");
        self.served.lock().unwrap().push((serving, script));
        model
    }

    fn open(&self) -> u64 {
        self.served.lock().unwrap().iter().map(|(_, script)| script.traffic().open).sum()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_over_http_is_all_that_a_model_has_to_be() {
    for speaks in BOTH {
        contract::model(Lab::real_io(), &Wire { speaks, served: Mutex::default() }).await;
    }
}
