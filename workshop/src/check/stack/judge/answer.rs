//! The answers: judged on made-up visits wherever a Prometheus can be started, and beside that on
//! what the learner's own has scraped.

use crate::check::stack::judge::{Judge, PROMETHEUS, now};
use crate::check::stack::prometheus::api::{Instants, Prometheus};
use crate::check::stack::prometheus::made_up::{Asked, MadeUp};
use crate::check::stack::prometheus::promtool::Promtool;
use crate::check::stack::prometheus::throwaway::OwnPrometheus;
use crate::check::stack::prometheus::{backfill, connection};
use crate::check::stack::promql::answers::{self, ANSWERS, Answer, Answers, FINISHED};
use crate::check::stack::promql::ast::Node;
use crate::check::stack::promql::query::Bench;
use crate::check::stack::promql::questions::{self, Question};
use crate::check::verdict::{Finding, Judgement, Verdict};
use crate::http::fetch;

/// On how many of the last scrapes answers are compared: a quarter of an hour in the stack.
const SCRAPES: f64 = 180.0;
/// Before any stack had a target.
const LONG_AGO: Instants = Instants { start: 1e9, end: 1e9 + 60.0, step: 15.0 };
/// Seconds between two scrapes, when no target says it.
const SCRAPE: f64 = 5.0;

impl Judge {
    /// The answer to a question says what the finished one says.
    pub(crate) fn answer(&mut self, question: Question) -> Judgement {
        let name = question.name;
        let file = if self.options.solution { FINISHED } else { ANSWERS };
        let found = answers::load(&self.options.root, file)?;
        let Some(answer) = found.get(name) else {
            let strange: Vec<&str> =
                found.names().filter(|name| questions::find(name).is_none()).collect();
            let instead = match strange.first() {
                Some(strange) => format!(", but one that is not known: [{strange}]"),
                None => String::new(),
            };
            return Finding::new(
                question.asked(),
                format!("{file} has no question [{name}]{instead}"),
            )
            .because(format!("Put it back, as a comment above your query: # [{name}]"))
            .fail();
        };
        if answer.query.is_empty() {
            if question.bonus {
                return Finding::new(question.asked(), "not answered yet").left_out();
            }
            let found = if answer.comments.iter().any(|comment| questions::is_learners(comment)) {
                "not answered yet (a line that begins with # is a comment)"
            } else {
                "not answered yet"
            };
            return Finding::new(question.asked(), found)
                .because(format!("Write the query into {file}, below line {}.", answer.line))
                .fail();
        }
        if self.own.is_none() && self.beside.is_none() && OwnPrometheus::possible() {
            // Without it the stack judges alone.
            self.beside = Some(self.runtime.block_on(OwnPrometheus::start(None, &[])).ok());
        }
        if self.own.is_none() && self.beside.iter().flatten().next().is_none() {
            self.ask_promtool(&found);
        }
        self.runtime.block_on(async {
            if self.own.is_some() {
                return made_up(&self.prometheus, file).judge(&question, answer).await;
            }
            let beside = self.beside.iter().flatten().next();
            let url = beside.map(|beside| fetch::http_url(&beside.url, PROMETHEUS));
            let made_up_visits = self.made_up.iter().flatten();
            let known = made_up_visits.into_iter().find(|known| known.knows(&answer.query));
            if let Some(Ok(url)) = url {
                let own = Prometheus::passing(&url);
                let bench = Bench { shown: &self.prometheus, ..made_up(&own, file) };
                bench.judge(&question, answer).await?;
            } else if known.is_some() {
                let bench = Bench { made_up: known, ..made_up(&self.prometheus, file) };
                bench.judge(&question, answer).await?;
            } else {
                return self.on_stack(&question, answer, file).await;
            }
            // What was done to the stack on purpose makes no right answer wrong.
            let on_stack = self.on_stack(&question, answer, file).await;
            on_stack.or_else(|trouble| match trouble.verdict {
                Verdict::Fail if !question.before_everything => Err(trouble),
                _ => Ok(()),
            })
        })
    }

    /// Lets promtool, wherever it is, evaluate all answers and the finished ones, once.
    fn ask_promtool(&mut self, answers: &Answers) {
        if self.made_up.is_some() {
            return;
        }
        let mut asked = Vec::new();
        for question in questions::all() {
            let at = made_up(&self.prometheus, ANSWERS).times(&question);
            asked.push(Asked { query: question.reference().to_owned(), at: at.clone() });
            let query = answers.get(question.name).map_or("", |answer| &answer.query);
            // What is no PromQL is told without it.
            let again = query == question.reference();
            if !query.is_empty() && !again && self.can_be_evaluated(query) {
                asked.push(Asked { query: query.to_owned(), at });
            }
        }
        let root = &self.options.root;
        let promtool = self.promtool.get_or_insert_with(|| Promtool::find(root)).as_ref();
        // Without it the stack judges alone.
        self.made_up = Some(promtool.and_then(|promtool| MadeUp::evaluate(promtool, &asked).ok()));
    }

    /// Whether it is PromQL, and no list of samples.
    fn can_be_evaluated(&self, query: &str) -> bool {
        match self.runtime.block_on(self.prometheus.parse(query)) {
            Ok(Some(tree)) => !matches!(Node(&tree).kind(), "matrixSelector" | "subquery"),
            Ok(None) => true,
            Err(_) => false,
        }
    }

    async fn on_stack(&self, question: &Question, answer: &Answer, file: &str) -> Judgement {
        let interval = connection::scrape_interval(&self.prometheus).await.unwrap_or(SCRAPE);
        let bench = Bench {
            prometheus: &self.prometheus,
            made_up: None,
            shown: &self.prometheus,
            instants: last_scrapes(interval),
            empty: &[LONG_AGO],
            interval,
            file,
        };
        bench.judge(question, answer).await
    }
}

/// Where answers are compared that are judged on made-up visits.
fn made_up<'a>(prometheus: &'a Prometheus, file: &'a str) -> Bench<'a> {
    Bench {
        prometheus,
        made_up: None,
        shown: prometheus,
        instants: backfill::INSTANTS,
        empty: &[backfill::BEFORE, backfill::AFTER],
        interval: backfill::INTERVAL as f64,
        file,
    }
}

/// The instants of the last scrapes of a running stack. The newest two are left out: between two
/// queries another one may come.
fn last_scrapes(interval: f64) -> Instants {
    let step = interval.clamp(1.0, 60.0);
    let end = ((now() - 2.0 * step) / step).floor() * step;
    Instants { start: end - SCRAPES * step, end, step }
}
