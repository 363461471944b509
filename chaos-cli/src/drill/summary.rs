use std::{collections::BTreeSet, fmt, time::Duration};

use chaos_core::{
    GroupId, Outcome,
    clock::{Clock, SystemClock},
    fault::{FaultState, Magnitude},
    monkey::Skip,
    text::escaped,
};
use jiff::Timestamp;

use super::{
    plan_table::PlanTable,
    report::{ClientsReport, DrillReport, FaultReport},
};
use crate::{
    program::{escaped_lines, state_text, unreadable_table},
    table::Table,
};

/// The summary that a drill prints at the end.
pub(super) struct Summary<'a> {
    pub(super) report: &'a DrillReport,
    /// Whether the plan was already shown.
    pub(super) plan_is_known: bool,
    /// The rest of the command line that does the same again.
    pub(super) again: String,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.report;
        match report.outcome {
            _ if self.plan_is_known => {}
            Outcome::DryRun => writeln!(f, "{}\n", PlanTable(&report.plan))?,
            _ if report.faults.is_empty() => writeln!(f, "{}\n", PlanTable(&report.plan))?,
            _ => writeln!(f, "{}\n", faults(report))?,
        }
        for fault in &report.faults {
            for remark in &fault.remarks {
                writeln!(f, "{}: {}\n", escaped(fault.target.as_str()), escaped(remark))?;
            }
        }
        for fault in &report.faults {
            if let Some(by_hand) = &fault.by_hand {
                writeln!(f, "{} by hand: {}\n", escaped(fault.target.as_str()), escaped_lines(by_hand))?;
            }
        }
        if let Some(command) = report.faults.iter().find_map(|fault| fault.recover_with.as_ref()) {
            writeln!(f, "recover with: {command}\n")?;
        }
        if !report.faults.is_empty() {
            // The plan would show them, but it is not printed here.
            for doubt in &report.plan.doubts {
                writeln!(f, "in doubt: {doubt}\n")?;
            }
            for Skip { target, reason, .. } in &report.skipped {
                writeln!(f, "{}: left alone: {}\n", escaped(target.as_str()), escaped(&reason.to_string()))?;
            }
        }
        if !report.unreadable.is_empty() {
            writeln!(f, "{}\n", unreadable_table(&report.unreadable))?;
        }
        // Without a fault, the plan says what was not steady.
        if let Some(steady) = report.steady_state.as_ref().filter(|_| !report.faults.is_empty()) {
            let lines = escaped_lines(&steady.to_string()).replace('\n', "\n         ");
            writeln!(f, "steady   {lines}")?;
        }
        let group = &report.group;
        if !report.faults.is_empty() {
            writeln!(f, "seed     {}", report.seed)?;
        }
        let told = |number: Option<usize>| {
            number.map_or_else(|| "an unknown number".to_owned(), |number| number.to_string())
        };
        writeln!(
            f,
            "group    {} healthy before, {} after, of {} desired{}{}",
            told(group.healthy_before),
            told(group.healthy_after),
            told(group.desired),
            group.desired_before.map(|before| format!(", was {before} before")).unwrap_or_default(),
            if group.gone.is_empty() { String::new() } else { format!("; gone: {}", gone(&group.gone)) },
        )?;
        if report.clients.all.requests > 0 {
            let ClientsReport { all, during_hold } = report.clients;
            writeln!(f, "clients  {} requests sent, {} failed", all.requests, all.failed)?;
            if let Some(held) = during_hold {
                writeln!(f, "         {} of them during the hold, {} failed", held.requests, held.failed)?;
            }
        }
        let outcome = if report.interrupted { "interrupted".to_owned() } else { report.outcome.to_string() };
        write!(f, "outcome  {outcome}{}", explained(report))?;
        match report.outcome {
            // There is nothing to do.
            Outcome::DryRun if report.plan.chosen().next().is_none() => Ok(()),
            Outcome::DryRun => write!(f, "\ndo it    {}", self.again),
            _ => write!(f, "\nagain    {}", self.again),
        }
    }
}

