use serde_json::json;

use super::{ActivityRun, ActivityStatus, state::State};
use crate::{
    experiment::{Activity, ActivityTolerance, Samples},
    runner::Runner,
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
                    Ok(()) => counts.met += 1,
                    Err(why) => {
                        counts.not_met += 1;
                        first.get_or_insert(why);
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
        let looks = counts.met + counts.not_met;
        let (low, high) = interval(counts.met, looks, samples.confidence);
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

/// Wilson's score interval (Wilson 1927, "Probable inference, the law of succession, and statistical inference").
fn interval(met: u64, of: u64, confidence: f64) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of looks are far below 2^53")]
    let (met_looks, looks) = (met as f64, of as f64);
    let z = normal_quantile(f64::midpoint(1.0, confidence));
    let (share, z2) = (met_looks / looks, z * z);
    let middle = (share + z2 / (2.0 * looks)) / (1.0 + z2 / looks);
    let half = z / (1.0 + z2 / looks) * (share * (1.0 - share) / looks + z2 / (4.0 * looks * looks)).sqrt();
    let low = if met == 0 { 0.0 } else { (middle - half).max(0.0) };
    let high = if met == of { 1.0 } else { (middle + half).min(1.0) };
    (low, high)
}

/// The quantile of the standard normal distribution, by bisection of its distribution function: Abramowitz and Stegun,
/// "Handbook of Mathematical Functions", 26.2.17, whose error is below 7.5e-8.
fn normal_quantile(p: f64) -> f64 {
    let (mut low, mut high) = (-8.0_f64, 8.0_f64);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if normal_distribution(middle) < p { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

fn normal_distribution(x: f64) -> f64 {
    if x < 0.0 {
        return 1.0 - normal_distribution(-x);
    }
    let t = 1.0 / 0.231_641_9_f64.mul_add(x, 1.0);
    let coefficients = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = coefficients.iter().rev().fold(0.0, |sum, coefficient| (sum + coefficient) * t);
    1.0 - (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As scipy's `binomtest(k, n).proportion_ci(method='wilson')` has it.
    #[test]
    fn the_interval_is_wilsons() {
        for (met, of, low, high) in [
            (1, 1, 0.206_549, 1.0),
            (0, 50, 0.0, 0.071_348),
            (99, 100, 0.945_514, 0.998_233),
            (31, 33, 0.803_938, 0.983_219),
            (495, 500, 0.976_807, 0.995_721),
        ] {
            let (found_low, found_high) = interval(met, of, 0.95);
            assert!((found_low - low).abs() < 2e-6 && (found_high - high).abs() < 2e-6, "{met} of {of}");
        }
        assert_eq!(interval(0, 0, 0.95), (0.0, 1.0));
    }

    #[test]
    fn quantiles_of_the_normal_distribution() {
        for (p, quantile) in [(0.5, 0.0), (0.975, 1.959_964), (0.995, 2.575_829), (0.95, 1.644_854)] {
            assert!((normal_quantile(p) - quantile).abs() < 1e-5, "{p}");
        }
    }
}
