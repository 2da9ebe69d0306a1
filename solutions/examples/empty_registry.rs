//! Section 1 after step 2: `/metrics` answers, and the registry is still empty.

use prometheus::Registry;
use treecounter_core::{
    Handler, MetricsHandler, Request, Response, Settings, TreeCounter, index, not_found, serve,
};

struct App {
    trees: TreeCounter,
    metrics: MetricsHandler,
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
    let app = App { trees: TreeCounter::new(&settings), metrics: MetricsHandler::new(registry) };
    serve(&settings, app).await?;
    Ok(())
}
