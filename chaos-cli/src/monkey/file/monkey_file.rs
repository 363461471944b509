use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use chaos_core::{
    BlastRadius, SteadyState,
    catalogue::{
        Arguments, EventCatalogue, NamedEvent, Naming, Parameter, Parameters, ProbeCatalogue,
        ProviderCatalogue,
    },
    monkey::GroupRule,
    text::escaped,
};

use serde_json::Value;

use super::{
    calendar::{self, CalendarSection},
    document::Document,
    groups,
    notify::{self, NotifySection},
    problems::{Place, Problem, Problems},
    reader::{Reader, Section},
    schedule::{self, Pace},
    secret::Surroundings,
    service::{self, ServiceSection},
    steady_state,
    targets::{self, TargetsSection},
};

/// The tables of a file, in the order in which they are documented.
pub(super) const TABLES: [&str; 10] = [
    "calendar",
    "schedule",
    "blast-radius",
    "steady-state",
    "targets",
    "groups",
    "providers",
    "events",
    "notify",
    "service",
];

/// The file of a monkey that is left running, read and checked.
#[derive(Debug)]
pub(crate) struct MonkeyFile {
    /// What it is called.
    pub(crate) title: String,
    /// Whether it injects. Otherwise it only says what it would do.
    pub(crate) is_unleashed: bool,
    /// The journal.
    pub(crate) journal: Option<PathBuf>,
    /// The seed of the schedule.
    pub(crate) seed: Option<u64>,
    /// How long the same event leaves the same target alone.
    pub(crate) cool_down: Option<Duration>,
    /// For how long the journal keeps what is over. `None`: for good.
    pub(crate) keep: Option<Duration>,
    /// How long a recovery may take.
    pub(crate) recovery_budget: Option<Duration>,
    /// When chaos is welcome. `None`: always.
    pub(crate) calendar: Option<CalendarSection>,
    /// How often.
    pub(crate) pace: Pace,
    /// How much may be broken at once.
    pub(crate) blast_radius: BlastRadius,
    /// What normal is.
    pub(crate) steady_state: Option<SteadyState>,
    /// Who is never touched.
    pub(crate) targets: TargetsSection,
    /// What applies to some groups.
    pub(crate) groups: Vec<GroupRule>,
    /// Where groups come from.
    pub(crate) providers: Vec<ProviderSection>,
    /// The events.
    pub(crate) events: Vec<NamedEvent>,
    /// Who is told.
    pub(crate) notify: Vec<NotifySection>,
    /// How it is watched.
    pub(crate) service: ServiceSection,
}

/// One of `[[providers]]`.
#[derive(Debug)]
pub(crate) struct ProviderSection {
    /// Where it stands in the file.
    pub(crate) path: String,
    /// The name of the provider.
    pub(crate) name: String,
    /// Its settings.
    pub(crate) settings: Arguments,
}

/// What a file may name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogues {
    pub(crate) events: EventCatalogue,
    pub(crate) providers: ProviderCatalogue,
    pub(crate) probes: ProbeCatalogue,
}

/// The parameters at the top of a file.
pub(super) fn parameters() -> Parameters {
    let modes = [
        ("leashed", "it says what it would do, and touches nothing"),
        ("unleashed", "it injects, and always brings its targets back"),
    ];
    Parameters::default()
        .with(Parameter::choice("mode", modes, "whether it injects").default("leashed"))
        .with(
            Parameter::text("journal", "the file that keeps every fault until it is undone")
                .value_name("PATH"),
        )
        .with(
            Parameter::count("seed", 0..=u64::MAX, "draws dues and victims")
                .default("drawn once, and kept in the journal"),
        )
        .with(
            Parameter::duration("cool-down", "how long the same event leaves the same target alone")
                .default("none"),
        )
        .with(
            Parameter::duration("keep", "for how long the journal keeps what is over, such as 400d")
                .default("for good"),
        )
        .with(
            Parameter::duration("recovery-budget", "how long the recovery of a fault may take").default("5m"),
        )
}

