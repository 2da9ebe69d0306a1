//! What a scrape costs, as Prometheus asks for it: by the number of series on the page.

use std::time::Instant;

use anyhow::{Context, Result};

use crate::http::Client;
use crate::requests::REQUEST;
use crate::server::Server;
use crate::table::{Table, median, ratio};
use crate::{Contestant, OURS, Options, Part};

/// What Prometheus sends.
const SCRAPE: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\
    User-Agent: Prometheus/3.13.2\r\n\
    Accept: application/openmetrics-text;version=1.0.0;q=0.5,\
    text/plain;version=0.0.4;q=0.2,*/*;q=0.1\r\n\
    Accept-Encoding: gzip\r\nX-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n";

/// Counters and histograms of a page. The first is the page as it is without any more of them.
const PAGES: &[(usize, usize)] =
    &[(0, 0), (10, 0), (100, 0), (1_000, 0), (10_000, 0), (100_000, 0), (10_000, 1_000)];

struct Measured<'a> {
    contestant: &'a Contestant,
    server: Server,
    /// CPU time and time of a scrape in microseconds, of each round.
    cpu: Vec<f64>,
    time: Vec<f64>,
    bytes: usize,
}

pub(crate) fn measure(contestants: &[Contestant], options: &Options) -> Result<()> {
    let columns =
        ["page", "server", "CPU per scrape", "of the workshop's", "time", "bytes sent", "MiB"];
    let mut table = Table::new(&columns);
    for &(counters, histograms) in PAGES.iter().filter(|page| page.0 <= options.most_series) {
        let page = match (counters, histograms) {
            (0, _) => "as it is".to_owned(),
            (_, 0) => format!("{counters} counters"),
            _ => format!("{counters} and {histograms} histograms"),
        };
        eprintln!("scrapes: {page}");
        let mut measured = Vec::new();
        let part = if counters == 0 { Part::Metrics } else { Part::Series };
        for contestant in contestants.iter().filter(|contestant| contestant.takes(part)) {
            measured.push(start(contestant, counters, histograms, options)?);
        }
        let times = (options.scrapes * 100 / (100 + counters + 20 * histograms)).max(3);
        for round in 0..options.rounds {
            for turn in 0..measured.len() {
                let turn = (round + turn) % measured.len();
                measured[turn].scrape(times)?;
            }
        }
        rows(&mut table, &page, &mut measured)?;
    }
    table.print(&format!("A scrape of /metrics, {} rounds", options.rounds));
    Ok(())
}

fn start<'a>(
    contestant: &'a Contestant,
    counters: usize,
    histograms: usize,
    options: &Options,
) -> Result<Measured<'a>> {
    let environment = [
        ("PAGE", options.page.clone()),
        ("SERIES", counters.to_string()),
        ("HISTOGRAMS", histograms.to_string()),
    ];
    let server = Server::start(&contestant.program, &environment)?;
    let mut client = Client::connect(server.addr)?;
    // A page that counts requests shows the first series after the first of them.
    let page = contestant.takes(Part::Page).then_some(REQUEST);
    for request in page.into_iter().chain([SCRAPE]) {
        client.send(request)?;
        client.receive().with_context(|| format!("asking {}", contestant.name))?;
    }
    Ok(Measured { contestant, server, cpu: Vec::new(), time: Vec::new(), bytes: 0 })
}

impl Measured<'_> {
    fn scrape(&mut self, times: usize) -> Result<()> {
        // A connection kept from round to round would be closed as idle.
        let mut client = Client::connect(self.server.addr)?;
        let (cpu, start) = (self.server.cpu()?, Instant::now());
        for _ in 0..times {
            client.send(SCRAPE)?;
            self.bytes = client.receive()?.len();
        }
        let per_scrape = 1e6 / times as f64;
        self.time.push(start.elapsed().as_secs_f64() * per_scrape);
        self.cpu.push((self.server.cpu()? - cpu).as_secs_f64() * per_scrape);
        Ok(())
    }
}

fn rows(table: &mut Table, page: &str, measured: &mut [Measured<'_>]) -> Result<()> {
    let base = measured.iter().find(|one| OURS.contains(&one.contestant.name));
    let base = base.context("none of the workshop's")?.cpu.clone();
    for one in measured {
        let mut ratios: Vec<f64> =
            one.cpu.iter().zip(&base).map(|(cpu, base)| cpu / base).collect();
        table.row([
            page.to_owned(),
            one.contestant.name.to_owned(),
            format!("{:.0} µs", median(&mut one.cpu)),
            ratio(median(&mut ratios)),
            format!("{:.0} µs", median(&mut one.time)),
            one.bytes.to_string(),
            format!("{:.1}", one.server.memory()?),
        ]);
    }
    Ok(())
}
