//! The suite of journals: sound ones pass, and each check is violated by a liar.

use crate::support::{
    Coverage,
    lying_journal::{Lie, LyingJournal},
    paused,
};
use chaos_core::MemoryJournal;
use chaos_testkit::{ContractReport, Timing, contract};

const EMPTY: &str = "a fresh journal is empty";
const READS_BACK: &str = "what is armed reads back as it was";
const GROUP: &str = "the limit of a group";
const TOTAL: &str = "the limit of the whole journal";
const CONCURRENT: &str = "arming at the same time never exceeds a limit";
const STATES: &str = "a fault goes from state to state as it may";
const MARKS: &str = "a mark is kept with all that it carries";
const FILTERS: &str = "each filter finds what matches it";
const ORDER: &str = "faults are found oldest first, and a limit keeps the newest";
const UNCOUNTED: &str = "an entry that counts in no limit";
const PENDING: &str = "all but the recovered are pending";
const ORPHANS: &str = "a pending fault is an orphan once its lease is dropped";
const OVERDUE: &str = "an overdue fault is an orphan although it is held";
const DUES: &str = "dues are found by day and group, and each filter finds what matches it";
const TOLD: &str = "a due is carried out if its fault says so, whatever was noted";
const FORGOTTEN: &str = "what is over is forgotten, and nothing that is needed";
const REHEARSED: &str = "a rehearsal says nothing of the due that is carried out";
const OUTLIVES: &str = "a due outlives its forgotten faults";
const REOPENED: &str = "another handle reads everything back";
const RESPECTED: &str = "another handle respects limits and leases";
const CONCURRENT_HANDLES: &str = "arming over several handles never exceeds a limit";

async fn check(lie: Lie) -> ContractReport {
    let fresh = async || {
        let journal = LyingJournal::new(lie);
        Ok((journal.clone(), journal))
    };
    contract::journal::check_durable(&paused(), fresh, async |journal: &LyingJournal| Ok(journal.reopen()))
        .await
}

#[tokio::test(start_paused = true)]
async fn the_journal_in_memory_passes() {
    let report = contract::journal::check(&paused(), async || Ok((MemoryJournal::new(), ()))).await;
    report.assert_kept();
    assert_eq!(report.not_applicable(), 3, "{report}");
    let fresh = async || {
        let journal = MemoryJournal::new();
        Ok((journal.clone(), journal))
    };
    let reopen = async |journal: &MemoryJournal| Ok(journal.clone());
    let report = contract::journal::check_durable(&paused(), fresh, reopen).await;
    report.assert_kept();
    assert_eq!(report.not_applicable(), 0, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_check_needs_paused_time_or_one_thread() {
    contract::journal::check(&Timing::default(), async || Ok((MemoryJournal::new(), ()))).await.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn every_check_sees_its_liar() {
    let mut coverage = Coverage::of_sound(&check(Lie::None).await);
    for (lie, expected) in [
        (Lie::HoldsAGhost, &[EMPTY][..]),
        (Lie::PendingHasAnotherSeed, &[READS_BACK, PENDING, REOPENED]),
        (Lie::SeedIsSigned, &["hostile texts and extreme values survive"]),
        (Lie::ForgetsIncarnations, &[READS_BACK, "hostile texts and extreme values survive"]),
        (Lie::ReplacesOnConflict, &["an id is armed once"]),
        (
            Lie::ForgetsTargets,
            &["one pending fault for each target", UNCOUNTED, CONCURRENT, CONCURRENT_HANDLES],
        ),
        (Lie::CountsTheUncounted, &[UNCOUNTED]),
        (Lie::ForgetsProgress, &[MARKS]),
        (Lie::ForgetsFailedRecoveries, &[GROUP]),
        (Lie::CountsGroupsByPrefix, &[GROUP]),
        (Lie::CountsRecovered, &[GROUP, TOTAL]),
        (Lie::IgnoresTheTotal, &[TOTAL, CONCURRENT, CONCURRENT_HANDLES]),
        (Lie::CoolsDownTooShortly, &["the cool-down"]),
        (Lie::CoolsDownFromArming, &["the cool-down"]),
        (Lie::ForgetsDues, &["a due is carried out by one run"]),
        (Lie::CountsDuesOfItsOwnRun, &["a due is carried out by one run"]),
        (
            Lie::CountsDuesElsewhere,
            &["a due is carried out by one run", "a due ends if the group is hit after it was drawn"],
        ),
        (Lie::ForgetsTheLastInAGroup, &["a due ends if the group is hit after it was drawn"]),
        (Lie::IgnoresHalt, &["a halt forbids arming until it is taken back"]),
        (Lie::ArmsInTwoSteps, &[CONCURRENT, CONCURRENT_HANDLES]),
        (Lie::AllowsEveryStep, &[STATES]),
        (Lie::AllowsNoSecondRecovery, &[STATES, MARKS]),
        (Lie::InventsFaults, &["an unknown fault cannot be marked"]),
        (Lie::ForgetsNotes, &[MARKS]),
        (Lie::MovesMilestones, &[MARKS]),
        (Lie::MatchesLoosely, &[FILTERS]),
        (Lie::IncludesTheEnd, &[FILTERS]),
        (Lie::KeepsTheOldest, &[FILTERS, ORDER]),
        (Lie::OrdersByArming, &[ORDER]),
        (Lie::FailedIsNotPending, &[PENDING, REOPENED, FORGOTTEN]),
        (Lie::EveryoneIsAnOrphan, &[ORPHANS, OVERDUE, RESPECTED]),
        (Lie::NobodyIsAnOrphan, &[ORPHANS, OVERDUE, RESPECTED, REOPENED]),
        (Lie::BelievesLeasesForEver, &[OVERDUE]),
        (Lie::ForgetsHaltWhenClosed, &[REOPENED]),
        (Lie::KnowsItsOwnLeasesAlone, &[RESPECTED]),
        (Lie::SharesNoLock, &[CONCURRENT_HANDLES]),
        (Lie::RepeatsReasons, &["what stopped a due reads back, each reason once"]),
        (Lie::FindsEveryDue, &[DUES, TOLD]),
        (Lie::BelievesNotes, &[TOLD, REHEARSED, OUTLIVES]),
        (Lie::MixesRehearsals, &[REHEARSED]),
        (Lie::TakesTheLastSeed, &["the first seed of a schedule is kept, and the latest look"]),
        (Lie::ForgetsSchedulesWhenClosed, &[REOPENED]),
        (Lie::ForgetsWhatIsPending, &[FORGOTTEN]),
        (Lie::ForgetsTheLastOfAGroup, &[FORGOTTEN]),
        (Lie::ForgetsDuringCoolDowns, &[FORGOTTEN]),
        (Lie::ForgetsWhatDuesWere, &[OUTLIVES]),
    ] {
        coverage.caught(&format!("{lie:?}"), &check(lie).await, expected);
    }
    coverage.assert_complete();
}
