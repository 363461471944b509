use std::fmt;

use chaos_core::{Error, Result, capability::quoted};

use crate::model::{resource_id::ResourceId, set_path::SetPath};

/// The place of a machine in ARM, in lower case like a [`SetPath`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// A virtual machine of its own: a member of an availability set, or of a scale set with flexible orchestration.
    Machine { subscription: String, resource_group: String, name: String },
    /// An instance of a scale set with uniform orchestration, which exists below the scale set.
    Instance { set: SetPath, number: String },
}

impl Place {
    /// The place of the member `name`. Only the instances of uniform scale sets have numbers as names.
    pub(crate) fn of_member(set: SetPath, name: String) -> Self {
        if is_number(&name) { Self::Instance { set, number: name } } else { Self::of_machine(&set, name) }
    }

    /// The place of the independent machine `name`, which is in the same resource group as its set.
    pub(crate) fn of_machine(set: &SetPath, name: String) -> Self {
        let SetPath { subscription, resource_group, .. } = set.clone();
        Self::Machine { subscription, resource_group, name }
    }

    /// The place of the machine with this id in ARM.
    ///
    /// # Errors
    /// `InvalidInput` for the id of anything but a virtual machine or an instance of a scale set.
    pub(crate) fn of_resource(id: &ResourceId) -> Result<Self> {
        let wrong = || {
            let expected = ".../Microsoft.Compute/virtualMachines/NAME or \
                .../Microsoft.Compute/virtualMachineScaleSets/NAME/virtualMachines/NUMBER";
            Error::invalid("id of a machine", format!("{:?}", id.as_str()), expected)
        };
        let path = SetPath::of(id);
        match id.kind().as_str() {
            "microsoft.compute/virtualmachines" => Ok(Self::of_machine(&path, path.name.clone())),
            "microsoft.compute/virtualmachinescalesets/virtualmachines" if is_number(&path.name) => {
                let name = id.parent_name().to_lowercase();
                Ok(Self::Instance { number: path.name.clone(), set: SetPath { name, ..path } })
            }
            _ => Err(wrong()),
        }
    }

    /// Its id in ARM, with its names in lower case.
    pub(crate) fn resource_id(&self) -> String {
        match self {
            Self::Machine { .. } => self.scope(),
            Self::Instance { number, .. } => format!("{}/virtualMachines/{number}", self.scope()),
        }
    }

    /// Its kind in `Microsoft.Compute`, which determines the names of a role's actions.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Machine { .. } => "virtualMachines",
            Self::Instance { .. } => "virtualMachineScaleSets/virtualMachines",
        }
    }

    /// The resource in ARM at which permissions for it are assigned. Roles are not assigned at single instances.
    pub(crate) fn scope(&self) -> String {
        match self {
            Self::Machine { name, .. } => format!("{}/virtualMachines/{name}", self.compute()),
            Self::Instance { set, .. } => format!("{}/virtualMachineScaleSets/{}", self.compute(), set.name),
        }
    }

    fn compute(&self) -> String {
        let (subscription, group) = (self.subscription(), self.resource_group());
        format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute")
    }

    /// The command of the Azure CLI that starts it.
    pub(crate) fn command_to_start(&self) -> String {
        match self {
            Self::Machine { .. } => format!("az vm start --ids {}", for_a_shell(&self.scope())),
            Self::Instance { set, number } => format!(
                "az vmss start --subscription {} --resource-group {} --name {} --instance-ids {number}",
                for_a_shell(&set.subscription),
                for_a_shell(&set.resource_group),
                for_a_shell(&set.name),
            ),
        }
    }

    /// Its name in its group.
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
    /// The name by which a person finds it.
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

/// A word for a shell, quoted if necessary. Names may contain parentheses.
fn for_a_shell(word: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./".contains(character);
    if word.chars().all(is_plain) { word.to_owned() } else { quoted(word) }
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
    fn a_command_to_start_names_the_machine_and_nothing_else() {
        let set = SetPath {
            subscription: "11111111-1111-4111-8111-111111111111".to_owned(),
            resource_group: "shop(1)".to_owned(),
            name: "web".to_owned(),
        };
        assert_eq!(
            Place::of_member(set.clone(), "7".to_owned()).command_to_start(),
            "az vmss start --subscription 11111111-1111-4111-8111-111111111111 --resource-group 'shop(1)' --name web \
             --instance-ids 7"
        );
        assert_eq!(
            Place::example().command_to_start(),
            "az vm start --ids /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/shop/providers/\
             Microsoft.Compute/virtualMachines/web-0"
        );
        let quoted = Place::of_member(set, "web-0".to_owned()).command_to_start();
        assert!(
            quoted.starts_with("az vm start --ids '/subscriptions/") && quoted.ends_with("/web-0'"),
            "{quoted}"
        );
    }

    #[test]
    fn a_machine_is_found_by_its_id_in_either_case_and_nothing_else_is() {
        let base = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/shop/providers/\
            Microsoft.Compute";
        let of = |end: &str| Place::of_resource(&ResourceId::parse(&format!("{base}/{end}")).unwrap());
        for (id, shown) in [
            ("virtualMachines/web-0", "shop/web-0"),
            ("virtualMachineScaleSets/api/virtualMachines/7", "shop/api/7"),
        ] {
            let place = of(id).unwrap();
            assert_eq!((place.to_string().as_str(), place.resource_id()), (shown, format!("{base}/{id}")));
            assert_eq!(of(&id.to_uppercase()).unwrap(), place);
        }
        for other in [
            "virtualMachineScaleSets/api",
            "virtualMachineScaleSets/api/virtualMachines/web-0",
            "availabilitySets/web",
            "virtualMachines/web-0/extensions/e",
        ] {
            let error = of(other).unwrap_err().to_string();
            assert!(error.starts_with("invalid id of a machine: ") && error.contains(other), "{error}");
        }
    }

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
