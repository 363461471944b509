use chaos_core::{Error, Result};

/// The id of a resource in ARM, in its original spelling.
///
/// ARM ignores its case, and spells the same id differently from one answer to the next.
#[derive(Clone, Debug)]
pub(crate) struct ResourceId {
    text: String,
}

impl ResourceId {
    /// # Errors
    /// `InvalidInput` for anything but the id of a resource in a resource group, made of names that need no escaping
    /// and lead nowhere else.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let segments: Vec<&str> = text.split('/').collect();
        let is_right = match segments.as_slice() {
            ["", subscriptions, subscription, groups, group, providers, provider, rest @ ..] => {
                subscriptions.eq_ignore_ascii_case("subscriptions")
                    && is_subscription(subscription)
                    && groups.eq_ignore_ascii_case("resourceGroups")
                    && is_name(group)
                    && providers.eq_ignore_ascii_case("providers")
                    && is_name(provider)
                    && !rest.is_empty()
                    && rest.len() % 2 == 0
                    && rest.iter().all(|segment| is_name(segment))
            }
            _ => false,
        };
        if is_right {
            return Ok(Self { text: text.to_owned() });
        }
        let expected = "/subscriptions/ID/resourceGroups/GROUP/providers/PROVIDER/KIND/NAME";
        Err(Error::invalid("resource id", format!("{text:?}"), expected))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn name(&self) -> &str {
        self.text.rsplit_once('/').map_or("", |(_, name)| name)
    }

    /// The name of the resource that it is below; empty if it is below none.
    pub(crate) fn parent_name(&self) -> &str {
        let names: Vec<&str> = self.text.split('/').skip(8).step_by(2).collect();
        names.iter().rev().nth(1).copied().unwrap_or_default()
    }

    pub(crate) fn subscription(&self) -> &str {
        self.segment(2)
    }

    pub(crate) fn resource_group(&self) -> &str {
        self.segment(4)
    }

    /// Its provider and the kind of the last resource: `microsoft.compute/virtualmachines`.
    pub(crate) fn kind(&self) -> String {
        let kinds: Vec<&str> = self.text.split('/').skip(7).step_by(2).collect();
        format!("{}/{}", self.segment(6), kinds.join("/")).to_lowercase()
    }

    /// The canonical form of all spellings of one id.
    pub(crate) fn key(&self) -> String {
        self.text.to_lowercase()
    }

    fn segment(&self, index: usize) -> &str {
        self.text.split('/').nth(index).unwrap_or_default()
    }
}

/// A subscription is named by a GUID.
pub(crate) fn is_subscription(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The characters in the names of resource groups, sets and machines; each kind allows a little less.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=90).contains(&text.chars().count())
        && !text.ends_with('.')
        && text.chars().all(|character| character.is_alphanumeric() || "-_.()".contains(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBSCRIPTION: &str = "11111111-1111-4111-8111-11111111111a";

    #[test]
    fn two_spellings_are_one_id() {
        let text = format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/Shop/providers/Microsoft.Compute/virtualMachines/web-0"
        );
        let id = ResourceId::parse(&text).unwrap();
        assert_eq!((id.name(), id.resource_group(), id.subscription()), ("web-0", "Shop", SUBSCRIPTION));
        assert_eq!(id.kind(), "microsoft.compute/virtualmachines");
        assert_eq!(id.key(), ResourceId::parse(&text.to_uppercase()).unwrap().key());
        let nested = format!("{text}/networkInterfaces/nic");
        assert_eq!(
            ResourceId::parse(&nested).unwrap().kind(),
            "microsoft.compute/virtualmachines/networkinterfaces"
        );
    }

    #[test]
    fn what_leads_elsewhere_is_no_id() {
        let base = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Compute");
        for text in [
            "",
            "/",
            base.as_str(),
            &format!("{base}/virtualMachines"),
            &format!("{base}/virtualMachines/.."),
            &format!("{base}/virtualMachines/a?b"),
            &format!("{base}/virtualMachines/a%2Fb"),
            &format!("{base}/virtualMachines/"),
            &format!("https://evil.example{base}/virtualMachines/a"),
            &base.replace(SUBSCRIPTION, "s").replace("Compute", "Compute/virtualMachines/a"),
        ] {
            assert!(ResourceId::parse(text).is_err(), "{text}");
        }
    }
}
