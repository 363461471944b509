use super::report::{Judged, Point};

/// The most points that a series keeps.
const MOST: usize = 2_000;

/// The looks of one probe over time, thinned evenly: if there are too many, each point stands for as many looks in a
/// row, and is the worst of them, so no violation gets lost.
#[derive(Debug)]
pub(super) struct Series {
    points: Vec<Point>,
    /// How many looks a point stands for.
    stride: u64,
    last: Option<(Point, u64)>,
}

impl Default for Series {
    fn default() -> Self {
        Self { points: Vec::new(), stride: 1, last: None }
    }
}

impl Series {
    pub(super) fn add(&mut self, point: Point) {
        let (worst, looks) = match self.last.take() {
            Some((before, looks)) => (worse(before, point), looks + 1),
            None => (point, 1),
        };
        if looks < self.stride {
            self.last = Some((worst, looks));
            return;
        }
        self.points.push(worst);
        // One place is kept for the looks that do not fill a point yet.
        if self.points.len() == MOST {
            self.points = self
                .points
                .chunks(2)
                .map(|pair| pair.iter().copied().reduce(worse).unwrap_or(pair[0]))
                .collect();
            self.stride *= 2;
        }
    }

    pub(super) fn points(&self) -> Vec<Point> {
        self.points.iter().copied().chain(self.last.map(|(point, _)| point)).collect()
    }
}

fn worse(one: Point, other: Point) -> Point {
    let rank = |point: Point| match point.judged {
        Judged::Met => 0,
        Judged::Unknown => 1,
        Judged::Violated => 2,
    };
    if rank(other) > rank(one) { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_thinned_evenly_and_keeps_every_violation() {
        let mut series = Series::default();
        for look in 0..432_000_u32 {
            let judged = if look == 123_456 { Judged::Violated } else { Judged::Met };
            series.add(Point::new(f64::from(look), judged, None));
            assert!(series.points.len() < MOST);
        }
        let points = series.points();
        assert!((MOST / 2..=MOST).contains(&points.len()), "{}", points.len());
        let violated: Vec<_> = points.iter().filter(|point| point.judged == Judged::Violated).collect();
        assert_eq!(violated.len(), 1);
        assert_eq!(violated[0].seconds, 123_456.0);
        let gaps: Vec<_> = points.windows(2).map(|pair| pair[1].seconds - pair[0].seconds).collect();
        let widest = gaps.iter().copied().fold(0.0, f64::max);
        assert!(widest <= 512.0, "{widest}");
    }
}
