//! What people read of each incident: mysteries.toml.

use std::sync::OnceLock;

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::commands::mystery::fault::Fault;

const EMBEDDED: &str = include_str!("../../../mysteries.toml");

/// The incidents, in the order of their numbers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Incidents {
    mystery: Vec<Incident>,
}

/// One incident.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Incident {
    pub(crate) fault: Fault,
    /// What it is called before anybody knows.
    pub(crate) title: String,
    /// What somebody has noticed.
    pub(crate) pager: String,
    /// The fault, as one of the choices.
    pub(crate) what: String,
    /// What could be seen if it were this.
    pub(crate) shows: String,
    /// What it was; `<instance>` is the replica that it had chosen.
    pub(crate) story: String,
    #[serde(rename = "step")]
    pub(crate) steps: Vec<Step>,
    /// A query that shows it, and nothing else.
    pub(crate) proof: String,
    /// The condition that would have found it.
    pub(crate) alert: String,
}

/// A query of somebody with experience, and what it tells.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) query: String,
    pub(crate) tells: String,
}

/// All incidents.
pub(crate) fn all() -> anyhow::Result<&'static [Incident]> {
    static INCIDENTS: OnceLock<Result<Vec<Incident>, String>> = OnceLock::new();
    let read = || read(EMBEDDED).map_err(|error| format!("{error:#}"));
    match INCIDENTS.get_or_init(read) {
        Ok(incidents) => Ok(incidents),
        Err(error) => Err(anyhow::anyhow!("mysteries.toml: {error}")),
    }
}

fn read(text: &str) -> anyhow::Result<Vec<Incident>> {
    let incidents = toml::from_str::<Incidents>(text)?.mystery;
    for fault in Fault::ALL {
        let count = incidents.iter().filter(|incident| incident.fault == fault).count();
        ensure!(count == 1, "{count} mysteries have the fault {fault:?}");
    }
    Ok(incidents)
}

/// The incident of a fault.
pub(crate) fn of(fault: Fault) -> anyhow::Result<&'static Incident> {
    all()?.iter().find(|incident| incident.fault == fault).context("no such incident")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_its_incident_in_lines_of_a_screen() {
        for incident in all().unwrap() {
            for text in [&incident.pager, &incident.story] {
                assert!(text.lines().all(|line| line.chars().count() <= 78), "{text}");
            }
            assert!(!incident.steps.is_empty(), "{:?}", incident.fault);
            let telling = |word: &&str| word.len() > 6 && *word != "replica";
            for word in incident.what.split(' ').filter(telling) {
                assert!(!incident.pager.contains(word), "the pager says {word:?}");
            }
        }
    }
}
