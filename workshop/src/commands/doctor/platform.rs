//! What trips people up on their system: mounts, line ends, proxies, a full disk, another `curl`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::commands::doctor::diagnosis::Diagnosis;
use crate::learner::workspace::Workspace;
use crate::process::command;

const LIMIT: Duration = Duration::from_secs(5);

/// What a full build and the stack's images need, in MiB.
const ROOM: u64 = 3 * 1024;

/// Files that fail in a container when their lines end as on Windows.
const UNIX_LINES: [&str; 3] = ["deploy", "deploy/prometheus", "section3-compose/rules"];

pub(crate) fn look(workspace: &Workspace) -> Vec<Diagnosis> {
    let mut diagnoses = vec![curl(workspace)];
    let traps = [
        wsl_mount(workspace.root()),
        line_ends(workspace.root()),
        room(workspace.root()),
        proxy(),
        settings(),
        editor(workspace.root()),
    ];
    diagnoses.extend(traps.into_iter().flatten());
    diagnoses
}

fn curl(workspace: &Workspace) -> Diagnosis {
    const SUBJECT: &str = "curl";
    match command::ask(workspace.root(), LIMIT, &["curl", "--version"]) {
        // Windows PowerShell 5 has an alias of that name for something else.
        Ok(_) if cfg!(windows) => {
            Diagnosis::good(SUBJECT, "there. In Windows PowerShell, type curl.exe for curl")
        }
        Ok(said) => {
            let version = said.stdout.split_whitespace().nth(1).unwrap_or("there");
            Diagnosis::good(SUBJECT, version)
        }
        Err(fault) => Diagnosis::note(SUBJECT, format!("curl {fault}"))
            .fix("install it, or open the addresses in your browser"),
    }
}

fn wsl_mount(root: &Path) -> Option<Diagnosis> {
    let kernel = fs::read_to_string("/proc/version").unwrap_or_default();
    is_windows_drive(&kernel, root).then(|| {
        Diagnosis::warning("WSL", "the workshop lies on a Windows drive: builds are slow there")
            .fix("clone it under your Linux home directory: `cd ~`")
    })
}

/// WSL says in its kernel's version that it is one, and mounts the drives under /mnt.
fn is_windows_drive(kernel: &str, root: &Path) -> bool {
    kernel.to_lowercase().contains("microsoft") && root.starts_with("/mnt")
}

fn line_ends(root: &Path) -> Option<Diagnosis> {
    let directories = UNIX_LINES.iter().filter_map(|path| fs::read_dir(root.join(path)).ok());
    let files = directories.flatten().flatten().map(|entry| entry.path());
    let bad = files.filter(|path| path.is_file()).find(|path| {
        fs::read(path).is_ok_and(|bytes| bytes.windows(2).any(|two| two == b"\r\n"))
    })?;
    let found = format!("{} has Windows line ends, and fails in a container", bad.display());
    Some(Diagnosis::warning("line ends", found).fix(
        "clone again with git, which keeps them right here: a ZIP or another tool has changed \
         them",
    ))
}

/// Asks `df`, since the standard library cannot tell.
fn room(root: &Path) -> Option<Diagnosis> {
    let said = command::ask(root, LIMIT, &["df", "-Pk", "."]).ok()?;
    let kilobytes: u64 = said.stdout.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    let megabytes = kilobytes / 1024;
    (megabytes < ROOM).then(|| {
        Diagnosis::warning("disk", format!("only {megabytes} MiB are free, and 3 GiB are wanted"))
            .fix("make room; `cargo clean` in other projects gives back much")
    })
}

/// A proxy for everything also gets the requests to this machine, and cannot answer them.
fn proxy() -> Option<Diagnosis> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let proxy = set("http_proxy").or_else(|| set("ALL_PROXY")).or_else(|| set("all_proxy"))?;
    let spared = set("no_proxy").or_else(|| set("NO_PROXY")).unwrap_or_default();
    let here = spared == "*" || spared.split(',').any(|host| host.trim() == "localhost");
    let shown = proxy.rsplit('@').next().unwrap_or_default().to_owned();
    (!here).then(|| {
        Diagnosis::warning("proxy", format!("curl asks the proxy {shown} for localhost as well"))
            .fix(if cfg!(windows) {
                "`$env:no_proxy = 'localhost,127.0.0.1'`"
            } else {
                "`export no_proxy=localhost,127.0.0.1`"
            })
    })
}

/// Left-over settings change what the program does, and surprise in the next lesson.
fn settings() -> Option<Diagnosis> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut set: Vec<String> = names.filter(|name| name.starts_with("TREECOUNTER_")).collect();
    set.sort();
    (!set.is_empty()).then(|| {
        Diagnosis::note("settings", format!("this terminal sets {}", set.join(", ")))
            .fix("fine if you meant to; a new terminal forgets them")
    })
}

/// rust-analyzer builds in the same directory, and cargo then waits for it.
fn editor(root: &Path) -> Option<Diagnosis> {
    let settings = fs::read_to_string(root.join(".vscode/settings.json")).unwrap_or_default();
    (running("rust-analyzer") && !settings.contains("rust-analyzer.cargo.targetDir")).then(|| {
        Diagnosis::note("rust-analyzer", "it runs, and makes `cargo` wait while it builds")
            .fix("set `\"rust-analyzer.cargo.targetDir\": true` in your editor")
    })
}

/// A program of this name runs, as far as the system tells without help.
fn running(name: &str) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| fs::read_to_string(process.path().join("comm")).ok())
        .any(|comm| comm.trim() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_windows_drive_is_one_under_wsl_only() {
        const WSL: &str = "Linux version 5.15.153.1-microsoft-standard-WSL2 (root@host)";
        const OTHER: &str = "Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org)";
        assert!(is_windows_drive(WSL, Path::new("/mnt/c/Users/ada/treecounter")));
        assert!(!is_windows_drive(WSL, Path::new("/home/ada/treecounter")));
        assert!(!is_windows_drive(OTHER, Path::new("/mnt/data/treecounter")));
    }
}
