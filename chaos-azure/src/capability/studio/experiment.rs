use chaos_core::{Error, Result, engine::EngineExperimentId};

use crate::model::resource_id::ResourceId;

/// The name of this engine in the ids of its experiments.
pub(crate) const ENGINE: &str = "azure-chaos";

const KIND: &str = "microsoft.chaos/experiments";

/// An experiment of Chaos Studio, for the event that runs experiments.
///
/// ```
/// use chaos_azure::ChaosStudioExperiment;
/// use chaos_core::engine::EngineExperimentId;
///
/// let drill = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/shop/providers/\
///     Microsoft.Chaos/experiments/drill";
/// // .event(RunEngineExperiment::of(ChaosStudioExperiment::new(drill)?).lasting(...)?)
/// let id: EngineExperimentId = ChaosStudioExperiment::new(drill)?.into();
/// assert_eq!(id.to_string(), format!("azure-chaos:{drill}"));
/// assert!(ChaosStudioExperiment::new("drill").is_err());
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChaosStudioExperiment(EngineExperimentId);

impl ChaosStudioExperiment {
    /// The experiment with this id in ARM.
    ///
    /// # Errors
    /// `InvalidInput` if it is not the id of an experiment.
    pub fn new(id: &str) -> Result<Self> {
        let is_right = ResourceId::parse(id).is_ok_and(|id| id.kind() == KIND);
        if !is_right {
            let expected =
                "/subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.Chaos/experiments/NAME";
            return Err(Error::invalid("experiment", format!("{id:?}"), expected));
        }
        EngineExperimentId::new(ENGINE, id).map(Self)
    }

    /// The experiment of this engine that an id names.
    pub(crate) fn resource(id: &EngineExperimentId) -> Result<ResourceId> {
        if id.engine() != ENGINE {
            let expected = format!("one of Chaos Studio, like {ENGINE}:/subscriptions/.../experiments/NAME");
            return Err(Error::invalid("experiment", format!("{:?}", id.to_string()), expected));
        }
        Self::new(id.name())?;
        ResourceId::parse(id.name())
    }
}

impl From<ChaosStudioExperiment> for EngineExperimentId {
    fn from(experiment: ChaosStudioExperiment) -> Self {
        experiment.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_experiments_of_this_engine_are_taken() {
        let group = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/shop/providers";
        let drill = format!("{group}/Microsoft.Chaos/experiments/drill");
        let id = EngineExperimentId::from(ChaosStudioExperiment::new(&drill).unwrap());
        assert_eq!(ChaosStudioExperiment::resource(&id).unwrap().name(), "drill");
        for text in [
            "aws-fis:EXT1".to_owned(),
            "azure-chaos:drill".to_owned(),
            format!("azure-chaos:{group}/Microsoft.Compute/virtualMachines/web"),
            format!("azure-chaos:{drill}/executions/1"),
            format!("azure-chaos:{group}/Microsoft.Chaos/experiments/.."),
        ] {
            let error = ChaosStudioExperiment::resource(&text.parse().unwrap()).expect_err(&text);
            assert_eq!(error.kind(), chaos_core::ErrorKind::InvalidInput, "{error}");
        }
    }
}
