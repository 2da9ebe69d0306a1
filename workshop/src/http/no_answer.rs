//! Why a request has no answer, or not a whole one: in words for people, and as a value for others.

use std::error::Error as _;
use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

/// Why nothing, or not all, came back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NoAnswer {
    UnknownHost(String),
    Refused,
    /// The system's reason for no connection, other than those that have a name here.
    NotConnected(ErrorKind),
    /// No connection within this time.
    ConnectTimedOut(Duration),
    TooManyFiles,
    Reset,
    Closed,
    NotHttp,
    /// Nothing but announcements that an answer will come.
    OnlyInformational,
    TimedOut(Duration),
    /// More than so many bytes.
    TooLarge(usize),
    /// It was not sent: no connection was free for this time.
    NeverSent(Duration),
    /// It was given up before its time.
    Stopped,
}

impl NoAnswer {
    /// Why there is no connection.
    pub(crate) fn connecting(error: &io::Error, limit: Duration) -> Self {
        match error.kind() {
            // Of this process or of the whole system: 24 and 23 on every Unix.
            _ if cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24)) => Self::TooManyFiles,
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::ConnectionReset => Self::Reset,
            // The system may give up before its time.
            ErrorKind::TimedOut => Self::ConnectTimedOut(limit),
            other => Self::NotConnected(other),
        }
    }

    /// Why there is no answer on a connection.
    pub(crate) fn answering(error: &hyper::Error) -> Self {
        match error {
            _ if error.is_parse() => Self::NotHttp,
            _ if is_reset(error) => Self::Reset,
            _ => Self::Closed,
        }
    }
}

/// Whether the connection was torn down instead of closed.
pub(crate) fn is_reset(error: &hyper::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| {
        matches!(cause.kind(), ConnectionReset | ConnectionAborted | BrokenPipe)
    })
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::UnknownHost(host) => {
                return write!(f, "no address is known for the name `{host}`");
            }
            Self::Refused => "connection refused: nothing listens there",
            Self::NotConnected(reason) => return write!(f, "no connection: {reason}"),
            Self::ConnectTimedOut(limit) => {
                return write!(f, "no connection within {} s", limit.as_secs_f64());
            }
            Self::TooManyFiles => {
                "this system allows no more open connections: lower --connections"
            }
            Self::Reset => "the other side reset the connection",
            Self::Closed => "the connection closed before the answer was complete",
            Self::NotHttp => "the answer was not HTTP",
            Self::OnlyInformational => "one `100 Continue` after the other, and no answer",
            Self::TimedOut(limit) => {
                return write!(f, "no whole answer within {} s", limit.as_secs_f64());
            }
            Self::TooLarge(limit) => {
                return write!(f, "an answer of more than {} MiB", limit >> 20);
            }
            Self::NeverSent(limit) => {
                let limit = limit.as_secs_f64();
                return write!(f, "waited {limit} s for a free connection and was given up");
            }
            Self::Stopped => "still waiting for an answer when the traffic was stopped",
        };
        f.write_str(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_connection_is_called_what_it_is() {
        for (kind, words) in [
            (ErrorKind::ConnectionRefused, "connection refused: nothing listens there"),
            (ErrorKind::ConnectionReset, "the other side reset the connection"),
            (ErrorKind::NetworkUnreachable, "no connection: network unreachable"),
            (ErrorKind::AddrNotAvailable, "no connection: address not available"),
            (ErrorKind::TimedOut, "no connection within 1 s"),
        ] {
            let none = NoAnswer::connecting(&kind.into(), Duration::from_secs(1));
            assert_eq!(none.to_string(), words);
        }
    }
}
