use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{Phase, Probe, Tolerance, phase::Phases};
use crate::error::{Error, Result};

/// The most of the last looks that may decide on a violation. They are kept, and each gate may take as many.
const MOST_DECIDING: u32 = 1_000;

/// What normal is: a hypothesis, and the probes and tolerances that tell whether it holds.
///
/// The hypothesis is a sentence for people, as in "If one replica hangs, then every customer is served". Each probe has
/// a name of its own, which reports and messages use.
///
/// | method | before | during | after | a violation |
/// |---|---|---|---|---|
/// | [`probe`](Self::probe) | yes | yes | yes | ends the hold |
/// | [`probe_in`](Self::probe_in) | as given | as given | as given | ends the hold |
/// | [`stop_condition`](Self::stop_condition) | yes | yes | no | ends the hold |
/// | [`observe`](Self::observe) | yes | yes | yes | is reported; the hold goes on |
/// | [`observe_in`](Self::observe_in) | as given | as given | as given | is reported; the hold goes on |
/// | [`must_tell`](Self::must_tell) | must not tell yet | must tell in time | no | silence is reported; the hold goes on |
///
/// Before an injection, each of them must be as it should, or nothing is injected. See [the module](super) for an
/// example.
#[derive(Clone, Debug)]
#[must_use = "a steady state does nothing until a monkey has it"]
pub struct SteadyState {
    pub(super) hypothesis: String,
    pub(super) probes: Vec<Arc<Watched>>,
    pub(super) every: Duration,
    pub(super) time_limit: Duration,
    pub(super) violated: (u32, u32),
    pub(super) baseline: Duration,
    pub(super) again_within: Duration,
    pub(super) settled: u32,
}

/// A probe with the rules for it.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) name: String,
    pub(super) probe: Arc<dyn Probe>,
    pub(super) tolerance: Tolerance,
    pub(super) phases: Phases,
    pub(super) duty: Duty,
}

/// What a violation while a fault is in effect leads to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Duty {
    /// It ends the hold.
    Cut,
    /// It is reported.
    Observe,
    /// The tolerance has to become true within this time after the first injection.
    MustTell(Duration),
}

impl SteadyState {
    /// A steady state without probes, which [`build`](crate::monkey::MonkeyBuilder::build) refuses. Add at least one.
    pub fn new(hypothesis: impl Into<String>) -> Self {
        Self {
            hypothesis: hypothesis.into(),
            probes: Vec::new(),
            every: Duration::from_secs(1),
            time_limit: Duration::from_secs(5),
            violated: (1, 1),
            baseline: Duration::ZERO,
            again_within: Duration::from_secs(60),
            settled: 1,
        }
    }

    /// Adds a probe that must meet its tolerance in every phase.
    pub fn probe(self, name: impl Into<String>, probe: impl Probe, tolerance: impl Into<Tolerance>) -> Self {
        self.add(name, probe, tolerance, Phases::ALL, Duty::Cut)
    }

    /// Adds a probe that must meet its tolerance in these phases: [`Before`](Phase::Before) and
    /// [`After`](Phase::After) for what the fault breaks by definition, such as the number of healthy members; `Before`
    /// alone for a condition that only has to hold at the start.
    pub fn probe_in(
        self,
        phases: impl IntoIterator<Item = Phase>,
        name: impl Into<String>,
        probe: impl Probe,
        tolerance: impl Into<Tolerance>,
    ) -> Self {
        self.add(name, probe, tolerance, Phases::of(phases), Duty::Cut)
    }

    /// Adds a stop condition: it must be met before and during a fault, and ends the fault if it is not.
    pub fn stop_condition(
        self,
        name: impl Into<String>,
        probe: impl Probe,
        tolerance: impl Into<Tolerance>,
    ) -> Self {
        self.add(name, probe, tolerance, Phases::of([Phase::Before, Phase::During]), Duty::Cut)
    }

    /// Adds a probe that belongs to the hypothesis but cuts nothing short: a violation during a fault is a deviation,
    /// and the hold goes on to its deadline.
    pub fn observe(
        self,
        name: impl Into<String>,
        probe: impl Probe,
        tolerance: impl Into<Tolerance>,
    ) -> Self {
        self.add(name, probe, tolerance, Phases::ALL, Duty::Observe)
    }

    /// As [`observe`](Self::observe), in these phases.
    pub fn observe_in(
        self,
        phases: impl IntoIterator<Item = Phase>,
        name: impl Into<String>,
        probe: impl Probe,
        tolerance: impl Into<Tolerance>,
    ) -> Self {
        self.add(name, probe, tolerance, Phases::of(phases), Duty::Observe)
    }

