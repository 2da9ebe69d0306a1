//! What the workshop's programs cost, beside what people would use instead. See README.md.

mod builds;
mod http;
mod requests;
mod scrapes;
mod server;
mod table;
mod verdict;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::available_parallelism;

use anyhow::{Context, Result, bail, ensure};

use http::Client;
use server::Server;

/// What a program is measured in.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    /// Requests for the page with the count.
    Page,
    /// Scrapes of `/metrics` as it is.
    Metrics,
    /// Scrapes of `/metrics` with as many more series as asked for.
    Series,
}

/// A program that is measured.
struct Contestant {
    name: &'static str,
    program: PathBuf,
    parts: &'static [Part],
}

impl Contestant {
    fn takes(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }
}

/// What the others' cost of a request is a multiple of.
const BASE: &str = "bare hyper";
/// What the others' cost of a scrape is a multiple of: the finished workshop, and its server and
/// `MetricsHandler` with more series.
const OURS: [&str; 2] = ["bonus", "treecounter-core"];

struct Options {
    parts: Vec<String>,
    rounds: usize,
    requests: usize,
    scrapes: usize,
    most_series: usize,
    page: String,
}

const PARTS: [&str; 4] = ["requests", "scrapes", "builds", "verdict"];

impl Options {
    fn from_arguments() -> Result<Option<Self>> {
        let mut options = Self {
            parts: PARTS.map(str::to_owned).to_vec(),
            rounds: 5,
            requests: 200_000,
            scrapes: 1_000,
            most_series: 100_000,
            page: String::new(),
        };
        let mut chosen = Vec::new();
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => {
                    (options.rounds, options.requests) = (1, 4_000);
                    (options.scrapes, options.most_series) = (20, 1_000);
                }
                name @ ("--rounds" | "--requests") => {
                    let number = arguments.next().and_then(|number| number.parse().ok());
                    let number = number.filter(|number| *number > 0);
                    let number = number.with_context(|| format!("{name} takes a number"))?;
                    let option = if name == "--rounds" {
                        &mut options.rounds
                    } else {
                        &mut options.requests
                    };
                    *option = number;
                }
                "--help" | "-h" => return Ok(None),
                part if PARTS.contains(&part) => chosen.push(part.to_owned()),
                other => bail!("what is {other:?}?\n{HELP}"),
            }
        }
        if !chosen.is_empty() {
            options.parts = chosen;
        }
        // In each slice, every connection sends equally many.
        options.requests =
            options.requests.next_multiple_of(requests::SLICES * requests::CONNECTIONS);
        Ok(Some(options))
    }

    fn has(&self, part: &str) -> bool {
        self.parts.iter().any(|chosen| chosen == part)
    }
}

fn main() -> Result<()> {
    let Some(mut options) = Options::from_arguments()? else {
        println!("{HELP}");
        return Ok(());
    };
    ensure!(cfg!(target_os = "linux"), "CPU time is read from /proc: run this on Linux");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the root")?;
    println!("{}", machine()?);
    if options.has("requests") || options.has("scrapes") {
        let contestants = contestants(root)?;
        let page = root.join("benchmarks/target/page.html");
        keep_page(&contestants, &page)?;
        options.page = page.to_string_lossy().into_owned();
        if options.has("requests") {
            requests::measure(&contestants, &options)?;
        }
        if options.has("scrapes") {
            scrapes::measure(&contestants, &options)?;
        }
    }
    if options.has("builds") {
        builds::measure(root, options.rounds)?;
    }
    if options.has("verdict") {
        verdict::measure(root, options.rounds)?;
    }
    Ok(())
}

/// Builds all programs, and Go's where Go is.
fn contestants(root: &Path) -> Result<Vec<Contestant>> {
    eprintln!("building the solutions and the peers");
    let benchmarks = root.join("benchmarks");
    cargo(root, &["build", "--release", "--package", "solutions", "--bins"])?;
    cargo(&benchmarks, &["build", "--release", "--workspace", "--exclude", "benchmarks"])?;
    let all = &[Part::Page, Part::Metrics, Part::Series];
    let mut contestants = Vec::new();
    let mut add = |name, program: PathBuf, parts| {
        contestants.push(Contestant { name, program, parts });
    };
    let solution = |name: &str| root.join("target/release").join(name);
    let peer = |name: &str| benchmarks.join("target/release").join(format!("peer-{name}"));
    add(BASE, peer("hyper"), &[Part::Page]);
    add("section1", solution("section1"), &[Part::Page]);
    add("section2", solution("section2"), &[Part::Page]);
    add("section3", solution("section3"), &[Part::Page]);
    add("bonus", solution("bonus"), &[Part::Page, Part::Metrics]);
    add("treecounter-core", peer("treecounter"), &[Part::Series]);
    add("hyper + prometheus-client", peer("prometheus-client"), all);
    add("axum + axum-prometheus", peer("axum"), all);
    add("actix-web + actix-web-prom", peer("actix"), all);
    let (program, mut go) = (peer("go"), Command::new("go"));
    go.args(["build", "-o"]).arg(&program).arg(".").current_dir(benchmarks.join("peers/go"));
    match run(&mut go) {
        Ok(()) => add("Go net/http + promhttp", program, all),
        Err(error) => eprintln!("left out: Go's promhttp, which cannot be built here: {error:#}"),
    }
    Ok(contestants)
}

/// Keeps the workshop's page in a file, for the peers to serve the same.
fn keep_page(contestants: &[Contestant], file: &Path) -> Result<()> {
    let ours = contestants.iter().find(|contestant| contestant.name == OURS[0]);
    let server = Server::start(&ours.context("the workshop's own")?.program, &[])?;
    let mut client = Client::connect(server.addr)?;
    client.send(requests::REQUEST)?;
    Ok(std::fs::write(file, client.receive()?)?)
}

fn cargo(folder: &Path, arguments: &[&str]) -> Result<()> {
    let mut cargo = Command::new("cargo");
    // The programs are looked for there.
    cargo.env("CARGO_TARGET_DIR", folder.join("target"));
    run(cargo.args(arguments).arg("--quiet").current_dir(folder))
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}

/// What the figures were measured on, for those who read the table later.
fn machine() -> Result<String> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model =
        model.map_or("unknown processor", |model| model.trim_start_matches(['\t', ':', ' ']));
    let rustc = Command::new("rustc").arg("--version").output()?.stdout;
    let rustc = String::from_utf8_lossy(&rustc).trim().to_owned();
    Ok(format!("{} cores of {model}, {rustc}", available_parallelism()?))
}

const HELP: &str = "\
cargo run --release --manifest-path benchmarks/Cargo.toml -- [PART…] [OPTION…]

Parts, all unless named:
    requests    CPU time of a request, and memory after all of them
    scrapes     CPU time, time, bytes and memory of a scrape by the number of series
    builds      cold and warm debug builds, and their crates
    verdict     from an edit to the verdict of `cargo workshop check section2`

    --rounds N    so many interleaved rounds instead of 5
    --requests N  so many requests in a round instead of 200,000, in whole slices
    --quick       one small round: whether it works, not what it costs";
