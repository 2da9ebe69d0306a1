//! A README, taken to pieces: its code blocks, and what it says to the tests.

use std::fs;

use super::root;

/// What a test sees of a README, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// What stands in `<!-- test: … -->`; readers do not see it.
    Directive(String),
    /// A code block: the number of its first line, what stands behind its mark, and its text.
    Block { line: usize, info: String, text: String },
}

/// The text of a file of the workspace.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn parts(readme: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut block: Option<(usize, String, String)> = None;
    for (number, line) in readme.lines().enumerate() {
        match &mut block {
            Some((start, info, text)) if line.trim_end() == "```" => {
                let (line, info, text) = (*start, info.clone(), text.clone());
                parts.push(Part::Block { line, info, text });
                block = None;
            }
            Some((_, _, text)) => {
                text.push_str(line);
                text.push('\n');
            }
            None if line.starts_with("```") => {
                block = Some((number + 1, line[3..].to_owned(), String::new()));
            }
            None => {
                let directive = line.strip_prefix("<!-- test: ");
                if let Some(directive) = directive.and_then(|rest| rest.strip_suffix(" -->")) {
                    parts.push(Part::Directive(directive.to_owned()));
                }
            }
        }
    }
    assert_eq!(block, None, "a code block is not closed");
    parts
}
