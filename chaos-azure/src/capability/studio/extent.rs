use std::collections::BTreeSet;

use chaos_core::engine::EngineExtent;

use super::{
    bounds::Bounds,
    definition::{Action, Definition, Selector},
};

/// The extent of an experiment.
pub(super) fn extent(definition: &Definition, bounds: &Bounds) -> EngineExtent {
    match members(definition, bounds) {
        Ok(members) => EngineExtent::Members(members),
        Err(why) => EngineExtent::Beyond(why),
    }
}

/// The maximum number of hit members, or the reason why it may hit more than members.
fn members(definition: &Definition, bounds: &Bounds) -> Result<usize, String> {
    let mut machines = BTreeSet::new();
    let mut instances = 0_usize;
    for action in definition.actions() {
        let Some(id) = &action.selector_id else {
            // A delay hits nothing.
            if action.is("delay") {
                continue;
            }
            return Err(format!("the action {} does not say what it hits", action.name));
        };
        let selector = definition.selectors.iter().find(|selector| selector.id == *id);
        let selector = selector.ok_or_else(|| format!("there is no selector {id:?}"))?;
        for hit in resources(selector).map_err(|why| format!("the selector {id:?} {why}"))? {
            if bounds.machines.contains(&hit) {
                machines.insert(hit);
            } else if bounds.scale_set.as_ref() == Some(&hit) {
                instances = instances.saturating_add(named_instances(action).unwrap_or(bounds.size));
            } else {
                return Err(format!("the selector {id:?} has {hit}, which is not a member of the group"));
            }
        }
    }
    Ok(machines.len().saturating_add(instances).min(bounds.size))
}

/// The keys of the resources that a selector lists.
fn resources(selector: &Selector) -> Result<Vec<String>, String> {
    if !selector.kind.eq_ignore_ascii_case("List") {
        return Err(format!("is a {}, which finds its targets when the experiment begins", selector.kind));
    }
    let targets = selector.targets.as_ref().ok_or("does not say which targets it lists")?;
    let keys = targets.iter().map(|target| {
        let id = target.id.to_lowercase();
        match id.split_once("/providers/microsoft.chaos/targets/") {
            Some((resource, _)) => Ok(resource.to_owned()),
            None => Err(format!("has {:?}, which is not a target of Chaos Studio", target.id)),
        }
    });
    keys.collect()
}

/// The number of instances of a scale set that an action names, if it does; other actions hit all instances, or those
/// of some zones.
fn named_instances(action: &Action) -> Option<usize> {
    let named = action.parameter("virtualMachineScaleSetInstances")?;
    serde_json::from_str::<Vec<String>>(named).ok().map(|named| named.len())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const COMPUTE: &str =
        "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/Shop/providers/Microsoft.Compute";

    fn bounds() -> Bounds {
        let machine = |name: &str| format!("{COMPUTE}/virtualMachines/{name}").to_lowercase();
        Bounds {
            scale_set: Some(format!("{COMPUTE}/virtualMachineScaleSets/API").to_lowercase()),
            machines: BTreeSet::from([machine("a"), machine("b"), machine("c")]),
            size: 5,
        }
    }

    fn target(resource: &str) -> Value {
        json!({ "type": "ChaosTarget", "id": format!("{COMPUTE}/{resource}/providers/Microsoft.Chaos/targets/x") })
    }

    fn list(id: &str, targets: &[&str]) -> Value {
        let targets: Vec<Value> = targets.iter().map(|resource| target(resource)).collect();
        json!({ "type": "List", "id": id, "targets": targets })
    }

    fn on(selector: &str) -> Value {
        json!({ "type": "continuous", "name": "urn:x/1.0", "duration": "PT1M", "selectorId": selector })
    }

    fn hit(actions: &[Value], selectors: &[Value]) -> EngineExtent {
        let definition =
            json!({ "steps": [{ "branches": [{ "actions": actions }] }], "selectors": selectors });
        extent(&serde_json::from_value(definition).unwrap(), &bounds())
    }

    #[test]
    fn what_keeps_to_the_group_is_counted() {
        let one = list("one", &["virtualMachines/A"]);
        let two = list("two", &["virtualMachines/a", "virtualmachines/b"]);
        let set = list("set", &["virtualMachineScaleSets/api"]);
        let mut named = on("set");
        named["parameters"] = json!([{ "key": "virtualMachineScaleSetInstances", "value": "[\"0\",\"3\"]" }]);
        let delay = json!({ "type": "delay", "name": "urn:d/1.0", "duration": "PT1M" });
        for (actions, selectors, members) in [
            (vec![], vec![], 0),
            (vec![delay, on("one")], vec![one.clone()], 1),
            (vec![on("one"), on("two")], vec![one, two.clone()], 2),
            (vec![on("set")], vec![set.clone()], 5),
            (vec![named.clone()], vec![set.clone()], 2),
            (vec![named, on("two")], vec![set, two], 4),
        ] {
            assert_eq!(hit(&actions, &selectors), EngineExtent::Members(members), "{actions:?}");
        }
    }

    #[test]
    fn what_may_hit_anything_else_is_beyond_the_group() {
        let query = json!({ "type": "Query", "id": "q", "queryString": "resources" });
        let plain = json!({ "type": "List", "id": "p", "targets": [{ "id": format!("{COMPUTE}/virtualMachines/a") }] });
        let untold = json!({ "type": "discrete", "name": "urn:x/1.0" });
        let none = || list("t", &[]);
        for (action, selector, why) in [
            (on("q"), query, "finds its targets when"),
            (on("p"), plain, "not a target of Chaos Studio"),
            (untold, none(), "does not say what it hits"),
            (on("nowhere"), none(), "there is no selector \"nowhere\""),
            (on("s"), list("s", &["virtualMachines/stranger"]), "not a member of the group"),
            (on("s"), list("s", &["virtualMachineScaleSets/other"]), "not a member of the group"),
            (on("s"), list("s", &["virtualMachines/a", "virtualMachines/z"]), "not a member of the group"),
        ] {
            match hit(&[action], &[selector]) {
                EngineExtent::Beyond(told) => assert!(told.contains(why), "{told}"),
                other => panic!("{why}: {other:?}"),
            }
        }
    }
}
