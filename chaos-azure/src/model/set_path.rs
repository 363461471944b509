//! Converts the subscription, the resource group and the name of a set to the path of a group's id, and back.

use chaos_core::{Error, GroupId, Result, TargetId};

use crate::model::resource_id::{ResourceId, is_name, is_subscription};

/// The scheme of the ids of availability sets.
pub(crate) const AVAILABILITY_SETS: &str = "azure-avset";

/// The scheme of the ids of scale sets.
pub(crate) const SCALE_SETS: &str = "azure-vmss";

/// The place of a set, in lower case, because ARM ignores the case and does not spell an id consistently.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SetPath {
    pub(crate) subscription: String,
    pub(crate) resource_group: String,
    pub(crate) name: String,
}

impl SetPath {
    /// The path of the set with this id in ARM.
    pub(crate) fn of(id: &ResourceId) -> Self {
        Self {
            subscription: id.subscription().to_lowercase(),
            resource_group: id.resource_group().to_lowercase(),
            name: id.name().to_lowercase(),
        }
    }

    /// `<scheme>:<subscription>/<resource group>/<set>`.
    pub(crate) fn group_id(&self, scheme: &str) -> Result<GroupId> {
        GroupId::new(scheme, &format!("{}/{}/{}", self.subscription, self.resource_group, self.name))
    }

    /// The id in ARM of the set of this kind, with its names in lower case.
    pub(crate) fn resource_id(&self, kind: &str) -> String {
        let Self { subscription, resource_group, name } = self;
        format!(
            "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.Compute/{kind}/{name}"
        )
    }

    /// The place that the id of a group names.
    ///
    /// # Errors
    /// `InvalidInput` unless the id is exactly as [`group_id`](Self::group_id) makes it: with a second spelling, the
    /// faults of one group would be counted as those of two.
    pub(crate) fn parse(scheme: &str, id: &GroupId) -> Result<Self> {
        let wrong = || {
            let expected = format!("{scheme}:subscription/resource-group/set, in lower case");
            Error::invalid("group id", format!("{:?}", id.as_str()), expected)
        };
        if id.scheme() != scheme {
            return Err(wrong());
        }
        match id.path().split('/').collect::<Vec<_>>().as_slice() {
            [subscription, resource_group, name]
                if is_subscription(subscription)
                    && is_name(resource_group)
                    && is_name(name)
                    && id.path() == id.path().to_lowercase() =>
            {
                Ok(Self {
                    subscription: (*subscription).to_owned(),
                    resource_group: (*resource_group).to_owned(),
                    name: (*name).to_owned(),
                })
            }
            _ => Err(wrong()),
        }
    }

    /// The place of a target's group, and the target's name in it.
    ///
    /// # Errors
    /// `InvalidInput` as for [`parse`](Self::parse).
    pub(crate) fn of_target(scheme: &str, id: &TargetId) -> Result<(Self, String)> {
        let path = Self::parse(scheme, &id.group())?;
        let name = id.name();
        if is_name(name) && name == name.to_lowercase() {
            return Ok((path, name.to_owned()));
        }
        let expected = format!("{scheme}:subscription/resource-group/set/machine, in lower case");
        Err(Error::invalid("target id", format!("{:?}", id.as_str()), expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBSCRIPTION: &str = "11111111-1111-4111-8111-11111111111a";

    #[test]
    fn a_set_goes_into_an_id_and_comes_back() {
        let id = format!(
            "/subscriptions/{}/resourceGroups/Shop(1).x/providers/Microsoft.Compute/availabilitySets/Größe_1",
            SUBSCRIPTION.to_uppercase()
        );
        let path = SetPath::of(&ResourceId::parse(&id).unwrap());
        let group = path.group_id("azure-avset").unwrap();
        assert_eq!(group.as_str(), format!("azure-avset:{SUBSCRIPTION}/shop(1).x/größe_1"));
        assert_eq!(SetPath::parse("azure-avset", &group).unwrap(), path);
        let target = group.target("web-0").unwrap();
        assert_eq!(SetPath::of_target("azure-avset", &target).unwrap(), (path, "web-0".to_owned()));
    }

    #[test]
    fn what_is_no_id_of_a_set_is_refused() {
        for text in [
            format!("azure-vmss:{SUBSCRIPTION}/shop/web"),
            format!("azure-avset:{SUBSCRIPTION}/shop"),
            format!("azure-avset:{SUBSCRIPTION}/shop/web/more"),
            format!("azure-avset:{SUBSCRIPTION}/Shop/web"),
            format!("azure-avset:{}/shop/web", SUBSCRIPTION.to_uppercase()),
            format!("azure-avset:{SUBSCRIPTION}/shop/.."),
            format!("azure-avset:{SUBSCRIPTION}/shop/a?b"),
            "azure-avset:not-a-guid/shop/web".to_owned(),
        ] {
            let error = SetPath::parse("azure-avset", &text.parse().unwrap()).expect_err(&text).to_string();
            assert!(error.starts_with("invalid group id"), "{error}");
        }
        for name in ["Web-0", "..", "a:b"] {
            let target: TargetId = format!("azure-avset:{SUBSCRIPTION}/shop/web/{name}").parse().unwrap();
            assert!(SetPath::of_target("azure-avset", &target).is_err(), "{name}");
        }
    }
}
