//! Section 2: count the requests, by status and endpoint.
//!
//! The steps: section2-counter/README.md
//! Run it:    cargo run -p section2-counter
//! Check it:  cargo workshop check section2

use prometheus::Registry;
use treecounter_core::{
    Handler, MetricsHandler, Request, Response, Settings, TreeCounter, index, not_found,
    register_base_metrics, serve,
};

struct App {
    trees: TreeCounter,
    metrics: MetricsHandler,
}

impl Handler for App {
    async fn handle(&self, request: &Request) -> Response {
        // TODO step 2: keep the answer of this match, count it by response.status(), and only
        // then return it.
        match request.uri().path() {
            "/" => index(request),
            "/treecounter" => self.trees.respond(request).await,
            "/metrics" => self.metrics.respond(request),
            // TODO step 3: give every path that is not ours one endpoint: "other".
            _ => not_found(),
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::from_env()?;
    let registry = Registry::new();
    register_base_metrics(&registry)?;
    // TODO step 1: make and register an IntCounterVec requests_total{status, endpoint}, touch
    // the series you know will come (200 and 503 of /treecounter), keep it in App.
    let app = App { trees: TreeCounter::new(&settings), metrics: MetricsHandler::new(registry) };
    serve(&settings, app).await?;
    Ok(())
}
