//! Whatever the learner's program does, it neither holds up the check nor outlives it.
#![allow(clippy::unwrap_used)] // A test may end at any mistake.
#![cfg(target_os = "linux")] // Only here can a test see the processes of others.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::iter;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::{Broken, Killed, check_executable, poll, repository, share, solution, workshop};

/// Much longer than any check.
const LONG: Duration = Duration::from_secs(20);

/// Section 2's solution, with something done first in `main`.
fn with(first: &str) -> String {
    let path = repository().join("solutions/src/bin/section2.rs");
    let source = std::fs::read_to_string(path).unwrap();
    let start = "    let settings = Settings::from_env()?;\n";
    assert!(source.contains(start));
    source.replacen(start, &format!("{first}{start}"), 1)
}

/// It starts this executable again as the program `sleeper`, and then does this.
fn starts_another(then: &str) -> String {
    with(&format!("{START_ANOTHER}{then}"))
}

const START_ANOTHER: &str =
    "    let mut another = std::process::Command::new(std::env::current_exe()?);
    another.env(\"BROKEN\", \"sleeper\");
";

const SLEEPER: &str = "pub fn main() -> anyhow::Result<()> {
    std::thread::sleep(std::time::Duration::from_secs(3600));
    Ok(())
}
";

/// The start of a daemon: a group of its own, which nobody's signal reaches.
const LEAVES_THE_GROUP: &str =
    "    std::os::unix::process::CommandExt::process_group(&mut another, 0);
    another.spawn()?;
";

const OUTLIVES_ITS_MAIN: &str = "    another.spawn()?;
    return Ok(());
    #[allow(unreachable_code)]
";

const IGNORES_TERM: &str = "    let term = tokio::signal::unix::SignalKind::terminate();
    std::mem::forget(tokio::signal::unix::signal(term)?);
    tokio::spawn(async { loop { if tokio::signal::ctrl_c().await.is_err() { break } } });
    let parent = std::thread::current();
    std::thread::spawn(move || loop {
        std::thread::sleep(std::time::Duration::from_secs(3600));
        drop(&parent);
    });
";

const BLOCKS: &str = "{
                std::thread::sleep(std::time::Duration::from_secs(3600));
                self.trees.respond(request).await
            }";

fn programs() -> Broken {
    let stays = with(IGNORES_TERM).replace(
        "    serve(&settings, app).await?;\n",
        "    serve(&settings, app).await?;\n    std::future::pending::<()>().await;\n",
    );
    let programs = [
        ("sleeper", SLEEPER.to_owned()),
        ("forks", starts_another("    another.spawn()?;\n")),
        ("leaves-the-group", starts_another(LEAVES_THE_GROUP)),
        ("outlives-its-main", starts_another(OUTLIVES_ITS_MAIN)),
        ("ignores-term", stays),
        ("hangs", with("    std::future::pending::<()>().await;\n")),
        ("blocks", with("").replace("self.trees.respond(request).await", BLOCKS)),
    ];
    Broken::build("leftovers", programs.map(|(name, source)| (name.to_owned(), source)))
}

/// The processes that a check by this test has left behind, or not yet ended.
fn processes(mark: &str) -> Vec<i32> {
    let wanted = format!("LEFTOVERS_TEST={mark}");
    let of_mark = |id: &i32| {
        let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        let command = std::fs::read_link(format!("/proc/{id}/exe")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())
            && command.ends_with("leftovers")
    };
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(of_mark).collect()
}

fn check(programs: &Broken, name: &str) -> Command {
    let mut check = check_executable("section2", programs.executable());
    check.env("BROKEN", name).env("LEFTOVERS_TEST", mark(name));
    check
}

fn mark(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

#[test]
fn no_process_outlives_a_check() {
    let programs = programs();
    let expected =
        [("forks", 0), ("leaves-the-group", 0), ("outlives-its-main", 1), ("ignores-term", 0)];
    for (name, code) in expected {
        let started = Instant::now();
        let output = check(&programs, name).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{name}: {}",
            String::from_utf8_lossy(&output.stdout)
        );
        assert!(started.elapsed() < LONG, "{name} took {:?}", started.elapsed());
        assert_eq!(processes(&mark(name)), [0; 0], "{name} has left processes behind");
    }
}

