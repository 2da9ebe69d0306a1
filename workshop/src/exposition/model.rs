//! What a parsed exposition is made of: families, their samples, and where each stood.

use std::fmt;

/// A parsed exposition, with the text it came from.
#[derive(Debug, Clone, Default)]
pub struct Exposition {
    /// The families, in the order in which they first appear.
    pub families: Vec<Family>,
    /// The text: what a message quotes.
    pub(crate) text: String,
    /// Where each of its lines ends, before the line feed.
    pub(crate) line_ends: Vec<usize>,
}

/// A metric family: the samples that share a HELP and a TYPE.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// The family's name, without a histogram's or summary's suffixes.
    pub name: String,
    /// What TYPE says; [`Kind::Untyped`] when there is no TYPE line.
    pub kind: Kind,
    /// What HELP says, with its escapes undone.
    pub help: Option<String>,
    /// The line of TYPE, from 1.
    pub type_line: Option<usize>,
    /// The line of HELP, from 1.
    pub help_line: Option<usize>,
    /// The samples, in the order in which they appear. A family may have none.
    pub samples: Vec<Sample>,
}

/// What a TYPE line can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Only goes up, or starts again at 0.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by bucket, with a sum and a count.
    Histogram,
    /// Quantiles worked out by the program, with a sum and a count.
    Summary,
    /// No TYPE line, or one that says `untyped`.
    Untyped,
}

/// One line with a value: a series at the time of the scrape.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The name as it stands, with a suffix such as `_bucket`.
    pub name: String,
    /// The labels, in the order in which they stand.
    pub labels: Labels,
    /// The value; it may be an infinity or NaN.
    pub value: f64,
    /// Milliseconds since 1970, when the line gives them.
    pub timestamp: Option<i64>,
    /// The line, from 1.
    pub line: usize,
}

/// A sample's labels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(pub Vec<(String, String)>);

impl Exposition {
    /// The family of this name.
    pub fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }

    /// The samples of this name, suffix included, whatever their family.
    pub fn samples<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Sample> {
        self.all_samples().filter(move |sample| sample.name == name)
    }

    /// Every sample.
    pub fn all_samples(&self) -> impl Iterator<Item = &Sample> {
        self.families.iter().flat_map(|family| &family.samples)
    }

    /// The sample with this name and exactly these labels, in any order.
    pub fn sample(&self, name: &str, labels: &[(&str, &str)]) -> Option<&Sample> {
        self.all_samples().find(|sample| sample.name == name && sample.labels.are(labels))
    }

    /// The text of a line, from 1, as it was read.
    pub fn line(&self, number: usize) -> Option<&str> {
        let index = number.checked_sub(1)?;
        let end = *self.line_ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.line_ends[before] + 1);
        self.text.get(start..end)
    }

    /// How many lines the text has.
    pub fn line_count(&self) -> usize {
        self.line_ends.len()
    }
}

impl Family {
    /// An empty family of this name.
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: Kind::Untyped,
            help: None,
            type_line: None,
            help_line: None,
            samples: Vec::new(),
        }
    }

    /// Whether a sample of this name belongs to this family.
    pub fn holds(&self, sample: &str) -> bool {
        let Some(suffix) = sample.strip_prefix(self.name.as_str()) else {
            return false;
        };
        match self.kind {
            _ if suffix.is_empty() => true,
            Kind::Histogram => matches!(suffix, "_bucket" | "_sum" | "_count"),
            Kind::Summary => matches!(suffix, "_sum" | "_count"),
            _ => false,
        }
    }
}

impl Kind {
    /// The kind that a TYPE line names, in small letters.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Kind::Counter, Kind::Gauge, Kind::Histogram, Kind::Summary, Kind::Untyped]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    /// The word that a TYPE line uses.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Summary => "summary",
            Kind::Untyped => "untyped",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Sample {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name)
    }

    /// What identifies the series: the name and the labels as PromQL writes them, sorted.
    pub fn series(&self) -> String {
        let mut labels = self.labels.clone();
        labels.0.sort();
        format!("{}{labels}", self.name)
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} {}", self.name, self.labels, self.value)
    }
}

impl Labels {
    /// The value of a label.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Names and values, in the order in which they stand.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The names, in the order in which they stand.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }

    /// Whether these are exactly the given labels, in any order.
    pub fn are(&self, labels: &[(&str, &str)]) -> bool {
        self.0.len() == labels.len()
            && labels.iter().all(|(name, value)| self.get(name) == Some(value))
    }

    /// These labels but one: `le`, to bring a histogram's buckets together.
    pub fn without(&self, name: &str) -> Labels {
        Labels(self.0.iter().filter(|(key, _)| key != name).cloned().collect())
    }
}

/// As PromQL writes them: `{status="200",endpoint="/"}`, and nothing when there are none.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        f.write_str("{")?;
        for (index, (name, value)) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match is_plain(name) {
                true => write!(f, "{comma}{name}={}", quoted(value))?,
                false => write!(f, "{comma}{}={}", quoted(name), quoted(value))?,
            }
        }
        f.write_str("}")
    }
}

/// Whether PromQL takes a label's name without quotes.
fn is_plain(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|first: char| first.is_ascii_digit())
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n"))
}
