use serde_json::{Map, Value};

use super::{
    activity::{self, Activity, Kind},
    fields::Fields,
};
use crate::document::Problem;

/// What should hold: a title, and probes with tolerances.
#[derive(Clone, Debug)]
pub(crate) struct Hypothesis {
    pub(crate) title: String,
    pub(crate) probes: Vec<Activity>,
}

impl Hypothesis {
    pub(super) fn read(
        map: &Map<String, Value>,
        known: &Map<String, Value>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        const PATH: &str = "steady-state-hypothesis";
        let fields = Fields { map, path: PATH };
        let title = fields.text("title", "a sentence that says what should hold", problems);
        let items = fields.list("probes", "a list of probes", problems);
        let probes = activity::read_all(items, &fields.at("probes"), known, problems);
        for (index, probe) in items.iter().enumerate() {
            if probe.get("ref").is_none() && probe.get("tolerance").is_none() {
                let path = format!("{PATH}.probes[{index}].tolerance");
                problems.push(Problem::missing(path, "which values are normal"));
            }
        }
        if let Some(index) = probes.iter().position(|probe| probe.kind == Kind::Action) {
            let path = format!("{PATH}.probes[{index}].type");
            problems.push(Problem::new(path, "action", "probe, because a look changes nothing"));
        }
        Some(Self { title: title?.to_owned(), probes })
    }
}
