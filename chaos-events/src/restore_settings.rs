use async_trait::async_trait;
use chaos_core::{
    Error, ErrorKind, FaultId, Health, Permit, Recovery, RecoveryScope, Result, TargetId, Verdict,
    capability::{SettingsSnapshot, Standing},
};
use serde::{Deserialize, Serialize};

/// Puts settings of a target back as in a snapshot, and waits until the target is healthy: the recovery of events that
/// change [`Settings`](chaos_core::capability::Settings), such as
/// [`BlackholeFromOutside`](crate::BlackholeFromOutside).
///
/// It uses the snapshot alone, so it works even if the target no longer exists. Changes that somebody else has made
/// meanwhile stay, and the report says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RestoreSettings {
    /// The settings before the change, in their provider's own form.
    pub before: SettingsSnapshot,
}

impl RestoreSettings {
    /// Puts the settings in `before` back.
    pub fn to(before: SettingsSnapshot) -> Self {
        Self { before }
    }

    /// The verdict when nothing is left of the change: whether the target is well.
    async fn look_at_target(scope: &RecoveryScope) -> Result<Verdict> {
        let gone =
            || Verdict::Gone("the target no longer exists, and nothing is left of the change".to_owned());
        let Some(target) = scope.fresh_target().await? else { return Ok(gone()) };
        Ok(match target.health().await? {
            Health::Healthy => Verdict::Back,
            Health::Gone => gone(),
            health => Verdict::NotYet(format!("nothing is left of the change; the target is {health}")),
        })
    }
}

#[async_trait]
impl Recovery for RestoreSettings {
    const KIND: &'static str = "chaos-events/restore-settings/1";

    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        match scope.remains().await?.settings()? {
            Some(settings) => settings.restore(&self.before, permit).await,
            None => Ok(()),
        }
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        let Some(settings) = scope.remains().await?.settings()? else {
            return Ok(Verdict::Gone("the target no longer exists, and its settings with it".to_owned()));
        };
        match settings.standing(&self.before, scope.fault()).await? {
            // The rest of the change does not have the requested effect.
            Standing::AsBefore | Standing::Drifted(_) | Standing::Partly(_) if scope.is_held() => {
                Ok(Verdict::Back)
            }
            // The effect is not known yet, so this look does not count as one that saw the fault in effect.
            Standing::UnderWay if scope.is_held() => {
                let what = "the platform is still changing the settings, so their effect is unknown";
                Err(Error::new(ErrorKind::Unavailable, what).with("target", scope.target_id()))
            }
            Standing::AsBefore => Self::look_at_target(scope).await,
            drifted @ Standing::Drifted(_) => {
                scope.note(format!("{drifted}; changes by somebody else stay"));
                Self::look_at_target(scope).await
            }
            standing => Ok(Verdict::NotYet(standing.to_string())),
        }
    }

    fn by_hand(&self, target: &TargetId, fault: FaultId) -> String {
        format!(
            "Put the settings of {target} back with the tools of its platform, and then remove everything that has \
             {fault} in its name. They were: {}",
            self.before
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_format_is_for_ever() {
        let before = SettingsSnapshot::of(&["sg-1"]).unwrap();
        let text = serde_json::to_string(&RestoreSettings::to(before.clone())).unwrap();
        assert_eq!(text, r#"{"before":["sg-1"]}"#);
        assert_eq!(serde_json::from_str::<RestoreSettings>(&text).unwrap(), RestoreSettings { before });
    }

    #[test]
    fn a_person_is_told_what_the_settings_were() {
        let recovery = RestoreSettings::to(SettingsSnapshot::of(&["sg-1"]).unwrap());
        let words =
            recovery.by_hand(&"memory:web/machine-0".parse().unwrap(), "00000000000000ff".parse().unwrap());
        assert!(words.contains(r#"["sg-1"]"#) && words.contains("00000000000000ff"), "{words}");
    }
}
