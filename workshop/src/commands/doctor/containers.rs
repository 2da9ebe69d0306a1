//! What section 3 runs on: Docker with Compose, or a local Prometheus.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::commands::doctor::diagnosis::{Diagnosis, Level};
use crate::commands::doctor::rust;
use crate::learner::workspace::Workspace;
use crate::process::command;
use crate::process::command::{CommandOutput, Fault};

/// A healthy daemon answers in a fraction of it.
const LIMIT: Duration = Duration::from_secs(8);

/// The oldest that understands our compose.yaml.
const OLDEST_COMPOSE: (u32, u32) = (2, 20);

/// The oldest that takes its health checks: `start_interval` came then.
const OLDEST_DAEMON: u32 = 25;

/// What is lost without Docker, and what is not.
const WITHOUT: &str = "Only section 3 wants it, and a local Prometheus will do there";

pub(crate) fn look(workspace: &Workspace) -> Vec<Diagnosis> {
    let ask = |line: &[&str]| command::ask(workspace.root(), LIMIT, line);
    let mut diagnoses = docker(workspace.root(), &ask);
    let optional = |subject, name| optional(subject, &ask(&[name, "--version"]));
    let prometheus = optional("Prometheus", "prometheus");
    if prometheus.level == Level::Good {
        // Section 3 can be done with it, so nothing that Docker lacks is in the way.
        for diagnosis in diagnoses.iter_mut().filter(|it| it.level == Level::Warning) {
            diagnosis.level = Level::Note;
        }
    }
    diagnoses.push(prometheus);
    diagnoses.push(optional("promtool", "promtool"));
    diagnoses
}

fn docker(root: &Path, ask: &impl Fn(&[&str]) -> Result<CommandOutput, Fault>) -> Vec<Diagnosis> {
    let version = match ask(&["docker", "--version"]) {
        Ok(said) if said.success => first_number(&said.stdout),
        Ok(said) => {
            let found = format!("it is there, and fails: {}", said.complaint());
            return vec![Diagnosis::warning("Docker", found).fix(install())];
        }
        Err(fault) => {
            let found = format!("docker {fault}. {WITHOUT}");
            return vec![Diagnosis::warning("Docker", found).fix(install())];
        }
    };
    let daemon = daemon(ask(&["docker", "info", "--format", "{{.ServerVersion}}"]));
    let images = (daemon.level == Level::Good).then(|| images(root, ask));
    let found = [Diagnosis::good("Docker", version), compose(ask), daemon];
    found.into_iter().chain(images).collect()
}

/// Those that the stack does not build itself, which a room cannot pull over its Wi-Fi.
fn images(root: &Path, ask: &impl Fn(&[&str]) -> Result<CommandOutput, Fault>) -> Diagnosis {
    const SUBJECT: &str = "images";
    let compose = fs::read_to_string(root.join("deploy/compose.yaml")).unwrap_or_default();
    let named = compose.lines().filter_map(|line| line.trim().strip_prefix("image: "));
    let is_here =
        |image: &str| ask(&["docker", "image", "inspect", image]).is_ok_and(|said| said.success);
    let missing: Vec<&str> = named.filter(|image| !is_here(image)).collect();
    match missing.as_slice() {
        [] => Diagnosis::good(SUBJECT, "those of Prometheus, Alertmanager and Grafana are here"),
        missing => Diagnosis::note(SUBJECT, format!("not here yet: {}", missing.join(", ")))
            .fix("`cargo workshop prefetch`, before section 3"),
    }
}

fn compose(ask: &impl Fn(&[&str]) -> Result<CommandOutput, Fault>) -> Diagnosis {
    const SUBJECT: &str = "Compose";
    if let Ok(said) = ask(&["docker", "compose", "version", "--short"])
        && said.success
    {
        let version = said.stdout.trim().trim_start_matches('v').to_owned();
        let (major, minor) = OLDEST_COMPOSE;
        return match rust::numbers(&version) {
            Some(found) if found < OLDEST_COMPOSE => {
                Diagnosis::warning(SUBJECT, format!("{version}, and {major}.{minor} is needed"))
                    .fix(compose_install())
            }
            _ => Diagnosis::good(SUBJECT, version),
        };
    }
    let old = ask(&["docker-compose", "--version"]).is_ok();
    let found = if old {
        "`docker compose` is missing. The old `docker-compose` is there, and will not do"
    } else {
        "`docker compose` is missing"
    };
    Diagnosis::warning(SUBJECT, format!("{found}. {WITHOUT}")).fix(compose_install())
}

fn daemon(said: Result<CommandOutput, Fault>) -> Diagnosis {
    const SUBJECT: &str = "Docker daemon";
    let said = match said {
        Ok(said) if said.success && !said.stdout.trim().is_empty() => {
            let version = said.stdout.trim();
            return match rust::numbers(version) {
                Some((major, _)) if major < OLDEST_DAEMON => {
                    let found = format!("running, {version}, and {OLDEST_DAEMON} is needed");
                    Diagnosis::warning(SUBJECT, found).fix(install())
                }
                _ => Diagnosis::good(SUBJECT, format!("running, {version}")),
            };
        }
        Ok(said) => said,
        Err(fault) => return Diagnosis::warning(SUBJECT, format!("{fault}")).fix(start()),
    };
    if said.stderr.contains("permission denied") {
        return Diagnosis::warning(SUBJECT, "you are not allowed to talk to it")
            .fix("`sudo usermod -aG docker $USER`, then log out and in again");
    }
    Diagnosis::warning(SUBJECT, "it is not running").fix(start())
}

fn optional(subject: &'static str, said: &Result<CommandOutput, Fault>) -> Diagnosis {
    match said {
        Ok(said) if said.success => {
            // promtool 2 wrote its version to stderr.
            let version = first_number(&format!("{} {}", said.stdout, said.stderr));
            match version.split('.').next().and_then(|major| major.parse::<u32>().ok()) {
                Some(major) if major < 3 => {
                    Diagnosis::note(subject, format!("{version}, and the lessons show 3"))
                        .fix("https://prometheus.io/download has a newer one")
                }
                _ => Diagnosis::good(subject, version),
            }
        }
        _ => Diagnosis::note(subject, "not installed, and not needed where Compose is")
            .fix("https://prometheus.io/download has it"),
    }
}

/// The first word that begins with a digit: `28.2.2` in `Docker version 28.2.2, build e6534b4`.
fn first_number(text: &str) -> String {
    let mut words = text.split_whitespace().map(|word| word.trim_end_matches(','));
    let number = words.find(|word| word.starts_with(|letter: char| letter.is_ascii_digit()));
    number.unwrap_or("of an unknown version").to_owned()
}

fn install() -> &'static str {
    "https://docs.docker.com/get-started/get-docker"
}

fn compose_install() -> &'static str {
    if cfg!(any(windows, target_os = "macos")) {
        "update Docker Desktop, which brings it along"
    } else {
        "install your distribution's docker-compose-plugin (or docker-compose-v2), or see \
         https://docs.docker.com/compose/install/linux"
    }
}

fn start() -> &'static str {
    if cfg!(any(windows, target_os = "macos")) {
        "start Docker Desktop and wait until it says that it is running"
    } else {
        "`sudo systemctl start docker`, or start Docker Desktop"
    }
}
