//! The learner's alert rule: is it valid, is it loaded, does it say what is needed, does it stay
//! quiet on a good day, and does it fire on a bad one.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::api::{Prometheus, Rule};
use super::mistakes::seconds;
use super::programs;
use super::{Options, reach};
use crate::verdict::{Finding, Judgement, Quote, Trouble};

/// The learner's rules, from the root.
pub(super) const DIRECTORY: &str = "section3-compose/rules";
/// The finished ones.
const FINISHED: &str = "solutions/section3";
/// The kit's own rules, which the learner's may build on.
const KIT_RULES: &str = "deploy/prometheus/rules";

/// Where the stack's Prometheus sees the kit's rules, and the learner's.
const KIT_IN_STACK: &str = "/etc/prometheus/rules/";
const LEARNERS_IN_STACK: &str = "/etc/prometheus-learner/";

/// Prometheus in the stack takes over a saved file within five seconds.
const RELOAD: Duration = Duration::from_secs(7);
/// The stack's outage keeps the ratio of failures high for about this long, in seconds.
const LONGEST_WAIT: f64 = 80.0;

/// One of the learner's rule files.
pub(super) struct RuleFile {
    pub(super) path: PathBuf,
    /// As it is named to the learner.
    name: String,
    text: String,
}

/// Reads the learner's rule files. Nothing is ever written there.
pub(super) fn files(root: &Path, solution: bool) -> Vec<RuleFile> {
    let directory = if solution { FINISHED } else { DIRECTORY };
    let mut files: Vec<RuleFile> = yaml_files(&root.join(directory))
        .into_iter()
        .filter_map(|path| {
            let name = format!("{directory}/{}", path.file_name()?.to_string_lossy());
            // What is no text is shown by promtool.
            let text = String::from_utf8_lossy(&fs::read(&path).ok()?).into_owned();
            Some(RuleFile { path, name, text })
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The kit's rule files.
pub(super) fn kit_files(root: &Path) -> Vec<PathBuf> {
    yaml_files(&root.join(KIT_RULES))
}

fn yaml_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "yml"))
        .collect();
    files.sort();
    files
}

/// The names of the alerts in a rule file, without understanding YAML: they are always written so,
/// in the column where their rule begins. Further to the right, `alert` is a label's name.
fn alert_names(text: &str) -> Vec<&str> {
    let mut rule_column = 0;
    let keys = text.lines().filter_map(|line| {
        let key = line.trim_start_matches([' ', '-']);
        let column = line.len() - key.len();
        let is_key = key.split_once(':').is_some_and(|(name, _)| !name.contains([' ', '(']));
        if line[..column].contains('-') && is_key {
            rule_column = column;
        }
        (column == rule_column).then_some(key)
    });
    keys.filter_map(|key| key.strip_prefix("alert:"))
        .map(|name| name.split(" #").next().unwrap_or(name).trim().trim_matches(['"', '\'']))
        .filter(|name| !name.is_empty())
        .collect()
}

fn example() -> &'static str {
    "The file has the shape of a rule in its comments; step \"Write an alert\" of the README says what it is \
     to watch."
}

/// The files hold an alert, and promtool finds nothing to say.
pub(super) fn valid(root: &Path, solution: bool, page: &str) -> Judgement {
    let files = files(root, solution);
    let expected = format!("an alert rule in {DIRECTORY}/alerts.yml");
    if files.is_empty() {
        return Finding::new(expected, "no file that ends in .yml").because(example()).fail();
    }
    if let Some(promtool) = programs::find_program("promtool") {
        for file in &files {
            let copy = file.text.replace("\r\n", "\n");
            let run = programs::promtool(
                &promtool,
                &["check", "rules", "--lint=all", "--lint-fatal"],
                "rules.yml",
                &copy,
            );
            match run {
                Ok((true, _)) => {}
                Ok((false, words)) => return refused(file, &words, page),
                Err(error) => return Finding::new(expected, format!("{error:#}")).could_not_tell(),
            }
        }
    }
    if files.iter().all(|file| alert_names(&file.text).is_empty()) {
        return Finding::new(expected, "no alert in it so far").because(example()).fail();
    }
    Ok(())
}

