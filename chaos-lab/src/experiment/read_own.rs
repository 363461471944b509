//! The properties of an activity that Chaos Toolkit does not know, and takes no notice of.

use std::{sync::Arc, time::Duration};

use chaos_core::text::parse_duration;
use serde_json::Value;

use super::{
    Activity, ActivityKind, Samples, Until,
    fields::{Fields, positive},
    read_activity::Place,
    reader::Reader,
};
use crate::statistics::interval;

const DURATION: &str = "a time above zero, such as 5 or 500ms";

impl Reader<'_> {
    /// What undoes an action.
    pub(super) fn undo(
        &mut self,
        fields: &Fields<'_>,
        kind: Option<ActivityKind>,
        place: Place<'_>,
    ) -> Option<Arc<Activity>> {
        let data = fields.get("undo").filter(|_| !self.is_compatible)?;
        let path = fields.at("undo");
        if kind == Some(ActivityKind::Probe) || place != Place::Step {
            self.findings.wrong(path, data, "nothing: only an action of the method has something to undo");
            return None;
        }
        let undo = self.activity(data, &path, Place::Undo)?;
        Some(Arc::new(undo))
    }

    /// How long a probe is repeated.
    pub(super) fn until(
        &mut self,
        fields: &Fields<'_>,
        kind: Option<ActivityKind>,
        place: Place<'_>,
    ) -> Option<Until> {
        let fields = self.own_mapping(fields, "until", &["every", "within"], kind, place)?;
        let every = fields.optional("every", DURATION, duration, &mut self.findings);
        let within = fields.required("within", DURATION, &mut self.findings)?;
        let within = self.duration(&fields, "within", within)?;
        Some(Until { every: every.unwrap_or(Duration::from_secs(1)), within })
    }

    /// Which share of many looks must be normal.
    pub(super) fn samples(
        &mut self,
        fields: &Fields<'_>,
        kind: Option<ActivityKind>,
        place: Place<'_>,
    ) -> Option<Samples> {
        const SHARE: &str = "a share above zero, such as 0.99 or 99%";
        const SURE: &str = "a share below 1, such as 0.95 or 95%";
        let known = &["every", "for", "at-least", "confidence"];
        let fields = self.own_mapping(fields, "samples", known, kind, place)?;
        let every = fields.optional("every", DURATION, duration, &mut self.findings);
        let lasting = fields.required("for", DURATION, &mut self.findings)?;
        let lasting = self.duration(&fields, "for", lasting);
        let found = fields.required("at-least", SHARE, &mut self.findings)?;
        let at_least = share(found);
        if at_least.is_none() {
            self.findings.wrong(fields.at("at-least"), found, SHARE);
        }
        let sure = |value: &Value| share(value).filter(|share| *share < 1.0);
        let confidence = fields.optional("confidence", SURE, sure, &mut self.findings).unwrap_or(0.95);
        let every = every.unwrap_or(Duration::from_secs(1));
        if let (Some(lasting), Some(at_least)) = (lasting, at_least) {
            // One at the start, and one after each interval.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of looks")]
            let looks = (lasting.as_secs_f64() / every.as_secs_f64()).ceil() as u64 + 1;
            let (most, _) = interval(looks, looks, confidence);
            if most < at_least {
                let expected = format!(
                    "at most {:.1}%, which is all that {looks} looks can show; look longer or more often",
                    (most * 1000.0).floor() / 10.0
                );
                self.findings.wrong(fields.at("at-least"), found, expected);
            }
        }
        Some(Samples { every, lasting: lasting?, at_least: at_least?, confidence })
    }

    /// What a person is asked.
    pub(super) fn approval(&mut self, fields: &Fields<'_>, place: Place<'_>) -> Option<String> {
        let data = fields.get("approval").filter(|_| !self.is_compatible)?;
        if place != Place::Step {
            self.findings.wrong(
                fields.at("approval"),
                data,
                "nothing: only a step of the method is approved",
            );
            return None;
        }
        match data {
            Value::Bool(false) => None,
            Value::Bool(true) => Some(String::new()),
            Value::String(question) => Some(question.clone()),
            other => {
                self.findings.wrong(fields.at("approval"), other, "true, or the question that is asked");
                None
            }
        }
    }

    /// A mapping of ours at a probe.
    fn own_mapping<'v>(
        &mut self,
        fields: &Fields<'v>,
        name: &str,
        known: &'static [&'static str],
        kind: Option<ActivityKind>,
        place: Place<'_>,
    ) -> Option<Fields<'v>> {
        let data = fields.get(name).filter(|_| !self.is_compatible)?;
        let is_there = matches!(place, Place::Step | Place::Hypothesis);
        if kind != Some(ActivityKind::Probe) || fields.get("tolerance").is_none() || !is_there {
            let expected = "nothing: it belongs to a probe of the method or the hypothesis, with a tolerance";
            self.findings.wrong(fields.at(name), data, expected);
            return None;
        }
        let expected = format!("a mapping of {}", known.join(", "));
        let own = fields.fields(name, known, &expected, &mut self.findings)?;
        for key in own.map().keys().filter(|key| !known.contains(&key.as_str())) {
            let expected = super::nearest::or_nearest(&expected, key, known.iter().copied());
            self.findings.say(own.at(key), "an unknown property", expected);
        }
        Some(own)
    }

    fn duration(&mut self, fields: &Fields<'_>, name: &str, value: &Value) -> Option<Duration> {
        let read = duration(value);
        if read.is_none() {
            self.findings.wrong(fields.at(name), value, DURATION);
        }
        read
    }
}

pub(super) fn duration(value: &Value) -> Option<Duration> {
    let duration = match value {
        Value::String(text) => parse_duration(text).ok()?,
        _ => Duration::try_from_secs_f64(positive(value)?).ok()?,
    };
    (!duration.is_zero()).then_some(duration)
}

fn share(value: &Value) -> Option<f64> {
    let share = match value {
        Value::String(text) => text.strip_suffix('%')?.trim().parse::<f64>().ok()? / 100.0,
        _ => value.as_f64()?,
    };
    (share > 0.0 && share <= 1.0).then_some(share)
}
