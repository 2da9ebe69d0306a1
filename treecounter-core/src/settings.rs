//! The settings, read from environment variables named `TREECOUNTER_…`.

pub(crate) mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use thiserror::Error;

use crate::serve::Order;
pub use source::Source;

const PREFIX: &str = "TREECOUNTER_";

const ADDR: &str = "TREECOUNTER_ADDR";
const FAILURE_RATE: &str = "TREECOUNTER_FAILURE_RATE";
const LATENCY_MIN: &str = "TREECOUNTER_LATENCY_MIN_SECONDS";
const LATENCY_MAX: &str = "TREECOUNTER_LATENCY_MAX_SECONDS";
const OUTAGE_EVERY: &str = "TREECOUNTER_OUTAGE_EVERY_SECONDS";
const OUTAGE_FOR: &str = "TREECOUNTER_OUTAGE_FOR_SECONDS";
const SOURCE: &str = "TREECOUNTER_SOURCE";

/// How much of a value that cannot be used is shown: enough to know it again.
const MAX_SHOWN: usize = 80;

/// Each setting, its default, and what it does; the text of `--help`.
const SETTINGS: [(&str, &str, &str); 7] = [
    (ADDR, "127.0.0.1:8001", "address and port to listen on; port 0 takes a free one"),
    (FAILURE_RATE, "0.15", "share of visits to /treecounter that fail, 0 to 1"),
    (LATENCY_MIN, "0", "shortest time that a visit to /treecounter takes, 0 to 60"),
    (LATENCY_MAX, "1", "longest time that a visit to /treecounter takes, 0 to 60"),
    (OUTAGE_EVERY, "off", "length of a period that ends with an outage, up to 86400"),
    (OUTAGE_FOR, "off", "how long at the end of each period every visit fails"),
    (SOURCE, "simulated", "where the count comes from: simulated, or an http(s):// URL"),
];

/// How the program behaves. The defaults need no network and disturb nobody.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where to listen.
    pub addr: SocketAddr,
    /// The share of visits that fail, from 0 to 1.
    pub failure_rate: f64,
    /// The time that a visit takes.
    pub latency: Latency,
    /// A time, again and again, in which every visit fails.
    pub outage: Option<Outage>,
    /// Where the count comes from.
    pub source: Source,
}

/// The bounds, both inclusive, of a latency that is equally likely anywhere between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// The shortest time.
    pub min: Duration,
    /// The longest time.
    pub max: Duration,
}

/// The last `lasts` of every period of `every`, counted from the start of the program, so that a
/// fresh one is healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// The length of a period.
    pub every: Duration,
    /// The length of the outage that ends it.
    pub lasts: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 8001)),
            failure_rate: 0.15,
            latency: Latency { min: Duration::ZERO, max: Duration::from_secs(1) },
            outage: None,
            source: Source::Simulated,
        }
    }
}

/// A setting that cannot be used: its name, its value, and what is accepted.
#[derive(Debug, Error, PartialEq)]
pub enum SettingsError {
    /// A value that does not parse, or is out of range.
    #[error("{name} is {value:?}, but must be {accepted}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What it may hold.
        accepted: String,
    },
    /// A variable that looks like a setting and is none, most likely a typing error.
    #[error("{0} is not a setting; the settings are:\n{help}", help = Settings::help())]
    Unknown(String),
    /// Half of an outage.
    #[error("{set} is set but {missing} is not: an outage needs both")]
    HalfAnOutage {
        /// The variable that is set.
        set: &'static str,
        /// The variable that it needs.
        missing: &'static str,
    },
    /// A URL, of which nothing but scheme, host and port are here, in a program that was built
    /// without the client to read it.
    #[error(
        "{SOURCE} is {0:?}, but this program was built without the feature `live`: \
         start it with `cargo run --features live -p ...`"
    )]
    NotLive(String),
}

