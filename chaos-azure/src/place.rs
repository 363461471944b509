use std::fmt;

use crate::set_path::SetPath;

/// Where a machine is in ARM. In lower case, as a [`SetPath`] is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// A virtual machine of its own: a member of an availability set, or of a scale set with flexible orchestration.
    Machine { subscription: String, resource_group: String, name: String },
    /// An instance of a scale set with uniform orchestration, which exists below the scale set.
    Instance { set: SetPath, number: String },
}

impl Place {
    /// That of a member called `name`. The instances of uniform scale sets are numbered; nothing else is.
    pub(crate) fn of_member(set: SetPath, name: String) -> Self {
        if is_number(&name) {
            Self::Instance { set, number: name }
        } else {
            let SetPath { subscription, resource_group, .. } = set;
            Self::Machine { subscription, resource_group, name }
        }
    }

    /// As its group calls it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Machine { name, .. } => name,
            Self::Instance { number, .. } => number,
        }
    }

    pub(crate) fn subscription(&self) -> &str {
        match self {
            Self::Machine { subscription, .. } => subscription,
            Self::Instance { set, .. } => &set.subscription,
        }
    }

    pub(crate) fn resource_group(&self) -> &str {
        match self {
            Self::Machine { resource_group, .. } => resource_group,
            Self::Instance { set, .. } => &set.resource_group,
        }
    }
}

impl fmt::Display for Place {
    /// What a person finds it by.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine { resource_group, name, .. } => write!(f, "{resource_group}/{name}"),
            Self::Instance { set, number } => write!(f, "{}/{}/{number}", set.resource_group, set.name),
        }
    }
}

pub(crate) fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
impl Place {
    pub(crate) fn example() -> Self {
        let subscription = "11111111-1111-4111-8111-111111111111".to_owned();
        Self::Machine { subscription, resource_group: "shop".to_owned(), name: "web-0".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_instances() {
        let set = SetPath {
            subscription: "11111111-1111-4111-8111-111111111111".to_owned(),
            resource_group: "shop".to_owned(),
            name: "web".to_owned(),
        };
        for (name, expected) in [("12", "shop/web/12"), ("web_3f2a", "shop/web_3f2a"), ("3f2a", "shop/3f2a")]
        {
            let place = Place::of_member(set.clone(), name.to_owned());
            assert_eq!(place.to_string(), expected);
            assert_eq!(place.name(), name);
        }
    }
}
