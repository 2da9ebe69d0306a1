//! Has cargo build a program, and learns from it where the executable is.

use std::io::{BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

use anyhow::Context;
use serde::Deserialize;

use crate::process::guard::Reach;
use crate::process::registry;

/// What a build came to.
#[derive(Debug)]
pub(crate) enum Built {
    /// It compiled.
    Executable {
        /// The executable.
        path: PathBuf,
        /// What the compiler warns of, when it is to be kept.
        warnings: String,
    },
    /// It did not compile, and cargo has said why. What the compiler says of the program itself.
    Failed(Vec<CompileError>),
}

/// An error of the compiler's, at a line of the program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CompileError {
    /// `E0382`; empty when it has none, as a syntax error.
    pub(crate) code: String,
    /// Its first sentence.
    pub(crate) message: String,
    /// What is said at the place itself, such as which type is found there.
    pub(crate) label: String,
    /// What would help, where that is what the line is about.
    pub(crate) help: String,
    /// The line, from 1, and its text.
    pub(crate) line: usize,
    pub(crate) text: String,
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    executable: Option<PathBuf>,
    message: Option<Diagnostic>,
}

#[derive(Deserialize)]
struct Diagnostic {
    message: String,
    level: String,
    code: Option<Code>,
    spans: Vec<Span>,
    children: Vec<Remark>,
    rendered: Option<String>,
}

/// A note or a help below an error.
#[derive(Deserialize)]
struct Remark {
    message: String,
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    is_primary: bool,
    line_start: usize,
    label: Option<String>,
    text: Vec<SpanText>,
}

#[derive(Deserialize)]
struct SpanText {
    text: String,
}

/// What cargo is to build, and how it is to speak.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Build<'a> {
    /// The root of the workspace.
    pub root: &'a Path,
    /// The package.
    pub package: &'a str,
    /// The binary, when the package has several.
    pub bin: Option<&'a str>,
    /// Keep what cargo says, for a screen that is cleared afterwards.
    pub keep: bool,
    /// Say nothing: only the errors are wanted.
    pub quiet: bool,
}

/// What was read of cargo's messages.
#[derive(Default)]
struct Messages {
    executable: Option<PathBuf>,
    errors: Vec<CompileError>,
    warnings: Vec<String>,
}

impl Build<'_> {
    /// Builds the program. What cargo says goes to the terminal as it is.
    ///
    /// # Errors
    /// When cargo cannot be run, or does not say where the executable is.
    pub(crate) fn run(&self) -> anyhow::Result<Built> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(&cargo);
        command
            .arg(if self.quiet { "check" } else { "build" })
            .arg(format!("--message-format={}", self.format()))
            .args(["--package", self.package])
            .current_dir(self.root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if let Some(bin) = self.bin {
            command.args(["--bin", bin]);
        }
        if self.quiet {
            command.stderr(Stdio::null());
        }
        let child = registry::spawn(command, Reach::Alone)
            .with_context(|| format!("cannot run {}", cargo.display()))?;
        let messages = self.read(child.stdout())?;
        let status = child.wait()?;
        if !status.success() {
            #[cfg(windows)]
            self.explain_a_running_program();
            return Ok(Built::Failed(messages.errors));
        }
        let path = messages
            .executable
            .with_context(|| format!("cargo built {}, but named no executable", self.package))?;
        let warnings = if self.keep { messages.warnings.concat() } else { String::new() };
        Ok(Built::Executable { path, warnings })
    }

    /// In colours where they are seen.
    fn format(&self) -> &'static str {
        match std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
            true => "json-diagnostic-rendered-ansi",
            false => "json",
        }
    }

    /// Shows what the compiler says as it comes, and keeps what is decided by.
    fn read(&self, stdout: Option<ChildStdout>) -> anyhow::Result<Messages> {
        let mut messages = Messages::default();
        for line in stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).split(b'\n')) {
            // Lines that are not cargo's are a build script's or a compiler's own.
            let Ok(message) = serde_json::from_slice::<Message>(&line?) else { continue };
            if message.reason == "compiler-artifact" && message.executable.is_some() {
                messages.executable = message.executable;
            }
            let Some(diagnostic) = message.message else { continue };
            let rendered = diagnostic.rendered.clone().unwrap_or_default();
            if !self.quiet {
                anstream::eprint!("{rendered}");
            }
            match diagnostic.level.as_str() {
                "error" => messages.errors.extend(compile_error(diagnostic)),
                _ => messages.warnings.push(rendered),
            }
        }
        Ok(messages)
    }

    /// Windows does not replace the file of a program that runs, and cargo only says "access is
    /// denied".
    #[cfg(windows)]
    fn explain_a_running_program(&self) {
        let name = self.bin.unwrap_or(self.package);
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let target = target.unwrap_or_else(|| self.root.join("target"));
        let file = target.join("debug").join(name).with_extension("exe");
        let opened = std::fs::OpenOptions::new().write(true).open(file);
        if opened.is_err_and(|error| error.kind() != std::io::ErrorKind::NotFound) {
            eprintln!("note: {name} runs in another terminal. Stop it there with Ctrl-C.");
        }
    }
}

/// In a help whose place is the one to change: the error itself points at the function's head, or
/// at what uses the value.
const SEMICOLON: &str = "this semicolon";

impl CompileError {
    /// Its code and its message, with the types that it is about.
    pub(crate) fn title(&self) -> String {
        let code = if self.code.is_empty() { String::new() } else { format!("{}: ", self.code) };
        let types = self.label.starts_with("expected `") && !self.message.contains("expected");
        let types = if types { format!(": {}", self.label) } else { String::new() };
        format!("{code}{}{types}", self.message)
    }
}

/// What an error says, and where; nothing of one that only counts the others.
fn compile_error(diagnostic: Diagnostic) -> Option<CompileError> {
    let primary = diagnostic.spans.iter().find(|span| span.is_primary)?;
    let mut helps = diagnostic.children.iter().filter(|help| help.message.contains(SEMICOLON));
    let help = helps.find_map(|help| Some((&help.message, help.spans.first()?)));
    let (help, span) = help.map_or(("", primary), |(message, span)| (message, span));
    let text = span.text.first().map_or("", |line| line.text.trim());
    Some(CompileError {
        code: diagnostic.code.map(|code| code.code).unwrap_or_default(),
        message: diagnostic.message,
        label: primary.label.clone().unwrap_or_default(),
        help: help.to_owned(),
        line: span.line_start,
        text: text.to_owned(),
    })
}
