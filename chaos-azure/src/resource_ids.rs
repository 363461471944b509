use chaos_core::{Error, GroupId, Result, TargetId};

use crate::model::{
    place::Place,
    set_path::{AVAILABILITY_SETS, SCALE_SETS, SetPath},
};

/// The id in ARM of the machine that a target of [`AvailabilitySets`](crate::AvailabilitySets) or
/// [`ScaleSets`](crate::ScaleSets) is.
///
/// Its names are in lower case, as in every id of a target. ARM ignores case and does not spell an id consistently, so
/// compare two ids in lower case. No call is made, so the machine may not exist.
///
/// ```
/// use chaos_azure::resource_id_of;
///
/// let subscription = "11111111-1111-4111-8111-111111111111";
/// let target = format!("azure-avset:{subscription}/shop/web/web-0").parse()?;
/// let expected = format!(
///     "/subscriptions/{subscription}/resourceGroups/Shop/providers/Microsoft.Compute/virtualMachines/WEB-0"
/// );
/// assert_eq!(resource_id_of(&target)?.to_lowercase(), expected.to_lowercase());
/// # Ok::<(), chaos_core::Error>(())
/// ```
///
/// # Errors
/// `InvalidInput` if the target is not one of these providers.
pub fn resource_id_of(target: &TargetId) -> Result<String> {
    let place = match target.group().scheme() {
        AVAILABILITY_SETS => {
            let (set, name) = SetPath::of_target(AVAILABILITY_SETS, target)?;
            Place::of_machine(&set, name)
        }
        SCALE_SETS => {
            let (set, name) = SetPath::of_target(SCALE_SETS, target)?;
            Place::of_member(set, name)
        }
        _ => return Err(Error::invalid("target id", format!("{:?}", target.as_str()), EXPECTED)),
    };
    Ok(place.resource_id())
}

/// The id in ARM of the availability set or the scale set that a group is, as [`resource_id_of`].
///
/// ```
/// use chaos_azure::resource_id_of_group;
///
/// let subscription = "11111111-1111-4111-8111-111111111111";
/// let group = format!("azure-vmss:{subscription}/shop/api").parse()?;
/// let id = resource_id_of_group(&group)?;
/// assert!(id.ends_with("/shop/providers/Microsoft.Compute/virtualMachineScaleSets/api"), "{id}");
/// # Ok::<(), chaos_core::Error>(())
/// ```
///
/// # Errors
/// `InvalidInput` if the group is not one of these providers.
pub fn resource_id_of_group(group: &GroupId) -> Result<String> {
    match group.scheme() {
        AVAILABILITY_SETS => Ok(SetPath::parse(AVAILABILITY_SETS, group)?.resource_id("availabilitySets")),
        SCALE_SETS => Ok(SetPath::parse(SCALE_SETS, group)?.resource_id("virtualMachineScaleSets")),
        _ => Err(Error::invalid("group id", format!("{:?}", group.as_str()), EXPECTED)),
    }
}

const EXPECTED: &str = "an id of an availability set (azure-avset) or a scale set (azure-vmss)";

#[cfg(test)]
mod tests {
    use super::*;

    const SUBSCRIPTION: &str = "11111111-1111-4111-8111-111111111111";

    #[test]
    fn each_member_has_the_id_of_its_kind() {
        let base = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Compute");
        for (target, expected) in [
            ("azure-avset:SUB/shop/web/web-0", "virtualMachines/web-0"),
            // A name of digits is a machine there.
            ("azure-avset:SUB/shop/web/7", "virtualMachines/7"),
            ("azure-vmss:SUB/shop/api/7", "virtualMachineScaleSets/api/virtualMachines/7"),
            ("azure-vmss:SUB/shop/flex/flex_3f2a", "virtualMachines/flex_3f2a"),
        ] {
            let target: TargetId = target.replace("SUB", SUBSCRIPTION).parse().unwrap();
            assert_eq!(resource_id_of(&target).unwrap(), format!("{base}/{expected}"));
        }
        for (group, expected) in [
            ("azure-avset:SUB/shop/web", "availabilitySets/web"),
            ("azure-vmss:SUB/shop/api", "virtualMachineScaleSets/api"),
        ] {
            let group: GroupId = group.replace("SUB", SUBSCRIPTION).parse().unwrap();
            assert_eq!(resource_id_of_group(&group).unwrap(), format!("{base}/{expected}"));
        }
    }

    #[test]
    fn an_id_of_another_provider_has_none() {
        let error = resource_id_of(&"local:drill/replica-1".parse().unwrap()).unwrap_err().to_string();
        assert!(error.starts_with("invalid target id: \"local:drill/replica-1\""), "{error}");
        let error = resource_id_of_group(&"local:drill".parse().unwrap()).unwrap_err().to_string();
        assert!(error.starts_with("invalid group id: \"local:drill\""), "{error}");
        assert!(resource_id_of_group(&"azure-avset:shop/web".parse().unwrap()).is_err());
        assert!(resource_id_of(&"azure-vmss:shop/api/0".parse().unwrap()).is_err());
    }
}
