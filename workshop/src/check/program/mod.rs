//! Checks of a running program of the learner's. A section's steps read like its lesson
//! (`section1`, `section2`, `bonus`); under them are the experiments with the program; and under
//! those small assertions on what was seen. Seeing comes before judging, so a judgement depends on
//! nothing but what was kept.

pub(crate) mod all_requests;
mod assertions;
pub(crate) mod bonus;
pub(crate) mod buckets;
mod clients;
pub(crate) mod context;
mod counter_hints;
mod counting;
pub(crate) mod experiment;
pub(crate) mod experiments;
pub(crate) mod faults;
pub(crate) mod format;
mod fresh;
pub(crate) mod last_words;
pub(crate) mod life;
mod measuring;
mod metric;
mod miscounted;
mod mismeasured;
mod mistake;
mod observing;
mod paths;
pub(crate) mod pre_created;
mod registration;
mod run;
pub(crate) mod section1;
pub(crate) mod section2;
mod similar;
pub(crate) mod source;
mod tally;
mod uncounted;
pub(crate) mod unknown_paths;
mod variety;
pub(crate) mod visits;
pub(crate) mod waits;
