//! Grafana's data source, and a panel of the learner's.

use std::net::SocketAddr;

use workshop::check::stack::{Judge, Options};

use crate::prometheus::Kit;
use crate::{fixed, server, words};

/// A Grafana as far as it is asked, with the kit's first dashboard and this query more in it.
fn grafana(source: &'static str, healthy: bool, query: &'static str) -> SocketAddr {
    server(move |path| {
        let ok = |body: String| {
            ("200 OK".to_owned(), "Content-Type: application/json\r\n".to_owned(), body)
        };
        match path.split('?').next().unwrap_or_default() {
            "/api/health" => ok("{\"database\":\"ok\"}".to_owned()),
            "/api/datasources" => ok(format!("[{source}]")),
            "/api/datasources/uid/p/health" if healthy => ok("{\"status\":\"OK\"}".to_owned()),
            "/api/datasources/uid/p/health" => (
                "500 No".to_owned(),
                String::new(),
                "{\"message\":\"dial tcp: connection refused\"}".to_owned(),
            ),
            "/api/search" => ok("[{\"uid\":\"treecounter-first\"}]".to_owned()),
            "/api/dashboards/uid/treecounter-first" => {
                let panel = |query: &str| format!("{{\"targets\":[{{\"expr\":\"{query}\"}}]}}");
                let panels = [panel("sum(rate(requests_total[1m]))"), panel(query)].join(",");
                ok(format!(
                    "{{\"dashboard\":{{\"uid\":\"treecounter-first\",\"panels\":[{panels}]}}}}"
                ))
            }
            _ => ("404 Not Found".to_owned(), String::new(), String::new()),
        }
    })
}

#[test]
fn grafana_is_judged_by_its_data_source_and_a_panel_of_the_learners() {
    let source = "{\"type\":\"prometheus\",\"uid\":\"p\"}";
    let kit = Kit::new();
    kit.write(
        "deploy/grafana/dashboards/first.json",
        "{\"uid\":\"treecounter-first\",\"panels\":[{\"targets\":[\
         {\"expr\":\"sum(rate(requests_total[1m]))\"}]}]}",
    );
    let judge = |address: SocketAddr| {
        let options = Options {
            root: kit.root.clone(),
            prometheus: Some("http://127.0.0.1:1".to_owned()),
            grafana: Some(format!("http://{address}")),
            ..Options::default()
        };
        Judge::new(options).unwrap().judge("grafana-panel")
    };
    assert!(judge(grafana(source, true, "rate(requests_total[5m])")).is_ok());
    for (address, expected) in [
        (grafana(source, true, "up"), "none so far"),
        (grafana("", true, "up"), "there is no data source of the type Prometheus"),
        (grafana(source, false, "up"), "connection refused | From Grafana's container"),
        (fixed("200 OK", "", "<html>"), "none answers there"),
    ] {
        let trouble = judge(address).unwrap_err();
        assert!(words(&trouble).contains(expected), "{expected}: {}", words(&trouble));
    }
}