fn gone(groups: &[GroupId]) -> String {
    let groups: Vec<String> = groups.iter().map(|group| escaped(group.as_str()).to_string()).collect();
    groups.join(", ")
}

fn explained(report: &DrillReport) -> &'static str {
    let is_over = |fault: &FaultReport| fault.state == FaultState::Recovered;
    let is_back = |fault: &FaultReport| is_over(fault) && !fault.gone;
    // A note says that a target is gone for good, and anything else that qualifies its return.
    let is_qualified = report.faults.iter().any(|fault| fault.note.is_some());
    let some_are_gone = report.faults.iter().any(|fault| fault.gone);
    match report.outcome {
        Outcome::Completed if some_are_gone => {
            ": injected, and over; targets that are gone are not back, as the remarks say"
        }
        Outcome::Deviated if some_are_gone => {
            ": the hypothesis was wrong; targets that are gone are not back, as the remarks say"
        }
        Outcome::Inconclusive if some_are_gone => {
            ": the hypothesis was not tested; targets that are gone are not back, as the remarks say"
        }
        Outcome::Deviated => ": the hypothesis was wrong; everything that was injected is back",
        Outcome::Inconclusive => ": the hypothesis was not tested; everything that was injected is back",
        Outcome::Completed if is_qualified => ": injected, and over; the remarks say how it ended",
        Outcome::CutShort if is_qualified => ": ended before its time; the remarks say how",
        Outcome::Completed => ": injected, and seen to be back",
        Outcome::DryRun if report.unanswered.is_some() => {
            ": nothing was touched, and it is unknown which targets would be hit"
        }
        Outcome::DryRun => ": nothing was touched",
        Outcome::Skipped => ": nothing was injected",
        Outcome::CutShort => ": ended before its time, and seen to be back",
        Outcome::NoEffect => ": injected, and no effect was seen",
        _ if report.faults.is_empty() => ": nothing was injected",
        _ if !report.unreadable.is_empty() => {
            ": THE JOURNAL HOLDS ENTRIES THAT CANNOT BE READ; THEIR TARGETS MAY \
            NOT BE BACK"
        }
        _ if report.faults.iter().all(is_back) => ": everything that was injected is back",
        _ if report.faults.iter().all(is_over) => {
            ": everything that was injected is back or gone, as the remarks say"
        }
        _ if report.faults.iter().all(|fault| is_back(fault) || fault.is_unrecorded) => {
            ": everything that was injected is back, but the journal did not record it"
        }
        _ => ": NOT EVERYTHING IS BACK",
    }
}

/// A table for 80 columns. If all victims are in one group, they are shown by name.
fn faults(report: &DrillReport) -> String {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let time = |milliseconds: Option<u64>| {
        or_none(milliseconds.map(|milliseconds| humanly(Duration::from_millis(milliseconds))))
    };
    let held = |fault: &FaultReport| {
        let seconds = fault.achieved.get("seconds")?;
        Some(humanly(Duration::try_from_secs_f64(seconds).ok()?))
    };
    let mut groups: Vec<_> = report.faults.iter().map(|fault| fault.target.group()).collect();
    groups.sort();
    groups.dedup();
    let was_held = report.faults.iter().any(|fault| held(fault).is_some());

    let mut headings = vec!["victim", "event", "time to detect", "time to recover", "state"];
    if was_held {
        headings.insert(2, "held");
    }
    let mut table = Table::with_headings(headings);
    for fault in &report.faults {
        let victim = match groups.len() {
            1 => fault.target.name(),
            _ => fault.target.as_str(),
        };
        let mut cells = vec![
            victim.to_owned(),
            fault.event.clone(),
            time(fault.time_to_detect_ms),
            time(fault.time_to_recover_ms),
            state_text(fault.state, fault.is_unrecorded, fault.gone),
        ];
        if was_held {
            cells.insert(2, or_none(held(fault)));
        }
        table.row(cells);
    }
    let mut text = table.to_string();
    if was_held {
        text.push_str("\n(times count from the injection: the time to recover includes the time held)");
    }
    if let [group] = &groups[..] {
        text = format!("{}\n{text}", escaped(group.as_str()));
    }
    if let Some(magnitudes) = magnitudes(report) {
        text.push_str(&format!("\n\n{magnitudes}"));
    }
    text
}

