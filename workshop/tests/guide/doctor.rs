//! doctor: each planted fault is found, and is gone once its cure was taken.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::tree::{Ended, Tree, end, of_section1};

/// A port that nobody holds, below those that systems give out by themselves. It is not bound to
/// find out: a program that another test is starting would hold it for a moment longer.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 8_000).unwrap();
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 8_000;
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            return port;
        }
    }
}

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// doctor, with all ports free.
fn doctor(tree: &Tree) -> Command {
    let mut command = tree.command();
    let app = free_port();
    command
        .arg("doctor")
        .env("TREECOUNTER_ADDR", format!("127.0.0.1:{app}"))
        .env("APP_PORT", app.to_string())
        .env("PROMETHEUS_PORT", free_port().to_string())
        .env("GRAFANA_PORT", free_port().to_string())
        .env("PAGER_PORT", free_port().to_string())
        .env_remove("http_proxy")
        .env_remove("ALL_PROXY")
        .env_remove("all_proxy");
    command
}

/// The line of a subject, with the lines of its fix, in one.
fn about(ended: &Ended, subject: &str) -> String {
    let mut lines = ended
        .out
        .lines()
        .skip_while(|line| line.get(5..).is_none_or(|rest| !rest.starts_with(subject)));
    let first = lines.next().unwrap_or_else(|| panic!("nothing about {subject} in\n{}", ended.out));
    let rest = lines.take_while(|line| line.starts_with("     "));
    [first].into_iter().chain(rest).map(str::trim).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn found(ended: &Ended, mark: &str, subject: &str, said: &[&str]) {
    let line = about(ended, subject);
    assert!(line.starts_with(mark), "{line}");
    for text in said {
        assert!(line.contains(text), "{text:?} is not in: {line}");
    }
}

#[test]
fn a_taken_port_of_the_app_stops_section_1_until_it_is_free() {
    let (tree, (listener, port)) = (Tree::new(), listener());
    let look = || end(doctor(&tree).env("TREECOUNTER_ADDR", format!("127.0.0.1:{port}")));
    let subject = format!("port {port}");
    let ended = look();
    found(&ended, "[XX]", &subject, &["the app wants it", "stop it", "TREECOUNTER_ADDR"]);
    ended.expect(1, &["Section 1 cannot run yet"]);
    if cfg!(target_os = "linux") {
        found(&ended, "[XX]", &subject, &["held by guide", &std::process::id().to_string()]);
    }
    const FIRST: &str = "First:  cargo workshop doctor";
    tree.run("").expect(0, &[FIRST]);
    drop(listener);
    // Free again as soon as no program that was started meanwhile holds it any more.
    let mut looks = std::iter::repeat_with(look).take(50);
    let free = looks.find(|ended| about(ended, &subject).contains("free, for the app"));
    assert!(free.is_some_and(|ended| ended.code == 0));
    // Nothing is in the way: the status goes on to the section.
    let status = tree.run("");
    assert!(!status.out.contains(FIRST) && status.out.contains(&of_section1(0)), "{status:?}");
}

#[test]
fn a_taken_port_of_the_stack_is_a_warning_and_another_port_its_cure() {
    let (tree, (_listener, port)) = (Tree::new(), listener());
    let look = |port: u16| end(doctor(&tree).env("PROMETHEUS_PORT", port.to_string()));
    found(&look(port), "[!!]", &format!("port {port}"), &["Prometheus wants it", ".env"]);

    // The cure: the file that `docker compose` reads.
    let other = free_port();
    tree.write(".env", &format!("# ports\nPROMETHEUS_PORT={port}\n"));
    let look = || end(doctor(&tree).env_remove("PROMETHEUS_PORT"));
    found(&look(), "[!!]", &format!("port {port}"), &["Prometheus wants it"]);
    tree.write(".env", &format!("# ports\nPROMETHEUS_PORT={other}\n"));
    found(&look(), "[ok]", &format!("port {other}"), &["free, for Prometheus"]);

    // The app of the stack may have another one than that of a terminal.
    tree.write(".env", &format!("APP_PORT={port}\n"));
    let look = || end(doctor(&tree).env_remove("APP_PORT"));
    found(&look(), "[!!]", &format!("port {port}"), &["the stack's app wants it", "APP_PORT"]);
}

#[test]
fn a_missing_file_of_the_learner_is_found_and_reset_brings_it_back() {
    let tree = Tree::new();
    fs::remove_file(tree.path("section2-counter/src/main.rs")).unwrap();
    let ended = end(&mut doctor(&tree));
    let fix = "`cargo workshop reset section2`";
    found(&ended, "[XX]", "your files", &["section2-counter/src/main.rs is missing", fix]);
    tree.run("reset section2 --yes").expect(0, &[]);
    found(&end(&mut doctor(&tree)), "[ok]", "your files", &["all there"]);
}

#[test]
fn windows_line_ends_in_what_a_container_reads_are_found() {
    let tree = Tree::new();
    tree.write("deploy/start.sh", "#!/bin/sh\r\nexit 0\r\n");
    let ended = end(&mut doctor(&tree));
    found(&ended, "[!!]", "line ends", &["start.sh", "clone again"]);
    tree.write("deploy/start.sh", "#!/bin/sh\nexit 0\n");
    assert!(!end(&mut doctor(&tree)).out.contains("line ends"));
}

#[test]
fn a_proxy_that_would_get_the_requests_to_this_machine_is_found() {
    let tree = Tree::new();
    let look = |spared: &str| {
        end(doctor(&tree)
            .env("http_proxy", "http://someone:secret@proxy.example:3128")
            .env("no_proxy", spared))
    };
    let ended = look("");
    found(&ended, "[!!]", "proxy", &["proxy.example:3128", "localhost,127.0.0.1"]);
    assert!(!ended.out.contains("secret"));
    assert!(!look("localhost,127.0.0.1").out.contains("proxy.example"));
}

#[test]
fn no_line_is_wider_than_the_screen() {
    let (tree, (_listener, port)) = (Tree::new(), listener());
    let ended = end(doctor(&tree).env("TREECOUNTER_ADDR", format!("127.0.0.1:{port}")));
    for line in ended.out.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

/// The real workspace, and a cargo that has fetched nothing.
#[test]
fn crates_that_were_not_fetched_are_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let tree = Tree::new();
    let mut command = doctor(&tree);
    command.current_dir(root);
    found(&end(&mut command), "[ok]", "crates", &["all fetched"]);
    command.env("CARGO_HOME", tree.path("cargo-home"));
    let ended = end(&mut command);
    found(&ended, "[!!]", "crates", &["not all fetched", "`cargo workshop prefetch`"]);
}

/// Programs that only say what they are told to, on a PATH with nothing else.
#[cfg(unix)]
mod with_planted_programs {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const GOOD: [(&str, &str); 5] = [
        ("rustc", "echo 'rustc 1.95.0 (59807616e 2026-04-14)'"),
        ("cargo", "exit 0"),
        ("curl", "echo 'curl 8.5.0 (x86_64-pc-linux-gnu)'"),
        ("df", "printf 'head\\n/dev/x 1 1 99999999 1%% /\\n'"),
        (
            "docker",
            "case \"$1\" in compose) echo 2.40.0;; info) echo 28.2.2;; *) echo 'Docker version \
             28.2.2, build e6534b4';; esac",
        ),
    ];

    fn plant(tree: &Tree, name: &str, script: &str) {
        tree.write(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(tree.path(&format!("bin/{name}")), executable).unwrap();
    }

    fn look(tree: &Tree) -> Ended {
        end(doctor(tree).env("PATH", tree.path("bin")))
    }

    /// A tree in which all is well, and doctor says so.
    fn healthy() -> Tree {
        let tree = Tree::new();
        tree.write("deploy/compose.yaml", include_str!("../../../deploy/compose.yaml"));
        for (name, script) in GOOD {
            plant(&tree, name, script);
        }
        let ended = look(&tree);
        ended.expect(0, &["Section 1 can run.", "Next: cargo run -p section1-expose"]);
        assert!(!ended.out.contains("[XX]") && !ended.out.contains("[!!]"), "{}", ended.out);
        tree
    }

    /// A fault, planted: found so; then its cure: all is well again.
    #[track_caller]
    fn finds(name: &str, script: Option<&str>, mark: &str, subject: &str, said: &[&str]) {
        let tree = healthy();
        match script {
            Some(script) => plant(&tree, name, script),
            None => fs::remove_file(tree.path(&format!("bin/{name}"))).unwrap(),
        }
        let ended = look(&tree);
        found(&ended, mark, subject, said);
        assert_eq!(ended.code, i32::from(mark == "[XX]"), "{}", ended.out);
        let (_, good) = GOOD.iter().find(|(good, _)| *good == name).unwrap();
        plant(&tree, name, good);
        look(&tree).expect(0, &["Section 1 can run."]);
    }

    #[test]
    fn an_old_toolchain() {
        let said = ["1.70.0, and 1.88 is needed", "fix: `rustup update stable`"];
        finds("rustc", Some("echo 'rustc 1.70.0 (90c541806 2023-05-31)'"), "[XX]", "Rust", &said);
    }

    #[test]
    fn no_toolchain() {
        finds("rustc", None, "[XX]", "Rust", &["not installed", "https://rustup.rs"]);
        let said = ["rustc --version: error: no default toolchain", "`rustup default stable`"];
        let rustup = "echo 'error: no default toolchain is configured' >&2; exit 1";
        finds("rustc", Some(rustup), "[XX]", "Rust", &said);
    }

    #[test]
    fn no_cargo() {
        finds("cargo", None, "[XX]", "crates", &["cargo is not installed", "https://rustup.rs"]);
    }

    #[test]
    fn no_docker() {
        let said = ["not installed", "a local Prometheus will do", "https://docs.docker.com"];
        finds("docker", None, "[!!]", "Docker", &said);
    }

    #[test]
    fn docker_without_compose() {
        let old = "case \"$1\" in compose) echo \"docker: 'compose' is not a docker command.\" \
                   >&2; exit 1;; info) echo 28.2.2;; *) echo 'Docker version 28.2.2, build e';; \
                   esac";
        let said = ["`docker compose` is missing", "fix:"];
        finds("docker", Some(old), "[!!]", "Compose", &said);
        let one = "case \"$1\" in compose) echo v1.29.2;; info) echo 28.1.0;; *) echo 'Docker \
                   version 28';; esac";
        finds("docker", Some(one), "[!!]", "Compose", &["1.29.2, and 2.20 is needed", "fix:"]);
    }

    #[test]
    fn a_daemon_that_does_not_run() {
        let script = |reason: &str| {
            format!(
                "case \"$1\" in compose) echo 2.40.0;; info) echo '{reason}' >&2; exit 1;; \
                 *) echo 'Docker version 28.2.2';; esac"
            )
        };
        let off = script("Cannot connect to the Docker daemon");
        finds("docker", Some(&off), "[!!]", "Docker daemon", &["not running", "fix:", "start"]);
        let forbidden = script("permission denied while trying to connect");
        let said = ["not allowed", "fix: `sudo usermod -aG docker $USER`"];
        finds("docker", Some(&forbidden), "[!!]", "Docker daemon", &said);
    }

    #[test]
    fn an_image_that_is_not_here() {
        let none = "case \"$1\" in compose) echo 2.40.0;; info) echo 28.2.2;; image) exit 1;; \
                    *) echo 'Docker version 28.2.2';; esac";
        let said = ["grafana/grafana:", "prom/prometheus:", "fix: `cargo workshop prefetch`"];
        finds("docker", Some(none), "[--]", "images", &said);
    }

    #[test]
    fn an_old_daemon() {
        let old = "case \"$1\" in compose) echo 2.40.0;; info) echo 20.10.24+dfsg1;; *) echo \
                   'Docker version 28.2.2';; esac";
        let said = ["20.10.24+dfsg1, and 25 is needed", "fix:"];
        finds("docker", Some(old), "[!!]", "Docker daemon", &said);
    }

    #[test]
    fn a_full_disk() {
        let full = "printf 'head\\n/dev/x 1 1 1048576 1%% /\\n'";
        finds("df", Some(full), "[!!]", "disk", &["1024 MiB are free", "cargo clean"]);
    }

    #[test]
    fn no_curl() {
        finds("curl", None, "[--]", "curl", &["not installed", "in your browser"]);
    }

    #[test]
    fn a_prometheus_in_the_place_of_docker() {
        let tree = healthy();
        fs::remove_file(tree.path("bin/docker")).unwrap();
        plant(&tree, "prometheus", "echo 'prometheus, version 3.13.2 (branch: HEAD)'");
        found(&look(&tree), "[--]", "Docker", &["not installed", "a local Prometheus will do"]);
    }

    #[test]
    fn an_old_prometheus_is_no_place_of_docker() {
        let tree = healthy();
        fs::remove_file(tree.path("bin/docker")).unwrap();
        plant(&tree, "prometheus", "echo 'prometheus, version 2.53.1 (branch: HEAD)'");
        found(&look(&tree), "[!!]", "Docker", &["not installed"]);
    }

    #[test]
    fn an_old_prometheus() {
        let tree = healthy();
        found(&look(&tree), "[--]", "Prometheus", &["not installed"]);
        plant(&tree, "prometheus", "echo 'prometheus, version 2.53.1 (branch: HEAD)'");
        found(&look(&tree), "[--]", "Prometheus", &["2.53.1, and the lessons show 3"]);
        plant(&tree, "prometheus", "echo 'prometheus, version 3.13.2 (branch: HEAD)'");
        found(&look(&tree), "[ok]", "Prometheus", &["3.13.2"]);
    }
}
