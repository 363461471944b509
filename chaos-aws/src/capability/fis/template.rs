use std::collections::BTreeMap;

use aws_sdk_fis::types::{
    AccountTargeting, ExperimentTemplate, ExperimentTemplateAction, ExperimentTemplateTarget,
};
use chaos_core::Result;

use crate::model::told::told;

/// An experiment template, with the parts that tell its effects.
#[derive(Clone, Debug, Default)]
pub(super) struct Template {
    pub(super) actions: BTreeMap<String, Action>,
    pub(super) targets: BTreeMap<String, Target>,
    /// The alarms that end a run early.
    pub(super) alarms: Vec<String>,
    pub(super) hits_other_accounts: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Action {
    /// Such as `aws:ec2:stop-instances`.
    pub(super) id: String,
    pub(super) parameters: BTreeMap<String, String>,
    /// The names of its targets.
    pub(super) targets: Vec<String>,
    /// The names of the actions that must be over before it begins.
    pub(super) start_after: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Target {
    /// Such as `aws:ec2:instance`.
    pub(super) resource_type: String,
    pub(super) arns: Vec<String>,
    pub(super) tags: BTreeMap<String, String>,
    /// `ALL`, `COUNT(n)` or `PERCENT(n)`.
    pub(super) selection: String,
}

impl Template {
    /// # Errors
    /// `Unavailable` if the answer lacks the effects of the template.
    pub(super) fn of(template: ExperimentTemplate) -> Result<Self> {
        let conditions = template.stop_conditions.unwrap_or_default().into_iter();
        let options = template.experiment_options;
        let targeting = options.and_then(|options| options.account_targeting);
        let actions = told(template.actions, "actions")?.into_iter();
        Ok(Self {
            actions: actions.map(|(name, action)| Ok((name, Action::of(action)?))).collect::<Result<_>>()?,
            // If an action names one that does not exist, that is a doubt of its own.
            targets: named(template.targets.unwrap_or_default(), Target::of),
            alarms: conditions.filter_map(|condition| condition.value).collect(),
            hits_other_accounts: targeting
                .is_some_and(|targeting| targeting != AccountTargeting::SingleAccount)
                || template.target_account_configurations_count.is_some_and(|count| count != 0),
        })
    }

    /// Facts for the person who runs it.
    pub(super) fn notes(&self) -> Vec<String> {
        let actions = self.actions.iter().map(|(name, action)| match &action.targets[..] {
            [] => format!("its action {name} is {}", action.id),
            targets => format!("its action {name} is {} on {}", action.id, targets.join(", ")),
        });
        let targets = self.targets.iter().map(|(name, target)| format!("its target {name} is {target}"));
        let stops = match &self.alarms[..] {
            [] => "no alarm stops it early".to_owned(),
            alarms => format!("stopped early by {}", alarms.join(", ")),
        };
        actions.chain(targets).chain([stops]).collect()
    }
}

impl Action {
    fn of(action: ExperimentTemplateAction) -> Result<Self> {
        let mut targets: Vec<_> = action.targets.unwrap_or_default().into_values().collect();
        targets.sort_unstable();
        Ok(Self {
            id: told(action.action_id, "actionId")?,
            parameters: action.parameters.unwrap_or_default().into_iter().collect(),
            targets,
            start_after: action.start_after.unwrap_or_default(),
        })
    }
}

impl Target {
    fn of(target: ExperimentTemplateTarget) -> Self {
        Self {
            resource_type: target.resource_type.unwrap_or_default(),
            arns: target.resource_arns.unwrap_or_default(),
            tags: target.resource_tags.unwrap_or_default().into_iter().collect(),
            selection: target.selection_mode.unwrap_or_else(|| "ALL".to_owned()),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.selection, self.resource_type)?;
        for arn in &self.arns {
            write!(f, " {arn}")?;
        }
        for (key, value) in &self.tags {
            write!(f, " {key}={value}")?;
        }
        Ok(())
    }
}

fn named<T, U>(map: std::collections::HashMap<String, T>, read: impl Fn(T) -> U) -> BTreeMap<String, U> {
    map.into_iter().map(|(name, value)| (name, read(value))).collect()
}
