//! The learner's alert rule: is it valid, is it loaded, and does it say what is needed? How it
//! behaves is asked in `behaviour`.

use std::path::Path;

use crate::check::stack::alert::refusal::refused;
use crate::check::stack::alert::rule_files::{
    DIRECTORY, alert_names, files, in_stack, is_kits, saved_later, wait_for_reload,
};
use crate::check::stack::alert::summary::unwritten;
use crate::check::stack::alert::templates::bad_template;
use crate::check::stack::options::Options;
use crate::check::stack::prometheus::api::{Prometheus, Rule};
use crate::check::stack::prometheus::promtool::Promtool;
use crate::check::stack::prometheus::{connection, programs};
use crate::check::stack::promql::ast::Node;
use crate::check::stack::promql::mistake::seconds;
use crate::check::stack::promql::refusals::{ONE_TO_ONE, matching_problem};
use crate::check::stack::promql::syntax_errors::advice;
use crate::check::verdict::{Finding, Judgement, Quote};

/// The stack's outage keeps the ratio of failures high for about this long, in seconds.
const LONGEST_WAIT: f64 = 80.0;

fn example() -> &'static str {
    "The file has the shape of a rule in its comments: lines with a # do not count. Step \"Write \
     an alert\" of the README says what it is to watch."
}

/// The files hold an alert, and promtool finds nothing to say.
pub(crate) fn valid(
    root: &Path,
    solution: bool,
    promtool: Option<&Promtool>,
    page: &str,
) -> Judgement {
    let files = files(root, solution);
    let expected = format!("an alert rule in {DIRECTORY}/alerts.yml");
    if files.is_empty() {
        return Finding::new(expected, "no file that ends in .yml").because(example()).fail();
    }
    if let Some(promtool) = promtool {
        for file in &files {
            let copy = ("rules.yml".to_owned(), file.text.replace("\r\n", "\n"));
            match promtool.run(&["check", "rules", "--lint=all", "--lint-fatal"], &[copy]) {
                Ok((true, _)) => {}
                Ok((false, words)) => return refused(file, &words, page),
                Err(error) => return Finding::new(expected, format!("{error:#}")).could_not_tell(),
            }
        }
    }
    if files.iter().all(|file| alert_names(&file.text).is_empty()) {
        let recorded = files.iter().any(|file| file.text.contains("record:"));
        let more = if recorded { "A recording rule stores; it tells nobody. " } else { "" };
        return Finding::new(
            expected,
            "no alert in it so far, no rule with `alert:` in its groups",
        )
        .because(format!("{more}{}", example()))
        .fail();
    }
    Ok(())
}

/// The learner's alerts that Prometheus has.
pub(crate) struct LoadedAlerts {
    /// One at least.
    pub(crate) rules: Vec<Rule>,
    /// Whether these are all that stand in the files.
    pub(crate) all: Judgement,
}

