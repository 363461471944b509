use serde_json::{Map, Value};

use super::{
    arguments::Arguments,
    naming::Naming,
    parameter::{Parameter, shown},
    parameters::Parameters,
    probe_catalogue::ProbeCatalogue,
};
use crate::{
    error::{Error, Result},
    steady_state::{Phase, SteadyState, Tolerance},
};

/// The fields of a probe in the data of a steady state that are read by themselves.
const OF_A_PROBE: [&str; 2] = ["probe", "tolerance"];

impl ProbeCatalogue {
    /// Makes the steady state that `data` asks for: an object with a `hypothesis` and a list of `probes`.
    ///
    /// Each probe has a `name`, a `probe` as [`decode`](Self::decode) reads it, and a `tolerance` as
    /// [`Tolerance::from_data`] reads it. At most one of these says what it is for: `phases` (a list of `before`,
    /// `during` and `after`), `stop-condition`, `observe` (both `true`) and `must-tell-within` (a duration). The other
    /// fields have the names and the defaults of the methods of [`SteadyState`]: `every`, `time-limit`,
    /// `violated-when` (such as `"3 of 5"`), `baseline`, `again-within` and `settled`.
    ///
    /// ```
    /// # use chaos_core::{catalogue::{Parameter, ProbeCatalogue, ProbeSpec}, probe};
    /// # let spec = ProbeSpec::new("http", "A request").with(Parameter::text("url", "its address"));
    /// # let catalogue = ProbeCatalogue::default().register_with(spec, |_| Ok(probe("a page", || async { 200 })));
    /// let steady = catalogue.steady_state(&serde_json::json!({
    ///     "hypothesis": "If one replica hangs, then every customer is served",
    ///     "every": "200ms",
    ///     "violated-when": "3 of 5",
    ///     "probes": [
    ///         { "name": "home page", "probe": { "name": "http", "url": "http://127.0.0.1:8080/" }, "tolerance": 200 },
    ///         {
    ///             "name": "queue",
    ///             "probe": { "name": "http", "url": "http://127.0.0.1:8080/queue" },
    ///             "tolerance": { "at-most": 100 },
    ///             "phases": ["before", "after"],
    ///         },
    ///     ],
    /// }))?;
    /// assert_eq!(steady.hypothesis(), "If one replica hangs, then every customer is served");
    /// # Ok::<(), chaos_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` that names the field by its path in the data, such as `probes[1].tolerance.at-most`, and the
    /// value, and says what would be right. This includes what [`SteadyState::check`] refuses.
    pub fn steady_state(&self, data: &Value) -> Result<SteadyState> {
        let (fields, probes) = parts(data)?;
        let given = own_parameters().read("a steady state", &fields, Naming::Fields)?;
        let probes = match probes {
            Some(Value::Array(probes)) => probes,
            Some(other) => return Err(Error::invalid("probes", shown(&other), "a list of probes")),
            None => return Err(Error::invalid("probes", "none", "a list of probes")),
        };
        let mut steady = SteadyState::new(given.text("hypothesis")?.unwrap_or_default());
        for (index, probe) in probes.iter().enumerate() {
            let within = |error| beneath(&format!("probes[{index}]"), error);
            steady = self.with_probe(steady, probe).map_err(within)?;
        }
        steady = with_times(steady, &given)?;
        steady.check().map_err(|error| match error.field().map(|field| field.replace('_', "-")) {
            Some(field) => error.in_field(field),
            None => error,
        })?;
        Ok(steady)
    }

    /// The parameters of a steady state beside its `probes`, for a file or a form.
    pub fn steady_state_parameters() -> Parameters {
        without(own_parameters(), &["probes"])
    }

    /// The parameters that every probe of a steady state has beside its `probe` and its `tolerance`, for a file or a
    /// form.
    pub fn probe_parameters() -> Parameters {
        without(parameters_of_a_probe(), &OF_A_PROBE)
    }

