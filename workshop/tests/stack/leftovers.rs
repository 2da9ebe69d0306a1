//! What a check of section 3 leaves behind: nothing, however it ends.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use crate::alerts::{kit_with, rule};
use crate::prometheus::{Kit, missing};

#[test]
fn nothing_is_left_behind() {
    if missing() {
        return;
    }
    let kit = Kit::new();
    let judge = kit.judge();
    let address: SocketAddr = judge.url().trim_start_matches("http://").parse().unwrap();
    drop(judge);
    let start = Instant::now();
    while std::net::TcpStream::connect(address).is_ok() {
        assert!(start.elapsed() < Duration::from_secs(5), "Prometheus outlives its check");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The processes that were started with this directory for what is temporary.
#[cfg(target_os = "linux")]
fn processes_with(temporary: &std::path::Path) -> usize {
    let wanted = format!("TMPDIR={}", temporary.display());
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let environments = all.filter_map(|entry| std::fs::read(entry.path().join("environ")).ok());
    environments
        .filter(|text| text.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes()))
        .count()
}

/// At any moment: while the history is written, and when Prometheus starts.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_check_leaves_no_prometheus_and_no_directory() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    if missing() {
        return;
    }
    for moment in ["history.txt", "prometheus.yml"] {
        let kit = kit_with(&rule(&[]));
        kit.write("workshop/sections.toml", "");
        kit.write("temporary/empty", "");
        let temporary = kit.root.join("temporary");
        std::fs::remove_file(temporary.join("empty")).unwrap();
        let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_workshop"))
            .args(["check", "section3"])
            .env("PROMETHEUS_PORT", "1")
            .env("TREECOUNTER_ADDR", "127.0.0.1:1")
            .env("TMPDIR", &temporary)
            .env_remove("CARGO_MANIFEST_DIR")
            .current_dir(&kit.root)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let left = || -> Vec<_> {
            let entries = std::fs::read_dir(&temporary).unwrap().flatten();
            entries.map(|entry| entry.path()).collect()
        };
        let start = Instant::now();
        while !left().iter().any(|directory| directory.join(moment).exists()) {
            assert!(check.try_wait().unwrap().is_none(), "it ended before there was {moment}");
            assert!(start.elapsed() < Duration::from_secs(20), "there was never {moment}");
            thread::sleep(Duration::from_millis(1));
        }
        kill(Pid::from_raw(check.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        assert_eq!(check.wait().unwrap().code(), Some(130));
        assert!(left().is_empty(), "{moment}: {:?}", left());
        // The check's guard ends a moment after the check.
        let start = Instant::now();
        while processes_with(&temporary) > 0 {
            assert!(start.elapsed() < Duration::from_secs(5), "{moment}: something runs on");
            thread::sleep(Duration::from_millis(10));
        }
    }
}
