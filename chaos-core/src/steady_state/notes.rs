//! The notes that the phases of one run keep about its steady state.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicUsize},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{RwLock, watch};
use tokio_util::sync::CancellationToken;

use super::{
    Phase, Reading, SteadyState,
    before::{all_steady, is_steady},
    judgement::Shown,
    look::Looked,
    report::{Doubted, Judged, Point, Violation},
    series::Series,
    steady_state::{Duty, Watched},
    tally::Tally,
    tolerance::Judgement,
};
use crate::{
    chance::Draw,
    clock::{self, Clock},
    error::{ErrorKind, Failure},
    fault::CutShort,
    monkey::RunId,
    observer::{Activity, Observers},
    plan::Reason,
};

/// Everything that is known about the steady state so far.
#[derive(Debug)]
pub(super) struct Notes {
    pub(super) steady: SteadyState,
    pub(super) clock: Arc<dyn Clock>,
    observers: Observers,
    run: RunId,
    /// The wall clock and the monotonic clock when the run began.
    began: (Timestamp, Duration),
    pub(super) probes: Vec<Mutex<Probed>>,
    /// How many faults may be in effect.
    pub(super) in_effect: watch::Sender<usize>,
    /// How many injections have returned without an error. Each is looked at at once.
    pub(super) injected: watch::Sender<usize>,
    pub(super) cut: watch::Sender<Option<Arc<Unsteady>>>,
    times: Mutex<Times>,
    /// Of each fault in full effect, whose injection has returned and whose recovery has not begun: when it ends by
    /// itself, by the monotonic clock.
    in_full_effect: Mutex<Vec<Duration>>,
    /// Shared by the looks at a fault, and taken alone by the conclusion, which comes after all of them.
    pub(super) looking: RwLock<()>,
    /// How many effects were over before their recovery. A look that spans such an end says nothing about the effect.
    pub(super) ended: AtomicUsize,
    /// No fault needs the watch any longer.
    pub(super) over: CancellationToken,
}

/// Times by the monotonic clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    /// When the first injection began.
    pub(super) injected: Option<Duration>,
    /// When the first injection returned without an error.
    pub(super) returned: Option<Duration>,
    /// Since when at least one fault may be in effect without a gap, and the longest time for which that was so.
    since: Duration,
    pub(super) longest: Duration,
    /// When the last target was back, or its recovery was given up.
    pub(super) recovered: Option<Duration>,
    /// When the system was steady again.
    pub(super) steady_again: Option<Duration>,
}

/// The looks at one probe so far.
#[derive(Debug)]
pub(super) struct Probed {
    pub(super) tallies: [Tally; 3],
    pub(super) series: Series,
    draw: Draw,
    /// The latest looks during a fault, as many as decide.
    latest: Vec<Wrong>,
    pub(super) first_violation: Option<Violation>,
    pub(super) first_doubt: Option<Doubted>,
    /// For what must be told: when it was seen to be.
    pub(super) told: Option<Duration>,
    /// The median before the injection.
    normal: Option<f64>,
    /// The time of the latest sign of life of its watch.
    pub(super) alive: Duration,
}

/// A look that was as it should be, or not.
#[derive(Clone, Debug)]
enum Wrong {
    No,
    Violation { at: Duration, violation: Violation },
    Doubt { at: Duration, failure: Failure },
}

/// Why the steady state cuts a run short.
#[derive(Clone, Debug)]
pub(crate) struct Unsteady {
    pub(crate) cut_short: CutShort,
    /// For the victims that still wait.
    pub(crate) reason: Reason,
    /// The monotonic time of the look that was wrong.
    pub(super) at: Duration,
}

impl Notes {
    pub(super) fn begin(
        steady: &SteadyState,
        clock: &Arc<dyn Clock>,
        observers: &Observers,
        run: RunId,
        seed: u64,
    ) -> Self {
        let began = (clock.now(), clock.monotonic());
        let probed = |index: usize| Mutex::new(Probed::new(seed, &steady.probes[index].name));
        Self {
            probes: (0..steady.probes.len()).map(probed).collect(),
            steady: steady.clone(),
            clock: Arc::clone(clock),
            observers: observers.clone(),
            run,
            began,
            in_effect: watch::Sender::new(0),
            injected: watch::Sender::new(0),
            cut: watch::Sender::new(None),
            times: Mutex::default(),
            in_full_effect: Mutex::default(),
            looking: RwLock::default(),
            ended: AtomicUsize::new(0),
            over: CancellationToken::new(),
        }
    }

