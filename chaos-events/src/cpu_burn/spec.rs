use chaos_core::{
    Registry, Result,
    catalogue::{Arguments, EventSpec, FromArguments, Parameter},
};

use super::{CpuBurn, EndCpuBurn};

impl FromArguments for CpuBurn {
    fn spec() -> EventSpec {
        EventSpec::new("cpu-burn", "Keep cores of the target's machine busy for a while")
            .with(
                Parameter::number("load", 0.01..=100.0, "how much of each core")
                    .unit("percent of a core")
                    .value_name("PERCENT")
                    .default("80"),
            )
            .with(Parameter::count("cores", 1..=u64::MAX, "the number of cores").default("all"))
            .with(Parameter::hold())
    }

    fn from_arguments(given: &Arguments) -> Result<Self> {
        let mut burn = given.number("load")?.map_or(Ok(Self::default()), Self::load)?;
        if let Some(cores) = given.count("cores")? {
            burn = burn.cores(cores)?;
        }
        given.duration("duration")?.map_or(Ok(burn), |duration| burn.lasting(duration))
    }

    fn recoveries() -> Registry {
        Registry::default().register::<EndCpuBurn>()
    }
}
