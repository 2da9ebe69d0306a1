//! Clues in the learner's own file. They never decide a verdict: what the program does decides.
//! They point at the line that most likely causes it.

use std::collections::HashSet;

use crate::check::verdict::{Finding, Quote};

/// Lines of one quote: what is beside the first belongs to it, but a screen is short.
const MOST: usize = 4;
/// A text of fewer letters than this may stand in many places.
const SHORTEST: usize = 4;

/// How a panic begins, after the name of its thread.
pub(crate) const PANIC: &str = " panicked at ";

/// Headers that a request may be judged by; one whose name is in another's comes later.
const HEADERS: [&str; 8] = [
    "User-Agent",
    "Referer",
    "Accept-Encoding",
    "Accept-Language",
    "Accept",
    "X-Forwarded-For",
    "Cookie",
    "Host",
];

/// The learner's file, if it is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    /// How the file is called on the screen.
    pub name: String,
    /// Its text.
    pub text: String,
    /// What it began as. A line that still stands there waits for its step.
    pub starter: String,
    /// The finished program. A line that stands there as well is not to blame.
    pub solution: String,
}

impl Source {
    /// The first line that satisfies a condition and is not the finished program's. A line that
    /// only gives a name to something gives way to the line that makes use of it.
    pub(crate) fn line(&self, holds: impl Fn(&str) -> bool) -> Option<Quote> {
        let found = self.suspects().find(|(_, line)| holds(line));
        let found = found.map(|(index, line)| self.used(index, line).unwrap_or((index, line)));
        found.map(|(index, line)| self.quote(index, line))
    }

    /// The first line that satisfies a condition, also if it is the finished program's.
    pub(crate) fn place(&self, holds: impl Fn(&str) -> bool) -> Option<Quote> {
        let found = self.lines().find(|(_, line)| holds(line));
        found.map(|(index, line)| self.quote(index, line))
    }

    /// The header that the file asks for, and where.
    pub(crate) fn header(&self) -> Option<(&'static str, Quote)> {
        HEADERS.iter().find_map(|name| {
            let asks = |line: &str| {
                let line = line.to_lowercase().replace('_', "-");
                line.contains("header") && line.contains(&name.to_lowercase())
            };
            Some((*name, self.line(asks)?))
        })
    }

    /// The first such line that contains all of these.
    pub(crate) fn line_with(&self, parts: &[&str]) -> Option<Quote> {
        self.line(|line| parts.iter().all(|part| line.contains(part)))
    }

    /// The first such line that contains one of these.
    pub(crate) fn line_with_any(&self, parts: &[&str]) -> Option<Quote> {
        self.line(|line| parts.iter().any(|part| line.contains(part)))
    }

    /// The line that gives a text by hand: one of `handle` before any other, since others may name
    /// a series that is still to come.
    pub(crate) fn literal(&self, text: &str) -> Option<Quote> {
        let literal = format!("{text:?}");
        self.in_handler(&literal).or_else(|| self.line_with(&[&literal]))
    }

    /// The line that a panic names, unless it came in a library.
    pub(crate) fn panicking_line(&self, words: &str) -> Option<Quote> {
        let (_, place) = words.split_once(PANIC)?;
        let place = place.lines().next()?.trim_end_matches(':').replace('\\', "/");
        let mut parts = place.rsplitn(3, ':');
        let (_, line, path) = (parts.next()?, parts.next()?.parse::<usize>().ok()?, parts.next()?);
        let theirs =
            path.starts_with('/') || path.contains("/registry/") || path.contains("-core/");
        let index = line.checked_sub(1).filter(|_| !theirs)?;
        Some(self.quote(index, self.text.lines().nth(index)?))
    }

    /// The second line that contains a text, or the only one that is not the finished program's:
    /// often the one too many.
    pub(crate) fn second_line_with(&self, part: &str) -> Option<Quote> {
        let second = self.lines().filter(|(_, line)| line.contains(part)).nth(1)?;
        let others: Vec<_> = self.suspects().filter(|(_, line)| line.contains(part)).collect();
        let (index, line) = match others[..] {
            [only] => only,
            _ => second,
        };
        Some(self.quote(index, line))
    }

    /// The first line of `handle` that contains a text. What stands elsewhere, such as in a
    /// constructor, runs once.
    pub(crate) fn in_handler(&self, part: &str) -> Option<Quote> {
        let (start, head) = self.lines().find(|(_, line)| line.contains("fn handle("))?;
        let ends = |line: &str| line.trim() == "}" && indent(line) <= indent(head);
        let end = self.lines().find(|(index, line)| *index > start && ends(line))?.0;
        let mut body = self.suspects().filter(|(index, _)| (start..end).contains(index));
        let (index, line) = body.find(|(_, line)| line.contains(part))?;
        Some(self.quote(index, line))
    }

