use chaos_core::{
    Registry, Result,
    catalogue::{Arguments, EventSpec, FromArguments, Parameter},
};

use super::{DiskFill, FreeSpace};

impl FromArguments for DiskFill {
    fn spec() -> EventSpec {
        let up_to = Parameter::number(
            "percent",
            0.01..=100.0,
            "fill until this much of the file system is in use, as df shows it",
        );
        EventSpec::new("disk-fill", "Fill one of the file systems of the target's machine for a while")
            .with(
                Parameter::path("path", "a directory on the file system to fill")
                    .value_name("DIR")
                    .required(),
            )
            .with(up_to.unit("percent of the file system").value_name("PERCENT"))
            .with(Parameter::size("bytes", "fill this much, such as 500MB or 2GiB"))
            .with(Parameter::size("all-but", "fill all but this much"))
            .one_of(["percent", "bytes", "all-but"])
            .with(Parameter::size("keep-free", "always keep this much free").default("64MiB"))
            .with(Parameter::hold())
    }

    fn from_arguments(given: &Arguments) -> Result<Self> {
        let path = given.text("path")?.unwrap_or_default();
        let mut fill = match (given.number("percent")?, given.size("bytes")?, given.size("all-but")?) {
            (Some(percent), ..) => Self::up_to_percent(path, percent)?,
            (_, Some(bytes), _) => Self::bytes(path, bytes)?,
            (.., bytes) => {
                Self::all_but(path, bytes.unwrap_or_default()).map_err(|error| match error.field() {
                    Some("bytes") => error.in_field("all-but"),
                    _ => error,
                })?
            }
        };
        if let Some(bytes) = given.size("keep-free")? {
            fill = fill.keeping_free(bytes);
        }
        match given.duration("duration")? {
            Some(duration) => fill.lasting(duration),
            None => Ok(fill),
        }
    }

    fn recoveries() -> Registry {
        Registry::default().register::<FreeSpace>()
    }
}
