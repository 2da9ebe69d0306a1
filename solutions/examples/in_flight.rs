//! The bonus with an extra: a gauge of the requests in flight.

use std::time::Instant;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};
use treecounter_core::{
    Handler, MetricsHandler, Request, Response, Settings, TreeCounter, index, not_found,
    register_base_metrics, serve,
};

struct App {
    trees: TreeCounter,
    metrics: MetricsHandler,
    requests: IntCounterVec,
    latency: HistogramVec,
    in_flight: IntGauge,
}

/// One request in flight, for as long as this lives.
struct InFlight<'a>(&'a IntGauge);

impl<'a> InFlight<'a> {
    fn new(gauge: &'a IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Handler for App {
    async fn handle(&self, request: &Request) -> Response {
        let _in_flight = InFlight::new(&self.in_flight);
        let started = Instant::now();
        let (endpoint, response) = match request.uri().path() {
            "/" => ("/", index(request)),
            "/treecounter" => ("/treecounter", self.trees.respond(request).await),
            "/metrics" => ("/metrics", self.metrics.respond(request)),
            _ => ("other", not_found()),
        };
        self.requests.with_label_values(&[response.status().as_str(), endpoint]).inc();
        self.latency.with_label_values(&[endpoint]).observe(started.elapsed().as_secs_f64());
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

    let in_flight = IntGauge::new("requests_in_flight", "Requests that are being answered now.")?;
    registry.register(Box::new(in_flight.clone()))?;

    let app = App {
        trees: TreeCounter::new(&settings),
        metrics: MetricsHandler::new(registry),
        requests,
        latency,
        in_flight,
    };
    serve(&settings, app).await?;
    Ok(())
}
