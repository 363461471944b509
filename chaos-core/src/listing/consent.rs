use crate::group::Labels;

/// The tag by which a group or a member of it agrees to be a target, with the value `true`, or refuses, with `false`.
pub const ENABLED_TAG: &str = "chaos:enabled";

/// Whether members count as willing that say nothing.
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
    /// Everybody but who has refused.
    #[default]
    Presumed,
    /// Only who has agreed.
    Required,
}

impl Consent {
    /// Why these tags keep a member from being chosen, where `said` holds the tags of whoever has a say, each with what
    /// it is: a group and an instance of it.
    ///
    /// A refusal of anybody counts, and so does a word that is neither yes nor no; where consent is required, that of
    /// one is enough.
    pub fn refusal(self, said: &[(&str, &Labels)]) -> Option<String> {
        for (who, labels) in said {
            match Said::by(labels) {
                Said::No => return Some(format!("opted out: the tag {ENABLED_TAG} of the {who} is false")),
                Said::Unclear(value) => {
                    return Some(format!(
                        "in doubt: the tag {ENABLED_TAG} of the {who} is {value:?}, neither true nor false"
                    ));
                }
                Said::Yes | Said::Nothing => {}
            }
        }
        let nobody_agreed = said.iter().all(|(_, labels)| Said::by(labels) == Said::Nothing);
        (self == Self::Required && nobody_agreed)
            .then(|| format!("not opted in: the tag {ENABLED_TAG} is not there"))
    }
}

/// What a tag says.
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
