//! The bonus at the end of step 1: the histogram has buckets of its own, and observes nothing.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};
use treecounter_core::{
    Handler, MetricsHandler, Request, Response, Settings, TreeCounter, index, not_found,
    register_base_metrics, serve,
};

struct App {
    trees: TreeCounter,
    metrics: MetricsHandler,
    requests: IntCounterVec,
    #[expect(dead_code, reason = "nothing is timed yet")]
    latency: HistogramVec,
}

impl Handler for App {
    async fn handle(&self, request: &Request) -> Response {
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

    let buckets = vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5];
    let help = "Time from a request to its answer, by endpoint, in seconds.";
    let opts = HistogramOpts::new("request_latency_seconds", help).buckets(buckets);
    let latency = HistogramVec::new(opts, &["endpoint"])?;
    registry.register(Box::new(latency.clone()))?;
    latency.with_label_values(&["/treecounter"]);

    let app = App {
        trees: TreeCounter::new(&settings),
        metrics: MetricsHandler::new(registry),
        requests,
        latency,
    };
    serve(&settings, app).await?;
    Ok(())
}
