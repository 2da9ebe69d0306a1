//! Where the app, Prometheus and Grafana are: the environment says it, and under it the file that
//! `docker compose` reads.

use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

const APP: u16 = 8001;
const PROMETHEUS: u16 = 9090;
const GRAFANA: u16 = 3000;
const PAGER: u16 = 9099;

/// What this terminal and the file `.env` say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    environment: HashMap<String, String>,
    file: HashMap<String, String>,
}

impl Settings {
    /// The settings of the workspace at `root`.
    pub(crate) fn read(root: &Path) -> Self {
        let file = fs::read_to_string(root.join(".env")).unwrap_or_default();
        Self { file: read_file(&file), ..Self::of_terminal() }
    }

    /// Without the file, which says nothing of an app outside of the stack.
    pub(crate) fn of_terminal() -> Self {
        let names =
            ["TREECOUNTER_ADDR", "APP_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT", "PAGER_PORT"];
        let environment =
            names.into_iter().filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)));
        Self { environment: environment.collect(), file: HashMap::new() }
    }

    pub(crate) fn prometheus(&self) -> u16 {
        self.port("PROMETHEUS_PORT", PROMETHEUS)
    }

    pub(crate) fn grafana(&self) -> u16 {
        self.port("GRAFANA_PORT", GRAFANA)
    }

    pub(crate) fn pager(&self) -> u16 {
        self.port("PAGER_PORT", PAGER)
    }

    /// The port of the stack's app on this machine.
    pub(crate) fn gateway(&self) -> u16 {
        self.port("APP_PORT", APP)
    }

    fn port(&self, name: &str, usual: u16) -> u16 {
        let value = self.environment.get(name).or_else(|| self.file.get(name));
        value.and_then(|value| value.parse().ok()).unwrap_or(usual)
    }

    /// The port that an app of this terminal listens on.
    pub(crate) fn app(&self) -> u16 {
        let address = self.environment.get("TREECOUNTER_ADDR");
        let port = address.and_then(|address| address.rsplit(':').next()?.parse().ok());
        port.unwrap_or(APP)
    }

    /// Where an app of this terminal is reached. One that listens on all addresses is on this
    /// machine, too.
    pub(crate) fn app_url(&self) -> String {
        let address = self.environment.get("TREECOUNTER_ADDR");
        match address.and_then(|address| address.parse::<SocketAddr>().ok()) {
            Some(address) if address.port() != 0 => {
                let ip = match address.ip() {
                    ip if !ip.is_unspecified() => ip,
                    IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                    IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
                };
                format!("http://{}", SocketAddr::new(ip, address.port()))
            }
            _ => format!("http://localhost:{APP}"),
        }
    }
}

fn read_file(text: &str) -> HashMap<String, String> {
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let value = |value: &str| {
        let value = value.trim();
        let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
        let quoted = quote.and_then(|quote| value[1..].split_once(quote));
        quoted
            .map_or_else(|| value.split(" #").next().unwrap_or(value).trim(), |(value, _)| value)
            .to_owned()
    };
    lines.map(|(name, text)| (name.trim().to_owned(), value(text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(environment: &[(&str, &str)], file: &str) -> Settings {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Settings { environment: environment.iter().map(pair).collect(), file: read_file(file) }
    }

    #[test]
    fn the_environment_wins_over_the_file_and_both_over_the_usual() {
        let file = "# ports\nPROMETHEUS_PORT = 9091\r\nGRAFANA_PORT=none\n";
        assert_eq!(settings(&[], "").prometheus(), 9090);
        assert_eq!(settings(&[], file).prometheus(), 9091);
        assert_eq!(settings(&[("PROMETHEUS_PORT", "9092")], file).prometheus(), 9092);
        assert_eq!(settings(&[], file).grafana(), 3000);
        // As Compose reads them.
        let file =
            "PROMETHEUS_PORT=9091 # 9090 is taken\nGRAFANA_PORT=\"3001\"\nPAGER_PORT='8078' #\n";
        let settings = settings(&[], file);
        assert_eq!(
            (settings.prometheus(), settings.grafana(), settings.pager()),
            (9091, 3001, 8078)
        );
    }

    #[test]
    fn an_app_is_reached_where_it_listens() {
        for (address, url, port) in [
            ("127.0.0.1:8002", "http://127.0.0.1:8002", 8002),
            ("0.0.0.0:8002", "http://127.0.0.1:8002", 8002),
            ("[::]:8002", "http://[::1]:8002", 8002),
            ("192.0.2.1:80", "http://192.0.2.1:80", 80),
            // The app would not take it, or has a port that nobody knows.
            ("nowhere", "http://localhost:8001", 8001),
        ] {
            let settings = settings(&[("TREECOUNTER_ADDR", address)], "");
            assert_eq!((settings.app_url().as_str(), settings.app()), (url, port));
        }
        assert_eq!(settings(&[], "").app_url(), "http://localhost:8001");
        assert_eq!(
            settings(&[("TREECOUNTER_ADDR", "127.0.0.1:0")], "").app_url(),
            "http://localhost:8001"
        );
    }
}
