//! Specs as people write them: OTP's maps of a child and of a supervisor, in its words and units.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::words::child::ChildPolicy;
use crate::words::defaults;
use crate::words::policy::{AutoShutdown, Intensity, Restart, Shutdown, Strategy};
use crate::words::supervisor::Policy;

/// A child's spec as it stands in a file. What is left out is OTP's default; a field that is not known is an error.
///
/// ```toml
/// id = "writer"
/// restart = "transient"      # permanent, transient or temporary; permanent by default
/// shutdown = 2000            # milliseconds, "brutal_kill" or "infinity"; 5,000, and infinity for a supervisor
/// type = "worker"            # worker or supervisor; worker by default
/// significant = false
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChildSpec {
    /// Its name, unique among its siblings.
    pub id: String,
    /// When it is started again.
    #[serde(default = "permanent")]
    pub restart: Restart,
    /// Whether its end may end its supervisor.
    #[serde(default)]
    pub significant: bool,
    /// How it is stopped; by default as its type says.
    #[serde(default, with = "shutdown", skip_serializing_if = "Option::is_none")]
    pub shutdown: Option<Shutdown>,
    /// What it is counted as.
    #[serde(default, rename = "type")]
    pub kind: ChildType,
}

/// What a child is counted as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChildType {
    /// It works.
    #[default]
    Worker,
    /// It is there for its children.
    Supervisor,
}

/// A supervisor's flags as they stand in a file. What is left out is OTP's default.
///
/// ```toml
/// strategy = "one_for_one"   # one_for_one, one_for_all, rest_for_one or simple_one_for_one
/// intensity = 1              # restarts
/// period = 5                 # seconds
/// auto_shutdown = "never"    # never, any_significant or all_significant
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SupervisorFlags {
    /// Whom a restart concerns.
    pub strategy: WrittenStrategy,
    /// Restarts that are borne in a period.
    pub intensity: u32,
    /// The period in seconds.
    pub period: u64,
    /// Whether it ends with its significant children.
    pub auto_shutdown: AutoShutdown,
}

/// OTP's four strategies; the last is that of [`Supervisor::dynamic`](crate::Supervisor::dynamic).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WrittenStrategy {
    /// The child that ended, alone.
    #[default]
    OneForOne,
    /// All of them.
    OneForAll,
    /// The child that ended and those after it.
    RestForOne,
    /// Dynamic children, each alone.
    SimpleOneForOne,
}

impl ChildSpec {
    /// What holds for a child of a name, as it would be written down.
    #[must_use]
    pub fn of(name: &str, policy: &ChildPolicy) -> Self {
        Self {
            id: name.to_owned(),
            restart: policy.restart,
            significant: policy.significant,
            shutdown: Some(policy.shutdown),
            kind: if policy.supervisor { ChildType::Supervisor } else { ChildType::Worker },
        }
    }
}

impl Default for SupervisorFlags {
    fn default() -> Self {
        Self {
            strategy: WrittenStrategy::default(),
            intensity: defaults::INTENSITY,
            period: defaults::PERIOD.as_secs(),
            auto_shutdown: AutoShutdown::default(),
        }
    }
}

impl SupervisorFlags {
    /// The policy that they say.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        let strategy = match self.strategy {
            WrittenStrategy::OneForOne | WrittenStrategy::SimpleOneForOne => Strategy::OneForOne,
            WrittenStrategy::OneForAll => Strategy::OneForAll,
            WrittenStrategy::RestForOne => Strategy::RestForOne,
        };
        let intensity = Intensity { restarts: self.intensity, period: Duration::from_secs(self.period) };
        Policy { strategy, intensity, auto_shutdown: self.auto_shutdown, each_child_alone: false }
    }
}

impl ChildSpec {
    /// How it is stopped, by its type where nothing is said.
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.unwrap_or(match self.kind {
            ChildType::Worker => Shutdown::default(),
            ChildType::Supervisor => Shutdown::UntilDeadline,
        })
    }
}

impl fmt::Display for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.restart {
            Restart::Permanent => "permanent",
            Restart::Transient => "transient",
            Restart::Temporary => "temporary",
        })?;
        f.write_str(if self.kind == ChildType::Worker { " worker" } else { " supervisor" })?;
        match self.shutdown() {
            Shutdown::Brutal => f.write_str(", shutdown brutal")?,
            Shutdown::Within(limit) => write!(f, ", shutdown {limit:?}")?,
            Shutdown::UntilDeadline => f.write_str(", shutdown until the deadline")?,
        }
        f.write_str(if self.significant { ", significant" } else { "" })
    }
}

const fn permanent() -> Restart {
    Restart::Permanent
}

/// OTP's way to write a shutdown: a word or milliseconds.
mod shutdown {
    use super::{Deserializer, Duration, Serializer, Shutdown, de, fmt};

    #[expect(clippy::ref_option, reason = "the signature is serde's")]
    pub(super) fn serialize<S: Serializer>(shutdown: &Option<Shutdown>, to: S) -> Result<S::Ok, S::Error> {
        match shutdown {
            None => to.serialize_none(),
            Some(Shutdown::Brutal) => to.serialize_str("brutal_kill"),
            Some(Shutdown::UntilDeadline) => to.serialize_str("infinity"),
            // Times beyond what a file can hold are as good as the longest.
            Some(Shutdown::Within(limit)) => {
                to.serialize_i64(limit.as_millis().try_into().unwrap_or(i64::MAX))
            }
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Shutdown>, D::Error> {
        from.deserialize_any(Written).map(Some)
    }

    struct Written;

    impl de::Visitor<'_> for Written {
        type Value = Shutdown;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("for shutdown: \"brutal_kill\", \"infinity\" or milliseconds")
        }

        fn visit_str<E: de::Error>(self, word: &str) -> Result<Shutdown, E> {
            match word {
                "brutal_kill" => Ok(Shutdown::Brutal),
                "infinity" => Ok(Shutdown::UntilDeadline),
                _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
            }
        }

        fn visit_u64<E: de::Error>(self, millis: u64) -> Result<Shutdown, E> {
            Ok(Shutdown::Within(Duration::from_millis(millis)))
        }

        fn visit_i64<E: de::Error>(self, millis: i64) -> Result<Shutdown, E> {
            match u64::try_from(millis) {
                Ok(millis) => self.visit_u64(millis),
                Err(_) => Err(E::invalid_value(de::Unexpected::Signed(millis), &self)),
            }
        }
    }
}
