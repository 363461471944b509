use crate::{regions::Regions, selection::Selection, target::Means};

/// What a provider is made of.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) regions: Regions,
    pub(crate) selection: Selection,
    pub(crate) means: Means,
}
