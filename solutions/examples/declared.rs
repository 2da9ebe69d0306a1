//! Section 2 in step 1: the counter is declared, and has no series.

use prometheus::{IntCounterVec, Opts, Registry};
use treecounter_core::{
    Handler, MetricsHandler, Request, Response, Settings, TreeCounter, index, not_found,
    register_base_metrics, serve,
};

struct App {
    trees: TreeCounter,
    metrics: MetricsHandler,
    #[expect(dead_code, reason = "nothing is counted yet")]
    requests: IntCounterVec,
}

impl Handler for App {
    async fn handle(&self, request: &Request) -> Response {
        match request.uri().path() {
            "/" => index(request),
            "/treecounter" => self.trees.respond(request).await,
            "/metrics" => self.metrics.respond(request),
            _ => not_found(),
        }
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

    let app = App {
        trees: TreeCounter::new(&settings),
        metrics: MetricsHandler::new(registry),
        requests,
    };
    serve(&settings, app).await?;
    Ok(())
}
