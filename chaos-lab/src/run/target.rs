use std::{collections::BTreeSet, sync::Arc};

use chaos_core::{
    Error, ErrorKind, Group, GroupId, Health, Provider, Result, Target, TargetId, async_trait,
    capability::{Capabilities, Remains},
    catalogue::{Arguments, OpenProvider, Opened, ProviderSpec},
    group::{Labels, Member},
    provider::{BoxStream, GroupFilter},
};
use futures_util::{StreamExt, stream};

/// The scheme of its targets.
const SCHEME: &str = "experiment";

/// The provider of the targets whose faults are experiments: one for each run of an experiment.
///
/// A program that recovers the faults of a journal needs it together with the [`registry`](super::registry). Such a
/// target is always there, whichever program asks.
#[derive(Clone, Debug, Default)]
pub struct ExperimentProvider {
    /// The run that is about to begin.
    run: Option<TargetId>,
}

impl ExperimentProvider {
    /// The scheme of the targets.
    pub const SCHEME: &str = SCHEME;

    /// The provider of one run.
    pub(crate) fn of_run(run: TargetId) -> Self {
        Self { run: Some(run) }
    }

    /// The target of one run of an experiment.
    pub(crate) fn target(title: &str, run: &str) -> Result<TargetId> {
        GroupId::new(SCHEME, &in_id(title))?.target(run)
    }

    fn look(run: &TargetId) -> Group {
        let target = Arc::new(Run { id: run.clone(), labels: Labels::default() });
        Group::new(run.group()).desired(1).members([Member::new(target, Health::Healthy)])
    }
}

/// A title as a part of an id: lower-case letters and digits, with hyphens.
fn in_id(title: &str) -> String {
    const LONGEST: usize = 60;
    let mut id = String::new();
    for character in title.chars().flat_map(char::to_lowercase) {
        if id.len() >= LONGEST {
            break;
        }
        if character.is_ascii_alphanumeric() {
            id.push(character);
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
    }
    match id.trim_end_matches('-') {
        "" => "untitled".to_owned(),
        id => id.to_owned(),
    }
}

#[async_trait]
impl Provider for ExperimentProvider {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        let groups = self.run.iter().map(Self::look).filter(|group| filter.passes(&group.id));
        stream::iter(groups.map(Ok)).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        match self.run.as_ref().filter(|run| run.group() == *id) {
            Some(run) => Ok(Self::look(run)),
            None => {
                Err(Error::new(ErrorKind::NotFound, "no run of this experiment begins here")
                    .with("group", id))
            }
        }
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        Ok(Some(Arc::new(Run { id: id.clone(), labels: Labels::default() })))
    }

    async fn remains(&self, _: &TargetId) -> Result<Remains> {
        Ok(Remains::default().without_shell().without_settings())
    }
}

#[async_trait]
impl OpenProvider for ExperimentProvider {
    fn spec(&self) -> ProviderSpec {
        ProviderSpec::new(SCHEME, [SCHEME], "Runs of experiments")
    }

    async fn open(&self, _: &Arguments) -> Result<Opened> {
        Ok(Opened::all([Arc::new(self.clone()) as Arc<dyn Provider>]))
    }

    async fn open_for(&self, _: &BTreeSet<GroupId>, _: &Arguments) -> Result<Vec<Arc<dyn Provider>>> {
        Ok(vec![Arc::new(self.clone())])
    }
}

/// One run of an experiment, as the target of its fault.
#[derive(Debug)]
struct Run {
    id: TargetId,
    labels: Labels,
}

#[async_trait]
impl Target for Run {
    fn id(&self) -> &TargetId {
        &self.id
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn health(&self) -> Result<Health> {
        Ok(Health::Healthy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_title_makes_a_target() {
        for (title, group) in [
            ("What if one replica hangs?", "experiment:what-if-one-replica-hangs"),
            ("¿?\n", "experiment:untitled"),
            (&"x".repeat(500), &format!("experiment:{}", "x".repeat(60))),
        ] {
            assert_eq!(ExperimentProvider::target(title, "1").unwrap().group().as_str(), group);
        }
    }
}
