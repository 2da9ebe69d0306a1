//! The run: a thread that knows when each request is due, and one thread that sends them all.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc};
use tokio::time::MissedTickBehavior;

use crate::commands::traffic::figures::Figures;
use crate::commands::traffic::mix::Mix;
use crate::commands::traffic::progress::ProgressLine;
use crate::commands::traffic::schedule::Schedule;
use crate::commands::traffic::send::{PATIENCE, Pool};
use crate::commands::traffic::target::Target;
use crate::http::no_answer::NoAnswer;
use crate::process::termination::stop_signal;

/// How often the name is looked up again, to find replicas that came or went.
const LOOK_UP_EVERY: Duration = Duration::from_secs(5);
/// What is left to requests under way after Ctrl-C or SIGTERM: enough for most answers, and little
/// enough to be gone within a second.
const LAST_WAIT: Duration = Duration::from_millis(800);
/// The schedule's thread looks at its controls at least this often.
const GLANCE: Duration = Duration::from_millis(50);
/// Behind by more than this, the machine was asleep: nobody visited meanwhile.
const ASLEEP: Duration = Duration::from_secs(10);

/// What the schedule's thread is told while it runs.
#[derive(Default)]
pub(crate) struct Controls {
    stop: AtomicBool,
    burst: AtomicBool,
}

impl Controls {
    pub(crate) fn burst(&self) {
        self.burst.store(true, Ordering::Relaxed);
    }

    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// What a run needs.
pub(crate) struct Load {
    pub(crate) target: Target,
    pub(crate) mix: Mix,
    pub(crate) schedule: Schedule,
    /// The most requests under way at once.
    pub(crate) connections: usize,
    /// Whether addresses beyond this machine and stack are allowed.
    pub(crate) anywhere: bool,
}

/// A request that is due.
struct DueRequest {
    at: Instant,
    number: usize,
}

struct Run {
    mix: Mix,
    pool: Pool,
    figures: RefCell<Figures>,
    /// Requests under way, each on a connection of its own.
    active: RefCell<usize>,
    /// Requests that are due while all connections are taken.
    waiting: RefCell<VecDeque<DueRequest>>,
    /// Told when the last request under way has ended.
    quiet: Notify,
}

/// Runs the load to its end, or until Ctrl-C or SIGTERM. Must run on a `LocalSet`.
pub(crate) async fn run(
    load: Load,
    addresses: &[SocketAddr],
    controls: Arc<Controls>,
    mut progress: ProgressLine,
) -> anyhow::Result<(Figures, Duration)> {
    let Load { target, mix, schedule, connections, anywhere } = load;
    let pool = Pool::new(&target, addresses)?;
    let state = Rc::new(Run {
        mix,
        pool,
        figures: RefCell::new(Figures::new()),
        active: RefCell::new(0),
        waiting: RefCell::default(),
        quiet: Notify::new(),
    });
    tokio::task::spawn_local(look_up_again(target, Rc::clone(&state), anywhere));

    let start = Instant::now();
    let mut due = start_schedule(schedule, start, Arc::clone(&controls));
    let mut stop = pin!(stop_signal());
    let mut redraw = tokio::time::interval(progress.interval());
    redraw.set_missed_tick_behavior(MissedTickBehavior::Delay);
    redraw.tick().await;

    let mut stopped = loop {
        tokio::select! {
            biased;
            () = &mut stop => break true,
            next = due.recv() => match next {
                Some(next) => state.take_in(next, connections),
                None => break false,
            },
            _ = redraw.tick() => progress.show(&state.figures.borrow(), start.elapsed()),
        }
    };
    controls.stop();
    due.close();
    if !stopped {
        // The load is over, the last answers are not. Each has its own limit.
        tokio::select! {
            () = &mut stop => stopped = true,
            () = state.wait_until_quiet() => {}
        }
    }
    if stopped {
        let _ = tokio::time::timeout(LAST_WAIT, state.wait_until_quiet()).await;
    }
    progress.end();

    let mut figures = state.figures.replace(Figures::new());
    let unfinished = *state.active.borrow() + state.waiting.borrow().len();
    for _ in 0..unfinished {
        figures.record("", Err(NoAnswer::Stopped), Duration::ZERO);
    }
    Ok((figures, start.elapsed()))
}

impl Run {
    /// Sends what is due, or lets it wait when all connections are taken.
    fn take_in(self: &Rc<Self>, due: DueRequest, connections: usize) {
        if *self.active.borrow() < connections {
            *self.active.borrow_mut() += 1;
            tokio::task::spawn_local(Rc::clone(self).send(due));
        } else {
            self.figures.borrow_mut().waited += 1;
            self.waiting.borrow_mut().push_back(due);
        }
    }

    /// Sends a request, and then what has been waiting, until nothing is.
    async fn send(self: Rc<Self>, first: DueRequest) {
        let mut next = Some(first);
        while let Some(due) = next {
            let page = self.mix.page(due.number);
            let outcome = if due.at.elapsed() > PATIENCE {
                Err(NoAnswer::NeverSent(PATIENCE))
            } else {
                self.pool.get(&page.uri).await
            };
            self.figures.borrow_mut().record(&page.path, outcome, due.at.elapsed());
            next = self.waiting.borrow_mut().pop_front();
        }
        *self.active.borrow_mut() -= 1;
        if *self.active.borrow() == 0 {
            self.quiet.notify_waiters();
        }
    }

    async fn wait_until_quiet(&self) {
        while *self.active.borrow() > 0 {
            self.quiet.notified().await;
        }
    }
}

/// Starts the thread that says when requests are due. A thread of its own, because a runtime's
/// timers are right to a millisecond only, and a late start would pass for a slow answer.
fn start_schedule(
    mut schedule: Schedule,
    start: Instant,
    controls: Arc<Controls>,
) -> mpsc::UnboundedReceiver<DueRequest> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let mut number = 0;
        while let Some(at) = schedule.peek() {
            let now = start.elapsed();
            if controls.stop.load(Ordering::Relaxed) {
                return;
            }
            if controls.burst.swap(false, Ordering::Relaxed) {
                schedule.burst(now);
            } else if at > now {
                std::thread::sleep((at - now).min(GLANCE));
            } else if now - at > ASLEEP {
                schedule.skip_to(now);
            } else {
                if sender.send(DueRequest { at: start + at, number }).is_err() {
                    return;
                }
                number += 1;
                schedule.advance();
            }
        }
    });
    receiver
}

async fn look_up_again(target: Target, state: Rc<Run>, anywhere: bool) {
    loop {
        tokio::time::sleep(LOOK_UP_EVERY).await;
        // While the name is gone (everything is restarting) the old addresses are as good as any.
        if let Ok(addresses) = target.resolve().await
            && (anywhere || target.is_ours(&addresses))
        {
            state.pool.set_addresses(&addresses);
        }
    }
}
