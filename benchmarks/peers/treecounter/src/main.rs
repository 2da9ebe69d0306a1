//! The workshop's own server and `MetricsHandler`, with as many series as asked for. It has the
//! base metrics too; the peers' pages have none of the process.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};
use tokio::net::TcpListener;
use treecounter_core::{
    Handler, MetricsHandler, Request, Response, not_found, register_base_metrics, run,
};

const BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5];

struct App(MetricsHandler);

impl Handler for App {
    async fn handle(&self, request: &Request) -> Response {
        match request.uri().path() {
            "/metrics" => self.0.respond(request),
            _ => not_found(),
        }
    }
}

fn number(variable: &str) -> u32 {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let registry = Registry::new();
    register_base_metrics(&registry)?;
    let counters = IntCounterVec::new(Opts::new("series_total", "Many."), &["id"])?;
    for id in 0..number("SERIES") {
        counters.with_label_values(&[id.to_string()]).inc_by(u64::from(id));
    }
    registry.register(Box::new(counters))?;
    let opts = HistogramOpts::new("histogram_seconds", "Many.").buckets(BUCKETS.to_vec());
    let histograms = HistogramVec::new(opts, &["id"])?;
    for id in 0..number("HISTOGRAMS") {
        histograms.with_label_values(&[id.to_string()]).observe(0.3);
    }
    registry.register(Box::new(histograms))?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    run(listener, App(MetricsHandler::new(registry)), std::future::pending()).await;
    Ok(())
}
