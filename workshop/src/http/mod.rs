//! Requests over HTTP, and where the servers are that they go to.

pub(crate) mod addresses;
pub(crate) mod fetch;
pub(crate) mod probe;
