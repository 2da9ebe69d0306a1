//! Where the load goes: which addresses a URL stands for, and which ones are nobody's business.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use anyhow::bail;

use crate::http::fetch::http_url;

/// The app's name inside the Compose stack.
const STACK_NAMES: [&str; 1] = ["app"];

/// An HTTP server to send requests to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Target {
    host: String,
    port: u16,
    /// Put before each path; empty at the root.
    prefix: String,
}

impl Target {
    /// Reads `http://host:port`, with or without a path to put before each request's.
    pub(crate) fn parse(url: &str) -> anyhow::Result<Self> {
        let uri = http_url(url, "http://localhost:8001")?;
        Ok(Self {
            host: uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(80),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// All addresses that the name has now: one for each replica, in a stack that was scaled.
    pub(crate) async fn resolve(&self) -> anyhow::Result<Vec<SocketAddr>> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let mut addresses: Vec<SocketAddr> = match found {
            Ok(addresses) => addresses.collect(),
            Err(error) => {
                let hint = if STACK_NAMES.contains(&self.host.as_str()) {
                    "\nThat name exists only inside the Compose stack. \
                     From here use: --url http://localhost:8001"
                } else {
                    ""
                };
                bail!("no address is known for the name `{}`: {error}{hint}", self.host);
            }
        };
        addresses.sort();
        addresses.dedup();
        Ok(addresses)
    }

    /// Whether the target is this machine or a service of this stack, and so a fair target.
    /// A name of the stack may mean something else on another network, so its addresses count too.
    pub(crate) fn is_ours(&self, addresses: &[SocketAddr]) -> bool {
        let all = |fair: fn(IpAddr) -> bool| addresses.iter().all(|address| fair(address.ip()));
        if STACK_NAMES.contains(&self.host.as_str()) {
            return all(is_private);
        }
        all(is_loopback)
    }

    /// What `Host` says.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority(), self.prefix)
    }
}

fn is_loopback(ip: IpAddr) -> bool {
    // The unspecified address means this machine to those who type it.
    ip.to_canonical().is_loopback() || ip.is_unspecified()
}

/// The ranges that container networks are cut from.
fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && (64..128).contains(&v4.octets()[1]);
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(url: &str, addresses: &[&str]) -> bool {
        let addresses: Vec<SocketAddr> =
            addresses.iter().map(|address| address.parse().unwrap()).collect();
        Target::parse(url).unwrap().is_ours(&addresses)
    }

    #[test]
    fn reads_what_people_type() {
        for (url, shown) in [
            ("http://localhost:8001", "http://localhost:8001"),
            ("http://localhost:8001/", "http://localhost:8001"),
            ("localhost:8001", "http://localhost:8001"),
            ("http://app", "http://app:80"),
            ("http://[::1]:8001/base/", "http://[::1]:8001/base"),
        ] {
            assert_eq!(Target::parse(url).unwrap().to_string(), shown);
        }
        assert_eq!(
            Target::parse("http://[::1]:8001/base/").unwrap().path("/treecounter"),
            "/base/treecounter"
        );
    }

    #[test]
    fn refuses_what_is_no_http_url_and_says_how_one_looks() {
        let error = Target::parse("https://localhost:8001").unwrap_err().to_string();
        assert!(error.contains("https") && error.contains("http://localhost:8001"), "{error}");
    }

    #[test]
    fn this_machine_and_this_stack_are_fair_targets_and_nothing_else() {
        assert!(ours("http://localhost:8001", &["127.0.0.1:8001", "[::1]:8001"]));
        assert!(ours("http://127.0.0.2:8001", &["127.0.0.2:8001"]));
        assert!(ours("http://[::ffff:127.0.0.1]:8001", &["[::ffff:127.0.0.1]:8001"]));
        assert!(ours("http://app:8001", &["172.18.0.2:8001", "172.18.0.5:8001"]));
        assert!(!ours("http://app:8001", &["172.18.0.2:8001", "93.184.215.14:8001"]));
        assert!(!ours("http://192.168.1.20:8001", &["192.168.1.20:8001"]));
        assert!(ours("http://0.0.0.0:8001", &["0.0.0.0:8001"]));
        assert!(!ours("http://example.com", &["93.184.215.14:80"]));
    }
}
