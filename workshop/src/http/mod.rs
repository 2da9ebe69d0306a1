//! Requests over HTTP, where the servers are that they go to, and connections from elsewhere.

pub(crate) mod accept;
pub(crate) mod addresses;
pub(crate) mod exchange;
pub(crate) mod fetch;
pub(crate) mod no_answer;
pub(crate) mod probe;
