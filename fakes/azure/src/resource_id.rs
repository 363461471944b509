//! The ids of resources: paths whose letters may be in either case.

use std::fmt;

/// `/subscriptions/S/resourceGroups/G/providers/NAMESPACE/TYPE/NAME/TYPE/NAME`, in the spelling with which the resource
/// was created.
///
/// Two ids that differ in case alone are one resource; [`key`](Self::key) is the same for both.
#[derive(Clone, Debug)]
pub(crate) struct ResourceId(String);

impl ResourceId {
    pub(crate) fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    pub(crate) fn in_group(subscription: &str, group: &str, kind: &str, name: &str) -> Self {
        Self(format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/{kind}/{name}"))
    }

    /// The id of a resource below this one.
    pub(crate) fn child(&self, kind: &str, name: &str) -> Self {
        Self(format!("{}/{kind}/{name}", self.0))
    }

    pub(crate) fn key(&self) -> String {
        self.0.to_lowercase()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    pub(crate) fn subscription(&self) -> &str {
        self.segment(2)
    }

    pub(crate) fn group(&self) -> &str {
        self.segment(4)
    }

    /// The spelling of listings of a whole subscription and of references from an availability set, with the names of
    /// the group and of the resource in capitals.
    pub(crate) fn shouted(&self) -> String {
        let mut segments: Vec<String> = self.0.split('/').map(str::to_owned).collect();
        let last = segments.len() - 1;
        for index in [4, last] {
            if let Some(segment) = segments.get_mut(index) {
                *segment = segment.to_uppercase();
            }
        }
        segments.join("/")
    }

    fn segment(&self, index: usize) -> &str {
        self.0.split('/').nth(index).unwrap_or_default()
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_parts_in_either_case() {
        let set = ResourceId::in_group("s", "Shop", "Microsoft.Compute/virtualMachineScaleSets", "web");
        let instance = set.child("virtualMachines", "0");
        assert_eq!((instance.subscription(), instance.group(), instance.name()), ("s", "Shop", "0"));
        assert_eq!(instance.key(), set.key() + "/virtualmachines/0");
        assert_eq!(
            set.shouted(),
            "/subscriptions/s/resourceGroups/SHOP/providers/Microsoft.Compute/virtualMachineScaleSets/WEB"
        );
    }
}
