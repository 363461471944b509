use chaos_core::{Error, Result, engine::EngineExperimentId};

/// The name of this engine in the ids of its experiments.
pub(crate) const ENGINE: &str = "aws-fis";

/// An experiment template of the Fault Injection Service, for the event that runs experiments.
///
/// Templates belong to a region: the region of the chosen target must have it.
///
/// ```
/// use chaos_aws::FisExperiment;
/// use chaos_core::engine::EngineExperimentId;
///
/// // .event(RunEngineExperiment::of(FisExperiment::template("EXT1a2b3c4d5e6f7")?).lasting(...)?)
/// let id: EngineExperimentId = FisExperiment::template("EXT1a2b3c4d5e6f7")?.into();
/// assert_eq!(id.to_string(), "aws-fis:EXT1a2b3c4d5e6f7");
/// assert!(FisExperiment::template("arn:aws:fis:eu-west-1:1:experiment-template/EXT1").is_err());
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FisExperiment(EngineExperimentId);

impl FisExperiment {
    /// The template with this id.
    ///
    /// # Errors
    /// `InvalidInput` unless the id consists of at most 64 letters and digits.
    pub fn template(id: &str) -> Result<Self> {
        let is_right = (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_right {
            let expected = "the id of an experiment template, like EXT1a2b3c4d5e6f7";
            return Err(Error::invalid("template", format!("{id:?}"), expected));
        }
        EngineExperimentId::new(ENGINE, id).map(Self)
    }

    /// The template that an experiment of this engine names.
    pub(crate) fn of(id: &EngineExperimentId) -> Result<Self> {
        if id.engine() != ENGINE {
            let expected = format!("one of the Fault Injection Service, like {ENGINE}:EXT1a2b3c4d5e6f7");
            return Err(Error::invalid("experiment", format!("{:?}", id.to_string()), expected));
        }
        Self::template(id.name())
    }

    pub(crate) fn id(&self) -> &str {
        self.0.name()
    }
}

impl From<FisExperiment> for EngineExperimentId {
    fn from(experiment: FisExperiment) -> Self {
        experiment.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_templates_of_this_engine_are_taken() {
        let id = EngineExperimentId::from(FisExperiment::template("EXT1a2b").unwrap());
        assert_eq!(FisExperiment::of(&id).unwrap().id(), "EXT1a2b");
        for text in ["azure-chaos:EXT1a2b", "aws-fis:../x", "aws-fis:a b", "aws-fis:EXT/1"] {
            let error = FisExperiment::of(&text.parse().unwrap()).expect_err(text);
            assert_eq!(error.kind(), chaos_core::ErrorKind::InvalidInput, "{error}");
        }
        assert!(FisExperiment::template("").is_err() && FisExperiment::template(&"E".repeat(65)).is_err());
    }
}
