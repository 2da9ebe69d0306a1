//! The clients that are connected: how many may be, and who goes when there is no more room.
//!
//! hyper has a time-out for request headers, but it takes a timer for every request, a good
//! twentieth of all the work of answering one. Here a client only notes, at each answer, since when
//! the server waits for it, by a clock that is as coarse as its uses allow: it goes on by one turn
//! with each tick of the server, and with each client that comes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long to wait for somebody who was dismissed to be gone, before somebody else is.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// All that are connected, which are never more than there are places.
pub(super) struct Clients {
    places: Arc<Semaphore>,
    count: u32,
    connected: Mutex<Vec<Arc<Client>>>,
    server: Arc<Server>,
}

/// What clients see of the server.
#[derive(Default)]
struct Server {
    turn: AtomicU64,
    is_stopping: AtomicBool,
}

/// One connection, seen by the server.
pub(super) struct Client {
    server: Arc<Server>,
    /// The turn since which the server waits for this client, to ask or to read its answer; or one
    /// of the two below.
    waiting_since: AtomicU64,
    called: Notify,
}

/// A request is being answered: it is the client who waits.
const ANSWERING: u64 = u64::MAX;
/// The client was dismissed while the server waited for it.
const DISMISSED: u64 = u64::MAX - 1;

impl Clients {
    pub(super) fn new(places: u32) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places as usize)),
            count: places,
            connected: Mutex::default(),
            server: Arc::default(),
        }
    }

    /// One more client, once it has a place. When there is none, the client that has let the
    /// server wait longest loses its own: so neither the idle nor the silent, however many, keep
    /// out those who ask.
    pub(super) async fn admit(&self) -> (Arc<Client>, OwnedSemaphorePermit) {
        loop {
            if self.places.available_permits() == 0 {
                self.dismiss_idlest();
            }
            let place = Arc::clone(&self.places).acquire_owned();
            if let Ok(place) = timeout(LOOK_AGAIN, place).await {
                return self.seat(place.expect("the semaphore is never closed"));
            }
        }
    }

    /// One more client, if there is a place.
    pub(super) fn try_admit(&self) -> Option<(Arc<Client>, OwnedSemaphorePermit)> {
        Arc::clone(&self.places).try_acquire_owned().ok().map(|place| self.seat(place))
    }

    fn seat(&self, place: OwnedSemaphorePermit) -> (Arc<Client>, OwnedSemaphorePermit) {
        let client = Arc::new(Client {
            server: Arc::clone(&self.server),
            waiting_since: AtomicU64::new(self.next_turn()),
            called: Notify::new(),
        });
        let mut connected = self.connected();
        if connected.len() >= self.count as usize {
            connected.retain(is_connected);
        }
        connected.push(Arc::clone(&client));
        (client, place)
    }

    /// Lets the clock go on, and tells the new time.
    pub(super) fn next_turn(&self) -> u64 {
        self.server.turn.fetch_add(1, Relaxed) + 1
    }

    pub(super) fn dismiss_idlest(&self) {
        let connected = self.connected();
        let waiting = connected.iter().filter(|client| is_connected(client));
        let waiting = waiting.map(|client| (client.waiting_since.load(Relaxed), client));
        let waiting = waiting.filter(|(since, _)| *since < DISMISSED);
        if let Some((since, idlest)) = waiting.min_by_key(|(since, _)| *since) {
            idlest.dismiss(since);
        }
    }

    /// Dismisses all whom the server has waited for since before that turn.
    pub(super) fn dismiss_idle_since_before(&self, turn: u64) {
        let mut connected = self.connected();
        connected.retain(is_connected);
        for client in connected.iter() {
            let since = client.waiting_since.load(Relaxed);
            if since < turn {
                client.dismiss(since);
            }
        }
    }

    /// From now on each answer is the last of its connection, and says so.
    pub(super) fn announce_stop(&self) {
        self.server.is_stopping.store(true, Relaxed);
    }

    /// Closes all connections, as soon as no request is in hand and all answers are sent.
    pub(super) fn close(&self) {
        for client in self.connected().iter() {
            client.called.notify_one();
        }
    }

    /// Closes all connections as they are, and tells how many requests were in hand.
    pub(super) fn cut_off(&self) -> usize {
        let dismiss = |client: &&Arc<Client>| {
            let since = client.waiting_since.swap(DISMISSED, Relaxed);
            client.called.notify_one();
            is_connected(client) && since == ANSWERING
        };
        self.connected().iter().filter(dismiss).count()
    }

    /// Completes when all are gone.
    pub(super) async fn gone(&self) {
        let _ = self.places.acquire_many(self.count).await;
    }

    fn connected(&self) -> MutexGuard<'_, Vec<Arc<Client>>> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the connection still holds its side.
fn is_connected(client: &Arc<Client>) -> bool {
    Arc::strong_count(client) > 1
}

impl Client {
    /// A request has come.
    pub(super) fn asks(&self) {
        self.waiting_since.store(ANSWERING, Relaxed);
    }

    /// Its answer is there.
    pub(super) fn is_answered(&self) {
        self.waiting_since.store(self.server.turn.load(Relaxed), Relaxed);
    }

    /// Whether its next answer is to be its last.
    pub(super) fn must_leave(&self) -> bool {
        self.server.is_stopping.load(Relaxed)
    }

    /// Completes when the server wants the connection to end.
    pub(super) async fn called(&self) {
        self.called.notified().await;
    }

    /// Whether it has not asked anything since it was dismissed.
    pub(super) fn is_dismissed(&self) -> bool {
        self.waiting_since.load(Relaxed) == DISMISSED
    }

    /// Tells it to leave, unless it has asked in the meantime.
    fn dismiss(&self, waiting_since: u64) {
        let waiting =
            self.waiting_since.compare_exchange(waiting_since, DISMISSED, Relaxed, Relaxed);
        if waiting.is_ok() {
            self.called.notify_one();
        }
    }
}
