//! What a server has to live through: crowds, a full disk, no descriptors left, stops under load,
//! and a long life.

#![cfg(unix)] // The hardships are made with a shell and with signals.
#![allow(clippy::unwrap_used)] // A test ends at the first thing that goes wrong.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use support::client::Client;
use support::{CALM, Program, shell};

/// A scrape or a probe may take this long while a test machine is busy with other tests; without
/// what protects the server, it takes half a minute.
const BUSY_LIMIT: Duration = Duration::from_secs(5);

#[test]
fn a_crowd_keeps_out_neither_scraper_nor_probe() {
    let idle = 1_200.min(descriptors().saturating_sub(200));
    let program = Program::start("bonus", &CALM);
    let crowd = Crowd { idle, active: 20, ask_every: Duration::from_secs(2) };
    let slowest = crowd.besiege(&program, Duration::from_secs(3));
    assert!(slowest < BUSY_LIMIT, "a scrape or a probe took {slowest:?}");
}

#[test]
#[ignore = "takes a minute, and wants a machine of its own"]
fn two_thousand_idle_and_two_hundred_active_clients_for_a_minute() {
    let program = Program::start("bonus", &CALM);
    let crowd = Crowd { idle: 2_000, active: 200, ask_every: Duration::from_secs(20) };
    let slowest = crowd.besiege(&program, Duration::from_secs(60));
    println!("the slowest scrape or probe took {slowest:?}");
    assert!(slowest < Duration::from_secs(1), "a scrape or a probe took {slowest:?}");
}

#[test]
fn without_descriptors_those_who_ask_are_answered_and_the_log_stays_short() {
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-descriptors.log");
    let script = format!("ulimit -n 64; exec \"$0\" 2> '{}'", log.display());
    let program = Program::start_in_shell(&script, "bonus", &CALM);
    let crowd = Crowd { idle: 150, active: 4, ask_every: Duration::from_secs(1) };
    let slowest = crowd.besiege(&program, Duration::from_secs(3));
    assert!(slowest < BUSY_LIMIT, "a scrape or a probe took {slowest:?}");
    let log = fs::read_to_string(log).unwrap();
    assert_eq!(log.matches("cannot accept a connection").count(), 1, "{log}");
    assert_eq!(log.lines().count(), 1, "{log}");
}

#[test]
fn a_log_that_cannot_be_written_ends_nothing() {
    for stderr in ["/dev/full", "&-"] {
        let script = format!("ulimit -n 64; exec \"$0\" 2> {stderr}").replace("> &", ">&");
        let mut program = Program::start_in_shell(&script, "bonus", &CALM);
        let crowd = Crowd { idle: 100, active: 1, ask_every: Duration::from_secs(1) };
        crowd.besiege(&program, Duration::from_millis(500));
        terminate(&program);
        assert_eq!(program.wait(), Some(0), "standard error was {stderr}");
    }
}

#[test]
fn output_that_nobody_reads_ends_nothing() {
    for script in ["exec \"$0\" > /dev/full", "\"$0\" | true"] {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut command = shell(script, "section1");
        command.env("TREECOUNTER_ADDR", &free).stderr(Stdio::piped());
        let mut child = command.process_group(0).spawn().unwrap();
        let deadline = Instant::now() + BUSY_LIMIT;
        let answered = loop {
            match ask(&free, "/healthz") {
                Some(answer) => break answer == "ok\n",
                None if Instant::now() > deadline => break false,
                None => thread::yield_now(),
            }
        };
        let group = format!("-{}", child.id());
        assert!(Command::new("kill").args(["-TERM", "--", &group]).status().unwrap().success());
        let mut errors = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut errors).unwrap();
        child.wait().unwrap();
        assert!(answered && errors.is_empty(), "{script}: {errors}");
    }
}

#[test]
fn a_stop_under_load_loses_next_to_nothing() {
    let (answered, lost) = (0..3).map(|_| stop_under_load()).fold((0, 0), add);
    // What is left is a connection that is made in the microseconds in which the port closes.
    assert!(lost <= 2, "{lost} requests were lost, {answered} were answered");
}

#[test]
#[ignore = "takes half a minute, and says how much is lost"]
fn twenty_four_stops_under_load() {
    let (answered, lost) = (0..24).map(|_| stop_under_load()).fold((0, 0), add);
    println!("{answered} requests were answered, {lost} were lost");
    assert!(lost <= 4, "{lost} requests were lost");
}

#[test]
#[ignore = "takes minutes"]
fn a_million_requests_are_counted_and_leave_no_trace() {
    let program = Program::start("bonus", &[("TREECOUNTER_LATENCY_MAX_SECONDS", "0")]);
    let memory = || program.sample("process_resident_memory_bytes").unwrap();
    let mut seen = ask_many(&program, 100_000);
    let after_100_000 = memory();
    for (status, count) in ask_many(&program, 900_000) {
        *seen.entry(status).or_insert(0) += count;
    }
    let grown = memory() - after_100_000;
    println!("after 100,000: {after_100_000} bytes; {grown} more after a million; {seen:?}");
    assert_eq!(seen.values().sum::<u64>(), 1_000_000);
    for (status, count) in seen {
        let series = format!("requests_total{{endpoint=\"/treecounter\",status=\"{status}\"}}");
        assert_eq!(program.sample(&series), Some(count as f64), "{series}");
    }
    let series = "request_latency_seconds_count{endpoint=\"/treecounter\"}";
    assert_eq!(program.sample(series), Some(1_000_000.0));
    assert!(grown < 1024.0 * 1024.0, "{grown} bytes more");
}