    /// Where a finding comes from that no check can place: the line that a panic names, the line
    /// that writes what is shown, or else the first lines that stand together and are neither the
    /// starter's nor the finished program's. Nothing when a line is missing, and no line is wrong.
    pub(crate) fn prime_suspects(&self, finding: &Finding) -> Option<Quote> {
        let starter: HashSet<&str> = self.starter.lines().map(str::trim).collect();
        let mut suspects: Vec<(usize, &str)> = self.suspects().collect();
        let panicked = finding.last_words.iter().find_map(|words| self.panicking_line(words));
        let panicked = panicked.map(|quote| quote.line - 1);
        let shown = finding.quote.as_ref().map_or("", |quote| &quote.text);
        let certain = suspects
            .iter()
            .find(|(index, _)| Some(*index) == panicked)
            .or_else(|| suspects.iter().find(|(_, line)| self.writes(line, shown)));
        if let Some((index, line)) = certain {
            return Some(self.quote(*index, line));
        }
        let imports = self.imports();
        suspects.retain(|(index, line)| {
            !imports.contains(index) && !is_constant(line) && !starter.contains(line.trim())
        });
        let (first, line) = *suspects.first()?;
        let later = suspects.iter().map(|(index, _)| *index).filter(|index| *index > first);
        let (mut last, most) = (first, first + MOST - 1);
        for index in later {
            last = if index <= last + 2 && index <= most { index } else { break };
        }
        let mut quote = self.quote(first, line);
        let more = self.lines().filter(|(index, _)| (first + 1..=last).contains(index));
        for (_, beside) in more {
            let deeper = indent(beside).saturating_sub(indent(line));
            quote.text += &format!("\n{:deeper$}{}", "", beside.trim());
        }
        Some(quote)
    }

    /// Whether a text occurs outside of comments.
    pub(crate) fn has(&self, part: &str) -> bool {
        self.lines().any(|(_, line)| line.contains(part))
    }

    /// How often a text occurs outside of comments.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.lines().map(|(_, line)| line.matches(part).count()).sum()
    }

    /// The lines that are not the finished program's. What is imported or declared is harmless
    /// until it is used: it comes last.
    fn suspects(&self) -> impl Iterator<Item = (usize, &str)> {
        let finished: HashSet<&str> = self.solution.lines().map(str::trim).collect();
        let code =
            |line: &str| line.chars().any(char::is_alphanumeric) && !line.contains("fn main(");
        let all = self.lines().filter(|(_, line)| code(line) && !finished.contains(line.trim()));
        let imports = self.imports();
        let (last, first): (Vec<_>, Vec<_>) = all.partition(|(index, line)| {
            imports.contains(index) || is_field(line) || is_head(line) || is_clone(line)
        });
        first.into_iter().chain(last)
    }

    /// The line that uses what another only gives a name to: a part of the request, or a field.
    fn used(&self, index: usize, line: &str) -> Option<(usize, &str)> {
        if let Some((name, _)) = bound(line).filter(|(_, of)| of.starts_with("request.")) {
            let uses = self.suspects().filter(|(other, _)| *other > index);
            let mut uses = uses.filter(|(_, line)| has_word(line, name));
            // It may be given a better form first.
            let again = |line| bound(line).is_some_and(|(same, _)| same == name);
            return uses.find(|(_, line)| !again(line));
        }
        let (name, of) = line.trim().strip_suffix(',')?.split_once(": ")?;
        let own = format!("self.{name}");
        let uses = |(_, line): &(usize, &str)| has_word(line, &own);
        self.suspects().find(uses).filter(|_| is_field(line) || of.starts_with("settings."))
    }

    /// Whether a line has a text in it, of its own, that stands in what is shown.
    fn writes(&self, line: &str, shown: &str) -> bool {
        let texts = line.split('"').skip(1).step_by(2);
        let mut parts = texts.flat_map(|text| text.split("\\n")).flat_map(|text| {
            text.split(['{', '}', '\\']).map(str::trim).filter(|part| part.len() >= SHORTEST)
        });
        parts.any(|part| shown.contains(part) && !self.solution.contains(part))
    }

    /// The lines of all `use` statements, each down to its semicolon.
    fn imports(&self) -> HashSet<usize> {
        let mut imports = HashSet::new();
        let mut open = false;
        for (index, line) in self.lines() {
            open |= line.trim_start().starts_with("use ");
            if open {
                imports.insert(index);
            }
            open &= !line.contains(';');
        }
        imports
    }

    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    fn quote(&self, index: usize, line: &str) -> Quote {
        Quote { of: self.name.clone(), line: index + 1, text: line.trim().to_owned() }
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Whether a line declares a field: a name and a type.
fn is_field(line: &str) -> bool {
    let field = line.trim().trim_start_matches("pub ").strip_suffix(',');
    let Some((name, of)) = field.and_then(|field| field.split_once(": ")) else { return false };
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let type_only = |c: char| c.is_alphanumeric() || "_<>,:() &'[];".contains(c);
    let begins = |c: char| c.is_uppercase() || "&([".contains(c) || of.starts_with("std::");
    let is_call = of.contains("::new(") || of.contains("::default(") || of.contains("clone(");
    is_name && !is_call && of.starts_with(begins) && of.chars().all(type_only)
}

/// Whether a line only opens what others stand in: a function, or all those of a type.
fn is_head(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches("pub ").trim_start_matches("async ");
    ["fn ", "impl ", "struct "].iter().any(|start| line.starts_with(start))
}

/// The name that a line gives, and to what, if it does nothing else.
fn bound(line: &str) -> Option<(&str, &str)> {
    let (name, of) = line.trim().strip_prefix("let ")?.strip_suffix(';')?.split_once(" = ")?;
    (!of.contains(".await") && !of.starts_with("if ")).then_some((name, of))
}

/// Whether a line only gives one more name to something.
fn is_clone(line: &str) -> bool {
    let of = bound(line).and_then(|(_, of)| of.strip_suffix(".clone()"));
    of.is_some_and(|of| of.chars().all(|c| c.is_alphanumeric() || "_.".contains(c)))
}

fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part)
    })
}

