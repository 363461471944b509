use crate::{capability::target::Means, client::regions::Regions, discovery::selection::Selection};

/// What a provider is made of.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) regions: Regions,
    pub(crate) selection: Selection,
    pub(crate) means: Means,
}
