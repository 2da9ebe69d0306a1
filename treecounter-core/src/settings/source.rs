//! Where the count comes from. A URL may hold secrets, so it is never shown whole.

use std::fmt;

use hyper::Uri;

use super::{SettingsError, Var, invalid};

const ACCEPTED: &str = "\"simulated\" or a URL that begins with http:// or https://, \
                        with a host, and a port from 1 to 65535 if it has one";

/// Where the count of trees comes from. Its `Debug` has no more of a URL than the page.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// Made up, plausible, and the same offline.
    Simulated,
    /// Read from this URL, which answers `{"count": 1}`. Needs the feature `live`.
    Live(String),
}

impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simulated => formatter.write_str("Simulated"),
            Self::Live(url) => formatter.debug_tuple("Live").field(&presentable(url)).finish(),
        }
    }
}

pub(super) fn read((name, value): Var<'_>) -> Result<Source, SettingsError> {
    match value {
        "simulated" => Ok(Source::Simulated),
        url if parse(url).is_none() => Err(invalid((name, &presentable(url)), ACCEPTED)),
        url if cfg!(feature = "live") => Ok(Source::Live(url.to_owned())),
        url => Err(SettingsError::NotLive(presentable(url))),
    }
}

/// What anybody may see of a source: scheme, host and port. The rest, a user's name, a password, a
/// path and a query, may be known to nobody else.
pub(crate) fn presentable(url: &str) -> String {
    match parse(url) {
        Some(uri) => {
            let (scheme, host) = (uri.scheme_str().unwrap_or(""), uri.host().unwrap_or(""));
            let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{scheme}://{host}{port}")
        }
        None if url.chars().all(char::is_alphanumeric) => url.to_owned(),
        None => "(not shown, as it may hold a password)".to_owned(),
    }
}

/// The parts of a URL that a source can have.
fn parse(url: &str) -> Option<Uri> {
    let uri: Uri = url.parse().ok()?;
    let host = uri.host().filter(|host| !host.is_empty())?;
    let authority = uri.authority()?.as_str();
    let host_and_port = authority.rsplit('@').next()?;
    // hyper takes a port that does not exist for none at all.
    let port_exists = host_and_port == host || uri.port_u16().is_some_and(|port| port > 0);
    (matches!(uri.scheme_str(), Some("http" | "https")) && port_exists).then_some(uri)
}