    fn with_probe(&self, steady: SteadyState, data: &Value) -> Result<SteadyState> {
        let Some(fields) = data.as_object() else {
            let expected = "an object with a name, a probe and a tolerance";
            return Err(Error::invalid("", shown(data), expected));
        };
        let mut fields = fields.clone();
        let [probe, tolerance] = OF_A_PROBE.map(|field| fields.remove(field).unwrap_or(Value::Null));
        if let Some(phases) = fields.get("phases").filter(|phases| !is_list_of_some(phases)) {
            return Err(Error::invalid(
                "phases",
                shown(phases),
                "a list of at least one of before, during and after",
            ));
        }
        let given = parameters_of_a_probe().read("a probe", &fields, Naming::Fields)?;
        let name = given.text("name")?.unwrap_or_default();
        let probe = self.decode(&probe).map_err(|error| match error.field() {
            Some("probe") | None => error,
            Some(_) => beneath("probe", error),
        })?;
        let tolerance = Tolerance::from_data(&tolerance)?;
        if let Some(within) = given.duration("must-tell-within")? {
            return match within.is_zero() {
                true => Err(Error::invalid("must-tell-within", "0s", "more than zero")),
                false => Ok(steady.must_tell(name, probe, tolerance, within)),
            };
        }
        let phases = given.texts("phases")?;
        Ok(if given.is_given("stop-condition") {
            steady.stop_condition(name, probe, tolerance)
        } else if given.is_given("observe") {
            steady.observe(name, probe, tolerance)
        } else if given.is_given("phases") {
            let phases = Phase::ALL.into_iter().filter(|phase| phases.contains(&phase.to_string().as_str()));
            steady.probe_in(phases, name, probe, tolerance)
        } else {
            steady.probe(name, probe, tolerance)
        })
    }
}

fn is_list_of_some(value: &Value) -> bool {
    value.as_array().is_some_and(|items| !items.is_empty())
}

/// The flat fields, and the probes.
fn parts(data: &Value) -> Result<(Map<String, Value>, Option<Value>)> {
    let Some(fields) = data.as_object() else {
        let expected = "an object with a hypothesis and a list of probes";
        return Err(Error::invalid("steady state", shown(data), expected));
    };
    let mut fields = fields.clone();
    let probes = fields.remove("probes").filter(|probes| !probes.is_null());
    Ok((fields, probes))
}

/// Without the ones that are read by themselves.
fn without(mut parameters: Parameters, names: &[&str]) -> Parameters {
    parameters.parameters.retain(|parameter| !names.contains(&parameter.name.as_str()));
    parameters
}

fn own_parameters() -> Parameters {
    Parameters::default()
        .with(Parameter::text("hypothesis", "a sentence that says what should hold").required())
        .with(Parameter::text("probes", "read by itself"))
        .with(Parameter::duration("every", "from the start of one look to the start of the next"))
        .with(Parameter::duration("time-limit", "how long one look may take"))
        .with(Parameter::text("violated-when", "how many of the last looks are wrong, such as 3 of 5"))
        .with(Parameter::duration("baseline", "for how long the system is looked at before the plan"))
        .with(Parameter::duration("again-within", "by when the system must be steady again"))
        .with(Parameter::count("settled", 1..=u64::from(u32::MAX), "how many looks in a row must be met"))
}

fn parameters_of_a_probe() -> Parameters {
    let phases = Phase::ALL.map(|phase| phase.to_string());
    let elsewhere = OF_A_PROBE.map(|field| Parameter::text(field, "read by itself"));
    elsewhere
        .into_iter()
        .fold(Parameters::default(), Parameters::with)
        .with(Parameter::text("name", "the name of the probe in reports").required())
        .with(
            Parameter::choice(
                "phases",
                phases.iter().map(|phase| (phase.as_str(), "")),
                "when it must be met",
            )
            .list(),
        )
        .with(Parameter::flag("stop-condition", "it must be met before and during a fault"))
        .with(Parameter::flag("observe", "a violation is reported and cuts nothing short"))
        .with(Parameter::duration("must-tell-within", "by when it has to become true during a fault"))
        .at_most_one_of(["phases", "stop-condition", "observe", "must-tell-within"])
}

fn with_times(mut steady: SteadyState, given: &Arguments) -> Result<SteadyState> {
    if let Some(interval) = given.duration("every")? {
        steady = steady.every(interval);
    }
    if let Some(limit) = given.duration("time-limit")? {
        steady = steady.time_limit(limit);
    }
    if let Some(duration) = given.duration("baseline")? {
        steady = steady.baseline(duration);
    }
    if let Some(limit) = given.duration("again-within")? {
        steady = steady.again_within(limit);
    }
    if let Some(looks) = given.count("settled")? {
        steady = steady.settled(u32::try_from(looks).unwrap_or(u32::MAX));
    }
    if let Some(text) = given.text("violated-when")? {
        let looks = text
            .split_once(" of ")
            .and_then(|(looks, of)| Some((looks.trim().parse().ok()?, of.trim().parse().ok()?)));
        let (looks, of) = looks.ok_or_else(|| {
            Error::invalid(
                "violated-when",
                format!("{text:?}"),
                "a number of looks of as many or more, such as 3 of 5",
            )
        })?;
        steady = steady.violated_when(looks, of);
    }
    Ok(steady)
}

/// The error with the path of its field from the top.
fn beneath(path: &str, error: Error) -> Error {
    let field = error.field().map(|field| match field {
        "" => path.to_owned(),
        field => format!("{path}.{field}"),
    });
    match field {
        Some(field) => error.in_field(field),
        None => error.with("in", path),
    }
}
