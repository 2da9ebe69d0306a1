//! Section 2 after step 2: a label has whatever value a visitor types.

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
        let (endpoint, response) = match request.uri().path() {
            "/" => ("/", index(request)),
            "/treecounter" => ("/treecounter", self.trees.respond(request).await),
            "/metrics" => ("/metrics", self.metrics.respond(request)),
            path => (path, not_found()),
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

    let app = App {
        trees: TreeCounter::new(&settings),
        metrics: MetricsHandler::new(registry),
        requests,
    };
    serve(&settings, app).await?;
    Ok(())
}
