//! Shares with intervals of any confidence.

/// Wilson's score interval (Wilson 1927, "Probable inference, the law of succession, and statistical inference").
pub(crate) fn interval(met: u64, of: u64, confidence: f64) -> (f64, f64) {
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
