//! What is written to a terminal: how it looks, and commands as one types them.

pub(crate) mod shell;
pub(crate) mod style;
