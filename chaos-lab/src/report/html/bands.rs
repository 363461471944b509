//! What was under way, behind each plot: the method, its actions by their numbers, the rollbacks, and where it was cut.

use maud::{Markup, html};

use super::axis::percent;
use crate::report::{
    moments::{Moments, Span},
    step::Step,
    text::seconds,
};

/// The height of a lane of labels above a plot.
const LANE: u32 = 18;

/// The height of what is above a plot: the numbers of the steps and, if there is one, the names of moments.
pub(super) fn above(moments: &Moments) -> u32 {
    if moments.cut.is_some() || moments.steady_again.is_some() { 2 * LANE } else { LANE }
}

/// The bands behind a plot that ends at `bottom`.
pub(super) fn bands(moments: &Moments, method: &[Step<'_>], rollbacks: &[Step<'_>], bottom: u32) -> Markup {
    let (length, top) = (moments.length, above(moments));
    let band = |span: Span, class: &str, title: String| {
        html! {
            rect class=(class) x=(percent(span.from, length)) width=(percent(span.length(), length))
                y=(top) height=(bottom - top) {
                title { (title) }
            }
        }
    };
    let of_step = |step: &Step<'_>| step.run.map(|run| moments.of_activity(run));
    html! {
        @if let Some(span) = moments.method { (band(span, "method", told("method", span))) }
        @for step in method.iter().filter(|step| step.is_action) {
            @if let Some(span) = of_step(step) {
                (band(span, "action", told(&format!("{}. {}", step.number, step.name), span)))
                line.begins x1=(percent(span.from, length)) x2=(percent(span.from, length)) y1=(top) y2=(bottom) {}
            }
        }
        @if let Some(span) = moments.rollbacks {
            (band(span, "rollbacks", told("rollbacks", span)))
            line.begins x1=(percent(span.from, length)) x2=(percent(span.from, length)) y1=(top) y2=(bottom) {}
        }
        (numbers(moments, method, rollbacks))
    }
}

/// Where the method was cut, and when the system was steady again, in front of a plot.
pub(super) fn moments_marked(moments: &Moments, bottom: u32) -> Markup {
    let cut = moments.cut.as_ref().map(|(at, _)| (*at, "cut", "cut"));
    let again = moments.steady_again.map(|at| (at, "again", "steady again"));
    html! {
        @for (at, class, text) in cut.into_iter().chain(again) {
            @let x = percent(at, moments.length);
            line.moment.(class) x1=(x) x2=(x) y1=(LANE - 12) y2=(bottom) {}
            text.moment.(class) x=(x) y=(LANE - 6) dx=(if at / moments.length > 0.7 { -5 } else { 5 })
                text-anchor=(if at / moments.length > 0.7 { "end" } else { "start" }) { (text) }
        }
    }
}

fn told(what: &str, span: Span) -> String {
    format!("{what}: from {} to {}", seconds(span.from), seconds(span.to))
}

/// The numbers of the actions and of the rollbacks, where they begin. Those that would overlap are put together.
fn numbers(moments: &Moments, method: &[Step<'_>], rollbacks: &[Step<'_>]) -> Markup {
    /// The least distance of two labels, as a share of the width. A narrow plot is 280 pixels wide.
    const APART: f64 = 0.13;
    let steps = method.iter().filter(|step| step.is_action).chain(rollbacks);
    let begun = steps.filter_map(|step| Some((step, moments.of_activity(step.run?).from / moments.length)));
    let mut labels: Vec<(f64, &str, &str)> = Vec::new();
    for (step, at) in begun {
        match labels.last_mut() {
            Some((first, _, last)) if at - *first < APART => *last = &step.number,
            _ => labels.push((at, &step.number, &step.number)),
        }
    }
    html! {
        @for (at, first, last) in labels {
            text.number x=(percent(at, 1.0)) y=(above(moments) - 6)
                dx=(if at > 0.85 { -4 } else { 3 })
                text-anchor=(if at > 0.85 { "end" } else { "start" }) {
                (first) @if first != last { "–" (last) }
            }
        }
    }
}
