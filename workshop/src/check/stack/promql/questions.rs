//! The questions: what is asked and the finished answers stand in the solution's file, and what is
//! known of each beyond that in sections.toml.

use std::sync::OnceLock;

use crate::check::stack::promql::answers::Answers;
use crate::check::stack::promql::mistake::seconds;
use crate::course::{self, Course, Section};

/// The finished answers.
const REFERENCE: &str = include_str!("../../../../../solutions/section3/answers.promql");

/// One question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question {
    /// Its name in the file, and the check's.
    pub(crate) name: &'static str,
    known: &'static course::Question,
}

/// All questions, in the order in which they are asked.
pub(crate) fn all() -> impl Iterator<Item = Question> {
    let sections = Course::embedded().map(|course| course.sections.as_slice()).unwrap_or_default();
    let checks = sections.iter().flat_map(Section::checks);
    checks.filter_map(|(.., check)| {
        Some(Question { name: &check.slug, known: check.question.as_ref()? })
    })
}

/// The question of that name.
pub(crate) fn find(name: &str) -> Option<Question> {
    all().find(|question| question.name == name)
}

/// Whether a comment is none of the file's own.
pub(crate) fn is_learners(comment: &str) -> bool {
    let is_it = |line: &str| line.strip_prefix('#').is_some_and(|text| text.trim() == comment);
    !comment.is_empty() && !REFERENCE.lines().any(is_it)
}

impl std::ops::Deref for Question {
    type Target = course::Question;

    fn deref(&self) -> &course::Question {
        self.known
    }
}

impl Question {
    /// The finished query.
    pub(crate) fn reference(&self) -> &'static str {
        reference().get(self.name).map_or("", |answer| &answer.query)
    }

    /// The window that it is about, in seconds.
    pub(crate) fn window(&self) -> Option<f64> {
        let (_, window) = self.reference().split_once('[')?;
        let (minutes, _) = window.split_once("m]")?;
        minutes.parse::<f64>().ok().map(|minutes| minutes * 60.0)
    }

    /// Advice whose examples have this question's function and window.
    pub(crate) fn in_its_terms(&self, advice: &str) -> String {
        let Some(window) = self.window() else { return advice.to_owned() };
        let advice = advice.replace("[1m]", &format!("[{}]", seconds(window)));
        if self.reference().contains("increase(") {
            return advice.replace("rate(", "increase(");
        }
        advice
    }

    /// What is asked.
    pub(crate) fn asked(&self) -> &'static str {
        reference().get(self.name).map_or("", |answer| &answer.question)
    }
}

fn reference() -> &'static Answers {
    static ANSWERS: OnceLock<Answers> = OnceLock::new();
    ANSWERS.get_or_init(|| Answers::read(REFERENCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_question_has_its_finished_answer_and_the_reverse() {
        let mut expected: Vec<&str> = all().map(|question| question.name).collect();
        for question in all() {
            assert!(!question.reference().is_empty(), "{}", question.name);
        }
        expected.sort_unstable();
        assert_eq!(reference().names().collect::<Vec<_>>(), expected);
    }

    /// The learner's file is the finished one without the queries.
    #[test]
    fn the_starter_asks_the_same_and_answers_nothing() {
        let course = Course::embedded().unwrap();
        let section = course.section("section3").unwrap();
        let file = section.files.iter().find(|file| file.questions).unwrap();
        let starter = crate::learner::starter::of_file(course, section, file).unwrap();
        let answers = Answers::read(&starter);
        for question in all() {
            let answer = answers.get(question.name).unwrap();
            assert!(answer.query.is_empty(), "{}", question.name);
            assert_eq!(answer.question, question.asked());
        }
        assert!(answers.astray.is_none());
    }
}
