use super::{
    report::{Numbers, PhaseReport},
    statistics::Quantile,
    tolerance::Judgement,
};
use crate::chance::Draw;

/// The most numbers that are kept of one probe in one phase.
const SAMPLE: usize = 4_096;

/// The looks of one probe in one phase, counted. It takes the same memory however many there are.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) met: u64,
    pub(super) violated: u64,
    pub(super) unknown: u64,
    numbers: u64,
    least: Option<f64>,
    most: Option<f64>,
    /// All the numbers, or a uniform sample of them by Vitter's algorithm R ("Random sampling with a reservoir", 1985).
    sample: Vec<f64>,
}

impl Tally {
    pub(super) fn count(&mut self, judged: &Judgement, number: Option<f64>, draw: &mut Draw) {
        match judged {
            Judgement::Met => self.met += 1,
            Judgement::NotMet(_) => self.violated += 1,
            Judgement::Unknown(_) => self.unknown += 1,
        }
        let Some(number) = number else { return };
        self.numbers += 1;
        self.least = Some(self.least.map_or(number, |least| least.min(number)));
        self.most = Some(self.most.map_or(number, |most| most.max(number)));
        if self.sample.len() < SAMPLE {
            self.sample.push(number);
            return;
        }
        let place = draw.below(usize::try_from(self.numbers).unwrap_or(usize::MAX));
        if let Some(kept) = self.sample.get_mut(place) {
            *kept = number;
        }
    }

    pub(super) fn median(&self) -> Option<f64> {
        Quantile::of(&self.sorted(), 0.5).map(|median| median.value)
    }

    pub(super) fn report(&self) -> PhaseReport {
        let sorted = self.sorted();
        let numbers = (|| {
            Some(Numbers {
                looks: self.numbers,
                sample: u64::try_from(sorted.len()).unwrap_or(u64::MAX),
                least: self.least?,
                median: Quantile::of(&sorted, 0.5)?,
                p95: Quantile::of(&sorted, 0.95)?,
                p99: Quantile::of(&sorted, 0.99)?,
                most: self.most?,
            })
        })();
        PhaseReport { numbers, ..PhaseReport::counted(self.met, self.violated, self.unknown) }
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.sample.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_numbers_are_sampled_and_their_ends_are_exact() {
        let (mut tally, mut draw) = (Tally::default(), Draw::for_run(7));
        for number in 0..432_000_u32 {
            tally.count(&Judgement::Met, Some(f64::from(number)), &mut draw);
        }
        assert_eq!(tally.sample.len(), SAMPLE);
        let numbers = tally.report().numbers.unwrap();
        assert_eq!(
            (numbers.least, numbers.most, numbers.looks, numbers.sample),
            (0.0, 431_999.0, 432_000, 4_096)
        );
        // The interval holds the true quantile with 95 %; this seed is one of those.
        assert!(numbers.median.low < Some(216_000.0) && Some(216_000.0) < numbers.median.high, "{numbers:?}");
        assert!(numbers.p99.low < Some(427_680.0) && Some(427_680.0) < numbers.p99.high, "{numbers:?}");
    }
}
