//! What tests of `cargo workshop check` share: programs to judge, and a way to judge them.
#![allow(dead_code, unreachable_pub)] // Each test uses its own part of it.
#![allow(clippy::unwrap_used)] // A test may end at any mistake.

pub mod recorded;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// `cargo workshop` with these arguments, plain and undisturbed by the caller's settings.
pub fn workshop(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_workshop"));
    command.args(arguments).current_dir(repository()).env("NO_COLOR", "1");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TREECOUNTER_") {
            command.env_remove(name);
        }
    }
    command
}

/// A check of an executable as a section's program.
pub fn check_executable(section: &str, executable: &Path) -> Command {
    let mut command = workshop(&["check", section, "--exe"]);
    command.arg(executable);
    command
}

/// Does something with each item, a few at a time, and keeps the order.
pub fn each_in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    const WORKERS: usize = 6;
    let next = Mutex::new(items.iter().enumerate());
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let Some((index, item)) = next.lock().unwrap().next() else { break };
                    let result = work(item);
                    done.lock().unwrap().push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Under CI, for other systems, and when transcripts are recorded, all items; elsewhere one of so
/// many, so that `cargo test` takes a minute. It is another one each day.
pub fn share<T>(items: Vec<T>, of: usize) -> Vec<T> {
    let set = |name| std::env::var_os(name).is_some();
    if set("CI") || set("BUILT") || recorded::recording() {
        return items;
    }
    let all = items.len();
    let days = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / (24 * 60 * 60);
    let first = usize::try_from(days).unwrap() % of;
    let items: Vec<T> = items.into_iter().skip(first).step_by(of).collect();
    println!("{} of {all} today; all of them with CI=true", items.len());
    items
}

/// Variations of learner programs, compiled into one executable that plays the one that the
/// variable BROKEN names. One build and one link are what makes dozens of them affordable.
pub struct Broken {
    package: PathBuf,
    executable: PathBuf,
}

impl Broken {
    /// Builds them as the package `name`.
    pub fn build(name: &str, sources: impl IntoIterator<Item = (String, String)>) -> Self {
        let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        for folder in ["src", "learners"] {
            std::fs::create_dir_all(package.join(folder)).unwrap();
        }
        let mut modules = String::new();
        let mut arms = String::new();
        for (variation, source) in sources {
            let module = variation.replace('-', "_");
            writeln!(modules, "mod {module};").unwrap();
            writeln!(arms, "        {variation:?} => {module}::main(),").unwrap();
            write_if_other(&package.join(format!("learners/{module}.rs")), &source);
            let source = source.replace("async fn main()", "pub async fn main()");
            write_if_other(&package.join(format!("src/{module}.rs")), &source);
        }
        write_if_other(
            &package.join("src/main.rs"),
            &format!(
                "#![allow(warnings)]\n{modules}\nfn main() -> anyhow::Result<()> {{\n    \
             match std::env::var(\"BROKEN\")?.as_str() {{\n{arms}        \
             other => anyhow::bail!(\"no program {{other}}\"),\n    }}\n}}\n"
            ),
        );
        write_if_other(&package.join("Cargo.toml"), &manifest(name));
        // Cargo leaves out of its copy what these programs do not need. Another one is due when the
        // workspace's has changed.
        let lock = std::fs::read_to_string(repository().join("Cargo.lock")).unwrap();
        if write_if_other(&package.join("workspace.lock"), &lock) {
            std::fs::write(package.join("Cargo.lock"), &lock).unwrap();
        }
        let manifest = package.join("Cargo.toml");
        let executable = built(name, &["--manifest-path", manifest.to_str().unwrap()]);
        Self { package, executable }
    }

    pub fn executable(&self) -> &Path {
        &self.executable
    }

    pub fn source(&self, name: &str) -> PathBuf {
        self.package.join(format!("learners/{}.rs", name.replace('-', "_")))
    }
}

/// A package of its own, with the dependencies and the profile of the learner's, so that what was
/// compiled for those is used again.
fn manifest(package: &str) -> String {
    let solutions = std::fs::read_to_string(repository().join("solutions/Cargo.toml")).unwrap();
    let root = std::fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    let mut root: toml::Table = root.parse().unwrap();
    let solutions: toml::Table = solutions.parse().unwrap();
    let workspace = root.remove("workspace").unwrap();
    let versions = workspace["dependencies"].as_table().unwrap();
    let mut manifest = format!(
        "[workspace]\n\n[package]\nname = \"{package}\"\nedition = \"2024\"\n\n[dependencies]\n"
    );
    for name in solutions["dependencies"].as_table().unwrap().keys() {
        let mut version = versions[name].clone();
        if let Some(path) = version.get_mut("path") {
            *path = repository().join(path.as_str().unwrap()).to_str().unwrap().into();
        }
        writeln!(manifest, "{name} = {}", inline(&version)).unwrap();
    }
    if let Some(profile) = root.get("profile").and_then(|profile| profile.get("dev")) {
        writeln!(manifest, "\n[profile]\ndev = {}", inline(profile)).unwrap();
    }
    manifest
}