impl Settings {
    /// Reads the settings from the environment.
    ///
    /// A program that was started to do something else than to serve (see [`crate::serve`]) leaves
    /// the source of the count alone, and one that is to print the settings takes the defaults.
    ///
    /// # Errors
    /// When a variable has a value that cannot be used, or a name that is almost a setting's.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::for_order(&Order::given(), std::env::vars_os())
    }

    fn for_order(
        order: &Order,
        vars: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, SettingsError> {
        match order {
            Order::Serve => Self::from_vars(vars),
            // Who asks for help may have a setting that is wrong.
            Order::Help => Ok(Self::default()),
            Order::Healthcheck | Order::Unknown(_) => {
                Ok(Self { source: Source::Simulated, ..Self::from_vars(vars)? })
            }
        }
    }

    /// Reads the settings from these variables and ignores those of other programs.
    ///
    /// # Errors
    /// As [`Settings::from_env`].
    pub fn from_vars(
        vars: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, SettingsError> {
        let vars: BTreeMap<String, String> = vars
            .into_iter()
            .map(|(name, value)| {
                let name = name.to_string_lossy();
                // Windows takes a name in other letters for the same one.
                let name = if cfg!(windows) { name.to_uppercase() } else { name.into_owned() };
                (name, value.to_string_lossy().into_owned())
            })
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        if let Some(name) =
            vars.keys().find(|name| !SETTINGS.iter().any(|(known, ..)| known == name))
        {
            return Err(SettingsError::Unknown(name.clone()));
        }
        let get = |name| vars.get(name).map(|value| (name, value.as_str()));
        let default = Self::default();
        Ok(Self {
            addr: get(ADDR).map_or(Ok(default.addr), addr)?,
            failure_rate: get(FAILURE_RATE)
                .map_or(Ok(default.failure_rate), |var| number(var, 0.0, 1.0))?,
            latency: latency(default.latency, get(LATENCY_MIN), get(LATENCY_MAX))?,
            outage: outage(get(OUTAGE_EVERY), get(OUTAGE_FOR))?,
            source: get(SOURCE).map_or(Ok(default.source), source::read)?,
        })
    }

    /// The settings with their defaults, a line each.
    pub fn help() -> String {
        let line = |(name, default, meaning): &(&str, &str, &str)| {
            format!("  {name:<33} {default:<15} {meaning}\n")
        };
        SETTINGS.iter().map(line).collect()
    }
}

type Var<'a> = (&'static str, &'a str);

fn invalid((name, value): Var<'_>, accepted: impl Into<String>) -> SettingsError {
    let value = value.chars().take(MAX_SHOWN).collect();
    SettingsError::Invalid { name, value, accepted: accepted.into() }
}

fn addr(var: Var<'_>) -> Result<SocketAddr, SettingsError> {
    var.1
        .parse()
        .map_err(|_| invalid(var, "an IP address and a port, such as 127.0.0.1:8001 or [::1]:8001"))
}

fn number(var: Var<'_>, min: f64, max: f64) -> Result<f64, SettingsError> {
    let number = var.1.trim().parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| invalid(var, format!("a number from {min} to {max}")))
}

fn seconds(var: Var<'_>, min: f64, max: f64) -> Result<Duration, SettingsError> {
    number(var, min, max)
        .map(Duration::from_secs_f64)
        .map_err(|_| invalid(var, format!("a number of seconds from {min} to {max}, such as 0.5")))
}

fn latency(
    default: Latency,
    min: Option<Var<'_>>,
    max: Option<Var<'_>>,
) -> Result<Latency, SettingsError> {
    let latency = Latency {
        min: min.map_or(Ok(default.min), |var| seconds(var, 0.0, 60.0))?,
        max: max.map_or(Ok(default.max), |var| seconds(var, 0.0, 60.0))?,
    };
    if latency.min <= latency.max {
        return Ok(latency);
    }
    // Whichever was set is named; if both were, the pair is at fault and the first is shown.
    Err(match (min, max) {
        (Some(var), _) => {
            invalid(var, format!("at most {LATENCY_MAX}, which is {}", latency.max.as_secs_f64()))
        }
        (None, Some(var)) => {
            invalid(var, format!("at least {LATENCY_MIN}, which is {}", latency.min.as_secs_f64()))
        }
        (None, None) => unreachable!("the default latency is in order"),
    })
}

fn outage(every: Option<Var<'_>>, lasts: Option<Var<'_>>) -> Result<Option<Outage>, SettingsError> {
    let (every_var, lasts_var) = match (every, lasts) {
        (None, None) => return Ok(None),
        (Some(every), Some(lasts)) => (every, lasts),
        (Some((set, _)), None) => {
            return Err(SettingsError::HalfAnOutage { set, missing: OUTAGE_FOR });
        }
        (None, Some((set, _))) => {
            return Err(SettingsError::HalfAnOutage { set, missing: OUTAGE_EVERY });
        }
    };
    let every = seconds(every_var, 1.0, 86_400.0)?;
    let lasts = seconds(lasts_var, 0.0, every.as_secs_f64())?;
    Ok(Some(Outage { every, lasts }))
}