/// What promtool says, at the line it means.
fn refused(file: &RuleFile, words: &str, page: &str) -> Judgement {
    let mut complaint = complaint(words);
    let complaint_is_about_query = complaint.contains("could not parse expression");
    let mut number = line_of(&complaint);
    // The parser stops at the mistake or above it, as where a tab's list begins.
    let is_unreadable = complaint.starts_with("yaml: ");
    let tab = tab_in_indent(&file.text).filter(|_| is_unreadable);
    if let Some(line) = tab {
        complaint = format!("a tab in the indent of line {line}");
        number = tab;
    }
    let quote = number.and_then(|line| {
        let text = file.text.lines().nth(line.checked_sub(1)?)?;
        Some(Quote { of: file.name.clone(), line, text: text.to_owned() })
    });
    let cause = match () {
        () if tab.is_some() => Some("YAML is indented with blanks only."),
        () if complaint.contains("could not parse expression") => {
            Some("The expression is no PromQL. Try it in Prometheus first.")
        }
        () if complaint.contains("not a valid duration") => Some("A duration has a unit: for: 30s"),
        () if complaint.contains("not found in type") => Some(
            "That word does not belong there: is it misspelt, or indented too little or too much?",
        ),
        () if complaint.contains("did not find expected")
            || complaint.contains("mapping values")
            || complaint.contains("could not find") =>
        {
            Some(
                "At this line or below it the indentation is not right, or a text with a colon or a brace in it \
                 needs quotes around it.",
            )
        }
        () if complaint.contains("cannot unmarshal") => Some(
            "Something else belongs there: groups and rules are lists, whose items begin with `- `.",
        ),
        () if complaint.contains("template") => {
            Some("A template has two braces on both sides: {{ $value }}, {{ $labels.instance }}")
        }
        () if is_unreadable && number.is_some() => {
            Some("The mistake is at this line, or shortly below it.")
        }
        () => None,
    };
    let finding = Finding::new(format!("{} that Prometheus takes", file.name), complaint)
        .quoting(quote)
        .try_with(format!("promtool check rules {}", file.name));
    let finding = match complaint_is_about_query {
        true => finding.try_with(page),
        false => finding,
    };
    match cause {
        Some(cause) => finding.because(cause).fail(),
        None => finding.fail(),
    }
}

/// The first line that is indented with a tab.
fn tab_in_indent(text: &str) -> Option<usize> {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let has_tab = |line: &str| line[..indent(line)].contains('\t');
    text.lines().position(has_tab).map(|index| index + 1)
}

/// What promtool has to say, each thing once. It reads the file twice, and complains twice:
///
/// `/scratch/rules.yml: 7:15: group "mine", rule 1, "X": could not parse expression: ...`
///
/// `/scratch/rules.yml: yaml: unmarshal errors:`, and below it `  line 12: field fro not found ...`
fn complaint(words: &str) -> String {
    let mut said: Vec<&str> = Vec::new();
    for line in words.lines() {
        let line = line.split_once("rules.yml: ").map_or(line, |(_, rest)| rest).trim();
        let heading = line.is_empty() || line.starts_with("Checking") || line == "FAILED:";
        // The second time the types have other names.
        let place = line.split_once(": ").map_or(line, |(place, _)| place);
        let again = place.starts_with("line ") && said.iter().any(|said| said.starts_with(place));
        if !heading && line != "yaml: unmarshal errors:" && !again && !said.contains(&line) {
            said.push(line);
        }
    }
    said.truncate(2);
    said.join("; ")
}

/// `7:15: ...` or `yaml: line 4: ...`
fn line_of(words: &str) -> Option<usize> {
    let digits = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text[..end].parse().ok()
    };
    if let Some((_, after)) = words.split_once("line ") {
        return digits(after);
    }
    digits(words)
}

/// The learner's alerts that Prometheus has.
pub(super) struct LoadedAlerts {
    /// One at least.
    pub(super) rules: Vec<Rule>,
    /// Whether these are all that stand in the files.
    pub(super) all: Judgement,
}

