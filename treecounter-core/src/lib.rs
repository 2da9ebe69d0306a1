//! What the sections of the workshop share: the server, the tree count and its faults, the page,
//! the `/metrics` handler and the base metrics. What a section teaches stands in its own `main.rs`.

#[doc(hidden)]
pub mod announcement;
mod base_metrics;
mod handler;
mod healthcheck;
mod log;
mod metrics_handler;
mod page;
mod renewal;
mod responses;
mod serve;
mod server;
mod settings;
mod trees;

pub use base_metrics::register_base_metrics;
pub use handler::{Handler, Request, Response};
pub use metrics_handler::MetricsHandler;
pub use responses::{index, not_found};
pub use serve::{ServeError, serve};
pub use server::run;
pub use settings::{Latency, Outage, Settings, SettingsError, Source};
pub use trees::TreeCounter;
