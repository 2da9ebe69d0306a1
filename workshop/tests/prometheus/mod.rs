//! What the tests of section 3 share: a copy of the kit in a directory of its own, judged by a
//! Prometheus that is started for the test.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use workshop::check::stack::{Judge, Options};

/// Whether Prometheus is not installed. That is a skip, and a failure where everything must be.
pub(crate) fn missing() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = |name: &str| {
        std::env::split_paths(&path)
            .any(|dir| dir.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)).is_file())
    };
    let missing = !installed("prometheus") || !installed("promtool");
    if missing {
        assert!(
            std::env::var_os("CI").is_none(),
            "prometheus and promtool must be installed under CI"
        );
        println!("skipped: prometheus or promtool is not installed");
    }
    missing
}

/// A file of the repository.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A root with nothing but what section 3 looks at. It is removed at the end.
pub(crate) struct Kit {
    pub(crate) root: PathBuf,
}

impl Kit {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let root =
            std::env::temp_dir().join(format!("workshop-kit-{}-{number}", std::process::id()));
        let kit = Self { root };
        kit.write("section3-compose/rules/alerts.yml", "groups: []\n");
        kit
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Puts a script among the kit's own programs.
    #[cfg(unix)]
    pub(crate) fn program(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = format!("bin/{name}");
        self.write(&path, script);
        let rights = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.root.join(path), rights).unwrap();
    }

    /// Makes this query the only answer in the file.
    pub(crate) fn answer(&self, question: &str, query: &str) {
        self.write(
            "section3-compose/answers.promql",
            &format!("# [{question}] A question?\n{query}\n"),
        );
    }

    pub(crate) fn judge(&self) -> Judge {
        self.judge_with(None)
    }

    /// Judged by the Prometheus at a URL.
    pub(crate) fn judge_by(&self, url: &str) -> Judge {
        let options = Options {
            root: self.root.clone(),
            prometheus: Some(url.to_owned()),
            ..Options::default()
        };
        Judge::new(options).unwrap()
    }

    pub(crate) fn judge_with(&self, app: Option<SocketAddr>) -> Judge {
        let judge =
            Judge::new(Options { root: self.root.clone(), app, fresh: true, ..Options::default() })
                .unwrap();
        assert!(judge.is_own(), "no Prometheus could be started");
        judge
    }
}

impl Drop for Kit {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// A Prometheus that runs beside the check, as a learner's own does, with these rule files.
pub(crate) struct Running {
    child: Child,
    pub(crate) url: String,
    _home: Kit,
}

impl Running {
    /// It scrapes an app that answers this, once a second.
    pub(crate) fn start(rules: &[PathBuf], exposition: &str) -> Self {
        let app = app(exposition);
        let rules: String =
            rules.iter().map(|path| format!("  - '{}'\n", path.display())).collect();
        let home = Kit::new();
        home.write(
            "prometheus.yml",
            &format!(
                "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1m}}\n\
                 rule_files:\n{rules}scrape_configs:\n  - job_name: treecounter\n    \
                 static_configs: [{{targets: ['{app}']}}]\n"
            ),
        );
        // A port that is free may be taken by another test the next moment.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut child = Command::new("prometheus")
                .current_dir(&home.root)
                .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let url = format!("http://127.0.0.1:{port}");
            let end = Instant::now() + Duration::from_secs(60);
            while child.try_wait().unwrap().is_none() && Instant::now() < end {
                if has_scraped(port) {
                    return Self { child, url, _home: home };
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        panic!("Prometheus did not start");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn has_scraped(port: u16) -> bool {
    let path = "/api/v1/query?query=count(requests_total)";
    let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.contains("\"value\"")
}

/// Answers every request with this exposition.
fn app(exposition: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{exposition}",
        exposition.len()
    );
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}
