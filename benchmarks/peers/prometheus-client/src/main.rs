//! hyper with prometheus-client: a counter and a histogram of the requests, by hand.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

const BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answer {
    status: u32,
    endpoint: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Endpoint {
    endpoint: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Id {
    id: u32,
}

struct App {
    page: Bytes,
    registry: Registry,
    requests: Family<Answer, Counter>,
    latency: Family<Endpoint, Histogram>,
}

impl App {
    fn new() -> anyhow::Result<Self> {
        let mut registry = Registry::default();
        let requests = Family::<Answer, Counter>::default();
        registry.register("requests", "Requests answered.", requests.clone());
        let histogram = || Histogram::new(BUCKETS);
        let latency = Family::<Endpoint, Histogram>::new_with_constructor(histogram);
        registry.register("request_latency_seconds", "Time to an answer.", latency.clone());

        let counters = Family::<Id, Counter>::default();
        let histograms = Family::<Id, Histogram>::new_with_constructor(histogram);
        for id in 0..number("SERIES") {
            counters.get_or_create(&Id { id }).inc_by(u64::from(id));
        }
        for id in 0..number("HISTOGRAMS") {
            histograms.get_or_create(&Id { id }).observe(0.3);
        }
        registry.register("series", "Many.", counters);
        registry.register("histogram_seconds", "Many.", histograms);
        let page = Bytes::from(std::fs::read(std::env::var("PAGE")?)?);
        Ok(Self { page, registry, requests, latency })
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let started = Instant::now();
        let (endpoint, status, kind, body) = match request.uri().path() {
            "/treecounter" => {
                ("/treecounter", StatusCode::OK, "text/html; charset=utf-8", self.page.clone())
            }
            "/metrics" => {
                let mut text = String::new();
                let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                ("/metrics", StatusCode::OK, kind, text.into())
            }
            _ => ("other", StatusCode::NOT_FOUND, "text/plain", Bytes::new()),
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let status = u32::from(status.as_u16());
        self.requests.get_or_create(&Answer { status, endpoint }).inc();
        let elapsed = started.elapsed().as_secs_f64();
        self.latency.get_or_create(&Endpoint { endpoint }).observe(elapsed);
        Ok(response)
    }
}

fn number(variable: &str) -> u32 {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let app = Arc::new(App::new()?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            let service = service_fn(|request| app.answer(request));
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
