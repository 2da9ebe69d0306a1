//! Clues in the learner's own file. They never decide a verdict: what the program does decides.
//! They point at the line that most likely causes it.

use std::collections::HashSet;

use crate::check::verdict::Quote;

/// Lines of one quote: what is beside the first belongs to it, but a screen is short.
const MOST: usize = 4;

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
    /// The first line that satisfies a condition and is not the finished program's.
    pub(crate) fn line(&self, holds: impl Fn(&str) -> bool) -> Option<Quote> {
        let found = self.suspects().find(|(_, line)| holds(line));
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

    /// The second line that contains a text, or the first that is not the finished program's: often
    /// the one too many.
    pub(crate) fn second_line_with(&self, part: &str) -> Option<Quote> {
        let second = self.lines().filter(|(_, line)| line.contains(part)).nth(1)?;
        let other = self.suspects().find(|(_, line)| line.contains(part));
        let (index, line) = other.unwrap_or(second);
        Some(self.quote(index, line))
    }

    /// The first line of `handle` that contains a text. What stands elsewhere, such as in a
    /// constructor, runs once.
    pub(crate) fn in_handler(&self, part: &str) -> Option<Quote> {
        let indent = |line: &str| line.len() - line.trim_start().len();
        let (start, head) = self.lines().find(|(_, line)| line.contains("fn handle("))?;
        let ends = |line: &str| line.trim() == "}" && indent(line) <= indent(head);
        let end = self.lines().find(|(index, line)| *index > start && ends(line))?.0;
        let mut body = self.suspects().filter(|(index, _)| (start..end).contains(index));
        let (index, line) = body.find(|(_, line)| line.contains(part))?;
        Some(self.quote(index, line))
    }

    /// The first lines that stand together and are neither the starter's nor the finished
    /// program's: whatever is wrong, it is most likely there. Nothing when a line is missing, and
    /// no line is wrong.
    pub(crate) fn prime_suspects(&self) -> Option<Quote> {
        let starter: HashSet<&str> = self.starter.lines().map(str::trim).collect();
        let imports = self.imports();
        let mut suspects = self.suspects().filter(|(index, line)| {
            !imports.contains(index) && !is_constant(line) && !starter.contains(line.trim())
        });
        let (first, line) = suspects.next()?;
        let mut quote = self.quote(first, line);
        let mut last = first;
        let mut more = suspects.take_while(|(index, _)| {
            let near = *index <= last + 2;
            last = *index;
            near
        });
        for (_, line) in more.by_ref().take(MOST - 1) {
            quote.text.push('\n');
            quote.text.push_str(line.trim());
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

    /// The lines that are not the finished program's. Imports come last: what is imported is
    /// harmless until it is used.
    fn suspects(&self) -> impl Iterator<Item = (usize, &str)> {
        let finished: HashSet<&str> = self.solution.lines().map(str::trim).collect();
        let code =
            |line: &str| line.chars().any(char::is_alphanumeric) && !line.contains("fn main(");
        let all = self.lines().filter(|(_, line)| code(line) && !finished.contains(line.trim()));
        let imports = self.imports();
        let (last, first): (Vec<_>, Vec<_>) = all.partition(|(index, _)| imports.contains(index));
        first.into_iter().chain(last)
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
            (source.line_with(&["Encoder"]).map(|quote| quote.line), source.prime_suspects())
        };
        let (line, prime) = suspected(&text);
        assert_eq!((line, prime.map(|quote| quote.line)), (Some(5), Some(5)));
        let (line, prime) = suspected(starter);
        assert!(line == Some(2) && prime.is_none(), "{prime:?}");
    }
}
