//! A notification as Alertmanager's webhook sends it, made safe to be shown: everything in it comes
//! from outside.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;

/// The longest text that is kept, in characters.
const WIDTH: usize = 500;
/// The most alerts, and the most labels or annotations of each, that are kept.
const MOST: usize = 50;

/// What arrived at once: the alerts of one group.
#[derive(Debug)]
pub(super) struct Notification {
    /// When it arrived: a clock's time in UTC.
    pub(super) at: String,
    /// Who is called, by the name that Alertmanager's configuration gives.
    pub(super) receiver: String,
    /// What Alertmanager calls the group. A later notification with the same one replaces it.
    pub(super) group: String,
    /// What its alerts have in common: `severity="critical"`.
    pub(super) labels: String,
    pub(super) alerts: Vec<Alert>,
    /// So many more there were.
    pub(super) left_out: u64,
}

/// One alert of a group.
#[derive(Debug)]
pub(super) struct Alert {
    pub(super) name: String,
    pub(super) fires: bool,
    pub(super) summary: String,
    /// The other annotations: name and text.
    pub(super) annotations: Vec<(String, String)>,
    /// All labels but the name.
    pub(super) labels: String,
    /// A clock's time in UTC.
    pub(super) since: String,
    /// Where more is to be seen: what it is, and an address that begins with http.
    pub(super) links: Vec<(&'static str, String)>,
    /// A clock's time in UTC; of an alert that is over.
    pub(super) until: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    version: String,
    receiver: String,
    group_key: String,
    #[serde(default)]
    group_labels: BTreeMap<String, String>,
    #[serde(default)]
    truncated_alerts: u64,
    alerts: Vec<WebhookAlert>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WebhookAlert {
    status: String,
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    starts_at: String,
    #[serde(default)]
    ends_at: String,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
}

impl Notification {
    /// Reads what arrived at a moment. Links to dashboards begin with `grafana`, if there is one.
    pub(super) fn read(json: &[u8], now: SystemTime, grafana: &str) -> anyhow::Result<Self> {
        let webhook: Webhook = serde_json::from_slice(json)?;
        anyhow::ensure!(webhook.version == "4", "version {}", clean(&webhook.version));
        let more = webhook.alerts.len().saturating_sub(MOST) as u64;
        Ok(Self {
            at: clock(now),
            receiver: clean(&webhook.receiver),
            group: clean(&webhook.group_key),
            labels: labels(&webhook.group_labels),
            alerts: webhook.alerts.iter().take(MOST).map(|it| Alert::new(it, grafana)).collect(),
            left_out: webhook.truncated_alerts.saturating_add(more),
        })
    }

    /// How many of its alerts fire.
    pub(super) fn firing(&self) -> usize {
        self.alerts.iter().filter(|alert| alert.fires).count()
    }
}

impl Alert {
    fn new(alert: &WebhookAlert, grafana: &str) -> Self {
        let label = |name: &str| alert.labels.get(name).map(|it| clean(it)).unwrap_or_default();
        let annotation = |name: &str| alert.annotations.get(name).map_or("", String::as_str);
        // Grafana's own names for the dashboard and the panel of an alert begin with two strokes.
        let others = alert.annotations.iter().filter(|(name, _)| !name.starts_with("__"));
        let others = others.filter(|(name, _)| *name != "summary").take(MOST);
        let rest = alert.labels.iter().filter(|(name, _)| *name != "alertname");
        let dashboard = match (annotation("__dashboardUid__"), annotation("__panelId__")) {
            (uid, panel) if [uid, panel].iter().all(|it| is_plain(it)) => {
                format!("{grafana}/d/{uid}?viewPanel={panel}")
            }
            _ => String::new(),
        };
        let links = [("panel", dashboard), ("query", clean(&alert.generator_url))];
        Self {
            name: label("alertname"),
            fires: alert.status == "firing",
            summary: clean(annotation("summary")),
            annotations: others.map(|(name, text)| (clean(name), clean(text))).collect(),
            labels: labels(&rest.map(|(name, value)| (name.clone(), value.clone())).collect()),
            since: time_of(&alert.starts_at),
            until: time_of(&alert.ends_at),
            links: links.into_iter().filter(|(_, url)| is_web(url)).collect(),
        }
    }
}

/// `name="value"` of each, a blank between them.
fn labels(labels: &BTreeMap<String, String>) -> String {
    let each = labels.iter().take(MOST);
    let each = each.map(|(name, value)| format!("{}=\"{}\"", clean(name), clean(value)));
    each.collect::<Vec<_>>().join(" ")
}

/// Text on one line, not too long, without what moves the cursor, colours the terminal or turns the
/// direction of writing.
fn clean(text: &str) -> String {
    let safe = |character: char| match character {
        _ if character.is_control() => ' ',
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => ' ',
        '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => ' ',
        _ => character,
    };
    let text: String = text.chars().map(safe).collect();
    match text.trim().char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &text.trim()[..end]),
        None => text.trim().to_owned(),
    }
}

