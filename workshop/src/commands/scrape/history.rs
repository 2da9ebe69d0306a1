//! What the scrapes so far tell of each series: its last values, how they changed, and whether its
//! counter started again.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::exposition::{Exposition, Family, Kind, Labels, Sample};

/// How many values of a series are kept: as wide as a sparkline gets.
const KEPT: usize = 60;
/// Rates are taken over this many of the last scrapes, so that they do not flicker.
const RATED: usize = 10;
/// A mark stays for this many scrapes: long enough to be seen from the back row.
const MARKED: u64 = 15;

/// The series seen so far, and the last exposition.
#[derive(Default)]
pub(crate) struct History {
    tracks: HashMap<String, Track>,
    last: Exposition,
    scrapes: u64,
}

/// One series over time.
struct Track {
    /// Time and value of the last scrapes.
    points: VecDeque<(f64, f64)>,
    counts: bool,
    born: u64,
    reset: Option<u64>,
}

/// What is shown of a series.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Trend {
    /// The difference to the scrape before.
    pub(crate) change: Option<f64>,
    /// The increase a second over the last scrapes; counters only.
    pub(crate) rate: Option<f64>,
    /// What moves in the sparkline: increases of a counter, values of a gauge.
    pub(crate) course: Vec<f64>,
    pub(crate) mark: Option<Mark>,
}

/// What deserves a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The counter fell: its program was started again.
    Reset,
    /// The series was not there in the scrape before.
    New,
}

impl History {
    /// Takes in a scrape made at `at`, counted from the start of the watching.
    pub(crate) fn take_in(&mut self, exposition: Exposition, at: Duration) {
        self.scrapes += 1;
        let mut tracks = HashMap::with_capacity(self.tracks.len());
        for family in &exposition.families {
            for sample in &family.samples {
                let key = sample.series();
                let counts = counts(family, sample);
                let mut track =
                    self.tracks.remove(&key).unwrap_or_else(|| Track::new(counts, self.scrapes));
                track.push(at.as_secs_f64(), sample.value, self.scrapes);
                tracks.insert(key, track);
            }
        }
        self.tracks = tracks;
        self.last = exposition;
    }

    pub(crate) fn families(&self) -> &[Family] {
        &self.last.families
    }

    pub(crate) fn series_count(&self) -> usize {
        self.tracks.len()
    }

    pub(crate) fn scrapes(&self) -> u64 {
        self.scrapes
    }

    pub(crate) fn trend(&self, sample: &Sample) -> Trend {
        self.tracks
            .get(&sample.series())
            .map_or_else(Trend::default, |track| track.trend(self.scrapes))
    }
}

/// Whether a sample only goes up. The sum of a histogram could go down, where negative values are
/// observed; nobody does.
fn counts(family: &Family, sample: &Sample) -> bool {
    match family.kind {
        Kind::Counter | Kind::Histogram => true,
        Kind::Summary => sample.name != family.name,
        Kind::Gauge | Kind::Untyped => false,
    }
}

impl Track {
    fn new(counts: bool, scrape: u64) -> Self {
        Self { points: VecDeque::with_capacity(KEPT), counts, born: scrape, reset: None }
    }

    fn push(&mut self, at: f64, value: f64, scrape: u64) {
        if self.counts && self.points.back().is_some_and(|(_, before)| value < *before) {
            self.reset = Some(scrape);
        }
        if self.points.len() == KEPT {
            self.points.pop_front();
        }
        self.points.push_back((at, value));
    }

    fn trend(&self, scrape: u64) -> Trend {
        let steps: Vec<f64> = self.steps().collect();
        let recent = |since: u64| scrape - since < MARKED;
        let mark = match self.reset {
            Some(reset) if recent(reset) => Some(Mark::Reset),
            // All is new in the first scrape, which is no news.
            _ if self.born > 1 && recent(self.born) => Some(Mark::New),
            _ => None,
        };
        let course = if self.counts {
            steps.clone()
        } else {
            self.points.iter().map(|(_, value)| *value).collect()
        };
        Trend { change: steps.last().copied(), rate: self.rate(&steps), course, mark }
    }

    /// From each value to the next. A counter that fell started again at 0, as Prometheus sees it.
    fn steps(&self) -> impl Iterator<Item = f64> {
        self.points.iter().zip(self.points.iter().skip(1)).map(|((_, before), (_, after))| {
            if self.counts && after < before { *after } else { after - before }
        })
    }

    fn rate(&self, steps: &[f64]) -> Option<f64> {
        if !self.counts || steps.is_empty() {
            return None;
        }
        let rated = steps.len().min(RATED);
        let (until, _) = self.points.back()?;
        let (since, _) = self.points.get(self.points.len() - 1 - rated)?;
        let elapsed = until - since;
        (elapsed > 0.0).then(|| steps[steps.len() - rated..].iter().sum::<f64>() / elapsed)
    }
}

/// A histogram's series of one label set, brought together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Histogram {
    /// The labels without `le`.
    pub(crate) labels: Labels,
    /// The index of the `_count` sample in the family, when it is there.
    pub(crate) count: Option<usize>,
    /// Upper bounds in rising order, each with the observations in this bucket alone.
    pub(crate) buckets: Vec<(f64, f64)>,
}