/// Prometheus has the learner's alerts, or one of them at least.
pub(crate) async fn loaded(
    prometheus: &Prometheus,
    options: &Options,
    own: bool,
) -> Judgement<LoadedAlerts> {
    let files = files(&options.root, options.solution);
    if !own {
        wait_for_reload(&files).await;
    }
    let rules = match prometheus.rules().await {
        Ok(rules) => rules,
        Err(error) => return connection::trouble(prometheus, &error).await,
    };
    let stack = rules.iter().any(in_stack);
    let names: Vec<&str> = files.iter().flat_map(|file| alert_names(&file.text)).collect();
    let is_learners = |rule: &Rule| {
        rule.kind == "alerting" && !is_kits(rule) && names.contains(&rule.name.as_str())
    };
    let mut rules: Vec<Rule> = rules.into_iter().filter(is_learners).collect();
    // Another file may have an alert of the same name.
    let is_here = |rule: &Rule| files.iter().any(|file| Path::new(&rule.file) == file.path);
    if rules.iter().any(is_here) {
        rules.retain(is_here);
    }
    let is_missing = |name: &&str| rules.iter().all(|rule| rule.name != *name);
    let missing: Vec<&str> = names.iter().copied().filter(is_missing).collect();
    let expected = |names: &[&str]| {
        let alerts = if names.len() == 1 { "alert" } else { "alerts" };
        format!("the {alerts} {} among Prometheus's rules", names.join(", "))
    };
    // What is loaded may be what stood there before.
    if let Some((refused, promtool)) = connection::refused_change(prometheus).await {
        let finding = Finding::new(expected(&names), refused);
        // Where promtool is installed, it has found nothing wrong in the rules.
        let cause = match stack || programs::find_program("promtool").is_none() {
            true => "What is wrong stands in its log, and promtool says it with the line.",
            false => FIXED_ALREADY,
        };
        return finding.because(cause).try_with(promtool).fail();
    }
    // It compares what is in a file: one that was saved as it was has nothing to be taken over.
    let by_itself = own || stack || prometheus.reloads_by_itself().await;
    if missing.is_empty() && !by_itself && saved_later(&files, prometheus.last_read().await) {
        return Finding::new(
            format!("{}, as it stands in the file", expected(&names)),
            "It was saved after Prometheus last read it",
        )
        .because(STARTED_OTHERWISE)
        .try_with(START)
        .fail();
    }
    if missing.is_empty() {
        return Ok(LoadedAlerts { rules, all: Ok(()) });
    }
    let finding = Finding::new(expected(&missing), "not there");
    let finding = if own {
        finding.because("It is read when the check begins. Was it saved just now? Check again.")
    } else if stack {
        finding.because("The stack takes over a saved file within five seconds. Check again.")
    } else {
        finding.because(STARTED_OTHERWISE).try_with(START)
    };
    let finding = finding.try_with(prometheus.page("/rules"));
    if rules.is_empty() {
        return finding.fail();
    }
    Ok(LoadedAlerts { rules, all: finding.fail() })
}

const FIXED_ALREADY: &str = "Fixed already, and now just what it was before? Then Prometheus sees \
                             no change: add an empty line, and save. Else it is another file: the \
                             command below names it.";

const STARTED_OTHERWISE: &str = "Started as the lesson says, a Prometheus of your own takes over \
                                 a saved file within five seconds. Yours did not: end it with \
                                 Ctrl-C, and start it like this.";

/// The lesson's command, in the root of the project.
const START: &str = "prometheus \"@deploy/prometheus/limits.flags\" \
                     --config.file=deploy/prometheus/local.yml \
                     --storage.tsdb.path=target/prometheus --web.listen-address=127.0.0.1:9090";

/// Its query gives a value at each instant, and no list of samples.
pub(crate) async fn gives_numbers(
    prometheus: &Prometheus,
    options: &Options,
    rule: &Rule,
) -> Judgement {
    let tree = prometheus.parse(&rule.query).await.ok().flatten();
    if tree.as_ref().is_none_or(|tree| Node(tree).kind() != "matrixSelector") {
        return Ok(());
    }
    let quote = files(&options.root, options.solution).into_iter().find_map(|file| {
        // Prometheus writes a query in its own way.
        let bare = |text: &str| text.split_whitespace().collect::<String>();
        let query = bare(rule.query.lines().next().unwrap_or_default());
        let line = file.text.lines().position(|line| bare(line).contains(&query))?;
        Some(Quote { of: file.name, line: line + 1, text: rule.query.clone() })
    });
    Finding::new(format!("{} with a query that gives a number", rule.name), "a list of samples")
        .quoting(quote)
        .because(
            "A window such as [1m] is for a function, which makes one number of it: rate(...[1m])",
        )
        .fail()
}

/// Its query has a result on the made-up days, or none, but no error.
pub(crate) fn can_be_evaluated(rule: &Rule, error: Option<&str>, page: &str) -> Judgement {
    let Some(error) = error else { return Ok(()) };
    let finding = Finding::new(format!("{} with a query that can be evaluated", rule.name), error);
    let cause = match matching_problem(error) {
        true => ONE_TO_ONE.to_owned(),
        false => advice(error, &rule.query, None).unwrap_or(TRY_IT.to_owned()),
    };
    finding.because(cause).try_with(page).fail()
}

