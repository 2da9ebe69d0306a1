//! The text exposition format, version 0.0.4: what a scrape reads.
//!
//! The parser takes what both a scrape and `promtool check metrics` take: the two differ in
//! corners, and a text should be good for either. It keeps the text and the line of every sample,
//! so that a judgement can point at what it read.
//!
//! ```
//! let exposition = workshop::exposition::parse(b"# TYPE up gauge\nup{job=\"app\"} 1\n").unwrap();
//! let up = exposition.family("up").unwrap();
//! assert_eq!(up.samples[0].label("job"), Some("app"));
//! assert_eq!(up.samples[0].value, 1.0);
//! ```

mod cursor;
mod error;
mod labels;
mod model;
mod parser;

pub use crate::exposition::error::{Found, ParseError};
pub use crate::exposition::model::{Exposition, Family, Kind, Labels, Sample};
pub use crate::exposition::parser::parse;
