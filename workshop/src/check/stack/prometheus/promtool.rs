//! promtool, wherever it is: installed, or in the container of the running stack. What it is given
//! to work on goes along, so that both read the same.

use std::fmt::Write as _;
use std::fs;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::check::stack::prometheus::programs::{FOLDER, find_program};
use crate::process::command;
use crate::process::command::CommandOutput;
use crate::process::registry::Folder;

/// A slow laptop starts a container's program in a second or two.
const LIMIT: Duration = Duration::from_secs(30);
/// Whether there is one is asked before anything else.
const PROBE: Duration = Duration::from_secs(5);
/// The shell of the stack's Prometheus, which reads a script.
const SHELL: [&str; 7] = ["docker", "compose", "exec", "-T", "prometheus", "sh", "-s"];
const END: &str = "END_OF_A_FILE_OF_THE_CHECK";

/// A promtool that can be run.
pub(crate) enum Promtool {
    Installed(PathBuf),
    /// In the stack of the workshop in this directory.
    InContainer(PathBuf),
}

impl Promtool {
    /// The one on the PATH, or else the stack's, if it runs.
    pub(crate) fn find(root: &Path) -> Option<Self> {
        if let Some(path) = find_program("promtool") {
            return Some(Self::Installed(path));
        }
        if !root.join("deploy/compose.yaml").is_file() {
            return None;
        }
        let version = in_container(root, PROBE, "promtool --version\n").ok()?;
        version.success.then(|| Self::InContainer(root.to_owned()))
    }

    /// Runs it on the last of these files; they lie beside each other, under these names. Tells
    /// whether it was content, and what it said.
    pub(crate) fn run(
        &self,
        args: &[&str],
        files: &[(String, String)],
    ) -> anyhow::Result<(bool, String)> {
        let Some((file, _)) = files.last() else { bail!("promtool has nothing to work on") };
        let said = match self {
            Self::Installed(path) => {
                let folder = Folder::new(FOLDER)?;
                for (name, text) in files {
                    fs::write(folder.path().join(name), text)
                        .context("cannot write for promtool")?;
                }
                let mut command = Command::new(path);
                command.current_dir(folder.path()).args(args).arg(file);
                folder.take_temporaries_of(&mut command);
                command::run(command, Stdio::null(), LIMIT)
                    .map_err(|fault| anyhow::anyhow!("promtool {fault}"))?
            }
            Self::InContainer(root) => in_container(root, LIMIT, &script(args, files))?,
        };
        Ok((said.success, said.stdout + &said.stderr))
    }
}

/// Lets the shell of the stack's Prometheus run a script.
fn in_container(root: &Path, limit: Duration, script: &str) -> anyhow::Result<CommandOutput> {
    let folder = Folder::new(FOLDER)?;
    let path = folder.path().join("script");
    fs::write(&path, script).context("cannot write a script")?;
    command::ask_with(root, limit, &SHELL, File::open(&path)?)
        .map_err(|fault| anyhow::anyhow!("docker {fault}"))
}

/// Writes the files into a directory of their own, and runs promtool there.
fn script(args: &[&str], files: &[(String, String)]) -> String {
    let mut script = String::from(
        "d=$(mktemp -d /tmp/check.XXXXXX) && cd \"$d\" || exit 70\nexport TMPDIR=\"$d\"\n",
    );
    for (name, text) in files {
        let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
        let _ = writeln!(script, "cat > '{name}' <<'{END}'\n{text}{end}{END}");
    }
    let file = files.last().map_or("", |(name, _)| name);
    let _ = writeln!(script, "promtool {} '{file}'\ncode=$?", args.join(" "));
    script + "cd / && rm -rf \"$d\"\nexit $code\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_has_each_file_as_it_is() {
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let script = script(&["test", "rules"], &[file("a.yml", "x: '$y'\n"), file("b.yml", "z")]);
        assert!(script.contains(&format!("cat > 'a.yml' <<'{END}'\nx: '$y'\n{END}\n")), "{script}");
        assert!(script.contains(&format!("cat > 'b.yml' <<'{END}'\nz\n{END}\n")), "{script}");
        assert!(script.contains("promtool test rules 'b.yml'\n"), "{script}");
    }
}
