//! The commands of `cargo workshop`, one module each; `check` has a folder of its own beside this.

pub(crate) mod doctor;
pub(crate) mod gateway;
pub(crate) mod goto;
pub(crate) mod hint;
pub(crate) mod mystery;
pub(crate) mod pager;
pub(crate) mod prefetch;
pub(crate) mod puzzle;
pub(crate) mod reset;
pub(crate) mod scrape;
pub(crate) mod solution;
pub(crate) mod status;
pub(crate) mod traffic;
pub(crate) mod undo;
