use crate::group::Labels;

/// The tag by which a group or a member agrees to be a target (`true`) or refuses (`false`).
pub const ENABLED_TAG: &str = "chaos:enabled";

/// Whether a member without the tag counts as willing.
///
/// ```
/// use chaos_core::{
///     group::Labels,
///     listing::{Consent, ENABLED_TAG},
/// };
///
/// let (group, instance) = (Labels::new(), Labels::from([(ENABLED_TAG.to_owned(), "false".to_owned())]));
/// let why = Consent::Presumed.refusal(&[("group", &group), ("instance", &instance)]);
/// assert_eq!(why.as_deref(), Some("opted out: the tag chaos:enabled of the instance is false"));
/// assert!(Consent::Required.refusal(&[("group", &group)]).is_some());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third answer")]
pub enum Consent {
    /// Every member that has not refused.
    #[default]
    Presumed,
    /// Only members that have agreed.
    Required,
}

impl Consent {
    /// The reason why these tags keep a member from being chosen, if they do. `said` holds the tags of each thing that
    /// may consent or refuse, with its kind, such as a group and an instance of it.
    ///
    /// One refusal is enough, and so is a value that is neither `true` nor `false`. If consent is required, one consent
    /// is enough.
    pub fn refusal(self, said: &[(&str, &Labels)]) -> Option<String> {
        for (who, labels) in said {
            match Said::by(labels) {
                Said::No => return Some(format!("opted out: the tag {ENABLED_TAG} of the {who} is false")),
                Said::Unclear(value) => {
                    return Some(format!(
                        "in doubt: the tag {ENABLED_TAG} of the {who} is {value:?}; expected true or false"
                    ));
                }
                Said::Yes | Said::Nothing => {}
            }
        }
        let nobody_agreed = said.iter().all(|(_, labels)| Said::by(labels) == Said::Nothing);
        (self == Self::Required && nobody_agreed)
            .then(|| format!("not opted in: it has no tag {ENABLED_TAG}"))
    }
}

/// The value of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said<'a> {
    Nothing,
    Yes,
    No,
    Unclear(&'a str),
}

impl<'a> Said<'a> {
    fn by(labels: &'a Labels) -> Self {
        match labels.get(ENABLED_TAG).map(|value| value.trim()) {
            None => Self::Nothing,
            Some(value) if value.eq_ignore_ascii_case("true") => Self::Yes,
            Some(value) if value.eq_ignore_ascii_case("false") => Self::No,
            Some(value) => Self::Unclear(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(value: &str) -> Labels {
        if value.is_empty() { Labels::new() } else { Labels::from([(ENABLED_TAG.into(), value.into())]) }
    }

    #[test]
    fn a_refusal_outweighs_consent_and_doubt_is_a_refusal() {
        for (group, instance, consent, agreed) in [
            ("", "", Consent::Presumed, true),
            ("", "", Consent::Required, false),
            ("true", "", Consent::Required, true),
            ("", " TRUE ", Consent::Required, true),
            ("true", "false", Consent::Presumed, false),
            ("False", "true", Consent::Required, false),
            ("yes", "", Consent::Presumed, false),
            ("", "1", Consent::Required, false),
        ] {
            let why = consent.refusal(&[("group", &tagged(group)), ("instance", &tagged(instance))]);
            assert_eq!(why.is_none(), agreed, "{group:?} {instance:?} {consent:?}: {why:?}");
        }
    }
}