/// Prometheus has the learner's alerts, or one of them at least.
pub(super) async fn loaded(
    prometheus: &Prometheus,
    options: &Options,
    own: bool,
) -> Result<LoadedAlerts, Box<Trouble>> {
    let files = files(&options.root, options.solution);
    if !own {
        wait_for_reload(&files).await;
    }
    let rules = match prometheus.rules().await {
        Ok(rules) => rules,
        Err(error) => return reach::trouble(prometheus, &error).await,
    };
    let stack = rules.iter().any(in_stack);
    let names: Vec<&str> = files.iter().flat_map(|file| alert_names(&file.text)).collect();
    let is_learners = |rule: &Rule| {
        rule.kind == "alerting" && !is_kits(rule) && names.contains(&rule.name.as_str())
    };
    let rules: Vec<Rule> = rules.into_iter().filter(is_learners).collect();
    let is_missing = |name: &&str| rules.iter().all(|rule| rule.name != *name);
    let missing: Vec<&str> = names.iter().copied().filter(is_missing).collect();
    let expected = |names: &[&str]| {
        let alerts = if names.len() == 1 { "alert" } else { "alerts" };
        format!("the {alerts} {} among Prometheus's rules", names.join(", "))
    };
    // What is loaded may be what stood there before.
    if let Some((refused, promtool)) = reach::refused_change(prometheus).await {
        let finding = Finding::new(expected(&names), refused);
        // Where promtool is installed, it has found nothing wrong in the rules.
        return if stack || programs::find_program("promtool").is_none() {
            finding
                .because("What is wrong stands in its log, and promtool says it with the line.")
                .try_with(promtool)
                .fail()
        } else {
            finding
                .because(
                    "Mended already? Then tell it, with the first command below. Else it is another file: the \
                     second one names it.",
                )
                .try_with(reload(prometheus))
                .try_with(promtool)
                .fail()
        };
    }
    let to_be_told = "A Prometheus of your own has to be told of a saved file: started with \
                      --web.enable-lifecycle, it listens to the command below.";
    let by_itself = own || stack;
    if missing.is_empty() && !by_itself && saved_later(&files, prometheus.last_read().await) {
        return Finding::new(
            format!("{}, as it stands in the file", expected(&names)),
            "It was saved after Prometheus last read it",
        )
        .because(to_be_told)
        .try_with(reload(prometheus))
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
        finding.because(to_be_told).try_with(reload(prometheus))
    };
    let finding = finding.try_with(prometheus.page("/rules"));
    if rules.is_empty() {
        return finding.fail();
    }
    Ok(LoadedAlerts { rules, all: finding.fail() })
}

/// Whether a rule came with the kit: in the stack, or beside it, where a system may write `\`.
fn is_kits(rule: &Rule) -> bool {
    let path: Vec<&str> = rule.file.split(['/', '\\']).collect();
    matches!(path[..], [.., "prometheus", "rules", _])
}

/// Whether a rule's file is one of the stack's containers.
pub(super) fn in_stack(rule: &Rule) -> bool {
    rule.file.starts_with(KIT_IN_STACK) || rule.file.starts_with(LEARNERS_IN_STACK)
}

/// The command that tells a Prometheus of one's own to read its files again.
fn reload(prometheus: &Prometheus) -> String {
    format!("curl -X POST {}/-/reload", prometheus.base())
}

fn last_saved(files: &[RuleFile]) -> Option<SystemTime> {
    files.iter().filter_map(|file| fs::metadata(&file.path).ok()?.modified().ok()).max()
}

/// Whether Prometheus still has what stood in the files before.
fn saved_later(files: &[RuleFile], last_read: Option<f64>) -> bool {
    let saved = last_saved(files).and_then(|saved| saved.duration_since(UNIX_EPOCH).ok());
    saved.zip(last_read).is_some_and(|(saved, read)| saved.as_secs_f64() > read)
}

/// A file that was saved just now may not have been taken over.
async fn wait_for_reload(files: &[RuleFile]) {
    let age = last_saved(files)
        .and_then(|saved| SystemTime::now().duration_since(saved).ok())
        .unwrap_or(RELOAD);
    tokio::time::sleep(RELOAD.saturating_sub(age)).await;
}

