//! The ports of the app, Prometheus, Grafana and the pager: free, or held by whom.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::commands::doctor::diagnosis::Diagnosis;
use crate::commands::doctor::holder;
use crate::http::addresses::Settings;
use crate::learner::workspace::Workspace;
use crate::terminal::shell::Shell;

/// On this machine an answer comes at once, or from something that is not what we look for.
const LIMIT: Duration = Duration::from_millis(500);

const GREETING_OF_APP: (&str, &str, &str) = ("/", "treecounter", "a tree counter");

/// Who wants a port, and how to tell that it is already there.
struct Want {
    /// Whose port it is.
    owner: &'static str,
    port: u16,
    /// Section 1 needs it.
    first: bool,
    /// What to ask whoever holds the port, a word of the answer, and who that is.
    greeting: (&'static str, &'static str, &'static str),
    /// How to take another port.
    other: String,
}

pub(crate) fn look(workspace: &Workspace) -> Vec<Diagnosis> {
    let settings = Settings::read(workspace.root());
    let mut wants = vec![
        Want {
            owner: "the app",
            port: settings.app(),
            first: true,
            greeting: GREETING_OF_APP,
            other: format!(
                "take another in this terminal: `{}`",
                Shell::HERE.set("TREECOUNTER_ADDR", "127.0.0.1:8002")
            ),
        },
        Want {
            owner: "Prometheus",
            port: settings.prometheus(),
            first: false,
            greeting: ("/-/ready", "Prometheus", "a Prometheus"),
            other: "write another PROMETHEUS_PORT into the file .env".to_owned(),
        },
        Want {
            owner: "Grafana",
            port: settings.grafana(),
            first: false,
            greeting: ("/api/health", "\"database\"", "a Grafana"),
            other: "write another GRAFANA_PORT into the file .env".to_owned(),
        },
        Want {
            owner: "the pager",
            port: settings.pager(),
            first: false,
            greeting: ("/", "Pager", "a pager"),
            other: "write another PAGER_PORT into the file .env".to_owned(),
        },
    ];
    if settings.gateway() != settings.app() {
        wants.push(Want {
            owner: "the stack's app",
            port: settings.gateway(),
            first: false,
            greeting: GREETING_OF_APP,
            other: "write another APP_PORT into the file .env".to_owned(),
        });
    }
    wants.iter().map(Want::look).collect()
}

impl Want {
    fn look(&self) -> Diagnosis {
        // On macOS and Windows one can bind beside a program that listens on all addresses. Asked
        // first: a program that is being started holds what was bound here for another moment.
        let answers = TcpStream::connect_timeout(&self.address(), LIMIT).is_ok();
        let bound = TcpListener::bind(self.address()).map(drop);
        match bound {
            Ok(()) if !answers => {
                Diagnosis::good(self.subject(), format!("free, for {}", self.owner))
            }
            Err(error) if !answers && error.kind() != ErrorKind::AddrInUse => self.refused(&error),
            _ => self.held(),
        }
    }

    fn held(&self) -> Diagnosis {
        let port = self.port;
        let (path, word, who) = self.greeting;
        if ask(self.address(), path).is_some_and(|answer| answer.contains(word)) {
            let found = format!("held by {who}: yours, if you have started it");
            let diagnosis = Diagnosis::note(self.subject(), found);
            let stop = "Ctrl-C in its terminal, or `docker compose down`, before you start another";
            return if self.first { diagnosis.fix(stop) } else { diagnosis };
        }
        let holder = holder::of(port);
        let who = holder.as_deref().unwrap_or("another program");
        let found = format!("held by {who}, and {} wants it", self.owner);
        let find = match holder {
            Some(_) => String::new(),
            None => format!("find it with `{}`, ", holder::command(port)),
        };
        self.diagnosis(found).fix(format!("{find}stop it, or {}", self.other))
    }

    fn refused(&self, error: &std::io::Error) -> Diagnosis {
        let found = format!("{} cannot use it: {error}", self.owner);
        let fix = if cfg!(windows) {
            format!(
                "see whether Windows has reserved it, `netsh interface ipv4 show \
                 excludedportrange protocol=tcp`, then {}",
                self.other
            )
        } else {
            self.other.clone()
        };
        self.diagnosis(found).fix(fix)
    }

    fn diagnosis(&self, found: String) -> Diagnosis {
        if self.first {
            Diagnosis::bad(self.subject(), found)
        } else {
            Diagnosis::warning(self.subject(), found)
        }
    }

    fn subject(&self) -> String {
        format!("port {}", self.port)
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }
}

/// What the program behind an address answers, its beginning at least.
fn ask(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT).ok()?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    stream.set_write_timeout(Some(LIMIT)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    // A read that ends in a time-out has read what there was.
    let _ = stream.take(16 * 1024).read_to_end(&mut answer);
    Some(String::from_utf8_lossy(&answer).into_owned())
}