const TRY_IT: &str = "Try the expression in Prometheus, from the inside to the outside.";

/// It waits, and says how bad it is and what it means.
pub(crate) fn described(rule: &Rule) -> Judgement {
    let name = &rule.name;
    let finding = |expected: &str, found: &str, cause: &str| {
        Finding::new(format!("{name} with {expected}"), found).because(cause).fail()
    };
    if rule.duration <= 0.0 {
        return finding(
            "a `for`",
            "it has none",
            "Without `for` one bad scrape wakes somebody up. It says how long the condition has \
             to last: for: 30s",
        );
    }
    if rule.duration > LONGEST_WAIT {
        return finding(
            "a `for` that is over before the ratio falls",
            &format!("for: {}", seconds(rule.duration)),
            "The stack's outage keeps the ratio high for about 85 seconds. Wait for a minute at \
             most.",
        );
    }
    if rule.labels.get("severity").is_none_or(|severity| severity.trim().is_empty()) {
        return finding(
            "a severity",
            "no label severity",
            "The label says who is told and how: below `labels:`, severity: critical, or warning. \
             The name has small letters, and an annotation is no label.",
        );
    }
    let summary = rule.annotations.get("summary").map_or("", String::as_str);
    if unwritten(summary) && !summary.contains("{{") {
        let found = match summary.trim() {
            "" => "no annotation summary".to_owned(),
            text => format!("a summary that is still to be written: {text}"),
        };
        return finding(
            "a summary",
            &found,
            "That is what somebody reads at night: below `annotations:`, a sentence with what is \
             wrong.",
        );
    }
    if let Some((annotation, found, cause)) = rule
        .annotations
        .iter()
        .find_map(|(name, text)| bad_template(text).map(|(found, cause)| (name, found, cause)))
    {
        return finding(&format!("a {annotation} that can be read"), found, cause);
    }
    same_labels(rule)?;
    if rule.health == "err" {
        return finding("a query that can be evaluated", &rule.last_error, TRY_IT);
    }
    Ok(())
}

/// Its labels stay what they are.
fn same_labels(rule: &Rule) -> Judgement {
    let has_value = |text: &str| text.contains("$value") || text.contains(".Value");
    let changes = |text: &&String| text.contains("{{") && has_value(text);
    let Some(text) = rule.labels.values().find(changes) else { return Ok(()) };
    Finding::new(format!("{} with labels that stay as they are", rule.name), text)
        .because(
            "Labels say which alert it is: with each new value it is another one, and its `for` \
             begins again. Put the number in an annotation, or write two alerts.",
        )
        .fail()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rule_has_to_say() {
        let mut rule = Rule { name: "X".to_owned(), duration: 30.0, ..Rule::default() };
        rule.labels.insert("severity".to_owned(), "critical".to_owned());
        rule.annotations.insert("summary".to_owned(), "oh".to_owned());
        assert!(described(&rule).is_ok());
        rule.duration = 60.0;
        assert!(described(&rule).is_ok());
        type Change = fn(&mut Rule);
        let cases: [(&str, Change); 6] = [
            ("a `for`", |rule| rule.duration = 0.0),
            ("before the ratio falls", |rule| rule.duration = 81.0),
            ("a severity", |rule| rule.labels.clear()),
            ("labels that stay", |rule| {
                rule.labels.insert("share".to_owned(), "{{ $value }}".to_owned());
            }),
            ("a summary", |rule| rule.annotations.clear()),
            ("can be evaluated", |rule| rule.health = "err".to_owned()),
        ];
        for (words, change) in cases {
            let mut broken = rule.clone();
            change(&mut broken);
            let trouble = described(&broken).unwrap_err();
            assert!(trouble.finding.expected.contains(words), "{}", trouble.finding.expected);
        }
    }
}