/// It waits, and says how bad it is and what it means.
pub(super) fn described(rule: &Rule) -> Judgement {
    let name = &rule.name;
    let finding = |expected: &str, found: &str, cause: &str| {
        Finding::new(format!("{name} with {expected}"), found).because(cause).fail()
    };
    if rule.duration <= 0.0 {
        return finding(
            "a `for`",
            "it has none",
            "Without `for` one bad scrape wakes somebody up. It says how long the condition has to last: for: 30s",
        );
    }
    if rule.duration > LONGEST_WAIT {
        return finding(
            "a `for` that is over before the ratio falls",
            &format!("for: {}", seconds(rule.duration)),
            "The stack's outage keeps the ratio high for about 85 seconds. Wait for a minute at most.",
        );
    }
    if rule.labels.get("severity").is_none_or(|severity| severity.trim().is_empty()) {
        return finding(
            "a severity",
            "no label severity",
            "The label says who is told and how: below `labels:`, severity: critical, or warning.",
        );
    }
    if rule.annotations.get("summary").is_none_or(|summary| summary.trim().is_empty()) {
        return finding(
            "a summary",
            "no annotation summary",
            "That is what somebody reads at night: below `annotations:`, a sentence with what is wrong.",
        );
    }
    if let Some((annotation, found, cause)) = rule
        .annotations
        .iter()
        .find_map(|(name, text)| bad_template(text).map(|(found, cause)| (name, found, cause)))
    {
        return finding(&format!("a {annotation} that can be read"), found, cause);
    }
    if rule.health == "err" {
        return finding(
            "a query that can be evaluated",
            &rule.last_error,
            "Try the expression in Prometheus.",
        );
    }
    Ok(())
}

/// What is wrong with a template although Prometheus takes it, and why.
fn bad_template(text: &str) -> Option<(&'static str, &'static str)> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, template)) = rest.split_once("{{") {
        plain.push_str(before);
        let (inside, after) = template.split_once("}}").unwrap_or((template, ""));
        let mut words = inside.trim_matches(['-', ' ']).split_whitespace();
        if words.next() == Some("value") && words.next().is_none_or(|next| next == "|") {
            return Some((
                "{{ value }}",
                "`value` needs a dollar: {{ $value | humanizePercentage }}",
            ));
        }
        rest = after;
    }
    plain.push_str(rest);
    ["$value", "$labels"].iter().any(|name| plain.contains(name)).then_some((
        "a template that is none: it would be read as it is written",
        "A template has two braces on both sides: {{ $value }}, {{ $labels.instance }}",
    ))
}

