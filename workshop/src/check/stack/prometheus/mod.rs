//! The Prometheus that judges: the one that runs, or one of the check's own.

pub(crate) mod api;
pub(crate) mod backfill;
pub(crate) mod connection;
pub(crate) mod made_up;
pub(crate) mod noise;
mod objects;
pub(crate) mod programs;
pub(crate) mod promtool;
pub(crate) mod targets;
pub(crate) mod throwaway;
