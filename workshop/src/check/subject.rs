//! Which program is judged: where it comes from, how it is built, and where its source is.

use std::path::PathBuf;

use crate::check::compile_errors;
use crate::check::program::experiment::Launch;
use crate::check::program::source::Source;
use crate::check::verdict::{Finding, Judgement, Quote};
use crate::course::{Course, LearnerFile, Section};
use crate::learner::starter;
use crate::learner::workspace::Workspace;
use crate::process::{Build, Built, CompileError};

/// Which program is judged.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    /// The learner's.
    Learner,
    /// The finished one.
    Solution,
    /// One that was built already, with its source if that is known.
    Executable(PathBuf, Option<PathBuf>),
    /// One that runs already, at this URL.
    Running(String),
}

impl Subject {
    /// Whether the program builds, how it is started if so, and the compiler's warnings if they are
    /// to be kept.
    pub(crate) fn launch(
        &self,
        workspace: &Workspace,
        section: &Section,
        keep: bool,
    ) -> anyhow::Result<(Option<Judgement>, Option<Launch>, String)> {
        let directory = workspace.root().to_owned();
        Ok(match self {
            Subject::Running(_) => (None, None, String::new()),
            Subject::Executable(path, _) => {
                (Some(Ok(())), Some(Launch { executable: path.clone(), directory }), String::new())
            }
            Subject::Learner | Subject::Solution => match self.build(workspace, section, keep)? {
                Built::Executable { path, warnings } => {
                    (Some(Ok(())), Some(Launch { executable: path, directory }), warnings)
                }
                Built::Failed(errors) => {
                    (Some(self.not_built(workspace, section, &errors)), None, String::new())
                }
            },
        })
    }

    /// The compiler has said what is wrong, and better. What is added is where in the lesson this
    /// is.
    fn not_built(
        &self,
        workspace: &Workspace,
        section: &Section,
        errors: &[CompileError],
    ) -> Judgement {
        let Some(error) = errors.first() else {
            return Finding::new("a program that compiles", "").fail();
        };
        let source = self.source(workspace, section);
        let instead = compile_errors::instead(section, &source.text, error);
        let step = compile_errors::step(section, &instead, error);
        let cause = step.map(|(number, step)| {
            format!("This line belongs to step {number}, \"{}\".", step.title)
        });
        let quote = Quote { of: source.name.clone(), line: error.line, text: error.text.clone() };
        Finding { cause, ..Finding::new("a program that compiles", error.title()).quoting(quote) }
            .fail()
    }

    fn build(&self, workspace: &Workspace, section: &Section, keep: bool) -> anyhow::Result<Built> {
        let (package, bin) = match self {
            Subject::Solution => ("solutions", Some(section.slug.as_str())),
            _ => (section.package.as_str(), None),
        };
        Build { root: workspace.root(), package, bin, keep, quiet: false }.run()
    }

    /// How the learner starts it.
    pub(crate) fn cargo_run(&self, section: &Section) -> String {
        match self {
            Subject::Solution => format!("cargo run -p solutions --bin {}", section.slug),
            _ => format!("cargo run -p {}", section.package),
        }
    }

    /// The file that clues are looked for in. Without it there are none.
    pub(crate) fn source(&self, workspace: &Workspace, section: &Section) -> Source {
        let (name, file) = match (self, section.files.first()) {
            (Subject::Solution, Some(file)) => (file.solution.clone(), file),
            (Subject::Learner, Some(file)) => (Workspace::relative(section, file), file),
            (Subject::Executable(_, Some(path)), Some(file)) => {
                let text = std::fs::read_to_string(path).unwrap_or_default();
                let name = Workspace::relative(section, file);
                return compared(name, text, section, file);
            }
            _ => return Source::default(),
        };
        let text = std::fs::read_to_string(workspace.root().join(&name)).unwrap_or_default();
        compared(name, text, section, file)
    }
}

/// A file beside what it began as and what it becomes: clues, and no reason to fail when they are
/// not to be had.
fn compared(name: String, text: String, section: &Section, file: &LearnerFile) -> Source {
    let starter = Course::embedded().and_then(|course| starter::of_file(course, section, file));
    Source {
        name,
        text,
        starter: starter.unwrap_or_default(),
        solution: starter::solution(file).unwrap_or_default(),
    }
}
