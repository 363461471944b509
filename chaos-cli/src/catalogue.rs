//! The events and providers of this program. Only this file names their crates: a new one is a line here.

use chaos_core::{
    Error, ErrorKind,
    catalogue::{EventCatalogue, FromArguments, OpenProvider, ProviderCatalogue},
};

use crate::program::ProgramError;

/// The events and providers of the program `chaos`.
///
/// A program of your own with an event of your own is the same with one line more:
///
/// ```
/// use chaos_cli::{catalogue::catalogue, chaos::ChaosArguments};
/// use chaos_core::testing::PowerOff;
///
/// let mine = catalogue().with_event::<PowerOff>();
/// let words = ["chaos", "drill", "--event", "power-off", "--duration", "5s"];
/// assert!(ChaosArguments::try_parse_from(&mine, words).is_ok());
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Catalogue {
    /// The events.
    pub events: EventCatalogue,
    /// The providers.
    pub providers: ProviderCatalogue,
    /// Providers of targets that are only recovered.
    pub(crate) recovered: ProviderCatalogue,
    /// The providers that this program was built without.
    pub(crate) absent: Vec<Absent>,
}

/// A provider that this program was built without, because its SDK takes minutes to build.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Absent {
    /// Its own name, and that of the feature.
    pub(crate) name: &'static str,
    pub(crate) schemes: &'static [&'static str],
    groups: &'static str,
}

impl Catalogue {
    /// Adds an event, in the place of one of the same name.
    #[must_use]
    pub fn with_event<E: FromArguments>(mut self) -> Self {
        self.events = self.events.register::<E>();
        self
    }

    /// Adds a provider, in the place of one of the same name.
    #[must_use]
    pub fn with_provider(mut self, provider: impl OpenProvider) -> Self {
        self.providers = self.providers.register(provider);
        self
    }

    /// What experiments in files may name.
    #[cfg(feature = "lab")]
    pub(crate) fn of_experiments(&self) -> chaos_lab::catalogues::Catalogues {
        let probes = chaos_probes::catalogue();
        chaos_lab::catalogues::Catalogues::new(self.events.clone(), self.providers.clone(), probes)
    }

    /// Whether `recover` finds targets of this scheme, or knows which feature would.
    pub(crate) fn reaches(&self, scheme: &str) -> bool {
        self.providers.knows(scheme)
            || self.recovered.knows(scheme)
            || self.absent.iter().any(|absent| absent.schemes.contains(&scheme))
    }
}

impl Absent {
    pub(crate) fn about(&self) -> String {
        format!("{}; needs a program that was built with the feature {}", self.groups, self.name)
    }

    /// It was asked for.
    pub(crate) fn error(&self) -> ProgramError {
        let expected = format!("a provider in this program; it was built without the feature {}", self.name);
        let error = Error::invalid("--provider", self.name, expected);
        ProgramError::from(error).hint(format!("`cargo {}-drill` builds one with it", self.name))
    }

    /// The journal holds faults of it.
    pub(crate) fn unrecoverable(&self) -> ProgramError {
        let what =
            "the journal holds faults of a cloud, and this program was built without the feature for it";
        let error = Error::new(ErrorKind::Unsupported, what).with("feature", self.name);
        ProgramError::from(error).hint(format!("`cargo {}-recover` builds one with it", self.name))
    }
}

/// All that this program was built with.
pub fn catalogue() -> Catalogue {
    // A journal also holds faults that other programs have injected.
    let events = chaos_events::catalogue().with_recoveries(chaos_events::registry());
    let catalogue = Catalogue { events, ..Catalogue::default() };
    let catalogue = catalogue.with_provider(chaos_local::LocalProvider::default());
    lab(azure(aws(catalogue)))
}

#[cfg(feature = "lab")]
fn lab(mut catalogue: Catalogue) -> Catalogue {
    catalogue.events = catalogue.events.with_recoveries(chaos_lab::run::registry());
    catalogue.recovered = catalogue.recovered.register(chaos_lab::run::ExperimentProvider::default());
    catalogue
}

#[cfg(not(feature = "lab"))]
fn lab(mut catalogue: Catalogue) -> Catalogue {
    catalogue.absent.push(Absent { name: "lab", schemes: &["experiment"], groups: "Experiments in files" });
    catalogue
}

#[cfg(feature = "aws")]
fn aws(catalogue: Catalogue) -> Catalogue {
    catalogue.with_provider(chaos_aws::AwsProvider::default())
}

#[cfg(not(feature = "aws"))]
fn aws(mut catalogue: Catalogue) -> Catalogue {
    catalogue.absent.push(Absent { name: "aws", schemes: &["aws-asg"], groups: "Auto-scaling groups" });
    catalogue
}

#[cfg(feature = "azure")]
fn azure(catalogue: Catalogue) -> Catalogue {
    catalogue.with_provider(chaos_azure::AzureProvider::default())
}

#[cfg(not(feature = "azure"))]
fn azure(mut catalogue: Catalogue) -> Catalogue {
    catalogue.absent.push(Absent {
        name: "azure",
        schemes: &["azure-avset", "azure-vmss"],
        groups: "Availability sets and scale sets",
    });
    catalogue
}

#[cfg(test)]
mod tests {
    use chaos_core::testing::PowerOff;

    use super::*;

    #[test]
    fn every_recovery_that_a_journal_may_hold_can_be_read_whatever_is_registered_beside_it() {
        let mine = catalogue().with_event::<PowerOff>();
        let read: Vec<_> = mine.events.registry().kinds().collect();
        let missing: Vec<_> = chaos_events::registry().kinds().filter(|kind| !read.contains(kind)).collect();
        assert!(missing.is_empty() && read.contains(&"chaos-core/power-on/1"), "{missing:?} of {read:?}");
    }
}
