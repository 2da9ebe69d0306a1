//! The real count, read from a URL in the background, so that no request ever waits for it.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;

use crate::log::log;
use crate::settings::source::presentable;

/// However many visits come, the source is asked no more often than this.
const POLL_INTERVAL: Duration = Duration::from_secs(10);
/// A count that is older comes from a poller that no longer polls, and is none.
const MAX_AGE: Duration = Duration::from_secs(30);
/// Connecting, sending, and reading the whole answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes. A count has a few dozen.
const MAX_BODY: u64 = 64 * 1024;

/// The latest answer of the source. Dropping it ends the polling.
#[derive(Debug)]
pub(super) struct LiveCount {
    latest: Arc<Mutex<Option<Reading>>>,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    count: u64,
    at: Instant,
}

impl LiveCount {
    /// Starts to poll. A thread of its own and not a task: the client blocks, and the runtime must
    /// not wait for it when the program stops.
    pub(super) fn poll(url: String) -> Self {
        let latest = Arc::new(Mutex::new(None));
        let shared = Arc::downgrade(&latest);
        thread::spawn(move || keep_polling(&url, &shared));
        Self { latest }
    }

    /// The count of the last poll; none when that failed, was long ago, or has not ended yet.
    pub(super) fn latest(&self) -> Option<u64> {
        let latest = *self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.filter(|reading| reading.at.elapsed() < MAX_AGE).map(|reading| reading.count)
    }
}

fn keep_polling(url: &str, latest: &Weak<Mutex<Option<Reading>>>) {
    let agent = agent(TIMEOUT);
    let source = presentable(url);
    let mut last_error = String::new();
    loop {
        let (count, error) = match fetch(&agent, url) {
            Ok(count) => (Some(count), String::new()),
            Err(error) => (None, error.to_string()),
        };
        // A source that stays down is one line in the log, not one every ten seconds.
        if error != last_error {
            match &count {
                None => log(format_args!("cannot read the count from {source}: {error}")),
                Some(_) => log(format_args!("the count can be read from {source} again")),
            }
            last_error = error;
        }
        let reading = count.map(|count| Reading { count, at: Instant::now() });
        match latest.upgrade() {
            Some(latest) => *latest.lock().unwrap_or_else(PoisonError::into_inner) = reading,
            None => return,
        }
        thread::sleep(POLL_INTERVAL);
    }
}

fn agent(timeout: Duration) -> Agent {
    Agent::config_builder().timeout_global(Some(timeout)).build().into()
}

fn fetch(agent: &Agent, url: &str) -> anyhow::Result<u64> {
    let response = agent.get(url).call().map_err(without_url)?;
    let body = response.into_body().into_with_config().limit(MAX_BODY).read_to_string()?;
    count_in(&body)
}

/// Some of the client's errors quote an address, which may hold a secret.
fn without_url(error: ureq::Error) -> anyhow::Error {
    match error {
        ureq::Error::BadUri(_) | ureq::Error::Protocol(_) => {
            anyhow::anyhow!("the answer, or the address that it sends to, is malformed")
        }
        error => error.into(),
    }
}

fn count_in(body: &str) -> anyhow::Result<u64> {
    let answer: Value =
        serde_json::from_str(body).map_err(|error| anyhow::anyhow!("{EXPECTED}: {error}"))?;
    match answer.get("count") {
        None => anyhow::bail!("{EXPECTED}: missing field `count`"),
        Some(count) => {
            count.as_u64().ok_or_else(|| anyhow::anyhow!("{EXPECTED}: not a whole number"))
        }
    }
}

