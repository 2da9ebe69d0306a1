//! What the READMEs show is what happens: their code stands in programs that compile, and their
//! commands print what is written below them.
//!
//! In a README, `<!-- test: start NAME SETTING=VALUE -->` says which solution or example runs from
//! there on; readers do not see it. It is started with a failure rate and a latency of 0, so that
//! nothing depends on chance. A line `...` stands for any lines. Numbers that differ from machine
//! to machine are compared by their places, see [`masked`]. `<!-- test: taken -->` stands before
//! what a program prints when its port is in use.

#![allow(clippy::unwrap_used)] // A test ends at the first thing that goes wrong.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use treecounter_core::Settings;

use support::readme::{Part, parts, read};
use support::{CALM, Program, has, root, run};

/// The pages whose blocks are run. Section 3's wants a Prometheus, and is run by another test; that
/// of the benchmarks is about programs of their own.
fn readmes() -> Vec<String> {
    let folders = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name());
    let folders = folders.filter_map(|name| name.into_string().ok());
    let is_section = |name: &String| {
        let has = |file: &str| root().join(name).join(file).is_file();
        has("README.md")
            && has("src/main.rs")
            && !["section3-compose", "benchmarks"].contains(&name.as_str())
    };
    let lessons = folders.filter(is_section).map(|name| format!("{name}/README.md"));
    let others = ["README.md", "docs/instructor.md", "CONTRIBUTING.md"].map(str::to_owned);
    let mut readmes: Vec<String> = lessons.chain(others).collect();
    readmes.sort();
    readmes
}

/// All sources that a README may quote.
fn sources() -> Vec<String> {
    let folders =
        ["solutions/src/bin", "solutions/examples", "workshop/starters", "treecounter-core/src"];
    let files = folders.iter().flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    let rust = paths.iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    rust.map(|path| fs::read_to_string(path).unwrap().replace("\r\n", "\n")).collect()
}

#[test]
fn rust_in_a_lesson_is_quoted_from_a_program_that_compiles() {
    let sources = sources();
    let mut quoted = 0;
    for readme in readmes() {
        for part in parts(&read(&readme)) {
            let Part::Block { line, info, text } = part else { continue };
            if info == "rust" {
                let found = sources.iter().any(|source| source.contains(&text));
                assert!(found, "{readme}:{line}: no program has these lines:\n{text}");
                quoted += 1;
            }
        }
    }
    assert!(quoted > 10, "only {quoted} blocks were found");
}

/// The one piece of Rust that a lesson shows because it does not compile.
#[test]
fn a_counter_of_whole_numbers_takes_no_fractions() {
    let fails = parts(&read("section2-counter/README.md"));
    let fails = fails.iter().any(|part| match part {
        Part::Block { info, text, .. } => {
            info == "rust fails=E0308" && text.contains(".inc_by(1.5)")
        }
        _ => false,
    });
    assert!(fails, "the lesson no longer shows it: neither need this test");
    // This compiles, so the argument is a u64, for which 1.5 is the wrong type: E0308.
    let _: fn(&prometheus::IntCounter, u64) = prometheus::IntCounter::inc_by;
}

#[test]
fn commands_in_a_lesson_print_what_is_written_below_them() {
    if !cfg!(unix) || !has("curl", &["--version"]) {
        return;
    }
    let ran = on_each_page(commands_run);
    assert!(ran > 15, "only {ran} commands were run");
}

/// Runs something of all pages at once, and says how much there was.
fn on_each_page(run: fn(&str) -> usize) -> usize {
    thread::scope(|scope| {
        let run = |page: String| scope.spawn(move || run(&page));
        let pages: Vec<_> = readmes().into_iter().map(run).collect();
        pages.into_iter().map(|page| page.join().unwrap()).sum()
    })
}

/// Runs the commands of a page, and says how many there were.
fn commands_run(readme: &str) -> usize {
    let mut ran = 0;
    let mut program = None;
    let mut taken = false;
    for part in parts(&read(readme)) {
        match part {
            Part::Directive(directive) if directive == "taken" => taken = true,
            Part::Directive(directive) => program = Some(started(&directive)),
            Part::Block { line, info, text } if info == "console" => {
                for (command, expected) in commands(&text) {
                    let place = format!("{readme}:{line}: {command}");
                    let found = match std::mem::take(&mut taken) {
                        true => Some(port_in_use()),
                        false => output(command, program.as_ref(), &place),
                    };
                    let Some(found) = found else { continue };
                    compare(&expected, &found).unwrap_or_else(|why| panic!("{place}\n{why}"));
                    ran += 1;
                }
            }
            Part::Block { .. } => {}
        }
    }
    ran
}

