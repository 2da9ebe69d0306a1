//! The page of the pager: all that it remembers, the newest first. It needs nothing from elsewhere,
//! and the server has it looked at again every two seconds.

use std::collections::{HashSet, VecDeque};
use std::fmt::Write as _;

use super::notification::{Alert, Notification};

pub(super) fn html(arrived: &VecDeque<Notification>) -> String {
    // What a group says last is what holds.
    let mut seen = HashSet::new();
    let current = arrived.iter().filter(|it| seen.insert((&it.receiver, &it.group)));
    let (title, class) = match current.map(Notification::firing).sum::<usize>() {
        0 => ("Nothing fires".to_owned(), "over"),
        firing => (format!("{firing} firing"), "fires"),
    };
    let mut page =
        format!("{HEAD}<title>Pager: {title}</title>\n{STYLE}<h1 class=\"{class}\">{title}</h1>\n");
    if arrived.is_empty() {
        page.push_str(NOTHING);
    }
    for notification in arrived {
        add_notification(&mut page, notification);
    }
    page.push_str("</html>\n");
    page
}

fn add_notification(page: &mut String, notification: &Notification) {
    let Notification { at, receiver, labels, alerts, left_out, .. } = notification;
    let (receiver, labels) = (escape(receiver), escape(labels));
    let _ = write!(page, "<section>\n<h2>{at} UTC, {receiver} <small>{labels}</small></h2>\n");
    for alert in alerts {
        add_alert(page, alert);
    }
    if *left_out > 0 {
        let _ = writeln!(page, "<p>and {left_out} more</p>");
    }
    page.push_str("</section>\n");
}

fn add_alert(page: &mut String, alert: &Alert) {
    let Alert { since, until, .. } = alert;
    let (class, time) = match alert.fires {
        true => ("fires", format!("FIRING since {since} UTC")),
        false => ("over", format!("RESOLVED, {since} to {until} UTC")),
    };
    let [name, summary, labels] = [&alert.name, &alert.summary, &alert.labels].map(|it| escape(it));
    let _ = write!(
        page,
        "<article class=\"{class}\">\n<h3>{name} <small>{time}</small></h3>\n<p>{summary}</p>\n\
         <p><small>{labels}</small></p>\n"
    );
    for (name, text) in &alert.annotations {
        let _ = writeln!(page, "<p><small>{}: {}</small></p>", escape(name), escape(text));
    }
    for (name, url) in &alert.links {
        let _ = writeln!(page, "<a href=\"{}\" rel=\"noreferrer\">{name}</a>", escape(url));
    }
    page.push_str("</article>\n");
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<meta name=\"color-scheme\" content=\"light dark\">
";

const STYLE: &str = "<style>
body { font: 1rem/1.4 system-ui, sans-serif; max-width: 50em; margin: 1em auto; padding: 0 1em }
h1 { font-size: 2.5rem; margin: 0 }
h2 { font-size: 1.1rem }
h3, p { margin: 0 0 .2em }
small { font-weight: normal; opacity: .8 }
article { margin: .5em 0; padding: .5em 1em; border-left: .4em solid }
.fires { border-color: #d55e00 }
.over { border-color: #0072b2; border-left-style: double }
h1.fires::before { content: '\\26a0  ' }
h1.over::before { content: '\\2713  ' }
a { margin-right: 1em }
</style>
";

const NOTHING: &str = "<p>No notification has arrived yet. When an alert fires for long enough, \
Alertmanager sends one.</p>
";

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn counts_what_each_group_said_last_and_trusts_nothing() {
        let read = |group: &str, status: &str| {
            let json = format!(
                r#"{{"version": "4", "receiver": "<r>", "groupKey": "{group}", "alerts": [{{
                    "status": "{status}", "startsAt": "",
                    "labels": {{"alertname": "<script>"}}}}]}}"#
            );
            Notification::read(json.as_bytes(), UNIX_EPOCH, "").unwrap()
        };
        let mut arrived = VecDeque::from([read("a", "firing")]);
        assert!(html(&arrived).contains("<h1 class=\"fires\">1 firing</h1>"));
        arrived.push_front(read("b", "firing"));
        assert!(html(&arrived).contains("<h1 class=\"fires\">2 firing</h1>"));
        arrived.push_front(read("a", "resolved"));
        arrived.push_front(read("b", "resolved"));
        let page = html(&arrived);
        assert!(page.contains("<h1 class=\"over\">Nothing fires</h1>"));
        assert!(!page.contains("<script") && !page.contains("<r>"), "{page}");
    }
}