    /// A fault may be in effect from now on.
    pub(super) fn enter_effect(&self) {
        let now = self.clock.monotonic();
        let mut times = self.times();
        times.injected.get_or_insert(now);
        if !self.is_under_fault() {
            times.since = now;
        }
        drop(times);
        for probed in &self.probes {
            let mut probed = locked(probed);
            probed.alive = now;
            probed.normal = probed.normal.or_else(|| probed.tallies[Phase::Before as usize].median());
        }
        self.in_effect.send_modify(|faults| *faults += 1);
    }

    /// An injection returned without an error. Returns when the fault ends by itself.
    pub(super) fn enter_full_effect(&self, lasting: Option<Duration>) -> Duration {
        let now = self.clock.monotonic();
        let until = lasting.map_or(Duration::MAX, |lasting| now.saturating_add(lasting));
        self.times().returned.get_or_insert(now);
        locked(&self.in_full_effect).push(until);
        self.injected.send_modify(|injections| *injections += 1);
        until
    }

    /// The recovery of a fault that would have ended by itself then begins.
    pub(super) fn leave_full_effect(&self, until: Duration) {
        let mut faults = locked(&self.in_full_effect);
        if let Some(index) = faults.iter().position(|other| *other == until) {
            faults.swap_remove(index);
        }
    }

    /// Whether a fault is in full effect, now and at this time of the monotonic clock.
    pub(super) fn is_full_at(&self, time: Duration) -> bool {
        locked(&self.in_full_effect).iter().any(|until| time < *until)
    }

    /// A fault that was over before is recovered.
    pub(super) fn recovered(&self) {
        self.times().recovered = Some(self.clock.monotonic());
    }

    /// A fault is over.
    pub(super) fn leave_effect(&self) {
        let now = self.clock.monotonic();
        let mut times = self.times();
        times.recovered = Some(now);
        times.longest = times.longest.max(now.saturating_sub(times.since));
        drop(times);
        self.in_effect.send_modify(|faults| *faults -= 1);
    }

    /// Looks at the probes that must hold before an injection.
    pub(super) async fn gate(&self, lasting: Duration, is_under_fault: bool) -> Result<(), Reason> {
        let is_asked = |watched: &Watched| {
            let holds_during =
                watched.phases.has(Phase::During) && !matches!(watched.duty, Duty::MustTell(_));
            watched.phases.has(Phase::Before) && (holds_during || !is_under_fault)
        };
        let asked = self.steady.probes.iter().enumerate().filter(|(_, watched)| is_asked(watched));
        let asking = asked.map(|(index, watched)| async move {
            // What the fault of another victim does is seen here too, unless that fault is over by now.
            let phase =
                || if is_under_fault && self.is_under_fault() { Phase::During } else { Phase::Before };
            let seen = |looked: &Looked, judged: &Judgement| {
                let phase = phase();
                self.record(index, phase, phase == Phase::Before, looked, judged);
            };
            let normal = self.normal(index);
            let steady = is_steady(&self.steady, watched, &self.clock, normal, lasting, seen).await;
            if steady.is_err() {
                self.settle_violation(index);
            }
            steady
        });
        all_steady(asking).await
    }

    /// Records a look. One at the edge of a fault does not `count`, since it says little of the fault if it was met; if
    /// it was not, that is a violation all the same.
    pub(super) fn record(
        &self,
        index: usize,
        phase: Phase,
        counts: bool,
        looked: &Looked,
        judged: &Judgement,
    ) {
        let watched = &self.steady.probes[index];
        let value = match &looked.reading {
            Ok(Reading::Value(value)) => Some(value),
            _ => None,
        };
        let number = value.and_then(Value::as_f64);
        let (at, began) = (self.at(looked.began), looked.began);
        let mut probed = locked(&self.probes[index]);
        probed.alive = self.clock.monotonic();
        if counts {
            probed.count(phase, judged, number);
        }
        let (wrong, judged) = match judged {
            Judgement::Met => (Wrong::No, Judged::Met),
            Judgement::NotMet(why) => {
                let value = value.map(|value| Shown(value).to_string());
                let violation = Violation { phase, at, value, why: why.clone() };
                (Wrong::Violation { at: began, violation }, Judged::Violated)
            }
            Judgement::Unknown(failure) => {
                let failure = failure.clone();
                // One before a fault hides none during it.
                let is_during = |phase| phase == Phase::During;
                let hides = |first: &Doubted| is_during(first.phase) || !is_during(phase);
                if !probed.first_doubt.as_ref().is_some_and(hides) {
                    probed.first_doubt = Some(Doubted { phase, at, failure: failure.clone() });
                }
                (Wrong::Doubt { at: began, failure }, Judged::Unknown)
            }
        };
        probed.series.add(Point::new(began.saturating_sub(self.began.1).as_secs_f64(), judged, number));
        if probed.latest.len() == self.steady.violated.1 as usize {
            probed.latest.remove(0);
        }
        probed.latest.push(wrong);
        let is_first_met = counts && judged == Judged::Met && probed.tallies[phase as usize].met == 1;
        drop(probed);
        if is_first_met {
            let value = value.map(|value| Shown(value).to_string()).unwrap_or_default();
            self.tell(Activity::SteadyStateMet { run: self.run, phase, probe: watched.name.clone(), value });
        }
    }

