//! The rule files of the learner and of the kit: where they lie, which alerts they name, and when
//! they were saved.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::check::stack::prometheus::api::Rule;
use crate::learner::files;

/// The learner's rules, from the root.
pub(crate) const DIRECTORY: &str = "section3-compose/rules";
/// The finished ones.
const FINISHED: &str = "solutions/section3";
/// The kit's own rules, which the learner's may build on.
const KIT_RULES: &str = "deploy/prometheus/rules";

/// Where the stack's Prometheus sees the kit's rules, and the learner's.
const KIT_IN_STACK: &str = "/etc/prometheus/rules/";
const LEARNERS_IN_STACK: &str = "/etc/prometheus-learner/";

/// Prometheus in the stack takes over a saved file within five seconds.
const RELOAD: Duration = Duration::from_secs(7);

/// One of the learner's rule files.
pub(crate) struct RuleFile {
    pub(crate) path: PathBuf,
    /// As it is named to the learner.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Reads the learner's rule files. Nothing is ever written there.
pub(crate) fn files(root: &Path, solution: bool) -> Vec<RuleFile> {
    let directory = if solution { FINISHED } else { DIRECTORY };
    let mut files: Vec<RuleFile> = yaml_files(&root.join(directory))
        .into_iter()
        .filter_map(|path| {
            let name = format!("{directory}/{}", path.file_name()?.to_string_lossy());
            // What is no text is shown by promtool.
            let text = String::from_utf8_lossy(&files::read(&path).ok()??).into_owned();
            Some(RuleFile { path, name, text })
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The kit's rule files.
pub(crate) fn kit_files(root: &Path) -> Vec<PathBuf> {
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
pub(crate) fn alert_names(text: &str) -> Vec<&str> {
    if text.trim_start().starts_with('{') {
        return names_in_json(text).collect();
    }
    let mut rule_column = 0;
    let keys = text.lines().filter_map(|line| {
        let key = line.trim_start_matches([' ', '-', '{', '"', '\'']);
        let column = line.len() - key.len();
        let is_key = key.split_once(':').is_some_and(|(name, _)| !name.trim().contains([' ', '(']));
        if line[..column].contains('-') && is_key {
            rule_column = column;
        }
        (column == rule_column).then_some(key)
    });
    keys.filter_map(|key| {
        key.strip_prefix("alert")?.trim_start_matches(['"', '\'', ' ']).strip_prefix(':')
    })
    .map(|name| name.split([',', '}']).next().unwrap_or(name))
    .map(|name| name.split(" #").next().unwrap_or(name).trim().trim_matches(['"', '\'']))
    .filter(|name| !name.is_empty())
    .collect()
}

/// JSON is YAML too.
fn names_in_json(text: &str) -> impl Iterator<Item = &str> {
    text.split("\"alert\"").skip(1).filter_map(|after| {
        let value = after.trim_start().strip_prefix(':')?.trim_start();
        value.strip_prefix('"')?.split('"').next().filter(|name| !name.is_empty())
    })
}

/// Whether a rule came with the kit: in the stack, or beside it, where a system may write `\`.
pub(crate) fn is_kits(rule: &Rule) -> bool {
    let path: Vec<&str> = rule.file.split(['/', '\\']).collect();
    matches!(path[..], [.., "prometheus", "rules", _])
}

/// Whether a rule's file is one of the stack's containers.
pub(crate) fn in_stack(rule: &Rule) -> bool {
    rule.file.starts_with(KIT_IN_STACK) || rule.file.starts_with(LEARNERS_IN_STACK)
}

fn last_saved(files: &[RuleFile]) -> Option<SystemTime> {
    files.iter().filter_map(|file| fs::metadata(&file.path).ok()?.modified().ok()).max()
}

/// Whether Prometheus still has what stood in the files before.
pub(crate) fn saved_later(files: &[RuleFile], last_read: Option<f64>) -> bool {
    let saved = last_saved(files).and_then(|saved| saved.duration_since(UNIX_EPOCH).ok());
    saved.zip(last_read).is_some_and(|(saved, read)| saved.as_secs_f64() > read)
}

/// A file that was saved just now may not have been taken over.
pub(crate) async fn wait_for_reload(files: &[RuleFile]) {
    let age = last_saved(files)
        .and_then(|saved| SystemTime::now().duration_since(saved).ok())
        .unwrap_or(RELOAD);
    tokio::time::sleep(RELOAD.saturating_sub(age)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_without_understanding_yaml() {
        let text = "groups:\n  - name: mine\n    rules:\n      - alert: One\n        expr: \
            up\n      - expr: up\n        alert: \"Two\" # or so\n#     - alert: Three\n";
        assert_eq!(alert_names(text), ["One", "Two"]);
        let text = "groups:\n- name: mine\n  rules:\n  - expr: up\n    labels:\n      alert: no \
            name\n    alert: One\n";
        assert_eq!(alert_names(text), ["One"]);
        let text = "{\"groups\": [{\"rules\": [{\"alert\": \"Four\", \"expr\": \"up\"}]}]}";
        assert_eq!(alert_names(text), ["Four"]);
        assert_eq!(alert_names("  - {alert: Five, expr: up}\n"), ["Five"]);
        assert_eq!(alert_names("  - alert : Six\n  - 'alert': Seven\n"), ["Six", "Seven"]);
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

    proptest::proptest! {
        #![proptest_config(crate::check::stack::texts_of_any_kind())]

        #[test]
        fn any_rule_file_is_read(
            pieces in proptest::collection::vec(
                proptest::prop_oneof![
                    "groups:\n", "( |-|\t){0,6}", "alert:", "- alert: [A-Z][a-z]{0,3}\n", "expr: \
                     \\|",
                    "\n", "[\"']", "#", "\\PC{0,4}", "labels:\n", "\\{\\{ \\$?[vl][a-z.]{1,8}",
                ],
                0..40,
            ),
        ) {
            let text = pieces.concat();
            for name in alert_names(&text) {
                assert!(text.contains(name) && !name.is_empty(), "{text:?}: {name:?}");
            }
            let _ = super::super::templates::bad_template(&text);
            assert!(super::super::templates::labels_in(&text).all(|label| text.contains(label)));
            let _ = super::super::yaml_mistakes::suspect(&text);
        }
    }
}
