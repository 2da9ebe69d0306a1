//! What a request costs: CPU time of the server, and its memory after all of them.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::http::Client;
use crate::server::Server;
use crate::table::{Table, median, ratio};
use crate::{BASE, Contestant, Options, Part};

pub(crate) const REQUEST: &[u8] = b"GET /treecounter HTTP/1.1\r\nHost: localhost\r\n\r\n";
pub(crate) const CONNECTIONS: usize = 16;
const THREADS: usize = 2;
/// In so many pieces a round is cut, in which all take turns, each time another one first: what
/// else the machine does falls on all alike.
pub(crate) const SLICES: usize = 20;

struct Measured<'a> {
    contestant: &'a Contestant,
    server: Server,
    /// CPU time of a request in microseconds, of each round.
    cpu: Vec<f64>,
    /// MiB after the first round.
    memory_at_first: f64,
}

pub(crate) fn measure(contestants: &[Contestant], options: &Options) -> Result<()> {
    let mut measured = Vec::new();
    for contestant in contestants.iter().filter(|contestant| contestant.takes(Part::Page)) {
        let server = Server::start(&contestant.program, &[("PAGE", options.page.clone())])?;
        load(server.addr, options.requests / 20)?;
        measured.push(Measured { contestant, server, cpu: Vec::new(), memory_at_first: 0.0 });
    }
    let count = measured.len();
    for round in 0..options.rounds {
        eprintln!("requests: round {} of {}", round + 1, options.rounds);
        let mut spent = vec![Duration::ZERO; count];
        for slice in 0..SLICES {
            for turn in 0..count {
                let index = (slice + turn) % count;
                let Measured { contestant, server, .. } = &measured[index];
                let before = server.cpu()?;
                load(server.addr, options.requests / SLICES)
                    .with_context(|| format!("the load on {}", contestant.name))?;
                spent[index] += server.cpu()? - before;
            }
        }
        for (one, spent) in measured.iter_mut().zip(spent) {
            one.cpu.push(spent.as_secs_f64() * 1e6 / options.requests as f64);
            if round == 0 {
                one.memory_at_first = one.server.memory()?;
            }
        }
    }

    let bare = measured.iter().find(|one| one.contestant.name == BASE).context("no base")?;
    let bare = bare.cpu.clone();
    let total = options.rounds * options.requests;
    let mut table = Table::new(&[
        "server",
        "CPU per request",
        "of bare hyper",
        "least, most",
        &format!("MiB after {}", options.requests),
        &format!("after {total}"),
    ]);
    for one in &measured {
        // Ratios within a round: what slows the machine down in one slows all of it down.
        let mut ratios: Vec<f64> =
            one.cpu.iter().zip(&bare).map(|(cpu, bare)| cpu / bare).collect();
        let middle = median(&mut ratios);
        table.row([
            one.contestant.name.to_owned(),
            format!("{:.1} µs", median(&mut one.cpu.clone())),
            ratio(middle),
            format!("{:.2}, {:.2}", ratios[0], ratios[ratios.len() - 1]),
            format!("{:.1}", one.memory_at_first),
            format!("{:.1}", one.server.memory()?),
        ]);
    }
    table.print(&format!(
        "A request for the page: {CONNECTIONS} kept connections, {} rounds of {} requests",
        options.rounds, options.requests
    ));
    Ok(())
}

/// Sends so many requests over kept connections, each of which waits for its answer.
fn load(addr: SocketAddr, requests: usize) -> Result<()> {
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..THREADS).map(|_| scope.spawn(|| drive(addr, requests / THREADS))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no thread panics"))
    })
}

fn drive(addr: SocketAddr, requests: usize) -> Result<()> {
    let connections = CONNECTIONS / THREADS;
    let mut clients: Vec<_> =
        (0..connections).map(|_| Client::connect(addr)).collect::<Result<_>>()?;
    for _ in 0..requests.div_ceil(connections) {
        for client in &mut clients {
            client.send(REQUEST)?;
        }
        for client in &mut clients {
            client.receive()?;
        }
    }
    Ok(())
}
