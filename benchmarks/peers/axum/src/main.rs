//! axum with axum-prometheus, as its documentation shows it.

use axum::Router;
use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;
use axum_prometheus::PrometheusMetricLayer;
use tokio::net::TcpListener;

fn number(variable: &str) -> u32 {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let page = Bytes::from(std::fs::read(std::env::var("PAGE")?)?);
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    let (layer, metrics) = PrometheusMetricLayer::pair();
    for id in 0..number("SERIES") {
        metrics::counter!("series_total", "id" => id.to_string()).increment(u64::from(id));
    }
    for id in 0..number("HISTOGRAMS") {
        metrics::histogram!("histogram_seconds", "id" => id.to_string()).record(0.3);
    }
    let app = Router::new()
        .route("/treecounter", get(move || async move { (headers, page.clone()) }))
        .route("/metrics", get(move || async move { metrics.render() }))
        .layer(layer);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
