//! The recipes of CONTRIBUTING.md, followed on a copy of the kit: each names the files that its
//! change needs and no others, and the tool that is built from the copy has what was added.

#![allow(clippy::unwrap_used)] // A test may end at any mistake.

mod support;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;

use support::{repository, solution};

/// What somebody types into a file, in front of what is there; at its end where nothing is named.
struct Edit {
    file: &'static str,
    before: &'static str,
    text: &'static str,
}

/// A heading of CONTRIBUTING.md, and the most files that it may name.
struct Recipe {
    heading: &'static str,
    most: usize,
    edits: &'static [Edit],
}

/// The files that a recipe names in the items of its list.
fn named(heading: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(repository().join("CONTRIBUTING.md")).unwrap();
    let (_, recipe) = text.split_once(&format!("\n### {heading}\n")).unwrap();
    let recipe = recipe.split("\n##").next().unwrap();
    let items = recipe.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    items.map(|item| item.split('`').nth(1).unwrap().to_owned()).collect()
}

#[test]
fn a_recipe_names_the_files_of_its_change() {
    for Recipe { heading, most, edits } in &RECIPES {
        let named = named(heading);
        let edited: BTreeSet<String> = edits.iter().map(|edit| edit.file.to_owned()).collect();
        assert_eq!(named, edited, "{heading}");
        assert!(named.len() <= *most, "{heading} takes {} files", named.len());
    }
}

/// A copy of what the tool is built from, with all recipes followed.
struct Copy {
    root: PathBuf,
}

impl Copy {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recipes");
        let _ = fs::remove_dir_all(&root);
        let copy = Self { root };
        copy.take("");
        // Of another version and name, so that what is built of it never takes the place of what is
        // tested here: cargo names both by their paths within their workspaces.
        let manifest =
            copy.read("Cargo.toml").replace("version = \"0.1.0\"", "version = \"0.0.0\"");
        fs::write(copy.root.join("Cargo.toml"), manifest).unwrap();
        let program = "[[bin]]\nname = \"workshop-of-recipes\"\npath = \"src/main.rs\"\n\n";
        copy.type_in("workshop/Cargo.toml", "[dependencies]", program);
        copy.type_in("workshop/Cargo.toml", "publish.workspace", "autobins = false\n");
        copy
    }

    /// Copies a folder with its files' times, so that cargo builds only what has changed.
    fn take(&self, folder: &str) {
        fs::create_dir_all(self.root.join(folder)).unwrap();
        for entry in fs::read_dir(repository().join(folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = Path::new(folder).join(&name).to_str().unwrap().to_owned();
            if entry.file_type().unwrap().is_dir() {
                if !["target", ".git", ".workshop", "benchmarks", "docs"].contains(&name.as_str()) {
                    self.take(&path);
                }
            } else {
                fs::copy(entry.path(), self.root.join(&path)).unwrap();
                self.set_time(&path, entry.metadata().unwrap().modified().unwrap());
            }
        }
    }

    fn set_time(&self, path: &str, time: SystemTime) {
        let file = File::options().append(true).open(self.root.join(path)).unwrap();
        file.set_modified(time).unwrap();
    }

    fn type_in(&self, path: &str, before: &str, text: &str) {
        let file = self.root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let mut changed = fs::read_to_string(&file).unwrap_or_default();
        let place = changed.find(before).filter(|_| !before.is_empty());
        assert!(place.is_some() || before.is_empty(), "{path}: no {before:?}");
        changed.insert_str(place.unwrap_or(changed.len()), text);
        fs::write(file, changed).unwrap();
        // As old as this text: it is built again when this changes.
        let here = repository().join("workshop/tests/recipes.rs");
        self.set_time(path, here.metadata().unwrap().modified().unwrap());
    }

    fn cargo(&self, arguments: &str) {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(arguments.split(' ')).arg("--offline").current_dir(&self.root);
        let output = cargo.env("CARGO_TARGET_DIR", target).output().unwrap();
        assert!(output.status.success(), "{arguments}: {}", text(&output));
    }

    /// The tool of the copy.
    fn workshop(&self, arguments: &[&str]) -> Output {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let name = format!("debug/workshop-of-recipes{}", std::env::consts::EXE_SUFFIX);
        let mut command = Command::new(target.join(name));
        command.args(arguments).current_dir(&self.root).env_remove("CARGO_MANIFEST_DIR");
        command.env("NO_COLOR", "1").output().unwrap()
    }

    /// What it says when all is well.
    fn says(&self, arguments: &[&str], expected: &str) {
        let output = self.workshop(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains(expected), "{arguments:?}: {}", text(&output));
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
    }
}

