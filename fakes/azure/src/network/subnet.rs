use crate::resource_id::ResourceId;

/// A subnet; its network is created with it.
#[derive(Clone, Debug)]
pub(crate) struct Subnet {
    pub(crate) id: ResourceId,
    pub(crate) prefix: String,
    pub(crate) group: Option<ResourceId>,
}