    /// Forgets what was seen in an earlier phase, so that it does not decide in this one.
    pub(super) fn forget_the_latest(&self, index: usize) {
        locked(&self.probes[index]).latest.clear();
    }

    /// Whether the latest looks at a probe are a violation or a doubt. A violation is recorded, and told once.
    pub(super) fn settle_violation(&self, index: usize) -> Option<Unsteady> {
        let (needed, watched) = (self.steady.violated.0 as usize, &self.steady.probes[index]);
        let mut probed = locked(&self.probes[index]);
        let wrong: Vec<_> =
            probed.latest.iter().filter(|wrong| !matches!(wrong, Wrong::No)).cloned().collect();
        if wrong.len() < needed {
            return None;
        }
        let violations = wrong.iter().filter_map(|wrong| match wrong {
            Wrong::Violation { at, violation } => Some((at, violation)),
            _ => None,
        });
        // It is a violation if that alone would be one. Otherwise it was a doubt that tipped the scales.
        if violations.clone().count() < needed {
            return wrong.iter().find_map(|wrong| match wrong {
                Wrong::Doubt { at, failure } => {
                    Some(Unsteady { cut_short: CutShort::InDoubt, reason: watched.doubt(failure), at: *at })
                }
                _ => None,
            });
        }
        let (at, violation) = violations.min_by_key(|(at, _)| **at)?;
        // One before a fault says nothing about the hypothesis, so it hides none during it.
        let is_during = |violation: &Violation| violation.phase == Phase::During;
        let is_first =
            probed.first_violation.as_ref().is_none_or(|first| !is_during(first) && is_during(violation));
        if is_first {
            probed.first_violation = Some(violation.clone());
        }
        drop(probed);
        if is_first {
            let Violation { phase, why, .. } = violation.clone();
            self.tell(Activity::SteadyStateViolated {
                run: self.run,
                phase,
                probe: watched.name.clone(),
                why,
            });
        }
        Some(Unsteady {
            cut_short: CutShort::NotSteady,
            reason: Reason::not_steady(&watched.name, &violation.why),
            at: *at,
        })
    }

    /// Cuts the run short, unless it is already.
    pub(super) fn cut(&self, unsteady: Unsteady) {
        self.cut.send_if_modified(|cut| {
            let is_first = cut.is_none();
            cut.get_or_insert_with(|| Arc::new(unsteady));
            is_first
        });
    }

    /// A doubt, because nobody watches.
    pub(super) fn doubt_of_watch(&self, what: &'static str) -> Unsteady {
        let reason = Reason::doubt(Failure::new(ErrorKind::Unavailable, what));
        Unsteady { cut_short: CutShort::InDoubt, reason, at: self.clock.monotonic() }
    }

    pub(super) fn normal(&self, index: usize) -> Option<f64> {
        locked(&self.probes[index]).normal
    }

    pub(super) fn is_under_fault(&self) -> bool {
        *self.in_effect.borrow() > 0
    }

    pub(super) fn times(&self) -> MutexGuard<'_, Times> {
        locked(&self.times)
    }

    /// The wall-clock time of a reading of the monotonic clock. Setting the wall clock meanwhile changes no difference.
    pub(super) fn at(&self, monotonic: Duration) -> Timestamp {
        clock::after(self.began.0, monotonic.saturating_sub(self.began.1))
    }

    pub(super) fn run(&self) -> RunId {
        self.run
    }

    pub(super) fn tell(&self, activity: Activity) {
        self.observers.tell(self.clock.now(), activity);
    }
}

impl Probed {
    fn count(&mut self, phase: Phase, judged: &Judgement, number: Option<f64>) {
        self.tallies[phase as usize].count(judged, number, &mut self.draw);
    }

    fn new(seed: u64, name: &str) -> Self {
        Self {
            tallies: Default::default(),
            series: Series::default(),
            draw: Draw::for_group(seed, name),
            latest: Vec::new(),
            first_violation: None,
            first_doubt: None,
            told: None,
            normal: None,
            alive: Duration::ZERO,
        }
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