fn text(output: &Output) -> String {
    let [out, error] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    format!("{out}{error}")
}

#[test]
fn what_a_recipe_adds_is_there() {
    let copy = Copy::new();
    copy.cargo("new --quiet --vcs none section4-leaves");
    copy.cargo("add --quiet --package section4-leaves anyhow prometheus tokio treecounter-core");
    for edit in RECIPES.iter().flat_map(|recipe| recipe.edits) {
        copy.type_in(edit.file, edit.before, edit.text);
    }
    copy.cargo("build --quiet --package workshop --bin workshop-of-recipes");

    copy.says(&["hint", "section3"], "Is it the one that you started?");

    let solution = solution("bonus");
    let check = |section| copy.workshop(&["check", section, "--exe", solution.to_str().unwrap()]);
    let output = check("section2");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    for words in ["/metrics has three series", "at most 3 series", "hint section2"] {
        assert!(text(&output).contains(words), "{words:?}: {}", text(&output));
    }

    copy.says(&["reset", "section3", "--yes"], "section3");
    let questions = copy.read("section3-compose/answers.promql");
    assert!(questions.ends_with("# 15. [promql-jobs] How many jobs are there?\n\n"), "{questions}");

    copy.says(&[], "section4");
    copy.says(&["reset", "section4", "--yes"], "section4-leaves");
    let starter = copy.read("section4-leaves/src/main.rs");
    assert!(starter.starts_with("//! Section 4: count the leaves."), "{starter}");
    assert!(starter.contains("// TODO step 1: count the leaves."), "{starter}");
    let output = check("section4");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("a metric named leaves"), "{}", text(&output));
}

const RECIPES: [Recipe; 4] = [
    Recipe { heading: "A hint", most: 1, edits: &HINT },
    Recipe { heading: "A check", most: 4, edits: &CHECK },
    Recipe { heading: "A question of section 3", most: 4, edits: &QUESTION },
    Recipe { heading: "A section", most: 9, edits: &SECTION },
];

const METADATA: &str = "workshop/sections.toml";
const CATALOG: &str = "workshop/src/check/catalog.rs";
const ANSWERS: &str = "solutions/section3/answers.promql";

const HINT: [Edit; 1] = [Edit {
    file: METADATA,
    before: "Does http://localhost:9090 open in your browser?",
    text: "Is it the one that you started?\n",
}];

const CHECK: [Edit; 4] = [
    Edit {
        file: METADATA,
        before: "[[section.step.check]]\nslug = \"requests-counter\"",
        text: r#"[[section.step.check]]
slug = "few-series"
title = "/metrics has three series"
minutes = 1
hints = ["How many are there?", "Count them.", "    curl -s http://localhost:8001/metrics"]

"#,
    },
    Edit {
        file: CATALOG,
        before: "    program(\"requests-counter\"",
        text: "    program(\"few-series\", section2::few_series),\n",
    },
    Edit {
        file: "workshop/src/check/program/section2.rs",
        before: "/// `requests_total` is there, a counter, with help.",
        text: r#"/// There are no more series than can be counted on a hand.
pub(crate) fn few_series(context: &Context<'_>) -> Judgement {
    let exposition = exposition(context.runs.calm.after.as_ref())?;
    match exposition.families.iter().map(|family| family.samples.len()).sum::<usize>() {
        0..=3 => Ok(()),
        more => Finding::new("at most 3 series", more.to_string()).fail(),
    }
}

"#,
    },
    Edit {
        file: "workshop/tests/broken/programs.toml",
        before: "[[program]]\nname = \"registered-twice\"",
        text: r#"[[program]]
name = "many-series"
section = "section2"
mistake = "it has more than three series"
fails = "few-series"
says = "at most 3 series"

"#,
    },
];

