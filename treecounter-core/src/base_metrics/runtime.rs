//! The Tokio runtime: is it busy, and does work pile up in it?

use tokio::runtime::Handle;

use super::Reading;

pub(super) struct RuntimeMetrics(tokio::runtime::RuntimeMetrics);

impl RuntimeMetrics {
    /// Those of the runtime that this is called in, if it is called in one.
    pub(super) fn current() -> Option<Self> {
        Handle::try_current().ok().map(|handle| Self(handle.metrics()))
    }

    pub(super) fn read(&self) -> Vec<Reading> {
        let runtime = &self.0;
        let workers = 0..runtime.num_workers();
        let busy: f64 = workers
            .clone()
            .map(|worker| runtime.worker_total_busy_duration(worker).as_secs_f64())
            .sum();
        let parks: u64 = workers.map(|worker| runtime.worker_park_count(worker)).sum();
        vec![
            Reading::gauge(
                "tokio_workers",
                "Worker threads of the runtime.",
                runtime.num_workers() as f64,
            ),
            Reading::gauge(
                "tokio_alive_tasks",
                "Tasks that were spawned and have not ended.",
                runtime.num_alive_tasks() as f64,
            ),
            Reading::gauge(
                "tokio_global_queue_depth",
                "Tasks that wait for any worker.",
                runtime.global_queue_depth() as f64,
            ),
            Reading::counter(
                "tokio_worker_busy_seconds_total",
                "Time that all workers together spent on tasks.",
                busy,
            ),
            Reading::counter(
                "tokio_worker_parks_total",
                "Times that a worker went to sleep for want of work.",
                parks as f64,
            ),
        ]
    }
}
