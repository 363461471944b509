//! The suite of providers in adversity: a sound one passes, and each check is violated by a liar.

use crate::support::{
    Coverage, paused,
    remote::{Lie, RemoteWorld},
};
use chaos_testkit::{ContractReport, contract};

const RECOVERY: &str = "three refusals of a recovery, then fine";
const REPLAY: &str = "three refusals of a replay, then fine";
const BEFORE: &str = "what is refused before a fault is a doubt";
const LISTING: &str = "an answer cut at 20 places is never a shorter listing";
const GROUP: &str = "an answer cut at 20 places is never a smaller group";
const TARGET: &str = "an answer cut at 20 places is never a target that is gone or well";
const TWICE: &str = "the same group twice is a doubt";
const ENDLESS: &str = "a listing that never ends is an error";
const ANOTHER: &str = "another target of this name is left alone";
const ANOTHER_REPLAYED: &str = "another target of this name is left alone by a replay";

async fn check(lie: Lie) -> ContractReport {
    contract::adversity::check(&paused(), async || RemoteWorld::new(lie)).await
}

#[tokio::test(start_paused = true)]
async fn a_world_in_memory_that_is_asked_from_afar_passes() {
    let report = check(Lie::None).await;
    report.assert_kept();
    assert_eq!(report.not_applicable(), 0, "{report}");
}

#[tokio::test(start_paused = true)]
async fn every_check_sees_its_liar() {
    let mut coverage = Coverage::of_sound(&check(Lie::None).await);
    for (lie, expected) in [
        (Lie::GivesUpWhereRefused, &[RECOVERY, REPLAY][..]),
        (Lie::RefusedIsGone, &[RECOVERY, REPLAY]),
        (Lie::RefusedIsAsBefore, &[BEFORE]),
        (Lie::CutListIsTheWhole, &[LISTING]),
        (Lie::CutGroupIsEmpty, &[GROUP]),
        (Lie::CutIsGone, &[TARGET]),
        (Lie::CutIsWell, &[TARGET]),
        (Lie::TakesTheFirstOfTwo, &[TWICE]),
        (Lie::FollowsForEver, &[ENDLESS]),
        (Lie::EndsQuietly, &[ENDLESS]),
        (Lie::TellsNoIncarnation, &[ANOTHER, ANOTHER_REPLAYED]),
    ] {
        coverage.caught(&format!("{lie:?}"), &check(lie).await, expected);
    }
    coverage.assert_complete();
}
