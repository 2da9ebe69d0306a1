//! A rule file that is no YAML: the parser stops far from the mistake, so the lines are looked at
//! for what people do.

/// What is wrong at a line, which counts from 1.
pub(crate) struct Suspect {
    pub(crate) line: usize,
    pub(crate) cause: &'static str,
}

/// The keys of a rule, which all stand in one column.
const RULE_KEYS: [&str; 7] =
    ["alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"];
/// The others that a rule file has.
const OTHER_KEYS: [&str; 8] =
    ["groups", "name", "rules", "interval", "severity", "summary", "description", "runbook_url"];

/// One line outside of a text that spans several.
struct Line<'a> {
    /// Where its key begins, behind the dash if there is one.
    column: usize,
    dash: bool,
    key: &'a str,
    value: &'a str,
    /// The line without its indent and dash.
    text: &'a str,
    /// Whether the next line stands further to the right.
    opens: bool,
}

/// The first line that cannot be meant so.
pub(crate) fn suspect(text: &str) -> Option<Suspect> {
    if let Some(line) = indented_with(text, '\t') {
        return Some(Suspect { line, cause: TAB });
    }
    if let Some(line) = indented_with(text, '\u{a0}') {
        return Some(Suspect { line, cause: NO_BREAK });
    }
    let mut rule_column = None;
    // Of the key whose text is read: its column, and that of the text.
    let mut block: Option<(usize, Option<usize>)> = None;
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let number = index + 1;
        if line.trim().is_empty() {
            continue;
        }
        if let Some((column, first)) = block {
            let first = first.unwrap_or(indent);
            if indent > column && indent >= first {
                block = Some((column, Some(first)));
                continue;
            }
            let key = key_of(line.trim_start()).is_some();
            if indent > column {
                let cause = if key { OTHER_COLUMN } else { TEXT_TOO_FAR_LEFT };
                return Some(Suspect { line: number, cause });
            }
            block = None;
            let plain = !line.trim_start().starts_with(['#', '-']);
            if plain && !key && !is_known(first_word(line.trim_start())) {
                return Some(Suspect { line: number, cause: TEXT_TOO_FAR_LEFT });
            }
        }
        if line.trim_start().starts_with('#') {
            continue;
        }
        let next = lines[index + 1..].iter().find(|line| !line.trim().is_empty());
        let opens = next.is_some_and(|next| next.len() - next.trim_start().len() > indent);
        let seen = Line::new(line, opens);
        if let Some(cause) = seen.cause(&mut rule_column) {
            return Some(Suspect { line: number, cause });
        }
        if seen.value.starts_with(['|', '>']) {
            // A number behind the bar says where the text begins.
            let named = seen.value.contains(|c: char| c.is_ascii_digit());
            block = Some((seen.column, named.then_some(0)));
        }
    }
    None
}

fn indented_with(text: &str, space: char) -> Option<usize> {
    let indent = |line: &str| {
        let end = line.find(|c: char| !c.is_whitespace()).unwrap_or(line.len());
        line[..end].contains(space)
    };
    text.lines().position(indent).map(|index| index + 1)
}

/// `for: 30s`: the key and the value.
fn key_of(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text.split_once(':')?;
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_key && (value.is_empty() || value.starts_with(' '))).then(|| (key, value.trim()))
}

fn first_word(text: &str) -> &str {
    text.split([' ', '=', ':']).next().unwrap_or_default()
}

fn is_known(key: &str) -> bool {
    RULE_KEYS.contains(&key) || OTHER_KEYS.contains(&key)
}

impl<'a> Line<'a> {
    fn new(line: &'a str, opens: bool) -> Self {
        let start = line.trim_start();
        let text = start.strip_prefix("- ").map_or(start, str::trim_start);
        let (key, value) = key_of(text).unwrap_or_default();
        let dash = start.starts_with("- ");
        Self { column: line.len() - text.len(), dash, key, value, text, opens }
    }

    fn cause(&self, rule_column: &mut Option<usize>) -> Option<&'static str> {
        if let Some(dashed) = self.text.strip_prefix('-')
            && dashed.split(':').next().is_some_and(is_known)
        {
            return Some(NO_SPACE_AFTER_DASH);
        }
        if self.key.is_empty() {
            let word = first_word(self.text);
            return match is_known(word) {
                true if self.text[word.len()..].starts_with(':') => Some(NO_SPACE_AFTER_COLON),
                true => Some(NO_COLON),
                false => None,
            };
        }
        if self.dash && RULE_KEYS.contains(&self.key) {
            *rule_column = Some(self.column);
        }
        let of_rule = RULE_KEYS.contains(&self.key);
        if of_rule && rule_column.is_some_and(|column| column != self.column) {
            return Some(OTHER_COLUMN);
        }
        self.bad_value()
    }

    fn bad_value(&self) -> Option<&'static str> {
        let value = self.value;
        let rest = value.get(1..).unwrap_or_default();
        match value.chars().next()? {
            '|' | '>' => match rest.trim_start_matches(['+', '-']) {
                "" => None,
                digits if digits.chars().all(|c| c.is_ascii_digit()) => {
                    // The kit's own rules name their indent, as `|2`.
                    (digits != "2").then_some(INDENT_NAMED)
                }
                more => (!more.trim_start().starts_with('#')).then_some(TEXT_AFTER_BAR),
            },
            '{' if value.starts_with("{{") => Some(BRACES_NEED_QUOTES),
            '{' if !value.ends_with('}') => Some(match self.text.contains("=\"") {
                true => BRACES_NEED_QUOTES,
                false => BRACE_NOT_CLOSED,
            }),
            '{' => None,
            '[' => (value == "[]" && self.opens).then_some(BELOW_EMPTY_LIST),
            '\'' => match rest.replace("''", "").find('\'') {
                None => Some(QUOTE_NOT_CLOSED),
                Some(at) => behind(&rest.replace("''", "")[at + 1..], APOSTROPHE),
            },
            '"' => double_quoted(rest),
            '%' | '@' | '`' => Some(SIGN_NEEDS_QUOTES),
            _ => value.contains(": ").then_some(COLON_NEEDS_QUOTES),
        }
    }
}

