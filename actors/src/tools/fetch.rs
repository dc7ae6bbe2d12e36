//! `fetch`: a page of the web as text, for models.
//!
//! # Invariants
//! 1. The host that is stated is the only one that is contacted, and it has one spelling. A redirect is reported to the model,
//!    whose next call is another effect with its own host.
//! 2. No connection is made to an address of a private network. This is checked where the connection is made, after the name was
//!    resolved: a name that resolves to another address a moment later changes nothing.
//! 3. It sends a plain request and nothing else: `GET`, no cookie, no key, no proxy.
//! 4. The URLs that it requests can leak what an agent has read. To prevent that, restrict the hosts.

mod address;
mod answer;
mod resolver;
mod url;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderValue, USER_AGENT};
use hyper::{Request, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::GaiResolver;
use hyper_util::rt::TokioExecutor;
use schemars::JsonSchema;
use serde::Deserialize;
use skep_runtime::effect::Tier;
use skep_runtime::{Call, Env, Reach, Repeat, Retry};

use self::resolver::Checked;
use self::url::Place;
use crate::defaults;
use crate::tool::{Card, PlannedTool, ToolError, Toolset};
use crate::wire::http::client::{causes, https};

type Connector = HttpsConnector<HttpConnector<Checked<GaiResolver>>>;

/// The time between a page's deadline and the end of its effect: enough to report it.
const TO_SAY_SO: Duration = Duration::from_secs(5);

/// The tool `fetch`: it gets a page of text from a public address by HTTP or HTTPS.
///
/// ```
/// use skep_actors::ModelAgent;
/// use skep_actors::tools::Fetch;
/// use skep_runtime::Ceiling;
///
/// let reader = ModelAgent::new("fast").tools(Fetch::new().tools()).spec("reader");
/// let reader = reader.ceiling(Ceiling::new().hosts(["docs.rs", "*.rust-lang.org"]).models(["fast"]));
/// ```
#[derive(Clone, Debug)]
pub struct Fetch {
    within: Duration,
    most: usize,
    takes_private: bool,
}

impl Default for Fetch {
    fn default() -> Self {
        Self::new()
    }
}

impl Fetch {
    /// Fetches from any public address that ceilings and permissions allow.
    #[must_use]
    pub const fn new() -> Self {
        Self { within: defaults::TOOL_WITHIN, most: defaults::TOOL_OUTPUT, takes_private: false }
    }

    /// Also fetches from this machine and private networks: restrict the hosts then, or a model can read what only this
    /// machine may.
    #[must_use]
    pub const fn private(mut self) -> Self {
        self.takes_private = true;
        self
    }

    /// How long a page may take; 30 s by default.
    #[must_use]
    pub const fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }

    /// How many bytes of a page are read; 64 KiB by default, which is what a model gets from any tool.
    #[must_use]
    pub const fn most(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }

    /// The tool, as a set of its own.
    #[must_use]
    pub fn tools(self) -> Toolset {
        let about =
            "Gets a page of text from a URL by GET. A redirect is not followed: its new address is given.";
        let card = Card {
            kind: "fetch".to_owned(),
            repeat: Repeat::Idempotent,
            tier: Tier::Writes,
            modifies: false,
            retry: Retry::times(3).if_advised(),
            within: self.within.saturating_add(TO_SAY_SO),
            most_output: self.most.saturating_add(answer::HEAD),
            ..Card::new("fetch", about)
        };
        Toolset::new().planned(Getting { card, fetch: self, connector: OnceLock::new() })
    }
}

/// The tool's input.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// The address, such as `https://docs.rs/tokio`.
    url: String,
}

struct Getting {
    card: Card,
    fetch: Fetch,
    /// Created for the first page: reading the system's certificates takes a while.
    connector: OnceLock<Connector>,
}

impl Getting {
    /// The HTTP client. No connection is kept for another page.
    fn client(&self) -> Result<Client<Connector, Empty<Bytes>>, ToolError> {
        let connector = match self.connector.get() {
            Some(connector) => connector,
            None => {
                let resolver = Checked::new(GaiResolver::new(), self.fetch.takes_private);
                let made = https(resolver, defaults::HTTP_CONNECT).map_err(ToolError::said)?;
                self.connector.get_or_init(|| made)
            }
        };
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_max_idle_per_host(0);
        Ok(builder.build(connector.clone()))
    }
}

impl PlannedTool for Getting {
    type Input = Input;
    type Plan = Place;
    type Output = String;

    fn card(&self) -> &Card {
        &self.card
    }

    fn plan(&self, input: Input) -> Result<(Reach, Place), ToolError> {
        let place = Place::read(&input.url)?;
        if let Some(address) =
            place.address().filter(|address| !self.fetch.takes_private && !address::is_public(*address))
        {
            return Err(ToolError::said(format!("{address} is no public address, and only those are asked")));
        }
        Ok((Reach::host(place.host()), place))
    }

    async fn carry_out(&self, place: Arc<Place>, call: Call) -> Result<String, ToolError> {
        let (client, within, most) = (self.client()?, self.fetch.within, self.fetch.most);
        let got = call.outside(Env::at_most_outside(within, get(client, place.uri().clone(), most))).await;
        got.unwrap_or_else(|| Err(format!("it took longer than {} s", within.as_secs_f64())))
            .map_err(|why| ToolError::said(format!("{}: {why}", place.host())))
    }
}

async fn get(client: Client<Connector, Empty<Bytes>>, uri: Uri, most: usize) -> Result<String, String> {
    let agent = HeaderValue::from_static(concat!("skep/", env!("CARGO_PKG_VERSION")));
    let request = Request::get(uri.clone())
        .header(USER_AGENT, agent)
        .header(
            ACCEPT,
            HeaderValue::from_static("text/*, application/json, application/xml;q=0.9, */*;q=0.1"),
        )
        // A compressed answer would have to be unpacked, to an unknown size.
        .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
        .body(Empty::new())
        .map_err(|error| error.to_string())?;
    let response = client.request(request).await.map_err(|error| causes(&error))?;
    answer::told(response, &uri, most).await
}
