//! The questions: what is asked is in the learner's file, the finished answers are in the
//! solutions, and here is what is known of each beyond that.

use std::sync::OnceLock;

use crate::check::stack::promql::answers::Answers;

/// The finished answers.
const REFERENCE: &str = include_str!("../../../../../solutions/section3/answers.promql");

/// One question.
#[derive(Debug)]
pub(crate) struct Question {
    /// Its name in the file, and the check's.
    pub(crate) name: &'static str,
    /// Asked of those who have done the bonus: it may stay empty.
    pub(crate) bonus: bool,
    /// Asked about a time without any data as well, because its answer is empty on a good day.
    pub(crate) before_everything: bool,
    /// A label that has to be named, even when the result is the same without.
    pub(crate) about: Option<&'static str>,
    /// What there must be for the question to make sense.
    pub(crate) needs: &'static str,
}

const fn question(name: &'static str, needs: &'static str) -> Question {
    Question { name, bonus: false, before_everything: false, about: None, needs }
}

const REQUESTS: &str = "requests to the app: `cargo workshop traffic` makes some";

/// All questions, as the file has them.
pub(crate) const QUESTIONS: [Question; 14] = [
    question("promql-up", "a job named treecounter"),
    question("promql-count", REQUESTS),
    Question { about: Some("endpoint"), ..question("promql-failed", REQUESTS) },
    question("promql-rate", REQUESTS),
    question("promql-by-status", REQUESTS),
    question("promql-increase", REQUESTS),
    question("promql-error-ratio", REQUESTS),
    question("promql-ratio-by-endpoint", "visits that failed, and some minutes of traffic"),
    question("promql-top", REQUESTS),
    question("promql-compare", "more than three minutes of traffic"),
    question("promql-replicas", REQUESTS),
    Question { before_everything: true, ..question("promql-absent", "a job named treecounter") },
    Question { bonus: true, ..question("promql-p95", HISTOGRAM) },
    Question { bonus: true, ..question("promql-mean", HISTOGRAM) },
];

const HISTOGRAM: &str = "the bonus's histogram: APP=bonus-histogram docker compose up --build -d";

/// The question of that name.
pub(crate) fn find(name: &str) -> Option<&'static Question> {
    QUESTIONS.iter().find(|question| question.name == name)
}

/// Whether a comment is none of the file's own.
pub(crate) fn is_learners(comment: &str) -> bool {
    let is_it = |line: &str| line.strip_prefix('#').is_some_and(|text| text.trim() == comment);
    !comment.is_empty() && !REFERENCE.lines().any(is_it)
}

impl Question {
    /// The finished query.
    pub(crate) fn reference(&self) -> &'static str {
        reference().get(self.name).map_or("", |answer| &answer.query)
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

    const STARTER: &str = include_str!("../../../../starters/answers.promql");

    #[test]
    fn each_question_has_its_finished_answer_and_the_reverse() {
        let mut expected: Vec<&str> = QUESTIONS.iter().map(|question| question.name).collect();
        for question in &QUESTIONS {
            assert!(!question.reference().is_empty(), "{}", question.name);
        }
        expected.sort_unstable();
        assert_eq!(reference().names().collect::<Vec<_>>(), expected);
    }

    /// The learner's file is the finished one without the queries.
    #[test]
    fn the_starter_asks_the_same_and_answers_nothing() {
        let mut queries: Vec<&str> = Vec::new();
        for question in &QUESTIONS {
            queries.extend(question.reference().lines());
        }
        let finished = REFERENCE.replace("\r\n", "\n");
        let stripped: Vec<&str> =
            finished.lines().filter(|line| !queries.contains(line) || line.is_empty()).collect();
        let starter = STARTER.replace("\r\n", "\n");
        assert_eq!(starter.lines().collect::<Vec<_>>(), stripped);
        let answers = Answers::read(STARTER);
        for question in &QUESTIONS {
            let answer = answers.get(question.name).unwrap();
            assert!(answer.query.is_empty(), "{}", question.name);
            assert_eq!(answer.question, question.asked());
        }
        assert!(answers.astray.is_none());
    }
}