/// Whether a word may stand in an address as it is.
fn is_plain(word: &str) -> bool {
    let mut characters = word.chars();
    !word.is_empty() && characters.all(|it| it.is_ascii_alphanumeric() || "-_".contains(it))
}

/// Whether a link may lead there.
fn is_web(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

/// The clock's time in `2026-08-30T12:00:05.123Z`: Prometheus gives all times in UTC.
fn time_of(stamp: &str) -> String {
    let time = stamp.split_once('T').and_then(|(_, time)| time.get(..8));
    let digits = |time: &&str| time.chars().all(|it| it.is_ascii_digit() || it == ':');
    time.filter(digits).unwrap_or("?").to_owned()
}

/// The clock's time in UTC.
fn clock(now: SystemTime) -> String {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_comes_from_outside_is_on_one_line_and_moves_nothing() {
        assert_eq!(clean("a\u{1b}[2J\r\nb\tc\u{9b}1m\u{202e}d\u{7}"), "a [2J  b c 1m d");
        assert_eq!(clean(&"x".repeat(501)), format!("{}…", "x".repeat(500)));
        assert_eq!(clean(" 100 % der Bäume 🌳 "), "100 % der Bäume 🌳");
    }

    #[test]
    fn a_time_is_that_of_the_clock() {
        assert_eq!(time_of("2026-08-30T12:00:05.123Z"), "12:00:05");
        for broken in ["", "yesterday", "T12", "2026-08-30T12:\u{1b}0:05Z"] {
            assert_eq!(time_of(broken), "?");
        }
        assert_eq!(clock(UNIX_EPOCH + Duration::from_secs(86_400 + 3_661)), "01:01:01");
    }

    #[test]
    fn links_lead_to_the_web_and_nowhere_else() {
        let alert = |grafana: &str, uid: &str, query: &str| {
            let json = format!(
                r#"{{"version": "4", "receiver": "r", "groupKey": "k", "alerts": [{{
                    "status": "firing", "labels": {{}}, "startsAt": "", "generatorURL": "{query}",
                    "annotations": {{"__dashboardUid__": "{uid}", "__panelId__": "9"}}}}]}}"#
            );
            let mut read = Notification::read(json.as_bytes(), UNIX_EPOCH, grafana).unwrap();
            read.alerts.remove(0).links
        };
        let panel = "http://localhost:3000/d/red?viewPanel=9".to_owned();
        assert_eq!(alert("http://localhost:3000", "red", "javascript:1"), [("panel", panel)]);
        assert_eq!(alert("", "red", "http://p/graph"), [("query", "http://p/graph".to_owned())]);
        assert_eq!(alert("http://localhost:3000", "../x?", ""), []);
    }

    #[test]
    fn what_is_no_notification_is_refused() {
        for broken in
            ["", "{}", "[]", r#"{"version": "3", "receiver": "", "groupKey": "", "alerts": []}"#]
        {
            assert!(Notification::read(broken.as_bytes(), UNIX_EPOCH, "").is_err(), "{broken}");
        }
    }
}
