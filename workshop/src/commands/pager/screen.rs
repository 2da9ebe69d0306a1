//! A notification in the terminal.

use super::notification::{Alert, Notification};
use crate::terminal::style::{BAD, FRAME, GOOD, TYPE, indent, paint};

/// All of it, some lines for each alert.
pub(super) fn lines(notification: &Notification) -> String {
    let Notification { at, receiver, labels, alerts, left_out, .. } = notification;
    let firing = notification.firing();
    let counts = match (firing, alerts.len() - firing) {
        (0, over) => format!("{over} resolved"),
        (firing, 0) => format!("{firing} firing"),
        (firing, over) => format!("{firing} firing, {over} resolved"),
    };
    let group = if labels.is_empty() { "" } else { ", the group " };
    let mut lines = vec![format!(
        "{} {}: {counts}{group}{labels}",
        paint(FRAME, format!("{at} UTC")),
        paint(TYPE, receiver)
    )];
    lines.extend(alerts.iter().map(alert));
    if *left_out > 0 {
        lines.push(format!("  and {left_out} more"));
    }
    lines.join("\n")
}

fn alert(alert: &Alert) -> String {
    let Alert { name, summary, labels, since, until, .. } = alert;
    let (state, time) = match alert.fires {
        true => (paint(BAD, "FIRING  "), format!("since {since} UTC")),
        false => (paint(GOOD, "RESOLVED"), format!("{since} to {until} UTC")),
    };
    let mut lines = vec![format!("  {state} {} {time}", paint(TYPE, name))];
    let mut more = vec![summary.clone(), labels.clone()];
    if alert.fires {
        more.extend(alert.annotations.iter().map(|(name, text)| format!("{name}: {text}")));
        more.extend(alert.links.iter().map(|(name, url)| format!("{name}: {url}")));
    }
    more.retain(|line| !line.is_empty());
    lines.push(indent(&more.join("\n"), 11));
    lines.join("\n")
}