/// Nothing can be done in a process that is killed; its guard does it.
#[test]
fn a_killed_check_leaves_nothing_behind() {
    let programs = programs();
    let mut check = check(&programs, "hangs");
    check.env("LEFTOVERS_TEST", mark("killed"));
    let mut check = Killed(check.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let running = || Some(processes(&mark("killed"))).filter(|ids| ids.len() > 1);
    poll(LONG, running).expect("the check starts the program");
    check.0.kill().unwrap();
    let gone = poll(LONG, || processes(&mark("killed")).is_empty().then_some(()));
    gone.expect("the guard ends what the check has started");
}

#[test]
fn ctrl_c_ends_a_check_with_all_it_started() {
    let programs = programs();
    let mut check = check(&programs, "hangs");
    check.env("LEFTOVERS_TEST", mark("interrupted"));
    let check = check.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut check = Killed(check);
    let running = || Some(processes(&mark("interrupted"))).filter(|ids| ids.len() > 1);
    poll(LONG, running).expect("the check starts the program");
    let id = i32::try_from(check.0.id()).unwrap();
    kill(Pid::from_raw(id), Signal::SIGINT).unwrap();
    let ended = poll(Duration::from_secs(5), || check.0.try_wait().unwrap());
    assert_eq!(ended.expect("Ctrl-C ends the check").code(), Some(130));
    assert_eq!(processes(&mark("interrupted")), [0; 0]);
}

#[test]
fn a_second_ctrl_c_ends_a_program_whose_visits_hold_all_its_threads() {
    let mut program = Command::new(programs().executable());
    program.env("BROKEN", "blocks").env("TREECOUNTER_ADDR", "127.0.0.1:0");
    let mut program = Killed(program.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(program.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let addr = line.split('/').nth(2).unwrap().replace("localhost", "127.0.0.1");
    let ask = |path: &str| {
        let mut client = TcpStream::connect(&addr).unwrap();
        client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        write!(client, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        client
    };
    let threads = std::thread::available_parallelism().unwrap().get();
    let _visits: Vec<TcpStream> = (0..threads).map(|_| ask("/treecounter")).collect();
    let blocked = || ask("/healthz").read(&mut [0]).is_err().then_some(());
    poll(LONG, blocked).expect("every thread is held by a visit");
    let id = Pid::from_raw(i32::try_from(program.0.id()).unwrap());
    let ended = poll(LONG, || {
        kill(id, Signal::SIGINT).unwrap();
        program.0.try_wait().unwrap()
    });
    assert_eq!(ended.expect("Ctrl-C ends it").code(), Some(130));
}

/// How many moments of a check are tried in each section.
const MOMENTS: u32 = 7;

/// Every process that still has this mark, whatever it is.
fn all_processes(mark: &str) -> Vec<i32> {
    let wanted = format!("LEFTOVERS_TEST={mark}");
    let of_mark = |id: &i32| {
        let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())
    };
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(of_mark).collect()
}

/// What is there for a moment that the guard knows nothing of: a program of others makes it.
fn unguarded(scratch: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(scratch).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.starts_with("workshop-")).collect()
}

/// Kills checks of a section at moments that are spread over the whole of one, and finds nothing
/// left: no program, no cargo, no Prometheus, no guard, and no folder.
fn killed_at_every_moment(section: &str, check: impl Fn() -> Command) {
    let mark = mark(section);
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&mark);
    std::fs::create_dir_all(&scratch).unwrap();
    let left = || std::fs::read_dir(&scratch).unwrap().count();
    let mut took = None;
    for moment in iter::once(0).chain(share((1..=MOMENTS).collect(), 3)) {
        let mut check = check();
        check.env("LEFTOVERS_TEST", &mark).env("TMPDIR", &scratch);
        let started = Instant::now();
        let mut check = Killed(check.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        // The first one runs to its end, to see how long that takes.
        let Some(took) = took else {
            let ended = poll(3 * LONG, || {
                assert_eq!(unguarded(&scratch), [""; 0], "{section}");
                check.0.try_wait().unwrap()
            });
            ended.expect("a check ends");
            took = Some(started.elapsed());
            continue;
        };
        let until: Duration = took * moment / (MOMENTS + 1);
        std::thread::sleep(until.saturating_sub(started.elapsed()));
        check.0.kill().unwrap();
        check.0.wait().unwrap();
        let gone = poll(LONG, || (all_processes(&mark).is_empty() && left() == 0).then_some(()));
        let processes = all_processes(&mark);
        gone.unwrap_or_else(|| {
            panic!("{section}, killed after {until:?}: {processes:?}, {} folders", left())
        });
    }
    std::fs::remove_dir(scratch).unwrap();
}

#[test]
fn a_check_that_is_killed_at_any_moment_leaves_nothing() {
    let check = |section: &'static str| move || workshop(&["check", section, "--solution"]);
    // Built before, all of them: a linker that is killed leaves files of its own, and cargo cannot
    // be given the check's folder for them, for it may start a compiler cache that stays.
    let [_, executable, _] = ["section1", "section2", "section3"].map(solution);
    std::thread::scope(|scope| {
        scope.spawn(|| killed_at_every_moment("section1", check("section1")));
        scope.spawn(|| {
            killed_at_every_moment("section2", || check_executable("section2", &executable));
        });
        if Command::new("prometheus").arg("--version").output().is_ok() {
            scope.spawn(|| killed_at_every_moment("section3", check("section3")));
        } else {
            assert!(std::env::var_os("CI").is_none(), "prometheus must be installed under CI");
            println!("section 3 skipped: prometheus is not installed");
        }
    });
}
