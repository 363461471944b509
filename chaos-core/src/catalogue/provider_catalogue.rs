use std::{collections::BTreeSet, fmt, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    arguments::Arguments, entries::Entries, naming::Naming, parameter::Parameter, parameters::Parameters,
};
use crate::{
    error::{Error, Result},
    group::GroupId,
    plan::FailureDomain,
    provider::{GroupFilter, Provider},
};

/// The providers that can be opened by name, from settings, and for the targets of a journal.
#[derive(Clone, Default)]
pub struct ProviderCatalogue {
    entries: Entries<Entry>,
}

#[derive(Clone)]
struct Entry {
    spec: ProviderSpec,
    open: Arc<dyn OpenProvider>,
}

/// The name of a provider, the schemes of its ids and its settings, as data for help texts, files and forms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProviderSpec {
    /// The name, such as `aws`.
    pub name: String,
    /// Its kind of groups, such as `Auto-scaling groups`.
    pub about: String,
    /// The schemes of its ids.
    pub schemes: Vec<String>,
    /// The settings that it takes.
    #[serde(flatten)]
    pub parameters: Parameters,
    /// The identity settings, such as a profile. A later process needs them as well to recover targets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity: Vec<String>,
}

/// A way to open the providers of one platform.
#[async_trait]
pub trait OpenProvider: fmt::Debug + Send + Sync + 'static {
    /// Its name and its settings.
    fn spec(&self) -> ProviderSpec;

    /// Opens the providers that `settings` ask for.
    ///
    /// Cancel safe: it only looks.
    ///
    /// # Errors
    /// `InvalidInput` for settings that contradict each other, and the errors of the platform.
    async fn open(&self, settings: &Arguments) -> Result<Opened>;

    /// Opens the providers that are needed to recover targets of these groups. All groups have one of its own schemes.
    ///
    /// `settings` holds identity settings only, because the ids of the groups contain their place.
    ///
    /// Cancel safe: it only looks.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    async fn open_for(
        &self,
        groups: &BTreeSet<GroupId>,
        settings: &Arguments,
    ) -> Result<Vec<Arc<dyn Provider>>>;
}

/// Open providers, and the settings for a run on their groups.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Opened {
    /// One for each scheme.
    pub providers: Vec<Arc<dyn Provider>>,
    /// Which of their groups.
    pub filter: GroupFilter,
    /// The failure domain that all victims must be in.
    pub domain: Option<FailureDomain>,
}

/// The providers that were opened to recover the targets of a journal.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct OpenedFor {
    /// Those that could be opened.
    pub providers: Vec<Arc<dyn Provider>>,
    /// Why the others could not be opened, one error for each.
    pub refused: Vec<Error>,
}

impl Opened {
    /// All groups of these providers.
    pub fn all(providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Self {
        Self { providers: providers.into_iter().collect(), filter: GroupFilter::all(), domain: None }
    }

    /// Only groups that pass `filter`.
    #[must_use]
    pub fn only(mut self, filter: GroupFilter) -> Self {
        self.filter = filter;
        self
    }

    /// Victims of one failure domain only.
    #[must_use]
    pub fn within(mut self, domain: Option<FailureDomain>) -> Self {
        self.domain = domain;
        self
    }
}

impl ProviderSpec {
    /// A provider of ids with these schemes, without settings.
    pub fn new<'a>(
        name: impl Into<String>,
        schemes: impl IntoIterator<Item = &'a str>,
        about: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            about: about.into(),
            schemes: schemes.into_iter().map(str::to_owned).collect(),
            parameters: Parameters::default(),
            identity: Vec::new(),
        }
    }

    /// Adds a setting.
    #[must_use]
    pub fn with(mut self, parameter: Parameter) -> Self {
        self.parameters = self.parameters.with(parameter);
        self
    }

    /// Adds an identity setting.
    #[must_use]
    pub fn with_identity(mut self, parameter: Parameter) -> Self {
        self.identity.push(parameter.name.clone());
        self.with(parameter)
    }

    /// Says that these settings exclude each other.
    #[must_use]
    pub fn at_most_one_of<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.parameters = self.parameters.at_most_one_of(names);
        self
    }

    /// The identity settings alone, because a journal contains the place of each target.
    fn identity(&self) -> Parameters {
        let is_identity = |parameter: &&Parameter| self.identity.contains(&parameter.name);
        let own = self.parameters.parameters.iter().filter(is_identity).cloned();
        own.fold(Parameters::default(), Parameters::with)
    }

    fn owns(&self, scheme: &str) -> bool {
        self.schemes.iter().any(|own| own == scheme)
    }
}

