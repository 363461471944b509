//! Scales, and the places of their ticks.

use maud::{Markup, html};

use crate::report::text::number;

/// The ticks of the axis of time.
#[derive(Debug)]
pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) text: String,
    /// Whether it is shown where there is little room.
    pub(super) is_main: bool,
}

/// Where a time is on the axis, in percent of its width.
pub(super) fn percent(seconds: f64, length: f64) -> String {
    let percent = (seconds / length).clamp(0.0, 1.0) * 100.0;
    format!("{}%", (percent * 100.0).round() / 100.0)
}

/// Ticks for a run of this many seconds: at most 9 of them, at a round distance.
pub(super) fn time_ticks(length: f64) -> Vec<Tick> {
    let step = step_of_time(length / 8.0);
    let mut ticks = Vec::new();
    for index in 0..=9_u32 {
        let at = f64::from(index) * step;
        if at > length {
            break;
        }
        ticks.push(Tick { at, text: tick_text(at, step, length), is_main: index % 2 == 0 });
    }
    ticks
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of seconds of a run")]
fn tick_text(at: f64, step: f64, length: f64) -> String {
    let whole = at.round() as u64;
    match length {
        _ if at <= 0.0 => "0".to_owned(),
        _ if length < 0.1 => format!("{} ms", number(at * 1e3)),
        _ if length < 120.0 => {
            let places = if step < 0.1 { 2 } else { usize::from(step < 1.0) };
            format!("{at:.places$} s")
        }
        _ if length < 3_600.0 => format!("{}:{:02} min", whole / 60, whole % 60),
        _ => format!("{}:{:02} h", whole / 3_600, whole / 60 % 60),
    }
}

fn step_of_time(least: f64) -> f64 {
    const LONG: [f64; 13] =
        [10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0];
    if least <= 5.0 {
        return round_step(least);
    }
    LONG.into_iter().find(|step| *step >= least).unwrap_or_else(|| round_step(least / 3_600.0) * 3_600.0)
}

/// The least of 1, 2 and 5 times a power of ten that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(1e-4).log10().floor());
    let fits =
        [1.0, 2.0, 5.0].into_iter().map(|factor| factor * power).find(|step| *step >= least * 0.999_999);
    fits.unwrap_or(10.0 * power)
}

/// The labels of the axis of time. Those at its ends stand inside.
pub(super) fn time_labels(length: f64, y: u32) -> Markup {
    html! {
        @for tick in time_ticks(length) {
            text.tick.minor[!tick.is_main] x=(percent(tick.at, length)) y=(y) text-anchor=(anchor(tick.at / length)) {
                (tick.text)
            }
        }
    }
}

/// The side on which a label stands, so that it is not clipped at the ends of the axis.
pub(super) fn anchor(share: f64) -> &'static str {
    match share {
        _ if share < 0.04 => "start",
        _ if share > 0.9 => "end",
        _ => "middle",
    }
}

/// The scale of numbers.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    least: f64,
    most: f64,
    step: f64,
    pub(super) ticks: Vec<f64>,
    /// The bounds of the tolerance that are on the scale.
    pub(super) bounds: Vec<f64>,
}

impl Scale {
    /// A scale for these numbers, with the bounds of a tolerance unless they are far away. `None` without a number.
    pub(super) fn of(numbers: impl Iterator<Item = f64> + Clone, bounds: Option<(f64, f64)>) -> Option<Self> {
        let least = numbers.clone().reduce(f64::min)?;
        let most = numbers.reduce(f64::max)?;
        let middle = f64::midpoint(least, most);
        let size = (most - least).max(middle.abs());
        // Nothing is far away from zero alone.
        let near = if size > 0.0 { 20.0 * size } else { f64::INFINITY };
        let mut shown: Vec<f64> = bounds.into_iter().flat_map(|(low, high)| [low, high]).collect();
        shown.retain(|bound| (bound - middle).abs() <= near);
        shown.dedup();
        let (low, high) =
            shown.iter().fold((least, most), |(low, high), bound| (low.min(*bound), high.max(*bound)));
        let room = match high - low {
            0.0 => (high.abs() * 0.1).max(1.0),
            size => size * 0.08,
        };
        // Counts and times do not fall below zero.
        let low = if low >= 0.0 && low - room < 0.0 { low } else { low - room };
        let high = high + room;
        if !(high - low).is_finite() {
            return None;
        }
        let step = round_step_of((high - low) / 4.0);
        let first = (low / step).ceil() * step;
        let ticks = (0..8).map(|index| first + f64::from(index) * step);
        let ticks = ticks.take_while(|tick| *tick <= high).map(|tick| (tick / step).round() * step);
        Some(Self { least: low, most: high, step, ticks: ticks.collect(), bounds: shown })
    }

