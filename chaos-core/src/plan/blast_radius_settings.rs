use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::{Map, Value};

use super::{BlastRadius, FailureDomain};
use crate::{
    catalogue::{Arguments, Naming, Parameter, Parameters},
    error::{Error, Result},
};

impl BlastRadius {
    /// Its parameters, for a command line, a file or a form.
    pub fn parameters() -> Parameters {
        let quota = |name, about, default| Parameter::quota(name, about).default(default);
        Parameters::default()
            .with(quota("targets-per-group", "the most targets of one group under a fault at once", "1"))
            .with(quota("targets-per-run", "the most targets that one run chooses", "1"))
            .with(quota("min-healthy", "the fewest members of a group that stay healthy", "50%"))
            .with(
                Parameter::count(
                    "max-active",
                    1..=u64::MAX,
                    "the most faults at once over the whole journal",
                )
                .default("as many as one run may choose"),
            )
            .with(
                Parameter::text("within", "victims of one failure domain only: of one value of this label")
                    .value_name("LABEL[=VALUE]")
                    .default("anywhere"),
            )
    }

    /// The blast radius with these [parameters](BlastRadius::parameters).
    ///
    /// # Errors
    /// `InvalidInput` for a limit of nothing.
    pub fn from_arguments(given: &Arguments) -> Result<Self> {
        let mut radius = Self::default();
        radius.targets_per_group = given.quota("targets-per-group")?.unwrap_or(radius.targets_per_group);
        radius.targets_per_run = given.quota("targets-per-run")?.unwrap_or(radius.targets_per_run);
        radius.min_healthy = given.quota("min-healthy")?.unwrap_or(radius.min_healthy);
        radius.max_active = given.count("max-active")?;
        radius.domain = given.text("within")?.map(|within| match within.split_once('=') {
            Some((label, name)) => FailureDomain::by_label(label.to_owned()).named(name.to_owned()),
            None => FailureDomain::by_label(within.to_owned()),
        });
        radius.check().map_err(|error| match error.field().map(|field| field.replace('_', "-")) {
            Some(field) => error.in_field(field),
            None => error,
        })?;
        Ok(radius)
    }

    fn read(fields: &Map<String, Value>) -> Result<Self> {
        Self::from_arguments(&Self::parameters().read("a blast radius", fields, Naming::Fields)?)
    }

    fn settings(&self) -> Map<String, Value> {
        let within = self.domain.as_ref().map(|domain| match domain.name() {
            Some(name) => format!("{}={name}", domain.label()),
            None => domain.label().to_owned(),
        });
        let fields = [
            ("targets-per-group", Some(quota(self.targets_per_group))),
            ("targets-per-run", Some(quota(self.targets_per_run))),
            ("min-healthy", Some(quota(self.min_healthy))),
            ("max-active", self.max_active.map(Value::from)),
            ("within", within.map(Value::from)),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

fn quota(quota: super::Quota) -> Value {
    quota.count().map_or_else(|| Value::from(quota.to_string()), Value::from)
}

impl FromStr for BlastRadius {
    type Err = Error;

    /// Reads `targets-per-group=2, min-healthy=66%`. Omitted parameters have their defaults.
    fn from_str(text: &str) -> Result<Self> {
        let mut fields = Map::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let Some((name, value)) = item.split_once('=') else {
                let expected = "names and values such as targets-per-group=2, min-healthy=66%";
                return Err(Error::invalid("blast radius", format!("{item:?}"), expected));
            };
            if fields.insert(name.trim().to_owned(), Value::from(value.trim())).is_some() {
                return Err(Error::invalid(name.trim(), format!("{value:?}"), "to be given once"));
            }
        }
        Self::read(&fields)
    }
}

impl Serialize for BlastRadius {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.check().map_err(ser::Error::custom)?;
        self.settings().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for BlastRadius {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&Map::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::{Percent, Quota};

    #[test]
    fn text_and_settings_say_the_same() {
        let nightly = BlastRadius::default()
            .targets_per_group(2)
            .targets_per_run(Quota::ALL)
            .min_healthy(Percent(66))
            .max_active(7)
            .within(FailureDomain::by_label("rack").named("b4"));
        let text = "targets-per-group=2, targets-per-run=100%, min-healthy=66%, max-active=7, within=rack=b4";
        let settings = json!({
            "targets-per-group": 2, "targets-per-run": "100%", "min-healthy": "66%", "max-active": 7,
            "within": "rack=b4",
        });
        assert_eq!(text.parse::<BlastRadius>().unwrap(), nightly);
        assert_eq!(serde_json::to_value(&nightly).unwrap(), settings);
        assert_eq!(serde_json::from_value::<BlastRadius>(settings).unwrap(), nightly);
        assert_eq!("".parse::<BlastRadius>().unwrap(), BlastRadius::default());
        assert_eq!(serde_json::from_value::<BlastRadius>(json!({})).unwrap(), BlastRadius::default());
    }

    #[test]
    fn nonsense_names_the_field_the_value_and_what_would_be_right() {
        for (text, expected) in [
            ("targets-per-group=0", "invalid targets-per-group: 0; expected a limit of at least 1 or 1%"),
            ("targets-per-run=130%", "invalid targets-per-run: \"130%\"; expected a count such as 2"),
            ("min-healty=50%", "invalid min-healty: \"50%\"; expected min-healthy"),
            ("max-active=0", "invalid max-active: 0; expected at least 1"),
            ("within==b4", "invalid failure domain: a label without a name"),
            ("2", "invalid blast radius: \"2\"; expected names and values such as"),
            ("max-active=1,max-active=2", "invalid max-active: \"2\"; expected to be given once"),
        ] {
            let error = text.parse::<BlastRadius>().unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let error = serde_json::from_value::<BlastRadius>(json!({ "targets-per-group": -1 })).unwrap_err();
        assert!(error.to_string().starts_with("invalid targets-per-group: -1; expected a count"), "{error}");
    }
}