impl ProviderCatalogue {
    /// Adds a provider, in place of one with the same name.
    #[must_use]
    pub fn register(mut self, provider: impl OpenProvider) -> Self {
        let spec = provider.spec();
        let name = spec.name.clone();
        self.entries.insert(&name, Entry { spec, open: Arc::new(provider) });
        self
    }

    /// The specification of each provider, in the order of registration.
    pub fn specs(&self) -> impl Iterator<Item = &ProviderSpec> {
        self.entries.iter().map(|entry| &entry.spec)
    }

    /// The specification of the provider `name`.
    ///
    /// # Errors
    /// `InvalidInput` for an unknown name, with what would be right.
    pub fn spec(&self, name: &str, naming: Naming) -> Result<&ProviderSpec> {
        Ok(&self.entry(name, naming)?.spec)
    }

    /// Whether targets of this scheme belong to one of them.
    pub fn knows(&self, scheme: &str) -> bool {
        self.specs().any(|spec| spec.owns(scheme))
    }

    /// Reads settings of the provider `name`.
    ///
    /// # Errors
    /// `InvalidInput` that names the setting as `naming` says, the value, and what would be right.
    pub fn read(&self, name: &str, settings: &Map<String, Value>, naming: Naming) -> Result<Arguments> {
        self.entry(name, naming)?.spec.parameters.read(name, settings, naming)
    }

    /// Opens the provider `name` with settings that were [read](Self::read) for it.
    ///
    /// # Errors
    /// `InvalidInput` for an unknown name, and the errors of the provider.
    pub async fn open(&self, name: &str, settings: &Arguments, naming: Naming) -> Result<Opened> {
        self.entry(name, naming)?.open.open(settings).await
    }

    /// Opens every provider that owns some of `groups`, to recover targets in them. No other one is opened, because its
    /// credentials are not needed. Each provider gets its own identity settings out of `settings`.
    ///
    /// A provider that cannot be opened keeps no other one from being opened.
    ///
    /// Cancel safe: it only looks.
    pub async fn open_for(
        &self,
        groups: impl IntoIterator<Item = GroupId>,
        settings: &Map<String, Value>,
    ) -> OpenedFor {
        let groups: BTreeSet<GroupId> = groups.into_iter().collect();
        let mut opened = OpenedFor::default();
        for Entry { spec, open } in self.entries.iter() {
            let own: BTreeSet<GroupId> =
                groups.iter().filter(|group| spec.owns(group.scheme())).cloned().collect();
            if own.is_empty() {
                continue;
            }
            let mut identity = settings.clone();
            identity.retain(|name, _| spec.identity.contains(name));
            let opening = async {
                let settings = spec.identity().read(&spec.name, &identity, Naming::Arguments)?;
                open.open_for(&own, &settings).await
            };
            match opening.await {
                Ok(providers) => opened.providers.extend(providers),
                Err(error) => opened.refused.push(error.with("provider", &spec.name)),
            }
        }
        opened
    }

    fn entry(&self, name: &str, naming: Naming) -> Result<&Entry> {
        self.entries.get(
            name,
            match naming {
                Naming::Fields => "provider",
                Naming::Arguments => "--provider",
            },
        )
    }
}

impl fmt::Debug for ProviderCatalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries.names()).finish()
    }
}
