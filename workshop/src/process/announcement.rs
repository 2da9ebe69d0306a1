//! What a program of the workshop says of itself: where it listens, and that it cannot.

use std::net::{Ipv4Addr, SocketAddr};

/// What stands before the address, on a line of its own.
const LISTENING: &str = "Tree counter: ";

/// How the line begins that says how to end the program.
const STOP: &str = "Stop it with Ctrl-C";

/// What is said of a port that another program listens on.
pub(crate) const PORT_IN_USE: &str = "is in use";

/// Where the first lines say that the program listens. Its own line is believed before others.
pub(crate) fn listening_at(lines: &[String]) -> Option<SocketAddr> {
    let ours = lines.iter().find_map(|line| address(line.strip_prefix(LISTENING)?));
    ours.or_else(|| lines.iter().find_map(|line| address(line)))
}

/// Whether every program of the workshop writes such a line when it starts.
pub(crate) fn is_of_start(line: &str) -> bool {
    line.starts_with(LISTENING) || line.starts_with(STOP)
}

/// The address in a line that has a URL with a port.
fn address(line: &str) -> Option<SocketAddr> {
    let (_, url) = line.split_once("http://")?;
    let authority = url.split(['/', ' ']).next()?;
    match authority.strip_prefix("localhost:") {
        Some(port) => Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?))),
        None => authority.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use treecounter_core::announcement;

    use super::*;

    #[test]
    fn these_are_the_words_of_the_server() {
        assert_eq!(LISTENING, announcement::LISTENING);
        assert_eq!(STOP, announcement::STOP);
        assert_eq!(PORT_IN_USE, announcement::PORT_IN_USE);
    }

    #[test]
    fn finds_the_address_in_what_is_printed() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let found = |text: &str| listening_at(&lines(text)).map(|addr| addr.to_string());
        assert_eq!(found("hello\nsee http://docs.rs/x\n"), None);
        assert_eq!(
            found("Tree counter: http://localhost:4711/treecounter\n").unwrap(),
            "127.0.0.1:4711"
        );
        assert_eq!(found("at http://[::1]:80/ or so").unwrap(), "[::1]:80");
        // A line of the learner's own, with a port from the lesson, comes second.
        assert_eq!(
            found("open http://localhost:8001/\nTree counter: http://localhost:9\n").unwrap(),
            "127.0.0.1:9"
        );
    }
}
