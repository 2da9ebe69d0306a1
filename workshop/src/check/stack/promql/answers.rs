//! The learner's file of answers. How it is read:
//!
//! - A question starts with a comment that has its name in brackets: `# [promql-rate] How many?`.
//! - All that follows, up to the next such comment, is the answer: one query, on as many lines as
//!   it takes. Comments and empty lines may stand between them.
//! - A question without a query is not answered yet.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

use crate::check::verdict::{Finding, Judgement};
use crate::learner::files;

/// The learner's answers, from the root.
pub(crate) const ANSWERS: &str = "section3-compose/answers.promql";
pub(crate) const FINISHED: &str = "solutions/section3/answers.promql";
/// A file of answers has a few kilobytes; what is larger is something else.
const LARGEST: u64 = 256 * 1024;

/// The answers by the questions' names.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    found: BTreeMap<String, Answer>,
    /// A name that stands there twice, with the second one's line.
    pub(crate) twice: Option<(String, usize)>,
    /// A query above the first question, with its line.
    pub(crate) astray: Option<usize>,
}

/// One question, and what stands below it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Answer {
    /// The question itself, in one line.
    pub(crate) question: String,
    /// The query, with its line breaks and the comments inside it; empty when there is none.
    pub(crate) query: String,
    /// The line of the query's first line in the file, or of the question's last while there is no
    /// query.
    pub(crate) line: usize,
    /// The comments below the question's heading while there is no query.
    pub(crate) comments: Vec<String>,
}

/// The answers in a file below the root, if they can be read as such.
pub(crate) fn load(root: &Path, file: &str) -> Judgement<Answers> {
    let path = root.join(file);
    let expected = format!("your answers in {file}");
    let size = std::fs::metadata(&path).map(|metadata| metadata.len()).unwrap_or(0);
    if size > LARGEST {
        return Finding::new(expected, format!("a file of {size} bytes")).fail();
    }
    let read = files::read(&path).and_then(|found| found.context("there is no such file"));
    let text = match read {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            return Finding::new(expected, error.root_cause().to_string())
                .because("`cargo workshop reset section3` brings the file back.")
                .fail();
        }
    };
    let answers = Answers::read(&text);
    if let Some((name, line)) = &answers.twice {
        return Finding::new(
            expected,
            format!("[{name}] stands there twice, again at line {line}"),
        )
        .because("One query for each question: which of them is your answer?")
        .fail();
    }
    if let Some(line) = answers.astray {
        return Finding::new(expected, format!("line {line} stands above the first question"))
            .because("A query belongs below its question, which begins with its name in brackets.")
            .fail();
    }
    Ok(answers)
}

