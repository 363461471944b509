use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use chaos_core::{
    GroupId, Provider, Result,
    catalogue::{Arguments, OpenProvider, Opened, Parameter, ProviderSpec},
};

use crate::{fleet::Fleet, fleets::Fleets, processes::Processes};

/// Processes on this machine, for a [`ProviderCatalogue`](chaos_core::catalogue::ProviderCatalogue): a fleet that
/// another process runs, and any target in a journal.
///
/// ```
/// use chaos_core::catalogue::ProviderCatalogue;
/// use chaos_local::LocalProvider;
///
/// let catalogue = ProviderCatalogue::default().register(LocalProvider::default());
/// assert!(catalogue.knows("local") && catalogue.knows("process"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct LocalProvider {}

#[async_trait]
impl OpenProvider for LocalProvider {
    fn spec(&self) -> ProviderSpec {
        ProviderSpec::new("local", ["local", "process"], "Processes on this machine").with(
            Parameter::path("attach", "the state directory of a fleet that is up")
                .value_name("DIR")
                .required(),
        )
    }

    async fn open(&self, settings: &Arguments) -> Result<Opened> {
        let directory = settings.text("attach")?.unwrap_or_default();
        Ok(Opened::all([Arc::new(Fleet::attach(directory)?) as Arc<dyn Provider>]))
    }

    async fn open_for(&self, _: &BTreeSet<GroupId>, _: &Arguments) -> Result<Vec<Arc<dyn Provider>>> {
        Ok(vec![Arc::new(Fleets::new()), Arc::new(Processes::named("recover").build()?)])
    }
}