fn is_constant(line: &str) -> bool {
    ["static ", "const "].iter().any(|start| line.trim_start().starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_lines_and_skips_comments() {
        let text = "// let _ = x.start_timer();\n    let _ = h.start_timer();\n".to_owned();
        let source = Source { name: "src/main.rs".to_owned(), text, ..Source::default() };
        let quote = source.line_with(&["let _ =", "start_timer"]).unwrap();
        assert_eq!((quote.line, quote.text.as_str()), (2, "let _ = h.start_timer();"));
        assert_eq!(source.count("start_timer"), 1);
        assert!(!source.has("observe"));
    }

    /// An import over several lines is none of the code, and what waits for its step is no mistake.
    #[test]
    fn innocent_lines_are_not_suspected() {
        let starter = "use a::{\n    Encoder, serve,\n};\nlet app = App { trees };\n";
        let text = format!("{starter}    self.gather(Encoder::new());\n");
        let suspected = |text: &str| {
            let (text, starter) = (text.to_owned(), starter.to_owned());
            let source = Source { text, starter, ..Source::default() };
            let prime = source.prime_suspects(&Finding::default());
            (source.line_with(&["Encoder"]).map(|quote| quote.line), prime)
        };
        let (line, prime) = suspected(&text);
        assert_eq!((line, prime.map(|quote| quote.line)), (Some(5), Some(5)));
        let (line, prime) = suspected(starter);
        assert!(line == Some(2) && prime.is_none(), "{prime:?}");
    }

    /// What only declares a field, or gives a name to a part of the request, is harmless.
    #[test]
    fn the_line_that_uses_a_name_is_suspected_before_the_one_that_gives_it() {
        let text = "struct App {\n    latest: Mutex<Instant>,\n}\n\
            let path = request.uri().path();\n\
            let endpoint = if endpoint == \"other\" { path } else { endpoint };\n\
            let latest = self.latest.lock();\n";
        let source = Source { text: text.to_owned(), ..Source::default() };
        let line = |parts: &[&str]| source.line_with(parts).map(|quote| quote.line);
        assert_eq!(line(&[".path()"]), Some(5));
        assert_eq!(line(&["Mutex<Instant>"]), Some(6));
        assert!(is_field("    pub registry: Registry,") && !is_field("app: App::new(registry),"));
    }

    #[test]
    fn a_panic_and_a_text_of_its_own_give_a_line_away() {
        let text = "app: App,\nlet text = encode();\nlet text = text + \"tree-visits 3\\n\";\n";
        let source = Source { text: text.to_owned(), ..Source::default() };
        let place = |finding: &Finding| source.prime_suspects(finding).map(|quote| quote.line);
        let shown = Quote { text: "tree-visits 3".to_owned(), ..Quote::default() };
        assert_eq!(place(&Finding::default().quoting(shown)), Some(3));
        let words = |path: &str| vec![format!("thread 'main' panicked at {path}:3:9:")];
        assert_eq!(place(&Finding::default().with_last_words(words("a/src/main.rs"))), Some(3));
        for theirs in ["/b/src/vec.rs", "treecounter-core/src/serve.rs"] {
            assert_eq!(place(&Finding::default().with_last_words(words(theirs))), Some(2));
        }
    }

    #[test]
    fn a_series_that_is_named_in_advance_is_no_status_by_hand() {
        let text = "    named(\"200\");\n    async fn handle(\n        \"200\"\n    }\n\
            const GONE = \"404\";\n";
        let source = Source { text: text.to_owned(), ..Source::default() };
        let line = |text: &str| source.literal(text).map(|quote| quote.line);
        assert_eq!([line("200"), line("404"), line("503")], [Some(3), Some(5), None]);
    }

    #[test]
    fn lines_that_are_quoted_together_keep_their_margins() {
        let text = "        \"/a\" => {\n            one();\n        }\n".to_owned();
        let quote = Source { text, ..Source::default() }.prime_suspects(&Finding::default());
        assert_eq!(quote.unwrap().text, "\"/a\" => {\n    one();");
    }
}
