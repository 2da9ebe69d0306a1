//! Base metrics: what every program can tell about itself before anyone has instrumented it.

mod process;
mod runtime;

use std::collections::HashMap;

use prometheus::Registry;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

use runtime::RuntimeMetrics;

/// Registers the base metrics: the process, the Tokio runtime that this is called in, and the
/// build. They are read when a scrape asks for them, and cost nothing in between.
///
/// # Errors
/// When the registry holds them already.
pub fn register_base_metrics(registry: &Registry) -> prometheus::Result<()> {
    registry.register(Box::new(BaseMetrics::new()?))
}

/// One value that is read when asked for. It cannot be a metric of the `prometheus` crate, because
/// a counter of that crate cannot be set to what the system has counted.
struct Reading {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    labels: &'static [(&'static str, &'static str)],
    value: f64,
}

impl Reading {
    fn counter(name: &'static str, help: &'static str, value: f64) -> Self {
        Self { name, help, kind: MetricType::COUNTER, labels: &[], value }
    }

    fn gauge(name: &'static str, help: &'static str, value: f64) -> Self {
        Self { name, help, kind: MetricType::GAUGE, labels: &[], value }
    }
}

struct BaseMetrics {
    runtime: Option<RuntimeMetrics>,
    descriptions: Vec<Desc>,
}

impl BaseMetrics {
    fn new() -> prometheus::Result<Self> {
        let mut metrics = Self { runtime: RuntimeMetrics::current(), descriptions: Vec::new() };
        metrics.descriptions = metrics
            .read()
            .into_iter()
            .map(|reading| {
                let labels = reading.labels.iter().map(|(name, _)| (*name).to_owned()).collect();
                Desc::new(reading.name.to_owned(), reading.help.to_owned(), labels, HashMap::new())
            })
            .collect::<prometheus::Result<_>>()?;
        Ok(metrics)
    }

    fn read(&self) -> Vec<Reading> {
        let mut readings = process::read();
        readings.extend(self.runtime.iter().flat_map(RuntimeMetrics::read));
        readings.push(build());
        readings
    }
}

impl Collector for BaseMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.read().into_iter().map(family).collect()
    }
}

/// What is running, in the order of the exposition.
const BUILD: &[(&str, &str)] = &[
    ("arch", std::env::consts::ARCH),
    ("os", std::env::consts::OS),
    ("profile", if cfg!(debug_assertions) { "debug" } else { "release" }),
    ("version", env!("CARGO_PKG_VERSION")),
];

/// A constant 1: what it tells is in the labels, so that it can be joined to any query.
fn build() -> Reading {
    let help = "What was built, in labels; always 1.";
    Reading { labels: BUILD, ..Reading::gauge("treecounter_build_info", help, 1.0) }
}

fn family(reading: Reading) -> MetricFamily {
    let mut metric = Metric::default();
    let label = |(name, value): &(&str, &str)| {
        let mut label = LabelPair::default();
        label.set_name((*name).to_owned());
        label.set_value((*value).to_owned());
        label
    };
    metric.set_label(reading.labels.iter().map(label).collect());
    if reading.kind == MetricType::COUNTER {
        let mut counter = Counter::default();
        counter.set_value(reading.value);
        metric.set_counter(counter);
    } else {
        let mut gauge = Gauge::default();
        gauge.set_value(reading.value);
        metric.set_gauge(gauge);
    }
    let mut family = MetricFamily::default();
    family.set_name(reading.name.to_owned());
    family.set_help(reading.help.to_owned());
    family.set_field_type(reading.kind);
    family.set_metric(vec![metric]);
    family
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(registry: &Registry) -> BTreeSet<String> {
        registry.gather().iter().map(|family| family.name().to_owned()).collect()
    }

    #[tokio::test]
    async fn a_registry_gets_the_process_the_runtime_and_the_build() {
        let registry = Registry::new();
        register_base_metrics(&registry).unwrap();
        let names = names(&registry);
        let mut expected = vec![
            "process_cpu_seconds_total",
            "process_max_fds",
            "process_open_fds",
            "process_resident_memory_bytes",
            "process_start_time_seconds",
            "process_virtual_memory_bytes",
            "tokio_alive_tasks",
            "tokio_global_queue_depth",
            "tokio_worker_busy_seconds_total",
            "tokio_worker_parks_total",
            "tokio_workers",
            "treecounter_build_info",
        ];
        if !cfg!(windows) {
            expected.push("process_threads");
        }
        assert_eq!(names, expected.into_iter().map(str::to_owned).collect());
    }

    #[test]
    fn outside_a_runtime_its_metrics_are_left_out() {
        let registry = Registry::new();
        register_base_metrics(&registry).unwrap();
        let names = names(&registry);
        assert!(names.contains("treecounter_build_info"));
        assert!(!names.iter().any(|name| name.starts_with("tokio_")), "{names:?}");
    }

    #[test]
    fn registering_twice_is_an_error() {
        let registry = Registry::new();
        register_base_metrics(&registry).unwrap();
        assert!(register_base_metrics(&registry).is_err());
    }
}
