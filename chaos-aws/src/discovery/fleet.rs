use crate::{capability::target::Means, client::regions::Regions, discovery::selection::Selection};

/// The parts of a provider.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) regions: Regions,
    pub(crate) selection: Selection,
    pub(crate) means: Means,
}
