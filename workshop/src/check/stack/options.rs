//! What is judged in section 3, and by whom.

use std::net::SocketAddr;
use std::path::PathBuf;

/// What is judged, and by whom.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The workspace's root.
    pub root: PathBuf,
    /// Where Prometheus is; without it on the port that is set, or one that is started.
    pub prometheus: Option<String>,
    /// Where Grafana is; without it on the port that is set, if one is there.
    pub grafana: Option<String>,
    /// Start a Prometheus even when one runs.
    pub fresh: bool,
    /// Where the learner's app listens, for a Prometheus that is started.
    pub app: Option<SocketAddr>,
    /// Without `app`: look for the app, or build and start it.
    pub start_app: bool,
    /// Judge the finished files instead of the learner's.
    pub solution: bool,
}
