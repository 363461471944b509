use chaos_core::{
    Error, Result,
    catalogue::{Arguments, Naming, Opened, ProviderSpec},
};
use clap::{
    Arg, ArgMatches, Args, Command, FromArgMatches,
    builder::{PossibleValue, PossibleValuesParser},
};
use serde_json::{Map, Value};

use super::{given::Given, parameters};
use crate::{catalogue::Catalogue, program::ProgramError};

/// The argument that names the provider.
const PROVIDER: &str = "provider";
/// The prefix of the ids of arguments that are settings of providers.
const SETTING: &str = "provider.";
/// The provider of the drill's own fleet, and of attached fleets.
pub(super) const LOCAL: &str = "local";
/// The setting for which the drill has an argument of its own.
const GROUP: &str = "group";

/// The requested provider and its settings, as they were given. The catalogue of providers checks them.
#[derive(Clone, Debug)]
pub(super) struct ProviderArguments {
    name: String,
    settings: Map<String, Value>,
}

impl ProviderArguments {
    /// `command` with an argument for every setting of the providers in `catalogue`.
    ///
    /// If a setting has the name of another argument of the drill, it is that argument, or cannot be given.
    pub(super) fn of(command: Command, catalogue: &Catalogue) -> Command {
        let named = |name: &str, about: &str| PossibleValue::new(name.to_owned()).help(about.to_owned());
        let known = catalogue.providers.specs().map(|spec| named(&spec.name, &spec.about));
        let absent = catalogue.absent.iter().map(|absent| named(absent.name, &absent.about()));
        let names: Vec<PossibleValue> = known.chain(absent).collect();
        let command = command.mut_arg(PROVIDER, |arg| arg.value_parser(PossibleValuesParser::new(names)));
        let specs = catalogue.providers.specs();
        let all =
            parameters::by_name(specs.map(|spec| (spec.name.as_str(), &spec.parameters.parameters[..])));
        let heading = |of: &[parameters::Owned]| {
            let names: Vec<&str> = of.iter().map(|(provider, _)| provider.as_str()).collect();
            let whose = catalogue.providers.specs().find(|spec| names == [spec.name.as_str()]);
            whose.map_or_else(
                || format!("Groups in a cloud, with --provider {}", names.join(" or ")),
                |spec| format!("{}, with --provider {}", spec.about, spec.name),
            )
        };
        all.into_iter().fold(command, |command, (name, of)| {
            let argument = parameters::argument(SETTING, &name, &of).help_heading(heading(&of));
            let help =
                of.first().map_or_else(String::new, |(_, parameter)| parameters::sentence(&parameter.help()));
            parameters::with(command, argument.help(help))
        })
    }

    /// Whether the groups are processes of this machine. The drill needs no settings for them.
    pub(super) fn is_local(&self) -> bool {
        self.name == LOCAL
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The settings of the provider, with `group` if one was named. This machine's provider has none.
    ///
    /// # Errors
    /// `InvalidInput` for invalid settings and for those of another provider. `spared` settings belong to no provider.
    pub(super) fn read(
        &self,
        group: Option<&str>,
        spared: &[&str],
        catalogue: &Catalogue,
    ) -> Result<Arguments, ProgramError> {
        let spec = match catalogue.absent.iter().find(|absent| absent.name == self.name) {
            Some(absent) => return Err(absent.error()),
            None => catalogue.providers.spec(&self.name, Naming::Arguments)?,
        };
        let is_own = |name: &str| !self.is_local() && spec.parameters.get(name).is_some();
        let mut settings = self.settings.clone();
        settings.retain(|name, _| is_own(name) || !spared.contains(&name.as_str()));
        let others: Vec<&str> = settings.keys().map(String::as_str).filter(|name| !is_own(name)).collect();
        if let Some(Given { name, value }) = self.raw(&others).into_iter().next() {
            let expected = format!("none with --provider {}", self.name);
            return Err(Error::invalid(name, value.unwrap_or_else(|| "given".to_owned()), expected).into());
        }
        if self.is_local() {
            return Ok(Arguments::default());
        }
        if let (Some(group), true) = (group, is_own(GROUP)) {
            settings.insert(GROUP.to_owned(), Value::from(group));
        }
        Ok(catalogue.providers.read(&self.name, &settings, Naming::Arguments)?)
    }

    /// Opens the provider.
    pub(super) async fn open(&self, settings: &Arguments, catalogue: &Catalogue) -> Result<Opened> {
        catalogue.providers.open(&self.name, settings, Naming::Arguments).await
    }

    /// The text that was given for the setting `name` of any provider.
    #[cfg(feature = "aws")]
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.settings.get(name).and_then(|value| value.as_str().or_else(|| value.get(0)?.as_str()))
    }

    /// Those of these settings that were given, for any provider.
    pub(super) fn raw(&self, names: &[&str]) -> Vec<Given> {
        let words = |value: &Value| match value {
            Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
            Value::Bool(_) => None,
            value => value.as_str().map(str::to_owned),
        };
        let given = names.iter().filter_map(|name| Some((name, self.settings.get(*name)?)));
        given.map(|(name, value)| Given { name: format!("--{name}").into(), value: words(value) }).collect()
    }
}

/// The settings as arguments of a command line, without the group, which has an argument of its own.
pub(super) fn places(settings: &Arguments) -> Vec<Given> {
    let mut given = Given::all(settings);
    given.retain(|given| given.name != "--group");
    given
}

/// The settings of the identity, which a recovery needs as well.
pub(super) fn identity(settings: &Arguments, spec: &ProviderSpec) -> Vec<Given> {
    let mut given = Given::all(settings);
    given.retain(|given| spec.identity.iter().any(|name| given.name == format!("--{name}")));
    given
}

/// Only the argument that names the provider. The others come [from the catalogue](ProviderArguments::of).
impl Args for ProviderArguments {
    fn augment_args(command: Command) -> Command {
        command.arg(
            Arg::new(PROVIDER)
                .long(PROVIDER)
                .value_name("NAME")
                .default_value(LOCAL)
                .help("The provider of the groups"),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ProviderArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let name = matches.get_one::<String>(PROVIDER).cloned().unwrap_or_default();
        Ok(Self { name, settings: parameters::given(matches, SETTING) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
