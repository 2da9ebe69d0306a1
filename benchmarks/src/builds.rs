//! What a learner's build costs: from nothing, and after an edit. Debug builds, one after another.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Instant, SystemTime};

use anyhow::{Context, Result, ensure};

use crate::table::{Table, median, ratio};

struct Package {
    name: &'static str,
    /// The workspace that it is built in.
    workspace: PathBuf,
    package: &'static str,
    main: PathBuf,
    cold: Vec<Cost>,
    warm: Vec<Cost>,
}

#[derive(Clone, Copy)]
struct Cost {
    seconds: f64,
    cpu_seconds: f64,
}

pub(crate) fn measure(root: &Path, rounds: usize) -> Result<()> {
    let benchmarks = root.join("benchmarks");
    let package = |name, workspace: &Path, package: &'static str, main: &str| Package {
        name,
        workspace: workspace.to_owned(),
        package,
        main: workspace.join(main),
        cold: Vec::new(),
        warm: Vec::new(),
    };
    let mut packages = [
        package("bare hyper", &benchmarks, "peer-hyper", "peers/hyper/src/main.rs"),
        package("section1-expose", root, "section1-expose", "section1-expose/src/main.rs"),
        package("bonus-histogram", root, "bonus-histogram", "bonus-histogram/src/main.rs"),
        package(
            "hyper + prometheus-client",
            &benchmarks,
            "peer-prometheus-client",
            "peers/prometheus-client/src/main.rs",
        ),
        package("axum + axum-prometheus", &benchmarks, "peer-axum", "peers/axum/src/main.rs"),
        package("actix-web + actix-web-prom", &benchmarks, "peer-actix", "peers/actix/src/main.rs"),
    ];
    let target = benchmarks.join("target/builds");
    for round in 0..rounds {
        eprintln!("builds: round {} of {rounds}", round + 1);
        for one in &mut packages {
            if target.exists() {
                fs::remove_dir_all(&target)?;
            }
            one.cold.push(one.build(&target)?);
            // What an editor does when it saves: nothing is the same but the text.
            File::options().append(true).open(&one.main)?.set_modified(SystemTime::now())?;
            one.warm.push(one.build(&target)?);
        }
    }
    fs::remove_dir_all(&target)?;
    print(&packages, rounds)
}

fn print(packages: &[Package], rounds: usize) -> Result<()> {
    let columns = [
        "package",
        "crates",
        "cold, CPU",
        "of bare hyper",
        "cold",
        "of bare hyper",
        "after a save",
    ];
    let mut table = Table::new(&columns);
    let base = &packages[0];
    for one in packages {
        let of_base = |what: fn(&Cost) -> f64| {
            let both = one.cold.iter().zip(&base.cold);
            let mut ratios: Vec<f64> = both.map(|(cost, base)| what(cost) / what(base)).collect();
            ratio(median(&mut ratios))
        };
        let middle = |costs: &[Cost], what: fn(&Cost) -> f64| {
            format!("{:.1} s", median(&mut costs.iter().map(what).collect::<Vec<_>>()))
        };
        table.row([
            one.name.to_owned(),
            one.crates()?.to_string(),
            middle(&one.cold, |cost| cost.cpu_seconds),
            of_base(|cost| cost.cpu_seconds),
            middle(&one.cold, |cost| cost.seconds),
            of_base(|cost| cost.seconds),
            middle(&one.warm, |cost| cost.seconds),
        ]);
    }
    table.print(&format!("A debug build, {rounds} rounds"));
    Ok(())
}

impl Package {
    fn build(&self, target: &Path) -> Result<Cost> {
        let (start, cpu) = (Instant::now(), cpu_of_children()?);
        crate::run(
            Command::new("cargo")
                .args(["build", "--quiet", "--locked", "--offline", "--package", self.package])
                .env("CARGO_TARGET_DIR", target)
                .current_dir(&self.workspace),
        )?;
        let cpu_seconds = cpu_of_children()? - cpu;
        Ok(Cost { seconds: start.elapsed().as_secs_f64(), cpu_seconds })
    }

    /// How many crates are compiled for it, itself among them.
    fn crates(&self) -> Result<usize> {
        let output = Command::new("cargo")
            .args(["tree", "--locked", "--offline", "--package", self.package])
            .args(["--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
            .current_dir(&self.workspace)
            .output()?;
        ensure!(output.status.success(), "cargo tree failed for {}", self.package);
        let text = String::from_utf8(output.stdout)?;
        let crates: BTreeSet<_> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
        Ok(crates.len())
    }
}

/// User and system time of all processes that this one started and has waited for, and of theirs,
/// in seconds.
fn cpu_of_children() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').context("a stat without a name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // Fields 16 and 17 of proc(5), which counts from 1; the first one here is the third.
    let ticks = |field: usize| -> Result<f64> {
        Ok(fields.get(field - 3).context("a short stat")?.parse()?)
    };
    Ok((ticks(16)? + ticks(17)?) / 100.0)
}
