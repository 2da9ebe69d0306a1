//! `/treecounter?every=2`: a visit that the browser repeats, for a demonstration. Each answer says
//! how long it took.

use std::ops::RangeInclusive;
use std::time::Instant;

use hyper::header::{HeaderValue, REFRESH};

use crate::{Request, Response};

/// Seconds between an answer and the next visit.
const BOUNDS: RangeInclusive<u16> = 1..=3600;

/// What `every` may be: a sentence.
const ACCEPTED: &str =
    "After ?every= comes a whole number of seconds, from 1 to 3600, as in /treecounter?every=2.";

/// A wish to be asked again, and the moment it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Renewal {
    every: u16,
    asked: Instant,
}

impl Renewal {
    /// `None` without `every` in the query; what it should be when it is something else.
    pub(crate) fn of(request: &Request) -> Result<Option<Self>, &'static str> {
        let Some(query) = request.uri().query() else { return Ok(None) };
        let Some(every) = query.split('&').find_map(|pair| pair.strip_prefix("every=")) else {
            return Ok(None);
        };
        match every.parse() {
            Ok(every) if BOUNDS.contains(&every) => Ok(Some(Self { every, asked: Instant::now() })),
            _ => Err(ACCEPTED),
        }
    }

    /// What the answer says of itself: HTML.
    pub(crate) fn note(self) -> String {
        let Self { every, asked } = self;
        let took = asked.elapsed().as_secs_f64();
        format!(
            "<p>This answer took <strong>{took:.2}&nbsp;s</strong></p>\n\
             <p class=\"note\">The next visit is in {every}&nbsp;s. \
             <a href=\"/treecounter\">Stop</a></p>"
        )
    }

    /// Tells the browser to come back. It needs no script for that.
    pub(crate) fn repeat(self, response: &mut Response) {
        response.headers_mut().insert(REFRESH, HeaderValue::from(self.every));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renewal(query: &str) -> Result<Option<u16>, &'static str> {
        let request = Request::get(format!("/treecounter{query}")).body(()).unwrap();
        Renewal::of(&request).map(|renewal| renewal.map(|renewal| renewal.every))
    }

    #[test]
    fn only_those_who_ask_are_asked_again() {
        for query in ["", "?", "?visit=1", "?everyday=2", "?very=2", "?EVERY=2"] {
            assert_eq!(renewal(query), Ok(None), "{query}");
        }
        for (query, every) in
            [("?every=1", 1), ("?every=3600", 3600), ("?visit=1&every=2", 2), ("?every=5&a=b", 5)]
        {
            assert_eq!(renewal(query), Ok(Some(every)), "{query}");
        }
        for every in ["", "0", "3601", "-1", "0.5", "1e3", "70000", "two", "2%20", "2;url=/"] {
            assert_eq!(renewal(&format!("?every={every}")), Err(ACCEPTED), "{every}");
        }
    }
}