/// A value as TOML writes it on one line.
fn inline(value: &toml::Value) -> String {
    match value {
        toml::Value::Array(values) => {
            format!("[{}]", values.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        toml::Value::Table(table) => {
            let fields = table.iter().map(|(name, value)| format!("{name:?} = {}", inline(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        toml::Value::Boolean(value) => value.to_string(),
        toml::Value::Integer(value) => value.to_string(),
        other => format!("{:?}", other.as_str().unwrap()),
    }
}

/// Leaves the file's time alone when nothing changes, so that nothing is compiled again. Says
/// whether something has changed.
fn write_if_other(path: &Path, text: &str) -> bool {
    let other = std::fs::read_to_string(path).ok().as_deref() != Some(text);
    if other {
        std::fs::write(path, text).unwrap();
    }
    other
}

/// A screen without what differs from run to run, and from system to system: measured times, the
/// place of a line among the base metrics, numbers of threads and ports, what a command is called.
pub fn steady(screen: &str) -> String {
    let screen = screen.replace("\r\n", "\n").replace("curl.exe ", "curl ");
    let lines = screen.lines().filter(|line| !is_rest_of_number(line));
    let lines = lines.map(|line| in_posix(&without_registry(line)));
    let lines: Vec<String> = lines.map(|line| steady_line(&line)).collect();
    lines.join("\n") + "\n"
}

/// A command of PowerShell's as the transcripts have it.
fn in_posix(line: &str) -> String {
    let command = line.trim_start();
    let indent = &line[..line.len() - command.len()];
    let job = command.strip_prefix("Start-Job { ").and_then(|job| job.strip_suffix(" }"));
    let setting = command.strip_prefix("$env:").and_then(|it| it.split_once(" = '"));
    match (job, setting.and_then(|(name, it)| Some((name, it.split_once('\'')?)))) {
        (Some(job), _) => format!("{indent}{job} &"),
        (_, Some((name, (value, rest)))) => {
            let rest = rest.strip_prefix("; ").unwrap_or("\\");
            format!("{indent}{name}={value} {rest}")
        }
        _ => line.to_owned(),
    }
}

/// A long number may go on in a line of its own.
fn is_rest_of_number(line: &str) -> bool {
    let rest = line.trim_start().strip_prefix("| ");
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A line without the place where cargo keeps the crates.
fn without_registry(line: &str) -> String {
    let Some((before, after)) = line.split_once("/registry/src/") else { return line.to_owned() };
    let start = before.rfind(' ').map_or(0, |blank| blank + 1);
    let (_, crate_path) = after.split_once('/').unwrap_or(("", after));
    format!("{}CRATES/{crate_path}", &line[..start])
}

fn steady_line(line: &str) -> String {
    let timed = line.contains("_sum") || line.contains(" s a visit");
    let mut steady = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        let end = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
        let (number, after) = number.split_at(end);
        let measured = number.split_once('.').is_some_and(|(_, digits)| digits.len() >= 3);
        let time = timed && (number.len() > 2 || number.contains('.'));
        let place = before.ends_with("/metrics, line ");
        let thread = before.ends_with('(') && after.starts_with(") panicked");
        let families = after.starts_with(" families");
        let flood = before.ends_with("... and ");
        steady.push_str(before);
        steady.push_str(if measured || time || place || thread || families || flood {
            "#"
        } else {
            number
        });
        rest = after;
    }
    steady + rest
}

/// A solution's executable, built.
pub fn solution(section: &str) -> PathBuf {
    built(section, &["--package", "solutions", "--bin", section])
}

/// Has cargo build an executable. Under Wine and qemu there is no cargo to be had: `.ci/systems`
/// has built it before, and says so with a variable.
fn built(name: &str, what: &[&str]) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let executable = target.join(format!("debug/{name}{}", std::env::consts::EXE_SUFFIX));
    if std::env::var_os("BUILT").is_some() {
        assert!(executable.exists(), "not built: {}", executable.display());
        return executable;
    }
    let build = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--offline", "--target-dir"])
        .arg(target)
        .args(what)
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    executable
}

/// A process that is killed when the test ends, however it ends.
pub struct Killed(pub std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks again and again until there is an answer, for at most this long.
pub fn poll<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() > end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether promtool reads this exposition, and what it says of it.
pub fn promtool_reads(exposition: &[u8]) -> (bool, String) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(exposition).unwrap();
    let output = promtool.wait_with_output().unwrap();
    // Status 3 is a matter of style: the text itself was understood.
    let is_read = matches!(output.status.code(), Some(0 | 3));
    (is_read, String::from_utf8_lossy(&output.stderr).into_owned())
}
