//! Shares and quantiles, each with the interval that the looks support.

use serde::{Deserialize, Serialize};

/// The standard normal quantile of 97.5 %, for two-sided intervals of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// The share of looks that met a tolerance, with its 95 % interval.
///
/// The interval is Wilson's score interval (Wilson 1927, "Probable inference, the law of succession, and statistical
/// inference"). It is honest about few looks: 1 of 1 supports no more than "at least 20 %". Without a violation, it
/// takes 35 looks to support 90 %, 73 for 95 %, 381 for 99 % and 3,838 for 99.9 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Share {
    /// The share, from 0 to 1.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

impl Share {
    /// The share of `met` in `of` looks. `None` without a look.
    ///
    /// ```
    /// use chaos_core::steady_state::Share;
    ///
    /// let share = Share::of(99, 100).unwrap();
    /// assert_eq!(share.to_string(), "95 % interval from 94.6 % to 99.8 %");
    /// assert_eq!(Share::of(0, 0), None);
    /// ```
    pub fn of(met: u64, of: u64) -> Option<Self> {
        if of == 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of looks are far below 2^53")]
        let (met_looks, looks) = (met as f64, of as f64);
        let value = met_looks / looks;
        let z2 = Z * Z;
        let middle = (value + z2 / (2.0 * looks)) / (1.0 + z2 / looks);
        let half =
            Z / (1.0 + z2 / looks) * (value * (1.0 - value) / looks + z2 / (4.0 * looks * looks)).sqrt();
        // At the ends the formula is exact, but its rounding is not.
        let low = if met == 0 { 0.0 } else { (middle - half).max(0.0) };
        let high = if met == of { 1.0 } else { (middle + half).min(1.0) };
        // Nine places are exact in JSON, and the ends are rounded outwards.
        let places = 1e9;
        let [value, low, high] = [(value * places).round(), (low * places).floor(), (high * places).ceil()]
            .map(|part| part / places);
        Some(Self { value, low, high })
    }
}

/// A quantile of the numbers that were read, with a 95 % interval that assumes no distribution.
///
/// The value is the nearest rank. The interval is given by order statistics: the ranks that bracket the quantile with a
/// probability of at least 95 % by the binomial distribution (Conover, "Practical Nonparametric Statistics", section
/// 3.2). An end that needs more looks than there were is `None`: both ends exist from 6 looks on for the median, 72 for
/// the 95th and 368 for the 99th percentile.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Quantile {
    /// The quantile.
    pub value: f64,
    /// The lower end of the interval.
    pub low: Option<f64>,
    /// The upper end of the interval.
    pub high: Option<f64>,
}

impl Quantile {
    /// The quantile `q`, strictly between 0 and 1, of these numbers in ascending order. `None` without a number.
    pub(super) fn of(sorted: &[f64], q: f64) -> Option<Self> {
        let value = *sorted.get(nearest_rank(sorted.len(), q).checked_sub(1)?)?;
        let (low, high) = ranks(sorted.len(), q);
        let at = |rank: usize| rank.checked_sub(1).and_then(|index| sorted.get(index)).copied();
        Some(Self { value, low: at(low), high: at(high) })
    }
}

/// The rank of a quantile among `count` numbers, from 1.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 0 to the count"
)]
fn nearest_rank(count: usize, q: f64) -> usize {
    // A product such as 0.95 * 20 may be a little more than 19.
    ((count as f64 * q - 1e-9).ceil() as usize).clamp(count.min(1), count)
}

/// The ranks of the 95 % interval of a quantile, from 1; 0 and `count + 1` if there is no such number.
fn ranks(count: usize, q: f64) -> (usize, usize) {
    let percentile = |p: f64| {
        let mut below = 0.0;
        for (successes, chance) in binomial(count, q).enumerate() {
            below += chance;
            // The sums of a distribution that ends at 1 are inexact in the last digits.
            if below >= p - 1e-12 {
                return successes;
            }
        }
        count
    };
    (percentile(0.025), percentile(0.975) + 1)
}

/// The chances of 0, 1, 2 … successes of `count` trials. In logarithms, because the first may be too small for a
/// number.
#[expect(clippy::cast_precision_loss, reason = "counts of looks are far below 2^53")]
fn binomial(count: usize, q: f64) -> impl Iterator<Item = f64> {
    let step = (q / (1.0 - q)).ln();
    let mut log = count as f64 * (1.0 - q).ln();
    (0..=count).map(move |successes| {
        let chance = log.exp();
        if successes < count {
            log += ((count - successes) as f64 / (successes + 1) as f64).ln() + step;
        }
        chance
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with scipy's `binomtest(k, n).proportion_ci(method="wilson")`.
    #[test]
    fn shares_have_the_reference_intervals() {
        for (met, of, low, high) in [
            (1, 1, 0.206_549, 1.0),
            (0, 50, 0.0, 0.071_348),
            (99, 100, 0.945_514, 0.998_233),
            (31, 33, 0.803_938, 0.983_219),
            (50, 50, 0.928_652, 1.0),
            (495, 500, 0.976_807, 0.995_721),
        ] {
            let share = Share::of(met, of).unwrap();
            assert!(
                (share.low - low).abs() < 1e-6 && (share.high - high).abs() < 1e-6,
                "{met} of {of}: {share:?}"
            );
        }
        assert_eq!(Share::of(0, 0), None);
    }

    #[test]
    fn it_takes_this_many_looks_to_support_a_share() {
        for (looks, low) in [(35, 0.90), (73, 0.95), (381, 0.99), (3_838, 0.999)] {
            assert!(Share::of(looks, looks).unwrap().low >= low, "{looks}");
            assert!(Share::of(looks - 1, looks - 1).unwrap().low < low, "{looks}");
        }
    }

    /// Computed with scipy's `binom(n, q).ppf`.
    #[test]
    fn quantiles_have_the_reference_ranks() {
        for (count, q, expected) in
            [(20, 0.5, (6, 15)), (100, 0.5, (40, 61)), (400, 0.99, (392, 400)), (1_000, 0.99, (983, 997))]
        {
            assert_eq!(ranks(count, q), expected, "{count} {q}");
        }
    }

    #[test]
    fn an_interval_is_bounded_from_this_many_looks_on() {
        let is_bounded = |count: usize, q| {
            let (low, high) = ranks(count, q);
            low >= 1 && high <= count
        };
        for (count, q) in [(36, 0.9), (72, 0.95), (368, 0.99), (6, 0.5)] {
            assert!(is_bounded(count, q), "{count} {q}");
            assert!(!is_bounded(count - 1, q), "{count} {q}");
        }
    }

    #[test]
    fn a_quantile_is_the_nearest_rank() {
        let numbers: Vec<f64> = (1..=20).map(f64::from).collect();
        let of = |q| Quantile::of(&numbers, q).unwrap();
        assert_eq!((of(0.5).value, of(0.95).value, of(0.99).value), (10.0, 19.0, 20.0));
        assert_eq!((of(0.5).low, of(0.5).high), (Some(6.0), Some(15.0)));
        assert_eq!(of(0.99).high, None, "20 looks do not bound the 99th percentile");
        assert_eq!(Quantile::of(&[], 0.5), None);
        assert_eq!(Quantile::of(&[7.0], 0.99).unwrap().value, 7.0);
    }
}
