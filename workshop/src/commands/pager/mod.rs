//! `cargo workshop pager`: what Alertmanager would send to somebody's telephone, in the terminal
//! and on a page.

mod notification;
mod page;
mod screen;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ORIGIN, REFRESH};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::http::accept::{health, serve_each};
use crate::process::termination::stop_signal;
use notification::Notification;

/// Alertmanager has a few, a browser some more.
const MOST_CONNECTIONS: usize = 64;
/// So long a connection may last; Alertmanager and browsers come again.
const CONNECTION_LIMIT: Duration = Duration::from_secs(30);
/// The largest notification that is read.
const BODY_LIMIT: usize = 1 << 20;
/// So many notifications are remembered.
const KEPT: usize = 100;

/// Show what Alertmanager would send to a telephone
///
/// Listens for Alertmanager's webhook, and writes each notification here and on a page, until
/// Ctrl-C. In the stack of section 3 it runs as a service of its own.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to listen: deploy/alertmanager/local.yml names this port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9099")]
    listen: SocketAddr,
    /// Where Grafana is, for links to the panel of an alert
    #[arg(long, value_name = "URL", default_value = "")]
    grafana: String,
    /// Only say, by the exit code, whether a pager takes connections on that port
    #[arg(long, hide = true)]
    healthcheck: bool,
}

/// What has arrived, the newest first.
struct Pager {
    grafana: String,
    arrived: Mutex<VecDeque<Notification>>,
}

/// Runs the command. It ends by a signal only.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if args.healthcheck {
        runtime.block_on(health(args.listen))?;
        return Ok(ExitCode::SUCCESS);
    }
    runtime.block_on(listen(args))
}

async fn listen(args: Args) -> anyhow::Result<ExitCode> {
    let listener = TcpListener::bind(args.listen).await.with_context(|| {
        format!(
            "cannot listen at {}. Another pager, or the stack's (`docker compose stop pager`)? \
             --listen takes another address, which deploy/alertmanager/local.yml must name too",
            args.listen
        )
    })?;
    let port = listener.local_addr()?.port();
    say!("Pager: it shows what Alertmanager sends, here and at http://localhost:{port}");
    say!("Nothing has arrived yet. Stop it with Ctrl-C.");
    let arrived = Mutex::new(VecDeque::with_capacity(KEPT));
    let pager = Arc::new(Pager { grafana: args.grafana, arrived });
    let each = |stream| serve(stream, Arc::clone(&pager));
    tokio::select! {
        () = stop_signal() => Ok(ExitCode::SUCCESS),
        never = serve_each(listener, MOST_CONNECTIONS, each) => never,
    }
}

async fn serve(stream: TcpStream, pager: Arc<Pager>) {
    let service = service_fn(|request| {
        let pager = Arc::clone(&pager);
        async move { Ok::<_, hyper::Error>(pager.answer(request).await) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // Whoever hangs up in the middle of it has had enough.
    let _ = timeout(CONNECTION_LIMIT, connection).await;
}

impl Pager {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/") => self.show(),
            (&Method::POST, "/alerts") => self.take(request).await,
            (_, "/" | "/alerts") => text(StatusCode::METHOD_NOT_ALLOWED, WRONG_METHOD),
            _ => text(StatusCode::NOT_FOUND, NOT_FOUND),
        }
    }

    fn show(&self) -> Response<Full<Bytes>> {
        let arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let mut response = text(StatusCode::OK, page::html(&arrived));
        let headers = response.headers_mut();
        for (name, value) in [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
            (REFRESH, "2"),
        ] {
            headers.insert(name, hyper::header::HeaderValue::from_static(value));
        }
        response
    }

    /// Takes a notification from Alertmanager. A browser names the page that a request comes from:
    /// none has anything to say here.
    async fn take(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if request.headers().contains_key(ORIGIN) {
            return text(StatusCode::FORBIDDEN, FROM_A_PAGE);
        }
        let body = match Limited::new(request.into_body(), BODY_LIMIT).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return text(StatusCode::BAD_REQUEST, format!("not read: {error}\n")),
        };
        let notification = match Notification::read(&body, SystemTime::now(), &self.grafana) {
            Ok(notification) => notification,
            Err(error) => return text(StatusCode::BAD_REQUEST, format!("{NO_WEBHOOK}: {error}\n")),
        };
        say!("\n{}", screen::lines(&notification));
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.truncate(KEPT - 1);
        arrived.push_front(notification);
        text(StatusCode::OK, "")
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let plain = hyper::header::HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, plain);
    headers.insert(CACHE_CONTROL, hyper::header::HeaderValue::from_static("no-store"));
    response
}

const WRONG_METHOD: &str = "GET / is the page. POST /alerts is for Alertmanager.\n";
const NOT_FOUND: &str = "Not found. GET / is the page. POST /alerts is for Alertmanager.\n";
const FROM_A_PAGE: &str = "Refused: this is for Alertmanager, and not for a page in a browser.\n";
const NO_WEBHOOK: &str = "not what Alertmanager's webhook sends (JSON, version 4)";
