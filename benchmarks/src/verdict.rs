//! How long a learner waits from a save to the verdict on it.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::table::{Table, median};

pub(crate) fn measure(root: &Path, rounds: usize) -> Result<()> {
    // A copy: nobody's edits and progress are touched.
    let copy = root.join("benchmarks/target/verdict");
    let kit = copy.join("kit");
    if kit.exists() {
        fs::remove_dir_all(&kit)?;
    }
    copy_folder(root, &kit)?;
    let solution = fs::read_to_string(root.join("solutions/src/bin/section2.rs"))?;
    let main = kit.join("section2-counter/src/main.rs");
    let mut seconds = Vec::new();
    // The first one builds the tool, and does not count.
    for round in 0..=rounds {
        eprintln!("verdict: round {round} of {rounds}");
        fs::write(&main, format!("{solution}\n// Save number {round}.\n"))?;
        let start = Instant::now();
        let output = Command::new("cargo")
            .args(["workshop", "check", "section2"])
            .env("CARGO_TARGET_DIR", copy.join("target"))
            .current_dir(&kit)
            .stdin(Stdio::null())
            .output()?;
        let took = start.elapsed().as_secs_f64();
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "the solution of section 2 failed its check:\n{said}");
        if round > 0 {
            seconds.push(took);
        }
    }
    let mut table = Table::new(&["from a save to", "median", "least, most"]);
    let middle = median(&mut seconds);
    table.row([
        "the verdict of `cargo workshop check section2`".to_owned(),
        format!("{middle:.2} s"),
        format!("{:.2}, {:.2}", seconds[0], seconds[seconds.len() - 1]),
    ]);
    table.print(&format!("What a learner waits for, {rounds} saves"));
    Ok(())
}

/// Copies what makes the kit, without what is built or kept aside.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    const NOT: [&str; 4] = ["target", ".git", ".workshop", "benchmarks"];
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if NOT.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