/// The requested and achieved magnitudes, if there are others than a time.
fn magnitudes(report: &DrillReport) -> Option<Table> {
    let mut table = Table::with_headings(["victim", "how much", "requested", "achieved"]);
    let mut is_empty = true;
    for fault in &report.faults {
        let names: BTreeSet<_> =
            fault.requested.iter().chain(fault.achieved.iter()).map(|(name, _)| name).collect();
        for name in names.into_iter().filter(|name| *name != "seconds") {
            let number = |magnitude: &Magnitude| magnitude.get(name).map_or_else(|| "-".to_owned(), readably);
            let (requested, achieved) = (number(&fault.requested), number(&fault.achieved));
            table.row([fault.target.name().to_owned(), name.to_owned(), requested, achieved]);
            is_empty = false;
        }
    }
    (!is_empty).then_some(table)
}

/// Whole numbers without a fraction, others with two decimal places.
fn readably(number: f64) -> String {
    if number.fract() == 0.0 { format!("{number:.0}") } else { format!("{number:.2}") }
}

/// `31 ms`, `1.2 s`, `2 min 5 s`.
pub(super) fn humanly(time: Duration) -> String {
    match time.as_millis() {
        0..1_000 => format!("{} ms", time.as_millis()),
        1_000..60_000 => format!("{:.1} s", time.as_secs_f64()),
        _ => format!("{} min {} s", time.as_secs() / 60, time.as_secs() % 60),
    }
}

