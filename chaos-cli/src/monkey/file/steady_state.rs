use chaos_core::{
    SteadyState,
    catalogue::{Parameters, ProbeCatalogue},
};
use serde_json::{Map, Value};

use super::{
    reader::{Reader, Section},
    secret,
};

/// The hypothesis of a file that has none.
const HYPOTHESIS: &str = "the system stays steady";

/// The parameters of `[steady-state]` beside its `probes`.
pub(super) fn parameters() -> Parameters {
    let mut parameters = ProbeCatalogue::steady_state_parameters();
    for parameter in parameters.parameters.iter_mut().filter(|parameter| parameter.name == "hypothesis") {
        parameter.required = false;
        parameter.default = Some(HYPOTHESIS.to_owned());
    }
    parameters
}

pub(super) fn read(
    reader: &mut Reader<'_>,
    mut section: Section,
    catalogue: &ProbeCatalogue,
) -> Option<SteadyState> {
    reader.refuse_unknown(&mut section, &parameters(), &["probes"]);
    let mut probes = Vec::new();
    let mut is_sound = true;
    for probe in reader.tables(&mut section, "probes") {
        match probe_of(reader, probe, catalogue) {
            Some(probe) => probes.push(probe),
            None => is_sound = false,
        }
    }
    if !is_sound {
        // Without it, the places of the others would be wrong.
        return None;
    }
    reader.read_by(section, &parameters(), |fields| {
        let mut fields = fields.clone();
        fields.entry("hypothesis").or_insert_with(|| Value::from(HYPOTHESIS));
        fields.insert("probes".to_owned(), Value::from(probes.clone()));
        catalogue.steady_state(&Value::Object(fields)).map_err(|error| {
            // The file has the parameters of a probe beside its name.
            let field = error.field().map(|field| field.replace(".probe.", "."));
            match field {
                Some(field) => error.in_field(field),
                None => error,
            }
        })
    })
}

/// A probe in the form of the catalogue.
fn probe_of(reader: &mut Reader<'_>, mut section: Section, catalogue: &ProbeCatalogue) -> Option<Value> {
    let names: Vec<String> = catalogue.specs().map(|spec| spec.name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let kind = reader.kind(&mut section, &names)?;
    let spec = catalogue.specs().find(|spec| spec.name == kind)?;
    let beside_it = ProbeCatalogue::probe_parameters();
    let beside_it =
        || beside_it.parameters.iter().map(|parameter| parameter.name.as_str()).chain(["tolerance"]);
    reader.refuse_unknown(&mut section, &spec.parameters, &beside_it().collect::<Vec<_>>());
    let mut beside = Map::new();
    for name in beside_it() {
        if let Some(value) = section.fields.remove(name) {
            beside.insert(name.to_owned(), value);
        }
    }
    let mut own = section.fields.clone();
    for parameter in spec.parameters.parameters.iter().filter(|parameter| parameter.secret) {
        if let Some(value) = own.remove(&parameter.name) {
            let given = secret::given(&value, reader.surroundings());
            own.insert(parameter.name.clone(), reader.sound(&section.path_of(&parameter.name), given)?);
        }
    }
    own.insert("name".to_owned(), Value::from(kind));
    beside.insert("probe".to_owned(), Value::Object(own));
    Some(Value::Object(beside))
}
