//! What the tests of section 3 share: a copy of the kit in a directory of its own, judged by a
//! Prometheus that is started for the test.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

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
