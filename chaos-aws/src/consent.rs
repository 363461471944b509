//! Who agrees to be a target.

use chaos_core::Labels;

/// The tag by which a group or an instance agrees to be a target, with the value `true`, or refuses, with `false`.
pub const ENABLED_TAG: &str = "chaos:enabled";

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

/// Why these tags keep a member from being chosen. A refusal of either counts, and so does a word that is neither; where
/// consent is required, that of either is enough.
pub(crate) fn refusal(group: &Labels, instance: &Labels, is_required: bool) -> Option<String> {
    let said = [("group", Said::by(group)), ("instance", Said::by(instance))];
    for (who, said) in said {
        match said {
            Said::No => return Some(format!("opted out: the tag {ENABLED_TAG} of the {who} is false")),
            Said::Unclear(value) => {
                return Some(format!(
                    "in doubt: the tag {ENABLED_TAG} of the {who} is {value:?}, neither true nor false"
                ));
            }
            Said::Yes | Said::Nothing => {}
        }
    }
    let nobody_agreed = said.iter().all(|(_, said)| *said == Said::Nothing);
    (is_required && nobody_agreed).then(|| format!("not opted in: the tag {ENABLED_TAG} is not there"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(value: &str) -> Labels {
        if value.is_empty() { Labels::new() } else { Labels::from([(ENABLED_TAG.into(), value.into())]) }
    }

    #[test]
    fn a_refusal_outweighs_consent_and_doubt_is_a_refusal() {
        for (group, instance, is_required, agreed) in [
            ("", "", false, true),
            ("", "", true, false),
            ("true", "", true, true),
            ("", " TRUE ", true, true),
            ("true", "false", false, false),
            ("False", "true", true, false),
            ("yes", "", false, false),
            ("", "1", true, false),
        ] {
            let why = refusal(&tagged(group), &tagged(instance), is_required);
            assert_eq!(why.is_none(), agreed, "{group:?} {instance:?} {is_required}: {why:?}");
        }
        let why = refusal(&tagged("true"), &tagged("false"), true).unwrap();
        assert_eq!(why, "opted out: the tag chaos:enabled of the instance is false");
    }
}