fn double_quoted(rest: &str) -> Option<&'static str> {
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return behind(&rest[at + 1..], TEXT_AFTER_QUOTE),
            '\\' => {
                let (_, next) = chars.next()?;
                if !"0abtnvfre \"/\\N_LPxuU".contains(next) {
                    return Some(UNKNOWN_ESCAPE);
                }
            }
            _ => {}
        }
    }
    Some(QUOTE_NOT_CLOSED)
}

/// Behind a closing quote only a comment may stand.
fn behind(rest: &str, cause: &'static str) -> Option<&'static str> {
    let rest = rest.trim();
    (!rest.is_empty() && !rest.starts_with('#')).then_some(cause)
}

const TAB: &str = "There is a tab in the indent. YAML is indented with spaces only.";
const NO_BREAK: &str =
    "It is indented with no-break spaces, as pages and chats have them. Type plain spaces.";
const TEXT_TOO_FAR_LEFT: &str = "A text below `|` or `>` is indented further than its key: put \
                                 spaces before this line.";
const NO_SPACE_AFTER_DASH: &str =
    "Behind the dash of a list stands a space: `- alert: TooManyFailures`";
const NO_SPACE_AFTER_COLON: &str = "Behind the colon of a key stands a space, as in `alert: X`, \
                                    `for: 30s`, `severity: critical` or `name: mine`.";
const NO_COLON: &str = "A key has a colon and a space behind it, as in `groups:`, `for: 30s` or \
    `severity: critical`.";
const OTHER_COLUMN: &str = "The indentation is not right: `alert`, `expr`, `for`, `labels` and \
    `annotations` of one rule begin in the same column. Count the spaces.";
const INDENT_NAMED: &str =
    "The number behind `|`, as in `|4`, is the indent of the lines below it. Leave it out.";
const TEXT_AFTER_BAR: &str = "Behind `|` the line ends, and the text begins in the next one.";
const BRACES_NEED_QUOTES: &str = "A value that begins with a brace needs quotes around it.";
const BRACE_NOT_CLOSED: &str = "The brace is not closed: `}` is missing.";
const BELOW_EMPTY_LIST: &str =
    "`[]` is an empty list, so nothing can stand below it. Take it away.";
const QUOTE_NOT_CLOSED: &str = "The quote is not closed.";
const APOSTROPHE: &str = "The quote ends before the text does. Within single quotes an apostrophe \
                          is written twice: ''";
const TEXT_AFTER_QUOTE: &str = "The quote ends before the text does. Put all of it in quotes, in \
                                single ones if there are double ones within.";
const UNKNOWN_ESCAPE: &str = "In double quotes a backslash begins an escape, and this one is \
                              none. Take single quotes, or `expr: |`.";
const SIGN_NEEDS_QUOTES: &str =
    "A value that begins with `%`, `@` or a backtick needs quotes around it.";
const COLON_NEEDS_QUOTES: &str = "A text with a colon and a space in it needs quotes around it.";

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = include_str!("../../../../../solutions/section3/alerts.yml");

    #[test]
    fn the_finished_file_is_beyond_suspicion_and_a_mistake_has_its_line() {
        assert!(suspect(RIGHT).is_none());
        for (old, new, line, word) in [
            ("        for: 30s", "\t\tfor: 30s", 11, "tab"),
            ("for: 30s", "for:30s", 11, "space"),
            ("for: 30s", "for 30s", 11, "colon"),
            (" for: 30s", "for: 30s", 11, "column"),
            ("- alert:", "-alert:", 5, "dash"),
            ("expr: |", "expr: |4", 7, "|4"),
            ("          > 0.25", "        > 0.25", 10, "indented"),
            ("groups:", "groups: []", 2, "[]"),
            ("fail'", "fail", 15, "quote"),
        ] {
            let found = suspect(&RIGHT.replacen(old, new, 1)).unwrap();
            assert_eq!(found.line, line, "{new}");
            assert!(found.cause.contains(word), "{new}: {}", found.cause);
        }
    }
}
