use std::fmt;

use super::{CutHold, PhaseReport, ProbeReport, Share, SteadyStateReport, SteadyStateVerdict};
use crate::text::escaped;

impl fmt::Display for SteadyStateVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Held => "held",
            Self::Deviated => "deviated",
            Self::Inconclusive => "inconclusive",
            Self::NotTested => "not-tested",
        })
    }
}

impl fmt::Display for SteadyStateReport {
    /// The hypothesis and its verdict with the reasons and the times, and a line for each probe.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", escaped(&self.hypothesis))?;
        write!(f, "{}", self.verdict)?;
        for (index, reason) in self.reasons.iter().enumerate() {
            write!(f, "{}{reason}", if index == 0 { ": " } else { "; " })?;
        }
        if let Some(CutHold { after, of }) = self.cut_short {
            write!(f, "; cut short after {:.1} s of {}", after.as_secs_f64(), of.as_secs_f64())?;
        }
        match self.time_to_settle() {
            Some(time) => write!(f, "; steady again {:.1} s after the recovery", time.as_secs_f64())?,
            None if self.probes.iter().any(|probe| probe.after.looks() > 0) => {
                f.write_str("; not seen to be steady again")?
            }
            None => {}
        }
        self.probes.iter().try_for_each(|probe| write!(f, "\n  {probe}"))
    }
}

impl fmt::Display for ProbeReport {
    /// One line: what was expected, and how many looks met it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}), expected {}", escaped(&self.name), escaped(&self.looks_at), self.tolerated)?;
        for (phase, looks) in [("before", &self.before), ("during", &self.during), ("after", &self.after)] {
            if looks.looks() > 0 {
                write!(f, "; {phase}: {looks}")?;
            }
        }
        if let Some(told) = self.told_after {
            write!(f, "; told after {:.1} s", told.as_secs_f64())?;
        }
        Ok(())
    }
}

impl fmt::Display for PhaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.met, self.met + self.violated)?;
        if let Some(share) = self.share {
            write!(f, " ({share})")?;
        }
        if self.unknown > 0 {
            write!(f, ", {} unknown", self.unknown)?;
        }
        // A number that never changes, such as a status, is in the tolerance already.
        if let Some(numbers) = self.numbers.filter(|numbers| numbers.least < numbers.most) {
            let [median, p95, most] = [numbers.median.value, numbers.p95.value, numbers.most]
                .map(|number| (number * 1e3).round() / 1e3);
            write!(f, ", median {median}, 95th percentile {p95}, most {most}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Share {
    /// The interval, in percent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "95 % interval from {:.1} % to {:.1} %", self.low * 100.0, self.high * 100.0)
    }
}
