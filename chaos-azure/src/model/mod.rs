//! The sets and machines that Azure describes, read once into types of this crate.

pub(crate) mod cloud;
pub(crate) mod machine;
pub(crate) mod modes;
pub(crate) mod own_machine;
pub(crate) mod place;
pub(crate) mod resource_id;
pub(crate) mod set_path;