/// Clients who stay: idle ones, each of whom asks now and then and comes back when it was closed,
/// and active ones.
struct Crowd {
    idle: usize,
    active: usize,
    ask_every: Duration,
}

impl Crowd {
    /// The time that the slowest of the scrapes and probes takes that go on all the while.
    fn besiege(&self, program: &Program, lasts: Duration) -> Duration {
        let addr = program.addr.as_str();
        let over = AtomicBool::new(false);
        let mut idle: Vec<_> = (0..self.idle).map(|_| Client::connect(addr).ok()).collect();
        let (slowest, all_answered) = thread::scope(|scope| {
            scope.spawn(|| {
                let turns = (0..self.idle).cycle();
                for client in turns.take_while(|_| !over.load(Ordering::Relaxed)) {
                    let asks = |client: &mut Client| client.ask("/treecounter", 1).is_ok();
                    if !idle[client].as_mut().is_some_and(asks) {
                        idle[client] = Client::connect(addr).ok();
                    }
                    thread::sleep(self.ask_every / self.idle as u32);
                }
            });
            for _ in 0..self.active {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        let Ok(mut client) = Client::connect(addr) else { continue };
                        while !over.load(Ordering::Relaxed)
                            && client.ask("/treecounter", 1).and_then(|()| client.answer()).is_ok()
                        {
                            thread::sleep(Duration::from_millis(50));
                        }
                    }
                });
            }
            let (mut slowest, mut all_answered) = (Duration::ZERO, true);
            let started = Instant::now();
            while started.elapsed() < lasts {
                for (path, expected) in [("/metrics", "requests_total"), ("/healthz", "ok")] {
                    let asked = Instant::now();
                    all_answered &= ask(addr, path).is_some_and(|body| body.contains(expected));
                    slowest = slowest.max(asked.elapsed());
                }
                thread::sleep(Duration::from_millis(50));
            }
            over.store(true, Ordering::Relaxed);
            (slowest, all_answered)
        });
        assert!(all_answered, "a scrape or a probe was not answered");
        slowest
    }
}

/// Asks on a connection of its own.
fn ask(addr: &str, path: &str) -> Option<String> {
    let mut client = Client::connect(addr).ok()?;
    client.ask(path, 1).ok()?;
    String::from_utf8(client.answer().ok()?.body).ok()
}

/// Asks so often, from several clients, many requests at a time, and counts the answers.
fn ask_many(program: &Program, requests: usize) -> BTreeMap<u16, u64> {
    const CLIENTS: usize = 8;
    const AT_A_TIME: usize = 20;
    let mut sum = BTreeMap::new();
    thread::scope(|scope| {
        let client = || {
            let mut client = Client::connect(&program.addr).unwrap();
            let mut seen = BTreeMap::new();
            for _ in 0..requests / CLIENTS / AT_A_TIME {
                client.ask("/treecounter", AT_A_TIME).unwrap();
                for _ in 0..AT_A_TIME {
                    *seen.entry(client.answer().unwrap().status).or_insert(0) += 1;
                }
            }
            seen
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        for (status, count) in clients.into_iter().flat_map(|client| client.join().unwrap()) {
            *sum.entry(status).or_insert(0) += count;
        }
    });
    sum
}

/// Stops a program in the midst of requests: how many were answered, and how many were sent on a
/// connection that was there and got no answer.
fn stop_under_load() -> (usize, usize) {
    let mut program = Program::start("bonus", &CALM);
    let (answered, lost) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 0..8 {
            let (addr, answered, lost, over) = (program.addr.clone(), &answered, &lost, &over);
            // Half of the clients keep their connection, the others ask a few times on each.
            let keeps_for = if number % 2 == 0 { usize::MAX } else { 5 };
            scope.spawn(move || {
                let goes_on = || !over.load(Ordering::Relaxed);
                while goes_on()
                    && let Ok(mut client) = Client::connect(&addr)
                {
                    for _ in (0..keeps_for).take_while(|_| goes_on()) {
                        match client.ask("/treecounter", 1).and_then(|()| client.answer()) {
                            Ok(answer) => {
                                answered.fetch_add(1, Ordering::Relaxed);
                                if answer.is_last {
                                    break;
                                }
                            }
                            Err(_) => {
                                lost.fetch_add(1, Ordering::Relaxed);
                                break;
                            }
                        }
                    }
                }
            });
        }
        thread::sleep(Duration::from_millis(500));
        terminate(&program);
        let code = program.wait();
        over.store(true, Ordering::Relaxed);
        assert_eq!(code, Some(0));
    });
    (answered.into_inner(), lost.into_inner())
}

fn add(sum: (usize, usize), one: (usize, usize)) -> (usize, usize) {
    (sum.0 + one.0, sum.1 + one.1)
}

fn terminate(program: &Program) {
    assert!(Command::new("kill").args(["-TERM", &program.pid()]).status().unwrap().success());
}

/// How many descriptors this process may have.
fn descriptors() -> usize {
    let output = Command::new("sh").args(["-c", "ulimit -n"]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(usize::MAX)
}
