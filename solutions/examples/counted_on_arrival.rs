//! Section 2, an experiment: counted on arrival, when no status is known.

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
        self.requests.with_label_values(&["200", request.uri().path()]).inc();
        let (_, response) = match request.uri().path() {
            "/" => ("/", index(request)),
            "/treecounter" => ("/treecounter", self.trees.respond(request).await),
            "/metrics" => ("/metrics", self.metrics.respond(request)),
            _ => ("other", not_found()),
        };
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

    let app = App {
        trees: TreeCounter::new(&settings),
        metrics: MetricsHandler::new(registry),
        requests,
    };
    serve(&settings, app).await?;
    Ok(())
}