    /// Adds something that has to become true while a fault is in effect, at most `within` after the first injection:
    /// an alarm fires, traffic moves to the other side. The report has the time that it took. Silence past `within`, or
    /// an answer later than that, is a deviation. It must not tell before the injection already.
    pub fn must_tell(
        self,
        name: impl Into<String>,
        probe: impl Probe,
        tolerance: impl Into<Tolerance>,
        within: Duration,
    ) -> Self {
        let phases = Phases::of([Phase::Before, Phase::During]);
        self.add(name, probe, tolerance, phases, Duty::MustTell(within))
    }

    fn add(
        mut self,
        name: impl Into<String>,
        probe: impl Probe,
        tolerance: impl Into<Tolerance>,
        phases: Phases,
        duty: Duty,
    ) -> Self {
        let (name, probe, tolerance) = (name.into(), Arc::new(probe), tolerance.into());
        self.probes.push(Arc::new(Watched { name, probe, tolerance, phases, duty }));
        self
    }

    /// Sets the time from the start of one look to the start of the next, for each probe. A look that takes longer is
    /// followed by the next at once. Default: 1 s.
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = interval;
        self
    }

    /// Sets how long one look may take. A longer one is a doubt. Default: 5 s.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Sets how many of the last `of` looks at one probe must be wrong for a violation: `violated_when(3, 3)` is three
    /// in a row. A look that nobody could make counts as wrong; if it tips the scales, this is a doubt. `of` is at most
    /// 1,000. Default: 1 of 1.
    pub fn violated_when(mut self, looks: u32, of: u32) -> Self {
        self.violated = (looks, of);
        self
    }

    /// Sets for how long the system is looked at before the plan is made. Default: until one look at each probe has
    /// decided.
    pub fn baseline(mut self, duration: Duration) -> Self {
        self.baseline = duration;
        self
    }

    /// Sets by when, counted from the last recovery, the system must be steady again. Default: 60 s.
    pub fn again_within(mut self, limit: Duration) -> Self {
        self.again_within = limit;
        self
    }

    /// Sets how many looks in a row at all probes must be met for the system to be steady again. Default: 1.
    pub fn settled(mut self, looks: u32) -> Self {
        self.settled = looks;
        self
    }

    /// The hypothesis.
    pub fn hypothesis(&self) -> &str {
        &self.hypothesis
    }

    /// Whether it makes sense. [`build`](crate::monkey::MonkeyBuilder::build) calls it.
    ///
    /// # Errors
    /// `InvalidInput` that names the field and the value and says what would be right: no probe, two probes of one
    /// name, an empty name or hypothesis, no phase, zero, more looks violated than looked at, a range from the greater
    /// to the lesser number, and whatever a probe's own [`check`](Probe::check) refuses.
    pub fn check(&self) -> Result<()> {
        if self.hypothesis.trim().is_empty() {
            return Err(Error::invalid("hypothesis", "\"\"", "a sentence that says what should hold"));
        }
        if self.probes.is_empty() {
            return Err(Error::invalid("probes", "none", "at least one"));
        }
        for (field, duration) in
            [("every", self.every), ("time_limit", self.time_limit), ("again_within", self.again_within)]
        {
            if duration.is_zero() {
                return Err(Error::invalid(field, "0s", "more than zero"));
            }
        }
        let (wrong, of) = self.violated;
        if wrong == 0 || wrong > of {
            let expected = "at least 1 look, of as many or more";
            return Err(Error::invalid("violated_when", format_args!("{wrong} of {of}"), expected));
        }
        if of > MOST_DECIDING {
            let expected = format!("at most {MOST_DECIDING} looks");
            return Err(Error::invalid("violated_when", format_args!("{wrong} of {of}"), expected));
        }
        if self.settled == 0 {
            return Err(Error::invalid("settled", 0, "at least 1 look"));
        }
        let mut names = BTreeSet::new();
        self.probes.iter().try_for_each(|watched| {
            if watched.name.trim().is_empty() {
                return Err(Error::invalid("name of a probe", format_args!("{:?}", watched.name), "a name"));
            }
            if !names.insert(watched.name.as_str()) {
                let expected = "each probe to have a name of its own";
                return Err(Error::invalid("name of a probe", format_args!("{:?}", watched.name), expected));
            }
            watched.check().map_err(|error| {
                let field = error.field().map(|field| format!("{field} of {:?}", watched.name));
                match field {
                    Some(field) => error.in_field(field),
                    None => error.with("probe", &watched.name),
                }
            })
        })
    }
}

impl Watched {
    fn check(&self) -> Result<()> {
        if self.phases.is_empty() {
            return Err(Error::invalid("phases", "none", "at least one"));
        }
        if self.duty == Duty::MustTell(Duration::ZERO) {
            return Err(Error::invalid("within", "0s", "more than zero"));
        }
        self.tolerance.check()?;
        self.probe.check()
    }
}