impl MonkeyFile {
    /// Reads the file at `path`, with each of `set` in the place of what it says.
    pub(crate) fn read(path: &Path, set: &[String], catalogues: &Catalogues) -> Result<Self, Problems> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| {
            Problems::new(&name, vec![Problem::new(None, format!("the file cannot be read: {error}"))])
        })?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Self::parse(&name, &text, set, catalogues, &Surroundings::of_process(&folder))
    }

    /// Reads `text`, which is called `name` in problems.
    pub(super) fn parse(
        name: &str,
        text: &str,
        set: &[String],
        catalogues: &Catalogues,
        surroundings: &Surroundings,
    ) -> Result<Self, Problems> {
        let mut document = Document::parse(name, text)?;
        set.iter().try_for_each(|assignment| document.set(assignment))?;
        let mut reader = Reader::of(&document, surroundings);
        let read = Self::of(name, &mut reader, catalogues);
        reader.finish()?;
        // Without a problem there is one.
        read.ok_or_else(|| {
            Problems::new(name, vec![Problem::new(None::<Place>, "cannot be read".to_owned())])
        })
    }

    fn of(name: &str, reader: &mut Reader<'_>, catalogues: &Catalogues) -> Option<Self> {
        let mut top = reader.top();
        reader.refuse_unknown(&mut top, &parameters(), &TABLES);
        let calendar = reader.table(&mut top, "calendar").map(|section| calendar::read(reader, section));
        let zone = calendar.as_ref().and_then(|read| read.as_ref()).map(|section| section.zone.clone());
        let pace = match reader.table(&mut top, "schedule") {
            // A calendar that is wrong is told already.
            Some(_) if matches!(calendar, Some(None)) => None,
            Some(section) => schedule::read(reader, section, zone.as_deref()),
            None => Some(Pace::Every(Duration::from_secs(3600))),
        };
        let blast_radius = match reader.table(&mut top, "blast-radius") {
            Some(section) => {
                let described = BlastRadius::parameters();
                reader.read_by(section, &described, |fields| {
                    BlastRadius::from_arguments(&described.read("a blast radius", fields, Naming::Fields)?)
                })
            }
            None => Some(BlastRadius::default()),
        };
        let steady_state = match reader.table(&mut top, "steady-state") {
            Some(section) => steady_state::read(reader, section, &catalogues.probes).map(Some),
            None => Some(None),
        };
        let targets = match reader.table(&mut top, "targets") {
            Some(section) => targets::read(reader, section),
            None => Some(TargetsSection::default()),
        };
        // A calendar that is wrong is told already.
        let zone = if matches!(calendar, Some(None)) { Some("UTC".to_owned()) } else { zone };
        let groups: Vec<Option<GroupRule>> = reader
            .tables(&mut top, "groups")
            .into_iter()
            .map(|section| groups::read(reader, section, zone.as_deref(), &catalogues.probes))
            .collect();
        let notify: Vec<Option<NotifySection>> = reader
            .tables(&mut top, "notify")
            .into_iter()
            .map(|section| notify::read(reader, section))
            .collect();
        let providers = providers(reader, &mut top, &catalogues.providers);
        let events = events(reader, &mut top, &catalogues.events);
        let service = match reader.table(&mut top, "service") {
            Some(section) => service::read(reader, section),
            None => Some(ServiceSection::default()),
        };
        let path_of_journal = reader.surroundings();
        let given = reader.read(top, "a monkey", &parameters());
        if !reader.is_sound() {
            return None;
        }
        let given = given?;
        let is_unleashed = reader.sound("mode", given.text("mode"))? == Some("unleashed");
        let journal = reader.sound("journal", given.text("journal"))?.map(|path| path_of_journal.path(path));
        if is_unleashed && journal.is_none() {
            reader.refuse("journal", "none", "a file, because mode = \"unleashed\" needs one");
        }
        Some(Self {
            title: name.to_owned(),
            is_unleashed,
            journal,
            seed: seed(reader, &given),
            cool_down: reader.sound("cool-down", given.duration("cool-down"))?,
            keep: reader.sound("keep", given.duration("keep"))?,
            recovery_budget: reader.sound("recovery-budget", given.duration("recovery-budget"))?,
            calendar: calendar.flatten(),
            pace: pace?,
            blast_radius: blast_radius?,
            steady_state: steady_state?,
            targets: targets?,
            groups: groups.into_iter().collect::<Option<_>>()?,
            notify: notify.into_iter().collect::<Option<_>>()?,
            providers: providers?,
            events: events?,
            service: service?,
        })
    }
}

fn seed(reader: &mut Reader<'_>, given: &Arguments) -> Option<u64> {
    let seed = reader.sound("seed", given.count("seed")).flatten()?;
    u64::try_from(seed).ok()
}

/// `[[providers]]`, of which there must be one.
fn providers(
    reader: &mut Reader<'_>,
    top: &mut Section,
    catalogue: &ProviderCatalogue,
) -> Option<Vec<ProviderSection>> {
    let names: Vec<&str> = catalogue.specs().map(|spec| spec.name.as_str()).collect();
    let mut read = Vec::new();
    let is_absent = match top.fields.get("providers") {
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
        None => true,
    };
    for mut section in reader.tables(top, "providers") {
        let path = section.path.clone();
        let Some(name) = reader.kind(&mut section, &names) else { continue };
        let Some(spec) = catalogue.specs().find(|spec| spec.name == name) else { continue };
        let settings = reader.read(section, &name, &spec.parameters);
        read.extend(settings.map(|settings| ProviderSection { path, name, settings }));
    }
    if is_absent {
        reader.refuse("providers", "none", "at least one, under [[providers]]");
    }
    reader.is_sound().then_some(read)
}

/// `[[events]]`, of which there must be one.
fn events(reader: &mut Reader<'_>, top: &mut Section, catalogue: &EventCatalogue) -> Option<Vec<NamedEvent>> {
    let names: Vec<&str> = catalogue.specs().map(|spec| spec.name.as_str()).collect();
    let mut read = Vec::new();
    let is_absent = match top.fields.get("events") {
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
        None => true,
    };
    for mut section in reader.tables(top, "events") {
        let Some(name) = reader.kind(&mut section, &names) else { continue };
        let Some(spec) = catalogue.specs().find(|spec| spec.name == name) else { continue };
        read.extend(
            reader
                .read_by(section, &spec.parameters, |fields| catalogue.event(&name, fields, Naming::Fields)),
        );
    }
    if is_absent {
        reader.refuse("events", "none", "at least one, under [[events]]");
    }
    reader.is_sound().then_some(read)
}

impl ProviderSection {
    /// What it is called.
    pub(crate) fn title(&self) -> String {
        format!("{} ({})", escaped(&self.path), escaped(&self.name))
    }
}
