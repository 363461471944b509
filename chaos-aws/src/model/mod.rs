//! The groups and instances that AWS describes, read once into types of this crate.

pub(crate) mod availability_zone;
pub(crate) mod group_path;
pub(crate) mod listed_group;
pub(crate) mod machine;
pub(crate) mod region_name;
pub(crate) mod told;