/// Brings a family's buckets together, in the order of their labels' first appearance.
pub(crate) fn histograms(family: &Family) -> Vec<Histogram> {
    let mut found: Vec<Histogram> = Vec::new();
    // Thousands of buckets make it worth to remember where each label set is.
    let mut places: HashMap<Labels, usize> = HashMap::new();
    for (index, sample) in family.samples.iter().enumerate() {
        let labels = sample.labels.without("le");
        let place = *places.entry(labels.clone()).or_insert_with(|| {
            found.push(Histogram { labels, count: None, buckets: Vec::new() });
            found.len() - 1
        });
        if sample.name.ends_with("_count") {
            found[place].count = Some(index);
        } else if let Some(bound) = sample.label("le").and_then(bound) {
            found[place].buckets.push((bound, sample.value));
        }
    }
    for histogram in &mut found {
        histogram.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        // In the exposition each bucket holds those below it as well.
        let mut below = 0.0;
        for (_, count) in &mut histogram.buckets {
            let here = *count - below;
            below = *count;
            *count = here;
        }
    }
    found
}

fn bound(text: &str) -> Option<f64> {
    match text {
        "+Inf" | "Inf" => Some(f64::INFINITY),
        _ => text.parse().ok(),
    }
}

impl Histogram {
    pub(crate) fn total(&self) -> f64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// As `histogram_quantile` estimates it: the values are taken to lie evenly in their bucket,
    /// and beyond the last bound nothing is known.
    pub(crate) fn quantile(&self, q: f64) -> Option<f64> {
        let total = self.total();
        if total <= 0.0 || self.buckets.last().is_none_or(|(bound, _)| bound.is_finite()) {
            return None;
        }
        let rank = q * total;
        let mut seen = 0.0;
        let mut low = 0.0;
        for (bound, count) in &self.buckets {
            if seen + count >= rank && *count > 0.0 {
                if bound.is_infinite() {
                    return Some(low);
                }
                // A first bound at or below zero has nothing to lie above.
                let low = if *bound <= 0.0 { *bound } else { low };
                return Some(low + (bound - low) * (rank - seen) / count);
            }
            seen += count;
            low = *bound;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::parse;

    fn watch(texts: &[&str]) -> History {
        let mut history = History::default();
        for (second, text) in texts.iter().enumerate() {
            history.take_in(parse(text.as_bytes()).unwrap(), Duration::from_secs(second as u64));
        }
        history
    }

    fn trend(history: &History, name: &str) -> Trend {
        let sample =
            history.families().iter().flat_map(|family| &family.samples).find(|s| s.name == name);
        history.trend(sample.unwrap())
    }

    #[test]
    fn a_counter_has_a_change_and_a_rate() {
        let history = watch(&[
            "# TYPE a counter\na 10\n",
            "# TYPE a counter\na 14\n",
            "# TYPE a counter\na 16\n",
        ]);
        let trend = trend(&history, "a");
        assert_eq!((trend.change, trend.rate, trend.mark), (Some(2.0), Some(3.0), None));
        assert_eq!(trend.course, [4.0, 2.0]);
    }

    #[test]
    fn a_gauge_has_a_change_and_no_rate() {
        let history = watch(&["# TYPE a gauge\na 10\n", "# TYPE a gauge\na 4\n"]);
        let trend = trend(&history, "a");
        assert_eq!((trend.change, trend.rate, trend.mark), (Some(-6.0), None, None));
        assert_eq!(trend.course, [10.0, 4.0]);
    }

    #[test]
    fn a_restart_is_marked_and_counted_from_zero_as_prometheus_does() {
        let history = watch(&[
            "# TYPE a counter\na 100\n",
            "# TYPE a counter\na 110\n",
            "# TYPE a counter\na 4\n",
        ]);
        let trend = trend(&history, "a");
        assert_eq!(
            (trend.change, trend.rate, trend.mark),
            (Some(4.0), Some(7.0), Some(Mark::Reset))
        );
    }

    #[test]
    fn a_series_that_comes_later_is_marked_for_a_while() {
        let mut texts =
            vec!["# TYPE a counter\na{b=\"x\"} 1\n", "# TYPE a counter\na{b=\"x\"} 1\nb 1\n"];
        assert_eq!(trend(&watch(&texts[..1]), "a").mark, None);
        assert_eq!(trend(&watch(&texts), "b").mark, Some(Mark::New));
        texts.extend(["# TYPE a counter\na{b=\"x\"} 1\nb 1\n"; 15]);
        assert_eq!(trend(&watch(&texts), "b").mark, None);
    }

    #[test]
    fn a_series_that_goes_is_forgotten() {
        let history = watch(&["a 1\nb 1\n", "a 1\n"]);
        assert_eq!(history.series_count(), 1);
    }

    const LATENCY: &str = "# TYPE l histogram\n\
        l_bucket{e=\"/\",le=\"+Inf\"} 100\nl_bucket{e=\"/\",le=\"0.1\"} 50\n\
        l_bucket{e=\"/\",le=\"0.5\"} 90\n\
        l_sum{e=\"/\"} 20\nl_count{e=\"/\"} 100\n";

    #[test]
    fn buckets_are_sorted_and_counted_each_for_itself() {
        let exposition = parse(LATENCY.as_bytes()).unwrap();
        let found = histograms(&exposition.families[0]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].buckets, [(0.1, 50.0), (0.5, 40.0), (f64::INFINITY, 10.0)]);
        assert_eq!(found[0].count, Some(4));
    }

    #[test]
    fn quantiles_are_those_of_histogram_quantile() {
        let exposition = parse(LATENCY.as_bytes()).unwrap();
        let histogram = &histograms(&exposition.families[0])[0];
        let close = |q: f64, value: f64| (histogram.quantile(q).unwrap() - value).abs() < 1e-9;
        assert!(close(0.25, 0.05) && close(0.5, 0.1) && close(0.7, 0.3) && close(0.99, 0.5));
        let empty = Histogram {
            labels: Labels::default(),
            count: None,
            buckets: vec![(f64::INFINITY, 0.0)],
        };
        assert_eq!(empty.quantile(0.5), None);
    }
}