impl Answers {
    pub(crate) fn read(text: &str) -> Self {
        let mut answers = Self::default();
        let mut current: Option<(String, Answer, Vec<&str>)> = None;
        // A question ends with its paragraph.
        let mut asking = false;
        // Editors on some systems put a mark at a file's start.
        let text = text.trim_start_matches('\u{feff}');
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            if let Some((name, question)) = heading(line) {
                answers.keep(current.take());
                asking = true;
                current = Some((
                    name.to_owned(),
                    Answer { question: question.to_owned(), line: number, ..Answer::default() },
                    Vec::new(),
                ));
            } else if let Some((_, answer, query)) = &mut current {
                let comment = line.trim_start().strip_prefix('#');
                match comment {
                    // Comments above a query go on with the question.
                    Some(comment) if query.is_empty() => {
                        let comment = comment.trim();
                        if asking && !comment.is_empty() {
                            answer.question.push(' ');
                            answer.question.push_str(comment);
                            answer.line = number;
                        }
                        answer.comments.push(comment.to_owned());
                    }
                    None if query.is_empty() && line.trim().is_empty() => asking = false,
                    _ => {
                        if query.is_empty() {
                            answer.line = number;
                        }
                        query.push(line);
                    }
                }
            } else if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
                answers.astray.get_or_insert(number);
            }
        }
        answers.keep(current.take());
        answers
    }

    fn keep(&mut self, question: Option<(String, Answer, Vec<&str>)>) {
        let Some((name, mut answer, mut query)) = question else { return };
        while query
            .last()
            .is_some_and(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
        {
            query.pop();
        }
        answer.query = query.join("\n");
        if self.found.contains_key(&name) {
            self.twice.get_or_insert((name, answer.line));
            return;
        }
        self.found.insert(name, answer);
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Answer> {
        self.found.get(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.found.keys().map(String::as_str)
    }
}

/// The name and the first words of a question: `# 3. [promql-rate] How many ...`.
fn heading(line: &str) -> Option<(&str, &str)> {
    let rest = line.trim_start().strip_prefix('#')?.trim_start();
    let rest =
        rest.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches('.').trim_start();
    let (name, question) = rest.strip_prefix('[')?.split_once(']')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    is_name.then_some((name, question.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query<'a>(answers: &'a Answers, name: &str) -> &'a str {
        &answers.get(name).unwrap().query
    }

    #[test]
    fn a_question_its_answer_and_their_lines() {
        let answers = Answers::read(
            "# My answers.\n\n# 1. [up] Which targets\n#    are up?\n\n# A \
             note.\nup{job=\"a\"}\n\n# [rate] How fast?\n\n\
             sum by (status) (\n  # all of them\n  rate(a[1m])\n)\n# I am not sure.\n\n# [last] \
             And\n# what else?\n",
        );
        let up = answers.get("up").unwrap();
        assert_eq!(
            (up.question.as_str(), up.query.as_str(), up.line),
            ("Which targets are up?", "up{job=\"a\"}", 7)
        );
        assert_eq!(query(&answers, "rate"), "sum by (status) (\n  # all of them\n  rate(a[1m])\n)");
        assert_eq!(up.comments, ["are up?", "A note."]);
        assert_eq!(answers.get("rate").unwrap().line, 11);
        assert_eq!(query(&answers, "last"), "");
        assert_eq!(answers.get("last").unwrap().line, 18);
        assert_eq!(answers.names().collect::<Vec<_>>(), ["last", "rate", "up"]);
        assert!(answers.twice.is_none() && answers.astray.is_none());
    }

    #[test]
    fn windows_lines_and_a_mark_at_the_start() {
        let answers = Answers::read("\u{feff}# [up] Up?\r\nup\r\n\r\n");
        assert_eq!(query(&answers, "up"), "up");
    }

    #[test]
    fn a_name_twice_and_a_query_astray() {
        let answers = Answers::read("up\n# [a] x\n1\n# [a] y\n2\n");
        assert_eq!(answers.twice, Some(("a".to_owned(), 5)));
        assert_eq!(answers.astray, Some(1));
        assert_eq!(query(&answers, "a"), "1");
    }

    #[test]
    fn brackets_elsewhere_are_no_question() {
        let answers =
            Answers::read("# [a] x\n# rates need [1m]\n# [1m] too\nrate(b[5m])\n# [Not a name]\n");
        assert_eq!(query(&answers, "a"), "rate(b[5m])");
        assert_eq!(answers.names().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn nothing_at_all() {
        assert_eq!(Answers::read("").names().count(), 0);
    }

    proptest::proptest! {
        #![proptest_config(crate::check::stack::texts_of_any_kind())]

        /// What is found stands in the file, at its line, and nothing is found without a question.
        #[test]
        fn any_file_is_read(
            pieces in proptest::collection::vec(
                proptest::prop_oneof![
                    "(# |#|)(1. |)\\[[a-z]{1,3}\\]( How many\\?|)",
                    "# [a-z]{0,3}",
                    "rate\\(a\\[1m\\]\\)",
                    "\\PC{0,5}",
                    "[ \\t]{0,2}",
                ],
                0..30,
            ),
            ending in proptest::prop_oneof!["\n", "\r\n"],
        ) {
            let text = pieces.join(&ending);
            let answers = Answers::read(&text);
            let lines: Vec<&str> = text.lines().collect();
            for name in answers.names() {
                assert!(text.contains(&format!("[{name}]")));
                let answer = answers.get(name).unwrap();
                let first = answer.query.lines().next().unwrap_or_default();
                assert!(lines[answer.line - 1].contains(first), "{text:?}: {answer:?}");
            }
        }
    }
}