const QUESTION: [Edit; 3] = [
    Edit {
        file: METADATA,
        before: "[[section.step.check]]\nslug = \"promql-count\"",
        text: r#"[[section.step.check]]
slug = "promql-jobs"
title = "[promql-jobs] how many jobs there are"
minutes = 1
question = { needs = "a job named treecounter" }
hints = ["Which label says it?", "Count the values.", "    count(count by (...) (up))"]

"#,
    },
    Edit {
        file: ANSWERS,
        before: "",
        text: "\n# 15. [promql-jobs] How many jobs are there?\n\ncount(count by (job) (up))\n",
    },
    Edit {
        file: "workshop/tests/promql/answers.toml",
        before: "",
        text: r#"
[[wrong]]
question = "promql-jobs"
query = "count(up)"
says = "count by (job)"
"#,
    },
];

const SECTION: [Edit; 8] = [
    Edit {
        file: "section4-leaves/README.md",
        before: "",
        text: "# Section 4\n\n**It takes** about 5 minutes.\n\n## Step 1: Count the leaves\n",
    },
    Edit {
        file: "README.md",
        before: "\nEach section starts from the finished program",
        text: "| [4. Count the leaves](section4-leaves/README.md) | count the leaves | 5 |\n",
    },
    Edit {
        file: "solutions/src/bin/section4.rs",
        before: "",
        text: "//! Section 4, solved.\n\nfn main() {}\n",
    },
    Edit {
        file: METADATA,
        before: "",
        text: r#"
[[section]]
slug = "section4"
package = "section4-leaves"
title = "Count the leaves"
learnt = "count leaves."
header = ["Section 4: count the leaves."]

[[section.file]]
path = "src/main.rs"
solution = "solutions/src/bin/section4.rs"

[[section.step]]
title = "Count the leaves"
todo = ["count the leaves."]
before = "let app = App {"

[[section.step.check]]
slug = "leaves"
title = "the leaves are counted"
minutes = 5
hints = ["Are they?", "Count them.", "    leaves.inc();"]
"#,
    },
    Edit {
        file: "workshop/src/learner/embedded.rs",
        before: "    (\"solutions/src/bin/bonus.rs\"",
        text: r#"    (
        "solutions/src/bin/section4.rs",
        include_str!("../../../solutions/src/bin/section4.rs"),
    ),
"#,
    },
    Edit {
        file: CATALOG,
        before: "    program(\"latency-histogram\"",
        text: r#"    program("leaves", crate::check::program::section4::leaves),
"#,
    },
    Edit {
        file: "workshop/src/check/program/mod.rs",
        before: "mod assertions;",
        text: "pub(crate) mod section4;\n",
    },
    Edit {
        file: "workshop/src/check/program/section4.rs",
        before: "",
        text: r#"//! Section 4: the leaves are counted.

use crate::check::program::assertions::exposition;
use crate::check::program::context::Context;
use crate::check::verdict::{Finding, Judgement};

/// There is a metric of that name.
pub(crate) fn leaves(context: &Context<'_>) -> Judgement {
    match exposition(context.runs.calm.after.as_ref())?.family("leaves") {
        Some(_) => Ok(()),
        None => Finding::new("a metric named leaves", "none").fail(),
    }
}
"#,
    },
];
