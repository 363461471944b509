use serde_json::json;

use super::{ActivityRun, ActivityStatus, state::State};
use crate::{
    experiment::{Activity, ActivityTolerance, Samples},
    runner::Runner,
    statistics::interval,
};

/// The looks of a probe that is judged by their share.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    met: u64,
    not_met: u64,
    unknown: u64,
}

impl State {
    /// Looks again and again, and judges the share of the looks that are normal. If neither that it is high enough nor
    /// that it is too low is sure, nobody can tell.
    pub(crate) async fn judge_share(
        &self,
        activity: &Activity,
        tolerance: &ActivityTolerance,
        samples: Samples,
        by: &Runner,
        run: &mut ActivityRun,
    ) {
        let (mut counts, mut first) = (Counts::default(), None);
        let begun = self.clock.monotonic();
        loop {
            match self.value(activity, by).await {
                Ok(value) => match self.judged(&value, tolerance, by).await {
                    Ok(Ok(())) => counts.met += 1,
                    Ok(Err(why)) => {
                        counts.not_met += 1;
                        first.get_or_insert(why);
                    }
                    Err(unknown) => {
                        counts.unknown += 1;
                        first.get_or_insert(unknown);
                    }
                },
                // A system that does not answer is not normal.
                Err(trouble) if trouble.is_no_answer() => {
                    counts.not_met += 1;
                    first.get_or_insert(trouble.to_string());
                }
                Err(trouble) => {
                    counts.unknown += 1;
                    first.get_or_insert(trouble.to_string());
                }
            }
            if self.clock.monotonic().saturating_sub(begun) >= samples.lasting {
                break;
            }
            self.clock.sleep(samples.every).await;
        }
        let looks = counts.met + counts.not_met + counts.unknown;
        // A look that nobody could make may have been either.
        let (low, _) = interval(counts.met, looks, samples.confidence);
        let (_, high) = interval(counts.met + counts.unknown, looks, samples.confidence);
        run.output = self.names().masked(&json!({
            "met": counts.met, "not_met": counts.not_met, "unknown": counts.unknown, "low": low, "high": high,
        }));
        let of = format!("{} of {looks} looks were normal", counts.met);
        let wanted = percent(samples.at_least);
        let because = first.map_or_else(String::new, |why| format!("; the first that was not: {why}"));
        if low >= samples.at_least {
            run.status = Some(ActivityStatus::Succeeded);
            run.tolerance_met = Some(true);
        } else if high < samples.at_least {
            run.status = Some(ActivityStatus::Succeeded);
            run.tolerance_met = Some(false);
            run.not_met =
                Some(format!("{of}, at most {}, expected at least {wanted}{because}", percent(high)));
        } else {
            run.status = Some(ActivityStatus::Failed);
            run.exception = Some(format!(
                "{of}, between {} and {}: too few looks to tell whether it is at least {wanted}{because}",
                percent(low),
                percent(high)
            ));
        }
    }
}

fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}
