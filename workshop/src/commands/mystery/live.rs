//! The world goes on while it is asked about: each replica can be scraped at a path of its own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::check::stack::prometheus::backfill::INTERVAL;
use crate::check::stack::prometheus::connection::JOB;
use crate::commands::mystery::history::exposition;
use crate::commands::mystery::world::{Scrape, World};

/// Where the replicas listen.
pub(crate) struct Replicas {
    address: SocketAddr,
    instances: Vec<String>,
}

type Scrapes = Arc<Mutex<Vec<Scrape>>>;

impl Replicas {
    /// Lets a world live on from a moment, in the background.
    pub(crate) async fn start(mut world: World, mut at: u64) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let first = world.step(at);
        let instances = first.iter().map(|scrape| scrape.instance.clone()).collect();
        let scrapes: Scrapes = Arc::new(Mutex::new(first));
        let lived = scrapes.clone();
        tokio::spawn(async move {
            loop {
                at += INTERVAL;
                tokio::time::sleep(until(at)).await;
                let now = world.step(at);
                *lived.lock().unwrap_or_else(PoisonError::into_inner) = now;
            }
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let scrapes = scrapes.clone();
                let service = service_fn(move |request| answer(request, scrapes.clone()));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Ok(Self { address, instances })
    }

    /// The job that scrapes them, for a Prometheus's configuration.
    pub(crate) fn job(&self) -> String {
        let mut text = format!(
            "  - job_name: {JOB}\n    scrape_interval: {INTERVAL}s\n    scrape_timeout: 4s\n    \
             static_configs:\n"
        );
        for (index, instance) in self.instances.iter().enumerate() {
            text.push_str(&format!(
                "      - targets: ['{}']\n        \
                 labels: {{instance: '{instance}', __metrics_path__: /{index}/metrics}}\n",
                self.address
            ));
        }
        text
    }
}

async fn answer(
    request: Request<Incoming>,
    scrapes: Scrapes,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let index = request.uri().path().split('/').nth(1).and_then(|index| index.parse().ok());
    let (status, seconds, text) = {
        let scrapes = scrapes.lock().unwrap_or_else(PoisonError::into_inner);
        match index.and_then(|index: usize| scrapes.get(index)) {
            None => (404, 0.0, String::new()),
            Some(scrape) if !scrape.up => (503, scrape.seconds, String::new()),
            Some(scrape) => (200, scrape.seconds, exposition(scrape)),
        }
    };
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    let plain = hyper::header::HeaderValue::from_static("text/plain; version=0.0.4");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, plain);
    Ok(response)
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn until(at: u64) -> Duration {
    Duration::from_secs(at.saturating_sub(now()).min(2 * INTERVAL))
}
