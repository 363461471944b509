//! The statistics and the periods that CloudWatch knows.

use std::time::Duration;

use chaos_core::{Error, Result};

const NAMED: [&str; 6] = ["SampleCount", "Average", "Sum", "Minimum", "Maximum", "IQM"];

/// Percentiles, trimmed means, winsorized means, trimmed counts and trimmed sums, each followed by a percentage.
const UP_TO: [&str; 5] = ["p", "tm", "wm", "tc", "ts"];

/// The same between two bounds, and the rank of a percentile.
const BETWEEN: [&str; 5] = ["TM", "WM", "TC", "TS", "PR"];

/// # Errors
/// `InvalidInput` for a text that is no statistic.
pub(super) fn check_statistic(text: &str) -> Result<()> {
    if NAMED.contains(&text) || is_up_to(text) || is_between(text) {
        return Ok(());
    }
    let expected = "Average, Sum, Minimum, Maximum, SampleCount, a percentile such as p99, or another statistic of \
        CloudWatch such as tm90 or PR(:300)";
    Err(Error::invalid("statistic", format!("{text:?}"), expected))
}

/// Such as `p99.9`.
fn is_up_to(text: &str) -> bool {
    let start = text.find(|character: char| character.is_ascii_digit()).unwrap_or(text.len());
    let (name, number) = text.split_at(start);
    UP_TO.contains(&name)
        && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && number.parse::<f64>().is_ok_and(|percentage| percentage <= 100.0)
}

/// Such as `TM(10%:90%)`.
fn is_between(text: &str) -> bool {
    let within = text.strip_suffix(')').and_then(|text| text.split_once('('));
    let Some((name, (low, high))) = within.and_then(|(name, bounds)| Some((name, bounds.split_once(':')?)))
    else {
        return false;
    };
    let is_bound = |text: &str| {
        let number = text.strip_suffix('%').unwrap_or(text);
        text.is_empty() || number.parse::<f64>().is_ok_and(f64::is_finite)
    };
    BETWEEN.contains(&name) && is_bound(low) && is_bound(high) && !(low.is_empty() && high.is_empty())
}

pub(super) fn is_period(period: Duration) -> bool {
    let seconds = period.as_secs();
    period.subsec_nanos() == 0
        && (matches!(seconds, 1 | 5 | 10 | 20 | 30)
            || seconds.is_multiple_of(60) && (60..=86_400).contains(&seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statistics_of_cloudwatch_are_known_and_no_others() {
        for text in
            ["Average", "Sum", "IQM", "p0", "p99.9", "p100", "tm90", "wm98", "TM(10%:90%)", "PR(:300)"]
        {
            check_statistic(text).expect(text);
        }
        for text in [
            "", "average", "p", "p101", "p-1", "p1e1", "pNaN", "99", "q99", "TM()", "TM(:)", "PR(a:b)",
            "tm(1:2)",
        ] {
            let error = check_statistic(text).expect_err(text).to_string();
            assert!(error.starts_with(&format!("invalid statistic: {text:?}; expected Average")), "{error}");
        }
    }

    #[test]
    fn periods_are_those_that_cloudwatch_keeps() {
        for seconds in [1, 5, 10, 20, 30, 60, 300, 86_400] {
            assert!(is_period(Duration::from_secs(seconds)), "{seconds}");
        }
        for wrong in [0, 2, 45, 90, 86_460].map(Duration::from_secs) {
            assert!(!is_period(wrong), "{wrong:?}");
        }
        assert!(!is_period(Duration::from_millis(60_500)));
    }
}
