use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram};

pub(super) const RUNS: &str = "chaos_runs_total";
pub(super) const RUNS_FAILED: &str = "chaos_runs_failed_total";
pub(super) const FAULTS_ARMED: &str = "chaos_faults_armed_total";
pub(super) const INJECTIONS_FAILED: &str = "chaos_injections_failed_total";
pub(super) const FAULTS: &str = "chaos_faults_total";
pub(super) const RECOVER_SECONDS: &str = "chaos_recover_seconds";
pub(super) const REVERT_SECONDS: &str = "chaos_revert_seconds";
pub(super) const RECOVERY_RETRIES: &str = "chaos_recovery_retries_total";
pub(super) const JOURNAL_FAILURES: &str = "chaos_journal_failures_total";
pub(super) const VIOLATIONS: &str = "chaos_steady_state_violations_total";
pub(super) const SKIPS: &str = "chaos_skips_total";
pub(super) const DUES: &str = "chaos_dues_total";
pub(super) const NOTIFICATIONS: &str = "chaos_notifications_total";
pub(super) const PENDING: &str = "chaos_faults_pending";
pub(super) const HALTED: &str = "chaos_halted";
pub(super) const NEXT_OPENING: &str = "chaos_next_opening_timestamp_seconds";
pub(super) const RELOADS_FAILED: &str = "chaos_reloads_failed_total";

/// Bounds of the histograms, in seconds: from a second to an hour.
pub const BUCKETS: [f64; 11] = [1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0];

const COUNTERS: [(&str, &str); 12] = [
    (RUNS, "Runs that ended."),
    (RUNS_FAILED, "Runs that could not be carried out."),
    (FAULTS_ARMED, "Faults whose recovery became durable."),
    (INJECTIONS_FAILED, "Injections that failed or may have."),
    (FAULTS, "Faults that are over."),
    (RECOVERY_RETRIES, "Attempts of a recovery that were followed by another one."),
    (JOURNAL_FAILURES, "Failures of the journal while a fault was in progress."),
    (VIOLATIONS, "Probes of the steady state that were violated."),
    (SKIPS, "Targets and groups that were left alone, by the kind of the reason."),
    (DUES, "Dues of a schedule that came to an end."),
    (NOTIFICATIONS, "Notifications that were delivered, given up (failed) or left out (dropped)."),
    (RELOADS_FAILED, "Files of settings that were read anew and not taken."),
];

/// Says to the recorder what each metric means.
pub(super) fn describe() {
    for (name, help) in COUNTERS {
        describe_counter!(name, Unit::Count, help);
    }
    describe_histogram!(
        RECOVER_SECONDS,
        Unit::Seconds,
        "From the injection until the target was healthy again."
    );
    describe_histogram!(
        REVERT_SECONDS,
        Unit::Seconds,
        "From the first attempt of the recovery until it was verified."
    );
    describe_gauge!(PENDING, Unit::Count, "Faults of the journal that are not over.");
    describe_gauge!(HALTED, "1 if everything is halted, otherwise 0.");
    describe_gauge!(
        NEXT_OPENING,
        Unit::Seconds,
        "When the calendar opens next, in seconds since 1970; NaN if that is not known."
    );
    // So that the first increment is seen as one.
    for name in [RUNS_FAILED, JOURNAL_FAILURES, RELOADS_FAILED] {
        counter!(name).increment(0);
    }
}

pub(crate) fn count_notifications(channel: &str, outcome: &'static str, number: usize) {
    counter!(NOTIFICATIONS, "channel" => channel.to_owned(), "outcome" => outcome).increment(number as u64);
}

pub(super) fn count_skips(reason: String, number: usize) {
    counter!(SKIPS, "reason" => reason).increment(number as u64);
}

pub(super) fn count_due(outcome: &'static str) {
    counter!(DUES, "outcome" => outcome).increment(1);
}
