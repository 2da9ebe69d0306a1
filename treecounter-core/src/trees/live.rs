//! The real count, read from a URL in the background, so that no request ever waits for it.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use ureq::Agent;

/// However many visits come, the source is asked no more often than this.
const POLL_INTERVAL: Duration = Duration::from_secs(10);
/// Connecting, sending, and reading the whole answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes. A count has a few dozen.
const MAX_BODY: u64 = 64 * 1024;

/// The latest answer of the source. Dropping it ends the polling.
#[derive(Debug)]
pub(super) struct LiveCount {
    latest: Arc<Mutex<Option<u64>>>,
    origin: String,
}

#[derive(Deserialize)]
struct Answer {
    count: u64,
}

impl LiveCount {
    /// Starts to poll. A thread of its own and not a task: the client blocks, and the runtime must
    /// not wait for it when the program stops.
    pub(super) fn poll(url: String) -> Self {
        let latest = Arc::new(Mutex::new(None));
        let origin = format!("Read from {url}.");
        let shared = Arc::downgrade(&latest);
        thread::spawn(move || keep_polling(&url, &shared));
        Self { latest, origin }
    }

    /// The count of the last poll; none when that failed, or none has ended yet.
    pub(super) fn latest(&self) -> Option<u64> {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the count comes from, in a sentence.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }
}

fn keep_polling(url: &str, latest: &Weak<Mutex<Option<u64>>>) {
    let agent = agent(TIMEOUT);
    let mut last_error = String::new();
    loop {
        let (count, error) = match fetch(&agent, url) {
            Ok(count) => (Some(count), String::new()),
            Err(error) => (None, error.to_string()),
        };
        // A source that stays down is one line in the log, not one every ten seconds.
        if error != last_error {
            match &count {
                None => eprintln!("cannot read the count from {url}: {error}"),
                Some(_) => eprintln!("the count can be read from {url} again"),
            }
            last_error = error;
        }
        match latest.upgrade() {
            Some(latest) => *latest.lock().unwrap_or_else(PoisonError::into_inner) = count,
            None => return,
        }
        thread::sleep(POLL_INTERVAL);
    }
}

fn agent(timeout: Duration) -> Agent {
    Agent::config_builder().timeout_global(Some(timeout)).build().into()
}

fn fetch(agent: &Agent, url: &str) -> anyhow::Result<u64> {
    let body =
        agent.get(url).call()?.into_body().into_with_config().limit(MAX_BODY).read_to_string()?;
    let answer: Answer = serde_json::from_str(&body)
        .map_err(|error| anyhow::anyhow!("expected JSON such as {{\"count\": 1}}: {error}"))?;
    Ok(answer.count)
}