    /// Where a number is, from 0 at the least to 1 at the most. Outside of the scale, at its end.
    pub(super) fn place(&self, number: f64) -> f64 {
        ((number - self.least) / (self.most - self.least)).clamp(0.0, 1.0)
    }

    /// A number beside the scale: thousands, millions and so on by their letter.
    pub(super) fn text(&self, value: f64) -> String {
        const UNITS: [(f64, &str); 4] = [(1e12, " T"), (1e9, " G"), (1e6, " M"), (1e4, " k")];
        let largest = self.least.abs().max(self.most.abs());
        let unit = UNITS.into_iter().find(|(size, _)| largest >= *size && largest < 1e15);
        match unit {
            // A step smaller than a thousandth would not be seen in thousands.
            Some((size, letter)) if self.step * 1e3 >= size && value != 0.0 => {
                let size = if size < 1e6 { 1e3 } else { size };
                format!("{}{letter}", number(value / size))
            }
            _ => number(value),
        }
    }

    /// The width of the longest text beside the scale, in pixels.
    pub(super) fn width(&self) -> usize {
        let texts = self.ticks.iter().chain(&self.bounds).map(|number| self.text(*number).chars().count());
        texts.max().unwrap_or_default().max(4) * 8 + 14
    }
}

fn round_step_of(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(1e-300).log10().floor());
    let fits = [1.0, 2.0, 5.0].into_iter().map(|factor| factor * power).find(|step| *step >= least);
    fits.unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_of_time_has_a_few_round_ticks() {
        for (length, last, count) in [
            (0.008, "8 ms", 9),
            (3.4, "3.0 s", 7),
            (0.4, "0.40 s", 9),
            (59.0, "50 s", 6),
            (600.0, "10:00 min", 6),
        ] {
            let ticks = time_ticks(length);
            let found = (ticks.last().map(|tick| tick.text.as_str()), ticks.len());
            assert_eq!(found, (Some(last), count), "{length}");
        }
        for length in [0.001, 0.7, 119.0, 121.0, 3_600.0, 50_000.0, 4e6] {
            let count = time_ticks(length).len();
            assert!((4..=9).contains(&count), "{length}: {count}");
        }
    }

    #[test]
    fn a_scale_has_the_numbers_and_the_bounds_that_are_near() {
        let scale = Scale::of([0.0, 40.0].into_iter(), Some((0.0, 25.0))).unwrap();
        assert_eq!(scale.ticks, [0.0, 20.0, 40.0]);
        assert_eq!(scale.place(0.0), 0.0);
        let far = Scale::of([5.0, 6.0].into_iter(), Some((0.0, 1e9))).unwrap();
        assert_eq!(far.bounds, [0.0], "{far:?}");
        assert!(Scale::of(std::iter::empty(), None).is_none());
        assert!(Scale::of([f64::MIN, f64::MAX].into_iter(), None).is_none());
        let flat = Scale::of([7.0].into_iter(), Some((7.0, 7.0))).unwrap();
        assert!(flat.place(7.0) > 0.0 && flat.place(7.0) < 1.0 && flat.bounds == [7.0], "{flat:?}");
    }

    #[test]
    fn long_numbers_are_short_beside_a_scale() {
        for (most, text) in [(1e9, "0.5 G"), (40_000.0, "20 k"), (900.0, "500"), (0.004, "0.002")] {
            let scale = Scale::of([0.0, most].into_iter(), None).unwrap();
            let texts: Vec<_> = scale.ticks.iter().map(|tick| scale.text(*tick)).collect();
            assert!(texts.iter().any(|shown| shown == text), "{texts:?}");
        }
        let near = Scale::of([1_000_001.0, 1_000_005.0].into_iter(), None).unwrap();
        assert_eq!(near.text(1_000_002.0), "1000002");
    }
}
