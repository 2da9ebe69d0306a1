//! The program before anything is measured: what section 1 starts from.

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
            _ => not_found(),
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::from_env()?;
    let app = App { trees: TreeCounter::new(&settings) };
    serve(&settings, app).await?;
    Ok(())
}
