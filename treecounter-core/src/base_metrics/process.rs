//! The process as the system sees it, under the names that client libraries agree on.
//! <https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>

use super::Reading;

#[cfg_attr(target_os = "linux", path = "process/linux.rs")]
#[cfg_attr(target_os = "macos", path = "process/macos.rs")]
#[cfg_attr(windows, path = "process/windows.rs")]
#[cfg_attr(
    not(any(target_os = "linux", target_os = "macos", windows)),
    path = "process/elsewhere.rs"
)]
mod system;

/// What a system tells; `None` where it does not, and then the metric is left out.
#[derive(Debug, Default)]
struct Process {
    cpu_seconds: Option<f64>,
    resident_memory_bytes: Option<f64>,
    virtual_memory_bytes: Option<f64>,
    open_fds: Option<f64>,
    max_fds: Option<f64>,
    threads: Option<f64>,
    start_time_seconds: Option<f64>,
}

pub(super) fn read() -> Vec<Reading> {
    let process = system::read();
    let cpu = process.cpu_seconds.map(|seconds| {
        Reading::counter(
            "process_cpu_seconds_total",
            "Total user and system CPU time spent in seconds.",
            seconds,
        )
    });
    let gauges = [
        (
            "process_resident_memory_bytes",
            "Resident memory size in bytes.",
            process.resident_memory_bytes,
        ),
        (
            "process_virtual_memory_bytes",
            "Virtual memory size in bytes.",
            process.virtual_memory_bytes,
        ),
        ("process_open_fds", "Number of open file descriptors.", process.open_fds),
        ("process_max_fds", "Maximum number of open file descriptors.", process.max_fds),
        ("process_threads", "Number of OS threads in the process.", process.threads),
        (
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
            process.start_time_seconds,
        ),
    ];
    let gauges = gauges
        .into_iter()
        .filter_map(|(name, help, value)| value.map(|value| Reading::gauge(name, help, value)));
    cpu.into_iter().chain(gauges).collect()
}

#[cfg(test)]
#[cfg(any(target_os = "linux", target_os = "macos", windows))]
mod tests {
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    use super::system::read;

    #[test]
    fn the_readings_are_those_of_this_process() {
        let process = read();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let age = now - process.start_time_seconds.unwrap();
        assert!((-2.0..3600.0).contains(&age), "started {age} s ago");
        let (resident, all) = (process.resident_memory_bytes, process.virtual_memory_bytes);
        assert!((1e5..1e10).contains(&resident.unwrap()), "{resident:?}");
        // Of Windows's private bytes and handles Wine says that there are none.
        let may_be_none = cfg!(windows);
        assert!(all.is_some() && (may_be_none || all > resident), "{all:?}, {resident:?}");
        assert!(process.threads.is_none_or(|threads| threads >= 1.0));
        assert!(may_be_none || process.open_fds.unwrap() >= 1.0);
        assert!(process.open_fds < process.max_fds);
    }

    #[test]
    fn cpu_time_is_told_in_fractions_of_a_second() {
        let before = read().cpu_seconds.unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            let spent = read().cpu_seconds.unwrap() - before;
            if spent > 0.0 {
                assert!(spent < 1.0, "the first step was {spent} s");
                return;
            }
        }
        panic!("no CPU time was counted");
    }
}
