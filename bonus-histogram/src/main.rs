//! Bonus: measure how long requests take, in a histogram.
//!
//! The steps: bonus-histogram/README.md
//! Run it:    cargo run -p bonus-histogram
//! Check it:  cargo workshop check bonus

use prometheus::{IntCounterVec, Opts, Registry};
use treecounter_core::{
    Handler, MetricsHandler, Request, Response, Settings, TreeCounter, index, not_found,
    register_base_metrics, serve,
};

struct App {
    trees: TreeCounter,
    metrics: MetricsHandler,
    requests: IntCounterVec,
}

impl Handler for App {
    async fn handle(&self, request: &Request) -> Response {
        // TODO step 2: start a clock here; observe its seconds where the request is counted.
        let (endpoint, response) = match request.uri().path() {
            "/" => ("/", index(request)),
            "/treecounter" => ("/treecounter", self.trees.respond(request).await),
            "/metrics" => ("/metrics", self.metrics.respond(request)),
            _ => ("other", not_found()),
        };
        self.requests.with_label_values(&[response.status().as_str(), endpoint]).inc();
        response
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::from_env()?;
    let registry = Registry::new();
    register_base_metrics(&registry)?;

    let opts = Opts::new("requests_total", "Requests answered, by status and endpoint.");
    let requests = IntCounterVec::new(opts, &["status", "endpoint"])?;
    registry.register(Box::new(requests.clone()))?;
    for status in ["200", "503"] {
        requests.with_label_values(&[status, "/treecounter"]);
    }

    // TODO step 1: make and register a HistogramVec request_latency_seconds{endpoint}, its buckets
    // fit for 0 to 1 s; touch the series of /treecounter, keep it in App.
    let app = App {
        trees: TreeCounter::new(&settings),
        metrics: MetricsHandler::new(registry),
        requests,
    };
    serve(&settings, app).await?;
    Ok(())
}
