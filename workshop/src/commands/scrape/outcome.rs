//! How a scrape went, in one line of the screen.

use std::time::Duration;

use anstyle::Style;

use crate::commands::scrape::history::History;
use crate::terminal::number::number;
use crate::terminal::style::{BAD, FRAME, WARN};
use crate::terminal::text::printable;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// None has come back so far.
    Pending,
    Good {
        took: Duration,
        bytes: usize,
        /// What a scraper would not take, although it could be shown.
        warning: Option<String>,
    },
    /// In plain words; the rows are those of the last good scrape.
    Bad(String),
}

impl Outcome {
    /// The line, and how it is drawn, above the rows of what was scraped so far.
    pub(crate) fn in_words(&self, history: &History) -> (Style, String) {
        match self {
            Self::Pending => (FRAME, "waiting for the first answer ...".to_owned()),
            Self::Good { took, bytes, warning } => {
                let words = format!(
                    "200 in {:.1} ms, {} bytes, {} series",
                    took.as_secs_f64() * 1000.0,
                    number(*bytes as f64),
                    number(history.series_count() as f64),
                );
                match warning {
                    Some(warning) => (WARN, format!("{words}. {}", printable(warning))),
                    None => (Style::new(), words),
                }
            }
            Self::Bad(words) => {
                let old = if history.scrapes() > 0 { " Below: what it said last." } else { "" };
                (BAD, format!("{}{old}", printable(words)))
            }
        }
    }
}
