//! A program of the workshop, started on a free port and ended with the test.

// Each test program takes what it needs of this.
#![allow(dead_code, unreachable_pub)]

pub mod client;
pub mod readme;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The four solutions, as `cargo run -p solutions --bin …` names them.
pub const SOLUTIONS: [&str; 4] = ["section1", "section2", "section3", "bonus"];

pub struct Program {
    child: Child,
    /// The lines that it printed until it was ready.
    pub banner: Vec<String>,
    /// Host and port.
    pub addr: String,
}

/// Without chance: every visit is answered at once, and none fails.
pub const CALM: [(&str, &str); 2] =
    [("TREECOUNTER_FAILURE_RATE", "0"), ("TREECOUNTER_LATENCY_MAX_SECONDS", "0")];

impl Program {
    /// Starts a solution, or an example, with these settings and no others.
    pub fn start(name: &str, settings: &[(&str, &str)]) -> Self {
        Self::start_from(command(name), name, settings)
    }

    /// Starts it from a shell, which calls it `$0` and has this to do before.
    #[cfg(unix)]
    pub fn start_in_shell(script: &str, name: &str, settings: &[(&str, &str)]) -> Self {
        Self::start_from(shell(script, name), name, settings)
    }

    fn start_from(mut command: Command, name: &str, settings: &[(&str, &str)]) -> Self {
        command.env("TREECOUNTER_ADDR", "127.0.0.1:0").envs(settings.iter().copied());
        let mut child = command.stdout(Stdio::piped()).spawn().expect(name);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut program = Self { child, banner: Vec::new(), addr: String::new() };
        program.banner = lines.take(2).map_while(Result::ok).collect();
        assert_eq!(program.banner.len(), 2, "{name} ended before it was ready");
        let host = program.banner[0].split('/').nth(2).unwrap();
        program.addr = host.replace("localhost", "127.0.0.1");
        program
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let mut answer = ureq::Agent::from(config).get(self.url(path)).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// Waits for the end, and gives the exit code.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// The value of a series, named as the exposition writes it.
    pub fn sample(&self, series: &str) -> Option<f64> {
        let (_, exposition) = self.get("/metrics");
        let line = exposition.lines().find_map(|line| line.strip_prefix(series));
        line.map(|value| value.trim().parse().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program that is to end by itself, and gives what it printed: output, errors, and code.
pub fn run(name: &str, args: &[&str], settings: &[(&str, &str)]) -> (String, String, i32) {
    let mut command = command(name);
    command.args(args).envs(settings.iter().copied());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect(name);
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    (out, err, child.wait().unwrap().code().unwrap())
}

/// A shell that knows a program as `$0`.
#[cfg(unix)]
pub fn shell(script: &str, name: &str) -> Command {
    let mut command = clean(Command::new("sh"));
    command.arg("-c").arg(script).arg(path(name));
    command
}

fn command(name: &str) -> Command {
    clean(Command::new(path(name)))
}

fn path(name: &str) -> PathBuf {
    let path = match name {
        "section1" => PathBuf::from(env!("CARGO_BIN_EXE_section1")),
        "section2" => PathBuf::from(env!("CARGO_BIN_EXE_section2")),
        "section3" => PathBuf::from(env!("CARGO_BIN_EXE_section3")),
        "bonus" => PathBuf::from(env!("CARGO_BIN_EXE_bonus")),
        // Cargo builds the examples for a test, and tells their place to nobody.
        example => Path::new(env!("CARGO_BIN_EXE_section1"))
            .with_file_name("examples")
            .join(format!("{example}{}", std::env::consts::EXE_SUFFIX)),
    };
    assert!(path.is_file(), "no {name} here: `cargo test -p solutions` builds the examples too");
    path
}

/// Without what the environment of the test says to the programs of the workshop.
fn clean(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TREECOUNTER_") {
            command.env_remove(name);
        }
    }
    // An error's text, and no backtrace, whatever the environment of the test asks for.
    command.env("RUST_BACKTRACE", "0").env_remove("RUST_LIB_BACKTRACE");
    command
}

/// Whether a tool that a test cannot do without is there, and does this; in CI it must.
pub fn has(tool: &str, arguments: &[&str]) -> bool {
    let found = Command::new(tool)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    assert!(found || std::env::var_os("CI").is_none(), "CI has no {tool} {arguments:?}");
    if !found {
        println!("skipped: there is no {tool} {arguments:?} here");
    }
    found
}

/// The root of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
