//! The looks at one probe over time.

use std::fmt::Write;

use chaos_core::steady_state::Judged;
use maud::{Markup, html};

use super::{
    axis::{Scale, percent, time_labels, time_ticks},
    bands::{above, bands, moments_marked},
    icon,
};
use crate::report::{
    moments::Moments,
    probe_looks::{Look, ProbeLooks},
    step::Step,
    text::seconds,
};

/// The height of the part of a plot that shows numbers.
const TALL: u32 = 150;
/// The height of the part that shows whether looks were met.
const LOW: u32 = 46;
/// The height of the lane below the numbers, for looks that read none.
const NONE: u32 = 30;
/// The height of the axis of time.
const AXIS: u32 = 22;
/// The width in which a line is drawn before it is stretched.
const WIDTH: f64 = 1_000.0;

/// A plot of a probe.
pub(super) fn plot(
    probe: &ProbeLooks<'_>,
    moments: &Moments,
    method: &[Step<'_>],
    rollbacks: &[Step<'_>],
) -> Markup {
    let numbers = probe.looks.iter().filter_map(|look| look.number);
    let scale = Scale::of(numbers, probe.tolerated().bounds());
    let has_none = scale.is_some() && probe.looks.iter().any(|look| look.number.is_none());
    let none = if has_none { NONE } else { 0 };
    let top = above(moments);
    let bottom = top + none + if scale.is_some() { TALL } else { LOW };
    let height = bottom + AXIS;
    html! {
        div.chart style=(scale.as_ref().map_or_else(String::new, |scale| format!("--scale:{}px", scale.width()))) {
            svg.scale width="100%" height=(height) aria-hidden="true" {
                @if let Some(scale) = &scale { (scale_labels(scale, top)) }
                @if has_none {
                    text.tick x="100%" dx="-8" y=(top + TALL + NONE * 3 / 5) dy="4" text-anchor="end" { "none" }
                }
            }
            svg.plot width="100%" height=(height) role="img" aria-label=(format!("{} over time", probe.name())) {
                (bands(moments, method, rollbacks, bottom))
                (grid(moments.length, scale.as_ref(), top, bottom))
                @if let Some(scale) = &scale { (tolerance(probe, scale, top)) (curve(probe, scale, moments, bottom)) }
                g.looks.many[probe.looks.len() > 150] {
                    @for look in &probe.looks { (mark(look, scale.as_ref(), moments)) }
                }
                (moments_marked(moments, bottom))
                (time_labels(moments.length, bottom + 16))
            }
        }
    }
}

/// Where a number is, in pixels from above.
fn y(scale: &Scale, top: u32, number: f64) -> f64 {
    let from_above = (1.0 - scale.place(number)) * f64::from(TALL);
    ((f64::from(top) + from_above) * 10.0).round() / 10.0
}

fn grid(length: f64, scale: Option<&Scale>, top: u32, bottom: u32) -> Markup {
    html! {
        g.grid {
            @for tick in time_ticks(length) {
                line.minor[!tick.is_main] x1=(percent(tick.at, length)) x2=(percent(tick.at, length))
                    y1=(bottom) y2=(bottom + 4) {}
            }
            @if let Some(scale) = scale {
                @for tick in &scale.ticks {
                    line x1="0" x2="100%" y1=(y(scale, top, *tick)) y2=(y(scale, top, *tick)) {} }
            } @else {
                line x1="0" x2="100%" y1=(top + LOW / 2) y2=(top + LOW / 2) {}
            }
            line.base x1="0" x2="100%" y1=(bottom) y2=(bottom) {}
        }
    }
}

/// The numbers that are tolerated: a band, with a line at each bound that is on the scale.
fn tolerance(probe: &ProbeLooks<'_>, scale: &Scale, top: u32) -> Markup {
    let Some((least, most)) = probe.tolerated().bounds() else { return Markup::default() };
    let (upper, lower) = (y(scale, top, most), y(scale, top, least));
    html! {
        rect.tolerated x="0" width="100%" y=(upper) height=(((lower - upper) * 10.0).round() / 10.0) {
            title { "tolerated: " (probe.expected()) }
        }
        @for bound in &scale.bounds { line.bound x1="0" x2="100%"
            y1=(y(scale, top, *bound)) y2=(y(scale, top, *bound)) {} }
    }
}

/// The numbers beside a plot. A bound of the tolerance takes the place of a round number that is too near.
fn scale_labels(scale: &Scale, top: u32) -> Markup {
    let label = |number: f64, class: &str| {
        html! {
            text.(class) x="100%" dx="-8" y=(y(scale, top, number)) dy="4" text-anchor="end" { (scale.text(number)) }
        }
    };
    let is_free = |tick: &&f64| {
        scale.bounds.iter().all(|bound| (y(scale, top, *bound) - y(scale, top, **tick)).abs() > 13.0)
    };
    html! {
        @for tick in scale.ticks.iter().filter(is_free) { (label(*tick, "tick")) }
        @for bound in &scale.bounds { (label(*bound, "bound")) }
    }
}

/// The line from each number to the next. It ends where none was read.
fn curve(probe: &ProbeLooks<'_>, scale: &Scale, moments: &Moments, bottom: u32) -> Markup {
    let top = above(moments);
    let mut path = String::new();
    let mut is_drawing = false;
    for look in &probe.looks {
        let Some(number) = look.number else {
            is_drawing = false;
            continue;
        };
        let x = (look.at / moments.length).clamp(0.0, 1.0) * WIDTH;
        let command = if is_drawing { 'L' } else { 'M' };
        let _ = write!(path, "{command}{} {}", (x * 10.0).round() / 10.0, y(scale, top, number));
        is_drawing = true;
    }
    html! {
        svg x="0" y="0" width="100%" height=(bottom) viewBox=(format!("0 0 {WIDTH} {bottom}"))
            preserveAspectRatio="none" {
            path.curve d=(path) {}
        }
    }
}

fn mark(look: &Look<'_>, scale: Option<&Scale>, moments: &Moments) -> Markup {
    let top = above(moments);
    let at = match (scale, look.number) {
        (Some(scale), Some(number)) => y(scale, top, number),
        (Some(_), None) => f64::from(top + TALL + NONE * 3 / 5),
        (None, _) => f64::from(top + LOW / 2),
    };
    let class = match look.judged {
        Judged::Met => "met",
        Judged::Violated => "missed",
        _ => "unknown",
    };
    html! {
        use.(class) href=(icon::mark(look.judged)) x=(percent(look.at, moments.length)) y=(at) {
            title { (seconds(look.at)) " (" (look.phase) "): " (look.text()) }
        }
    }
}