/// The time since then, in the form of [`humanly`].
pub(super) fn since(began: Timestamp) -> String {
    let passed = SystemClock::default().now().duration_since(began);
    humanly(Duration::try_from(passed).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use chaos_core::{
        Error, ErrorKind, FaultId, Journal, MemoryJournal, Monkey, Registry, Result,
        fault::{FaultRecord, Mark},
        journal::{
            Arming, DueNote, DueQuery, FaultQuery, Forget, Forgotten, Found, FoundDues, Halt, KeptSchedule,
            Lease, Limits,
        },
        testing::{ManualClock, MemoryProvider, PowerOff, PowerOn, sample},
    };
    use serde_json::json;

    use super::{super::report::After, *};
    use crate::catalogue::catalogue;

    #[test]
    fn times_are_short() {
        for (milliseconds, text) in [(0, "0 ms"), (999, "999 ms"), (1_240, "1.2 s"), (125_000, "2 min 5 s")] {
            assert_eq!(humanly(Duration::from_millis(milliseconds)), text);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_in_doubt_is_shown_beside_what_went_well_and_forges_no_line() {
        let monkey = Monkey::builder()
            .provider(MemoryProvider::default().with_group("web", 5).unwrap())
            .event(PowerOff::default())
            .clock(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()))
            .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
            .build()
            .unwrap();
        let mut run = monkey.run_once().await.unwrap();
        assert_eq!(run.outcome(), Outcome::Completed);
        let doubt =
            json!({ "about": "memory:\ndb", "failure": { "kind": "denied", "message": "no\nlisting" } });
        run.plan.doubts.push(serde_json::from_value(doubt).unwrap());
        run.faults[0].note = Some("odd\u{1b}[2K\u{202e}".to_owned());
        let failure = json!({ "kind": "corrupt", "message": "damaged" });
        let entry = json!({ "entry": "00ff\n", "target": null, "failure": failure });
        run.unreadable.push(serde_json::from_value(entry).unwrap());
        let report = DrillReport::of_run(
            run,
            false,
            Some(After { healthy: 5, desired: 4, ..After::default() }),
            ClientsReport::default(),
            None,
            &catalogue(),
        );
        let text = Summary { report: &report, plan_is_known: false, again: String::new() }.to_string();
        for expected in [
            r"in doubt: memory:\ndb: no\nlisting",
            r"odd\u{1b}[2K\u{202e}",
            r"00ff\n",
            "CANNOT BE READ",
            "MAY NOT BE BACK",
            "group    5 healthy before, 5 after, of 4 desired, was 5 before\n",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
        }
    }

    #[test]
    fn what_the_hypothesis_came_to_is_shown_and_why() {
        let summary = |run| {
            let report = DrillReport::of_run(run, false, None, ClientsReport::default(), None, &catalogue());
            Summary { report: &report, plan_is_known: false, again: String::new() }.to_string()
        };
        let deviated = summary(sample::report(Outcome::Deviated));
        for expected in [
            "\nsteady   If one machine is off, then every customer is served\n         deviated: home page: 503, ",
            "expected 200, first 12.0 s after the injection; cut short after 12.0 s of 60; steady again 1.0 s ",
            "\n           home page (GET http://127.0.0.1:8080/), expected 200; before: 2 of 2 ",
            "\noutcome  deviated: the hypothesis was wrong; everything that was injected is back\n",
        ] {
            assert!(deviated.contains(expected), "{expected:?} is not in:\n{deviated}");
        }
        let inconclusive = summary(sample::report(Outcome::Inconclusive));
        let expected = "inconclusive: the hypothesis was not tested; everything that was injected is back\n";
        assert!(inconclusive.contains(expected), "{inconclusive}");
        let mut hostile = sample::report(Outcome::Deviated);
        hostile.faults[0].gone = true;
        hostile.steady_state.as_mut().unwrap().reasons[0] = "odd\u{1b}[2K\u{202e}".to_owned();
        let hostile = summary(hostile);
        assert!(hostile.contains(r"deviated: odd\u{1b}[2K\u{202e}; cut short"), "{hostile}");
        assert!(hostile.contains("targets that are gone are not back"), "{hostile}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_back_and_not_recorded_is_not_what_is_not_back() {
        let monkey = Monkey::builder()
            .provider(MemoryProvider::default().with_group("web", 5).unwrap())
            .event(PowerOff::default())
            .clock(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()))
            .unleash(FullJournal::default(), Registry::default().register::<PowerOn>())
            .build()
            .unwrap();
        let run = monkey.run_once().await.unwrap();
        assert_eq!(run.faults[0].failure.as_ref().unwrap().kind, ErrorKind::Journal);
        let report = DrillReport::of_run(run, false, None, ClientsReport::default(), None, &catalogue());
        let text = Summary { report: &report, plan_is_known: false, again: String::new() }.to_string();
        assert!(text.contains("back, not recorded") && text.contains("no space is left"), "{text}");
        assert!(text.contains("is back, but the journal did not record it"), "{text}");
        assert!(!text.contains("NOT EVERYTHING"), "{text}");
    }

    /// A journal on a disk that is full after the injection.
    #[derive(Debug, Default)]
    struct FullJournal(MemoryJournal);

    #[async_trait::async_trait]
    #[deny(clippy::missing_trait_methods)]
    impl Journal for FullJournal {
        async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>> {
            self.0.arm(fault, limits).await
        }

        async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
            match mark.state {
                FaultState::Recovering | FaultState::Recovered => {
                    Err(Error::new(ErrorKind::Journal, "the journal failed to write: no space is left"))
                }
                _ => self.0.mark(fault, mark).await,
            }
        }

        async fn find(&self, query: &FaultQuery) -> Result<Found> {
            self.0.find(query).await
        }

        async fn pending(&self) -> Result<Found> {
            self.0.pending().await
        }

        async fn orphans(&self, now: Timestamp) -> Result<Found> {
            self.0.orphans(now).await
        }

        async fn set_halt(&self, halt: Option<Halt>) -> Result<()> {
            self.0.set_halt(halt).await
        }

        async fn halt(&self) -> Result<Option<Halt>> {
            self.0.halt().await
        }

        async fn note_due(&self, note: &DueNote) -> Result<()> {
            self.0.note_due(note).await
        }

        async fn dues(&self, query: &DueQuery) -> Result<FoundDues> {
            self.0.dues(query).await
        }

        async fn keep_schedule(&self, proposed: &KeptSchedule) -> Result<KeptSchedule> {
            self.0.keep_schedule(proposed).await
        }

        async fn forget(&self, forget: &Forget) -> Result<Forgotten> {
            self.0.forget(forget).await
        }
    }
}
