//! actix-web with actix-web-prom, as its documentation shows it.

use std::error::Error;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer};
use actix_web_prom::PrometheusMetricsBuilder;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts};

const BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5];

async fn tree_counter(page: Data<Bytes>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(Bytes::clone(&page))
}

fn number(variable: &str) -> u32 {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let page = Data::new(Bytes::from(std::fs::read(std::env::var("PAGE")?)?));
    let metrics = PrometheusMetricsBuilder::new("api").endpoint("/metrics").build()?;
    let counters = IntCounterVec::new(Opts::new("series_total", "Many."), &["id"])?;
    for id in 0..number("SERIES") {
        counters.with_label_values(&[id.to_string()]).inc_by(u64::from(id));
    }
    metrics.registry.register(Box::new(counters))?;
    let opts = HistogramOpts::new("histogram_seconds", "Many.").buckets(BUCKETS.to_vec());
    let histograms = HistogramVec::new(opts, &["id"])?;
    for id in 0..number("HISTOGRAMS") {
        histograms.with_label_values(&[id.to_string()]).observe(0.3);
    }
    metrics.registry.register(Box::new(histograms))?;
    let server = HttpServer::new(move || {
        App::new()
            .wrap(metrics.clone())
            .app_data(page.clone())
            .route("/treecounter", web::get().to(tree_counter))
    })
    .bind("127.0.0.1:0")?;
    println!("http://{}", server.addrs()[0]);
    server.run().await?;
    Ok(())
}
