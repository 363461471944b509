use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{
    Group, GroupId, Provider, Result, Target, TargetId, capability::Remains, provider::GroupFilter,
};
use futures_util::{StreamExt, stream::BoxStream};

/// A provider that leaves alone all targets but those that a person has agreed to.
///
/// If the fleet has changed since the announcement, the same seed would draw other targets.
#[derive(Debug)]
pub(super) struct Announced {
    provider: Arc<dyn Provider>,
    targets: Vec<TargetId>,
}

impl Announced {
    /// These providers, with `targets` only.
    pub(super) fn only(targets: &[TargetId], providers: Vec<Arc<dyn Provider>>) -> Vec<Arc<dyn Provider>> {
        let announced =
            |provider| Arc::new(Self { provider, targets: targets.to_vec() }) as Arc<dyn Provider>;
        providers.into_iter().map(announced).collect()
    }

    fn restrict(&self, mut group: Group) -> Group {
        for member in &mut group.members {
            if !self.targets.contains(member.target.id()) {
                member.excluded.get_or_insert_with(|| "it was not announced".into());
            }
        }
        group
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for Announced {
    fn scheme(&self) -> &'static str {
        self.provider.scheme()
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        self.provider.groups(filter).map(|group| group.map(|group| self.restrict(group))).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        Ok(self.restrict(self.provider.group(id).await?))
    }

    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        Ok(self.restrict(self.provider.group_in_recovery(id).await?))
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        self.provider.resolve(id).await
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        self.provider.remains(id).await
    }
}

#[cfg(test)]
mod tests {
    use chaos_core::{
        Monkey,
        testing::{MemoryProvider, PowerOff},
    };

    use super::*;

    #[tokio::test]
    async fn nobody_else_is_chosen_whatever_the_seed() {
        let provider = MemoryProvider::default().with_group("web", 5).unwrap();
        let group = provider.group(&"memory:web".parse().unwrap()).await.unwrap();
        let target = group.members[3].target.id().clone();
        for seed in 0..10 {
            let announced = Announced { provider: Arc::new(provider.clone()), targets: vec![target.clone()] };
            let builder = Monkey::builder().provider(announced).event(PowerOff::default());
            let plan = builder.seed(seed).build().unwrap().plan().await.unwrap();
            let chosen: Vec<_> = plan.chosen().map(|(target, _)| target.clone()).collect();
            assert_eq!(chosen, std::slice::from_ref(&target));
        }
    }
}