const EXPECTED: &str = "expected JSON such as {\"count\": 1}";

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use proptest::prelude::*;

    use super::*;

    /// A source that gives this answer to every request, and its URL. It never closes a
    /// connection by itself, so that an unfinished answer stays one.
    fn source(answer: String) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/count", listener.local_addr().unwrap());
        thread::spawn(move || {
            let mut connections = Vec::new();
            while let Ok((mut stream, _)) = listener.accept() {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(answer.as_bytes());
                connections.push(stream);
            }
        });
        url
    }

    fn ok(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn a_count_is_read() {
        let url = source(ok("{\"count\": 231000042, \"unit\": \"trees\"}"));
        assert_eq!(fetch(&agent(TIMEOUT), &url).unwrap(), 231_000_042);
    }

    #[test]
    fn an_answer_that_is_no_count_is_an_error() {
        for (answer, expected) in [
            (ok("<html>"), "expected JSON such as {\"count\": 1}"),
            (ok("{\"count\": -1}"), "expected JSON such as {\"count\": 1}"),
            (ok("{}"), "missing field `count`"),
            (ok("[5]"), "missing field `count`"),
            (ok("{\"count\": 1.5}"), "not a whole number"),
            ("HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n".to_owned(), "500"),
            (ok(&format!("{{\"count\": 1{}}}", " ".repeat(65_536))), "limit"),
        ] {
            let url = source(answer);
            let error = fetch(&agent(TIMEOUT), &url).unwrap_err().to_string();
            assert!(error.contains(expected), "expected {expected:?} in {error:?}");
        }
    }

    #[test]
    fn an_address_that_the_source_sends_to_is_not_shown() {
        let redirect = "HTTP/1.1 302 Found\r\nlocation: ftp://me:secret@host/?key=secret\r\n\
                        content-length: 0\r\n\r\n";
        let error = fetch(&agent(TIMEOUT), &source(redirect.to_owned())).unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn a_source_that_never_ends_its_answer_is_given_up() {
        for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"] {
            let url = source(answer.to_owned());
            let started = Instant::now();
            let error = fetch(&agent(Duration::from_millis(50)), &url).unwrap_err().to_string();
            assert!(error.contains("timeout"), "{error}");
            assert!(started.elapsed() < TIMEOUT);
        }
    }

    #[test]
    fn a_source_that_is_down_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/count", listener.local_addr().unwrap());
        drop(listener);
        assert!(fetch(&agent(TIMEOUT), &url).is_err());
    }

    #[test]
    fn polling_tells_the_latest_count_and_ends_with_its_owner() {
        let live = LiveCount::poll(source(ok("{\"count\": 7}")));
        let deadline = Instant::now() + TIMEOUT;
        while live.latest().is_none() && Instant::now() < deadline {
            thread::yield_now();
        }
        assert_eq!(live.latest(), Some(7));
        let latest = Arc::downgrade(&live.latest);
        drop(live);
        assert!(latest.upgrade().is_none(), "the poller must not keep the count alive");
    }

    #[test]
    fn a_count_that_no_poller_keeps_fresh_is_none() {
        let reading = |age| {
            let at = Instant::now().checked_sub(age).expect("the machine runs for a minute");
            LiveCount { latest: Arc::new(Mutex::new(Some(Reading { count: 7, at }))) }
        };
        assert_eq!(reading(POLL_INTERVAL + TIMEOUT).latest(), Some(7));
        assert_eq!(reading(MAX_AGE).latest(), None);
    }

    proptest! {
        #[test]
        fn any_answer_is_a_count_or_an_error(body in ANSWERS) {
            match count_in(&body) {
                Ok(count) => {
                    let answer: HashMap<String, Value> = serde_json::from_str(&body).unwrap();
                    assert_eq!(answer["count"], count);
                }
                Err(error) => assert!(error.to_string().starts_with(EXPECTED), "{error}"),
            }
        }
    }

    /// Anything, and what is nearly a count.
    const ANSWERS: &str = "\\PC*|[\\[{\"]{0,3}count[\"': ]{0,4}[-0-9.e]{0,25}[\\]}]{0,3}|\
                           \\{\"count\": ?[0-9]{1,21}\\}|\\[{0,300}[0-9]*";
}
