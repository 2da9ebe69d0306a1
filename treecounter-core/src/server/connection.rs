//! The timer of the connections. hyper starts a time-out for each request header and drops it when
//! the header is there, nearly always at once. With a timer of the runtime for each, that is a good
//! twentieth of all the work of a request. So these time-outs are deadlines and nothing more, and
//! the task of a connection looks at the clock every [`TICK`].

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

/// How much later than its deadline a time-out may come.
pub(super) const TICK: Duration = Duration::from_secs(5);

pub(super) struct CoarseTimer;

impl Timer for CoarseTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Deadline(deadline))
    }

    fn now(&self) -> Instant {
        now()
    }
}

/// The runtime's clock, which tests can wind forward.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Wakes nobody: whoever polls it must do so again after a tick.
struct Deadline(Instant);

impl Future for Deadline {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if now() < self.0 { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Sleep for Deadline {}

/// Completes with the connection, which it polls at least every [`TICK`].
pub(super) async fn ticking<T>(connection: impl Future<Output = T>) -> T {
    let mut connection = std::pin::pin!(connection);
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            biased;
            output = &mut connection => return output,
            _ = tick.tick() => {}
        }
    }
}
