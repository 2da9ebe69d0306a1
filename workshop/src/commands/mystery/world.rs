//! A room full of replicas that is made up, second by second: what they would expose, and what a
//! scrape of it would store. One fault may be at work in it. The same seed gives the same world.

use crate::check::stack::prometheus::backfill::INTERVAL;
use crate::check::stack::prometheus::noise::Noise;
use crate::commands::mystery::fault::Fault;
use crate::commands::mystery::replica::{Replica, Sample, Weather};

/// A scrape that takes longer counts as failed, as `scrape_timeout` of the stack has it.
const SCRAPE_TIMEOUT: f64 = 4.0;
const REPLICAS: usize = 3;

/// The replicas at one moment.
#[derive(Debug)]
pub(crate) struct World {
    fault: Option<Fault>,
    /// Which replica the fault has chosen, if it chooses one.
    pub(crate) victim: usize,
    /// When the fault begins, and what time it is: both in seconds from the world's start.
    begins: u64,
    now: u64,
    /// Of the traffic's wave, so that no two worlds rise and fall together.
    phase: f64,
    replicas: Vec<Replica>,
    noise: Noise,
}

/// What one scrape of one replica stores.
#[derive(Debug)]
pub(crate) struct Scrape {
    pub(crate) instance: String,
    pub(crate) up: bool,
    /// How long it takes to answer; nobody waits longer than the time-out.
    pub(crate) seconds: f64,
    pub(crate) samples: Vec<Sample>,
}

impl World {
    /// A world that starts now, in which the fault begins after some seconds.
    pub(crate) fn new(fault: Option<Fault>, seed: u64, begins: u64, at: u64) -> Self {
        let mut noise = Noise::new(seed);
        let victim = noise.below(REPLICAS as u64) as usize;
        let phase = noise.share() * 600.0;
        let replicas = (0..REPLICAS).map(|index| Replica::new(index, at, &mut noise)).collect();
        Self { fault, victim, begins, now: 0, phase, replicas, noise }
    }

    /// The name of the replica that the fault has chosen.
    pub(crate) fn victim_instance(&self) -> String {
        self.replicas[self.victim].instance()
    }

    /// Lets the time from one scrape to the next go by, and scrapes everybody.
    pub(crate) fn step(&mut self, at: u64) -> Vec<Scrape> {
        self.now += INTERVAL;
        let since = self.now.checked_sub(self.begins);
        let wave = 1.0 + 0.3 * ((self.now as f64 + self.phase) / 90.0).sin();
        let active = self.fault.filter(|_| since.is_some());
        let (noise, victim) = (&mut self.noise, self.victim);
        let scrapes = self.replicas.iter_mut().enumerate().map(|(index, replica)| {
            let fault = active.filter(|fault| !fault.chooses_one() || index == victim);
            let weather = Weather { fault, since: since.unwrap_or(0), wave, at };
            replica.live(weather, noise);
            let duration = replica.scrape_seconds(weather, noise);
            let up = duration <= SCRAPE_TIMEOUT && !replica.is_away();
            let mut samples = if up { replica.samples(weather) } else { Vec::new() };
            let stored = samples.len();
            let of_scrape = |name, value| Sample::plain(name, "gauge", value);
            samples.push(of_scrape("up", f64::from(u8::from(up))));
            samples.push(of_scrape("scrape_duration_seconds", duration.min(SCRAPE_TIMEOUT)));
            samples.push(of_scrape("scrape_samples_scraped", stored as f64));
            Scrape { instance: replica.instance(), up, seconds: duration, samples }
        });
        scrapes.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(fault: Option<Fault>, seed: u64) -> Vec<Scrape> {
        let mut world = World::new(fault, seed, 300, 1_000_000);
        (1..=240).map(|step| world.step(1_000_000 + step * INTERVAL)).last().unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_world() {
        let text = |seed| format!("{:?}", last(Some(Fault::Leak), seed));
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
    }

    #[test]
    fn a_healthy_world_has_three_replicas_that_are_up() {
        let scrapes = last(None, 1);
        assert_eq!(scrapes.len(), REPLICAS);
        assert!(scrapes.iter().all(|scrape| scrape.up && scrape.samples.len() > 30));
    }
}
