//! What the server says that `cargo workshop check` waits for or knows again. The check is built
//! without this crate, and a test holds its copies to these.

/// What stands before the address, on the first line.
pub const LISTENING: &str = "Tree counter: ";

/// How the line begins that says how to end the program.
pub const STOP: &str = "Stop it with Ctrl-C";

/// What is said of a port that another program listens on.
pub const PORT_IN_USE: &str = "is in use";