/// The labels of the alert that a template asks for. A template with a query of its own may mean
/// those of its answer.
pub(super) fn labels_in(text: &str) -> impl Iterator<Item = &str> {
    let text = if text.contains("query") { "" } else { text };
    text.match_indices("abels.").filter_map(|(at, found)| {
        let before = &text[..at];
        let name = &text[at + found.len()..];
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        (before.ends_with("$l") || before.ends_with(".L"))
            .then(|| &name[..end.unwrap_or(name.len())])
            .filter(|name| !name.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_without_understanding_yaml() {
        let text = "groups:\n  - name: mine\n    rules:\n      - alert: One\n        expr: up\n      - expr: up\n        alert: \"Two\" # or so\n#     - alert: Three\n";
        assert_eq!(alert_names(text), ["One", "Two"]);
        let text = "groups:\n- name: mine\n  rules:\n  - expr: up\n    labels:\n      alert: no name\n    alert: One\n";
        assert_eq!(alert_names(text), ["One"]);
        let text = "  rules:\n  - expr: |\n      sum(a)\n      - sum(b) > 1\n    alert: Three\n";
        assert_eq!(alert_names(text), ["Three"]);
    }

    #[test]
    fn the_kits_rules_are_known_on_every_system() {
        let at = |file: &str| is_kits(&Rule { file: file.to_owned(), ..Rule::default() });
        for file in [
            "/etc/prometheus/rules/alerts.yml",
            "deploy/prometheus/rules/alerts.yml",
            r"C:\Users\ada\trees\deploy\prometheus\rules\alerts.yml",
            r"C:\Users\ada\trees\deploy/prometheus/rules\alerts.yml",
        ] {
            assert!(at(file), "{file}");
        }
        for file in [
            "/etc/prometheus-learner/alerts.yml",
            "/home/ada/deploy/prometheus/trees/section3-compose/rules/alerts.yml",
            r"C:\Users\ada\trees\section3-compose\rules\alerts.yml",
        ] {
            assert!(!at(file), "{file}");
        }
    }

    #[test]
    fn the_stack_is_known_by_the_paths_of_its_rules() {
        let at = |file: &str| in_stack(&Rule { file: file.to_owned(), ..Rule::default() });
        assert!(at("/etc/prometheus/rules/red.yml") && at("/etc/prometheus-learner/alerts.yml"));
        assert!(!at("/home/me/workshop/section3-compose/rules/alerts.yml"));
    }

    #[test]
    fn a_tab_counts_where_it_indents() {
        assert_eq!(tab_in_indent("a:\tx\n  b: 1\n  \tc: 2\n\td: 3\n"), Some(3));
        assert_eq!(tab_in_indent("a:\tx\n  b: 1\t\n"), None);
    }

    #[test]
    fn lines_are_found_in_complaints() {
        assert_eq!(line_of("7:15: group \"mine\", rule 1"), Some(7));
        assert_eq!(line_of("yaml: line 4: mapping values"), Some(4));
        assert_eq!(line_of("yaml: unmarshal errors: line 12: field x"), Some(12));
        assert_eq!(line_of("groupname must not be empty"), None);
    }

    #[test]
    fn a_complaint_is_made_once_and_nothing_dangles() {
        for (words, said) in [
            (
                "Checking /x/rules.yml\n  FAILED:\n/x/rules.yml: yaml: unmarshal errors:\n  line 12: field fro not found in type rulefmt.Rule\n",
                "line 12: field fro not found in type rulefmt.Rule",
            ),
            (
                "  FAILED:\nrules.yml: yaml: unmarshal errors:\n  line 2: cannot unmarshal !!map into []rulefmt.RuleGroup\nrules.yml: yaml: unmarshal errors:\n  line 2: cannot unmarshal !!map into []rulefmt.RuleGroupNode\n",
                "line 2: cannot unmarshal !!map into []rulefmt.RuleGroup",
            ),
            (
                "rules.yml: not a valid duration string: \"30\"\nrules.yml: not a valid duration string: \"30\"\n",
                "not a valid duration string: \"30\"",
            ),
            (
                "rules.yml: yaml: unmarshal errors:\n  line 12: field fro\n  line 13: field lables\n",
                "line 12: field fro; line 13: field lables",
            ),
        ] {
            assert_eq!(complaint(words), said);
        }
    }

    #[test]
    fn templates_that_prometheus_takes_and_nobody_can_read() {
        for good in [
            "{{ $value | humanizePercentage }} of {{ $labels.endpoint }} fail",
            "{{- $value -}}",
            "{{ query \"up\" | first | value }}",
            "oh",
        ] {
            assert_eq!(bad_template(good), None, "{good}");
        }
        for bad in [
            "{ $value | humanizePercentage }",
            "{{ value | humanize }}",
            "{{ $value }} $labels.job",
        ] {
            assert!(bad_template(bad).is_some(), "{bad}");
        }
        let labels: Vec<&str> =
            labels_in("{{ $labels.a_1 }}{{ .Labels.b}} labels.c; all labels. ").collect();
        assert_eq!(labels, ["a_1", "b"]);
        assert_eq!(labels_in("{{ range query \"up\" }}{{ .Labels.job }}{{ end }}").count(), 0);
    }

    #[test]
    fn what_a_rule_has_to_say() {
        let mut rule = Rule { name: "X".to_owned(), duration: 30.0, ..Rule::default() };
        rule.labels.insert("severity".to_owned(), "critical".to_owned());
        rule.annotations.insert("summary".to_owned(), "oh".to_owned());
        assert!(described(&rule).is_ok());
        rule.duration = 60.0;
        assert!(described(&rule).is_ok());
        type Change = fn(&mut Rule);
        let cases: [(&str, Change); 5] = [
            ("a `for`", |rule| rule.duration = 0.0),
            ("before the ratio falls", |rule| rule.duration = 81.0),
            ("a severity", |rule| rule.labels.clear()),
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
