//! The app that a Prometheus of the check's own scrapes: the one that runs already, or the
//! learner's, started for the check.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::check::verdict::{Finding, Judgement};
use crate::process;
use crate::process::{Built, NoStart, Program};

const LISTENS_WITHIN: Duration = Duration::from_secs(5);

/// An app that can be scraped. Dropping it stops it, if it was started here.
pub(crate) struct App {
    pub(crate) address: SocketAddr,
    _program: Option<Program>,
}

/// Finds the app on its port, or builds and starts one.
pub(crate) fn find_or_start(root: &Path, solution: bool, port: u16) -> Judgement<App> {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    if !solution && TcpStream::connect_timeout(&usual, Duration::from_millis(300)).is_ok() {
        return Ok(App { address: usual, _program: None });
    }
    let (package, bin) =
        if solution { ("solutions", Some("section3")) } else { ("section3-compose", None) };
    let expected = format!("{package} runs, so that Prometheus can scrape it");
    let executable = match (process::Build { root, package, bin, keep: false, quiet: false }).run()
    {
        Ok(Built::Executable { path, .. }) => path,
        Ok(Built::Failed(_)) => {
            return Finding::new(expected, "it does not compile: see above").fail();
        }
        Err(error) => return Finding::new(expected, format!("{error:#}")).could_not_tell(),
    };
    // Quick answers, so that a check need not wait for them.
    let settings = BTreeMap::from([("TREECOUNTER_LATENCY_MAX_SECONDS", "0".to_owned())]);
    let started = Program::start(&executable, root, &settings);
    let listening = started.and_then(|program| {
        let address = program.wait_until_listening(LISTENS_WITHIN)?;
        Ok(App { address, _program: Some(program) })
    });
    listening.or_else(|reason| {
        let found = match reason {
            NoStart::NotRun(reason) => format!("it cannot be run: {reason}"),
            NoStart::Died(status) => format!("it ended at once: {status}"),
            NoStart::Silent(limit) => {
                format!("it has not said where it listens within {} s", limit.as_secs())
            }
            NoStart::Floods => "it prints without end".to_owned(),
        };
        Finding::new(expected, found).try_with(format!("cargo run -p {package}")).fail()
    })
}
