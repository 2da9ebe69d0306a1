//! Section 1: expose what the program knows about itself at /metrics.
//!
//! The steps: section1-expose/README.md
//! Run it:    cargo run -p section1-expose
//! Check it:  cargo workshop check section1

use treecounter_core::{
    Handler, Request, Response, Settings, TreeCounter, index, not_found, serve,
};

struct App {
    trees: TreeCounter,
}

impl Handler for App {
    async fn handle(&self, request: &Request) -> Response {
        match request.uri().path() {
            "/" => index(request),
            "/treecounter" => self.trees.respond(request).await,
            // TODO step 2: answer "/metrics" with a MetricsHandler. It becomes a field of App,
            // and main makes it from a Registry that is still empty.
            _ => not_found(),
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::from_env()?;
    // TODO step 3: register the base metrics in that Registry, before the handler takes it.
    let app = App { trees: TreeCounter::new(&settings) };
    serve(&settings, app).await?;
    Ok(())
}
