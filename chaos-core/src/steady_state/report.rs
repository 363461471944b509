use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Phase,
    statistics::{Quantile, Share},
};
use crate::{clock::seconds, error::Failure};

/// The findings about the steady state over one run. `Display` shows the verdict in one line and each probe in another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SteadyStateReport {
    /// The hypothesis, in the user's words.
    pub hypothesis: String,
    /// The verdict on it.
    pub verdict: SteadyStateVerdict,
    /// Why it is not `held`, each reason as one sentence for a person.
    pub reasons: Vec<String>,
    /// When the first injection of the run began. `None` if nothing was injected.
    pub injected_at: Option<Timestamp>,
    /// When the last target was back, or its recovery was given up.
    pub recovered_at: Option<Timestamp>,
    /// When the system was first seen not to be steady while a fault was in effect.
    pub unsteady_since: Option<Timestamp>,
    /// When the system was first seen to be steady again for good after the last recovery.
    pub steady_again_at: Option<Timestamp>,
    /// The first hold that the steady state cut short, if it did.
    #[serde(default)]
    pub cut_short: Option<CutHold>,
    /// Every probe, in the order in which they were added.
    pub probes: Vec<ProbeReport>,
}

/// A hold that was cut short.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CutHold {
    /// How long the fault was in effect. In JSON, decimal seconds.
    #[serde(with = "seconds")]
    pub after: Duration,
    /// How long it was meant to be. In JSON, decimal seconds.
    #[serde(with = "seconds")]
    pub of: Duration,
}

/// The verdict on a hypothesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SteadyStateVerdict {
    /// Every look at every probe was as it should be, as far as the steady state demands it, and the system was steady
    /// again in time.
    Held,
    /// The system deviated: it was not steady while a fault was in effect, or not steady again in time; or something
    /// that had to be told was not told in time.
    Deviated,
    /// A fault was injected, but the hypothesis was not tested: nobody could look, the hold ended early for another
    /// reason, or the fault had no effect.
    Inconclusive,
    /// Nothing was injected.
    NotTested,
}

/// The findings of one probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProbeReport {
    /// The name that the steady state gives to it.
    pub name: String,
    /// What it looks at.
    pub looks_at: String,
    /// What is tolerated: completes "expected ".
    pub tolerated: String,
    /// The looks before the injection.
    pub before: PhaseReport,
    /// The looks that began and ended while a fault was in full effect: its injection had returned, and its recovery
    /// had not begun. A momentary fault is in effect until its target is back. A look at the edges of a fault is not
    /// counted, but is a violation if it was not met.
    pub during: PhaseReport,
    /// The looks after the last recovery.
    pub after: PhaseReport,
    /// The first violation that counted: as many looks were not met as the steady state demands for one. One during a
    /// fault takes the place of one before it.
    pub first_violation: Option<Violation>,
    /// The first look that nobody could make or judge. One during a fault takes the place of one before it.
    pub first_doubt: Option<Doubted>,
    /// For [`must_tell`](super::SteadyState::must_tell): from the first injection until it was seen to tell. In JSON,
    /// decimal seconds.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub told_after: Option<Duration>,
    /// The looks over time, for a plot: at most 2,000 points. If there were more looks, each point is the worst of as
    /// many in a row.
    pub series: Vec<Point>,
}

/// The looks of one probe in one phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PhaseReport {
    /// How many looks met the tolerance.
    pub met: u64,
    /// How many did not.
    pub violated: u64,
    /// How many nobody could make or judge.
    pub unknown: u64,
    /// The share of the looks that met the tolerance, of those that were judged.
    pub share: Option<Share>,
    /// The numbers among the readings, if there were any.
    pub numbers: Option<Numbers>,
}

/// The distribution of the numbers that a probe read.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Numbers {
    /// How many there were.
    pub looks: u64,
    /// How many of them the quantiles are of: all, or a uniform sample drawn with the run's seed.
    pub sample: u64,
    /// The least.
    pub least: f64,
    /// The median.
    pub median: Quantile,
    /// The 95th percentile.
    pub p95: Quantile,
    /// The 99th percentile.
    pub p99: Quantile,
    /// The most.
    pub most: f64,
}

/// A violation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Violation {
    /// The phase.
    pub phase: Phase,
    /// When the look began that was the first not to be met.
    pub at: Timestamp,
    /// The value that was read, as a person reads it, cut at 256 bytes. `None` if there was no answer.
    pub value: Option<String>,
    /// Why it is a violation, as in "503, expected 200".
    pub why: String,
}

/// A look that nobody could make or judge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Doubted {
    /// The phase.
    pub phase: Phase,
    /// When the look began.
    pub at: Timestamp,
    /// Why.
    pub failure: Failure,
}

/// A point of a series.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Point {
    /// When the look began, in decimal seconds since [the run began](crate::monkey::RunReport::began_at).
    pub seconds: f64,
    /// The judgement.
    pub judged: Judged,
    /// The number that was read, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<f64>,
}

/// The judgement on a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Judged {
    /// It met the tolerance.
    Met,
    /// It did not.
    Violated,
    /// Nobody could look, or nobody could judge.
    Unknown,
}

impl Point {
    pub(crate) fn new(seconds: f64, judged: Judged, number: Option<f64>) -> Self {
        Self { seconds, judged, number }
    }
}

impl SteadyStateReport {
    /// The findings of the probe of this name.
    pub fn probe(&self, name: &str) -> Option<&ProbeReport> {
        self.probes.iter().find(|probe| probe.name == name)
    }

    /// From the first injection until the system was first seen not to be steady.
    pub fn time_to_deviate(&self) -> Option<Duration> {
        self.unsteady_since?.duration_since(self.injected_at?).try_into().ok()
    }

    /// From the last recovery until the system was seen to be steady again for good.
    pub fn time_to_settle(&self) -> Option<Duration> {
        self.steady_again_at?.duration_since(self.recovered_at?).try_into().ok()
    }
}

impl PhaseReport {
    /// So many looks, without numbers.
    pub(crate) fn counted(met: u64, violated: u64, unknown: u64) -> Self {
        Self { met, violated, unknown, share: Share::of(met, met + violated), numbers: None }
    }

    /// How many looks there were.
    pub fn looks(&self) -> u64 {
        self.met + self.violated + self.unknown
    }
}