/// The program that a directive names, with its settings.
fn started(directive: &str) -> Program {
    let start = directive.strip_prefix("start ").unwrap_or_else(|| panic!("what is {directive}?"));
    let (name, settings) = start.split_once(' ').unwrap_or((start, ""));
    let settings = settings.split_whitespace();
    let settings = settings.map(|setting| setting.split_once('=').expect("SETTING=VALUE"));
    Program::start(name, &CALM.into_iter().chain(settings).collect::<Vec<_>>())
}

/// What another test runs than other commands.
const CHECK: &str = "cargo workshop check ";

/// The commands of a console block, each with the lines that it is said to print.
fn commands(block: &str) -> Vec<(&str, Vec<&str>)> {
    let mut commands: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command, Vec::new())),
            (None, Some((_, expected))) => expected.push(line),
            (None, None) => panic!("a console block begins with a command:\n{block}"),
        }
    }
    commands
}

/// What a command prints; `None` for those that other tests run.
fn output(command: &str, program: Option<&Program>, place: &str) -> Option<Vec<String>> {
    let started = || program.unwrap_or_else(|| panic!("{place}: no program was started"));
    let text = if command.starts_with("curl ") {
        let command = command.replace("localhost:8001", &started().addr);
        let output = Command::new("sh").arg("-c").arg(&command).output().unwrap();
        assert!(output.status.success(), "{place}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    } else if let Some(example) = command.strip_prefix("cargo run --quiet -p solutions --example ")
    {
        run(example, &[], &[]).0
    } else if let Some((before, package)) = command.split_once("cargo run -p ") {
        // It runs already, from the same source: a package of the workspace, on another port.
        assert!(root().join(package).join("Cargo.toml").is_file(), "{place}: no such package");
        assert!(before.is_empty() || before.starts_with("TREECOUNTER_"), "{place}");
        let port = started().addr.rsplit(':').next().unwrap();
        started().banner.join("\n").replace(&format!("localhost:{port}"), "localhost:8001")
    } else if let Some(stack) = command.strip_prefix("APP=") {
        // The stack's own tests run it; here, that there is such a program.
        let (app, compose) = stack.split_once(' ').unwrap();
        assert!(root().join(app).join("Cargo.toml").is_file(), "{place}: no section {app}");
        assert!(compose.starts_with("docker compose up "), "{place}");
        return None;
    } else {
        let known = [
            "cargo workshop",
            "cargo test",
            "SNAPSHOTS=overwrite cargo test",
            "git clone",
            "cd ",
            "docker ",
        ];
        assert!(known.iter().any(|start| command.starts_with(start)), "{place}: who runs this?");
        return None;
    };
    Some(lines_of(&text))
}

fn lines_of(text: &str) -> Vec<String> {
    text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect()
}

/// A lesson ends with what is seen when all is done: that is the solution.
#[test]
fn a_check_of_the_solution_prints_what_ends_a_lesson() {
    let ran = on_each_page(checks_run);
    assert!(ran > 2, "only {ran} checks were run");
}

/// Runs the checks of a page, and says how many there were.
fn checks_run(readme: &str) -> usize {
    let mut ran = 0;
    for part in parts(&read(readme)) {
        let Part::Block { line, info, text } = part else { continue };
        let commands = (info == "console").then(|| commands(&text)).into_iter().flatten();
        for (command, expected) in commands {
            let Some(check) = command.strip_prefix(CHECK) else { continue };
            let place = format!("{readme}:{line}: {command}");
            let output = Command::new(env!("CARGO"))
                .args(["run", "--quiet", "--package", "workshop", "--", "check"])
                .args(check.split(' '))
                .arg("--solution")
                .current_dir(root())
                .output()
                .unwrap();
            assert!(output.status.success(), "{place}: {output:?}");
            let found = lines_of(&String::from_utf8(output.stdout).unwrap());
            compare(&expected, &found).unwrap_or_else(|why| panic!("{place}\n{why}"));
            ran += 1;
        }
    }
    ran
}

/// What a program prints when its port is taken, as if that were 8001.
fn port_in_use() -> Vec<String> {
    let holder = Program::start("section1", &CALM);
    let (_, error, _) = run("section1", &[], &[("TREECOUNTER_ADDR", &holder.addr)]);
    let port: u16 = holder.addr.rsplit(':').next().unwrap().parse().unwrap();
    let error = error.replace(&port.to_string(), "8001").replace(&(port + 1).to_string(), "8002");
    error.lines().map(str::to_owned).collect()
}

fn compare(expected: &[&str], found: &[String]) -> Result<(), String> {
    let mut rest = found.iter();
    let mut skipping = false;
    for line in expected {
        if *line == "..." {
            skipping = true;
            continue;
        }
        let matches = |found: &&String| masked(found) == masked(line);
        let next = if skipping { rest.find(matches) } else { rest.next().filter(matches) };
        if next.is_none() {
            return Err(format!("expected: {line}\nin:\n{}", found.join("\n")));
        }
        skipping = false;
    }
    match rest.next() {
        Some(line) if !skipping => Err(format!("more than expected: {line}")),
        _ => Ok(()),
    }
}

/// The line with what differs from run to run, or from machine to machine, made alike. Counts of
/// requests are never masked: they are what the lessons are about.
fn masked(line: &str) -> String {
    if line.starts_with("date: ") || line.starts_with("treecounter_build_info{") {
        return line.split([':', '{']).next().unwrap().to_owned();
    }
    if ["    ss ", "    lsof "].iter().any(|start| line.starts_with(start)) {
        return "the system's own tool".to_owned();
    }
    if line.starts_with("content-length: ") && line != "content-length: 0" {
        return "content-length: some".to_owned();
    }
    if line.starts_with("{\"count\":") {
        return line.replace(|letter: char| letter.is_ascii_digit(), "");
    }
    let volatile = line.starts_with("process_")
        || line.starts_with("tokio_")
        || line.starts_with("request_latency_seconds_sum{");
    match line.rsplit_once(' ') {
        Some((name, _)) if volatile => format!("{name} some"),
        _ => line.to_owned(),
    }
}

#[test]
fn the_first_page_lists_the_settings_that_there_are() {
    let readme = read("README.md");
    let mut listed = readme.lines().filter(|line| line.starts_with("| `TREECOUNTER_"));
    for setting in Settings::help().lines() {
        let (name, rest) = setting.trim().split_once(' ').unwrap();
        let (default, meaning) = rest.trim().split_once(' ').unwrap();
        let expected = format!("| `{name}` | `{default}` | {} |", meaning.trim());
        assert_eq!(listed.next(), Some(expected.as_str()));
    }
    assert_eq!(listed.next(), None);
}

#[test]
fn the_minimum_rust_is_what_the_dependencies_need() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let versions = metadata["packages"].as_array().unwrap().iter().filter_map(|package| {
        let numbers = package["rust_version"].as_str()?.split('.');
        let numbers: Vec<u32> = numbers.map(|number| number.parse().unwrap()).collect();
        Some((numbers, package["name"].as_str().unwrap()))
    });
    let (needed, by) = versions.max().unwrap();
    let needed = format!("{}.{}", needed[0], needed[1]);
    let manifest = read("Cargo.toml");
    assert!(manifest.contains(&format!("rust-version = \"{needed}\"")), "{by} needs {needed}");
    assert!(read("README.md").contains(&format!("Rust](https://rustup.rs), {needed} or newer")));
    assert!(read(".github/workflows/ci.yml").contains(&format!("toolchain: \"{needed}\"")));
}

#[test]
fn links_within_the_project_lead_somewhere() {
    let mut seen = BTreeSet::new();
    for readme in readmes().into_iter().chain(["section3-compose/README.md".to_owned()]) {
        let text = read(&readme);
        let folder = root().join(&readme).parent().unwrap().to_owned();
        for (at, _) in text.match_indices("](") {
            let link = text[at + 2..].split(')').next().unwrap().split('#').next().unwrap();
            if link.is_empty() || link.starts_with("http") {
                continue;
            }
            assert!(folder.join(link).exists(), "{readme}: there is no {link}");
            seen.insert(link.to_owned());
        }
    }
    assert!(seen.len() > 5, "only {seen:?}");
}
