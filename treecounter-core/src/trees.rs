//! The tree counter: a count from a source, behind the latency and the failures of a real one.

mod faults;
#[cfg(feature = "live")]
mod live;
mod simulated;

use std::time::SystemTime;

use crate::page::{SIMULATED, TreeCountPage};
use crate::renewal::Renewal;
use crate::responses::{bad_request, method_not_allowed, tree_count, unavailable};
use crate::settings::Source;
#[cfg(feature = "live")]
use crate::settings::source::presentable;
use crate::{Request, Response, Settings};
use faults::Faults;
use simulated::SimulatedCount;

/// Answers visits to `/treecounter`.
#[derive(Debug)]
pub struct TreeCounter {
    count: Count,
    page: TreeCountPage,
    faults: Faults,
}

#[derive(Debug)]
enum Count {
    Simulated(SimulatedCount),
    #[cfg(feature = "live")]
    Live(live::LiveCount),
}

impl TreeCounter {
    /// A counter that reads its count from the source, and fails and dawdles as the settings say.
    /// A live source is read in the background from now on.
    ///
    /// # Panics
    /// With a live source, when the crate was built without the feature `live`. Settings that were
    /// read refuse one.
    pub fn new(settings: &Settings) -> Self {
        let (count, origin) = match &settings.source {
            Source::Simulated => {
                (Count::Simulated(SimulatedCount::default()), SIMULATED.to_owned())
            }
            #[cfg(feature = "live")]
            Source::Live(url) => (
                Count::Live(live::LiveCount::poll(url.clone())),
                format!("Read from {}.", presentable(url)),
            ),
            #[cfg(not(feature = "live"))]
            Source::Live(_) => panic!("a URL needs the feature `live`"),
        };
        Self { count, page: TreeCountPage::new(&origin), faults: Faults::new(settings) }
    }

    /// 200 with the count, after the latency; 503 when the visit is one that fails; 405 for other
    /// methods than GET and HEAD. As a page, or as JSON for a client that asks for it.
    ///
    /// With `?every=2`, the page says how long it took, and the browser asks again 2 s after it
    /// came: a whole number of seconds from 1 to 3600, else 400.
    pub async fn respond(&self, request: &Request) -> Response {
        if let Some(refusal) = method_not_allowed(request) {
            return refusal;
        }
        let renewal = match Renewal::of(request) {
            Ok(renewal) => renewal,
            Err(accepted) => return bad_request(request, accepted),
        };
        let latency = self.faults.latency();
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        if let Some(reason) = self.faults.failure() {
            return unavailable(request, reason, renewal);
        }
        let count = match &self.count {
            Count::Simulated(count) => Some(count.at(SystemTime::now())),
            #[cfg(feature = "live")]
            Count::Live(live) => live.latest(),
        };
        match count {
            Some(count) => tree_count(request, count, &self.page, renewal),
            None => unavailable(request, SILENT, renewal),
        }
    }
}

const SILENT: &str = "The source of the count does not answer as it should.";
