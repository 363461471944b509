//! What experiments may name: events, providers of targets, and probes.

use chaos_core::catalogue::{EventCatalogue, ProbeCatalogue, ProviderCatalogue};

/// The events, providers and probes that a provider of type `chaos` may name. By default none.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Catalogues {
    /// The events.
    pub events: EventCatalogue,
    /// The providers of targets.
    pub providers: ProviderCatalogue,
    /// The probes.
    pub probes: ProbeCatalogue,
}

impl Catalogues {
    /// These three.
    pub fn new(events: EventCatalogue, providers: ProviderCatalogue, probes: ProbeCatalogue) -> Self {
        Self { events, providers, probes }
    }
}
