//! `Microsoft.Network/networkSecurityGroups` and the rules in them.

use hyper::Method;
use serde_json::{Map, Value};

use super::{Rule, SecurityGroup};
use crate::{
    answer::{Answer, Answered},
    call::Call,
    cloud::Cloud,
    errors,
    operation::Provider,
    paging::page,
    resource_id::ResourceId,
    work::Work,
};

pub(crate) fn answer(cloud: &mut Cloud, call: &Call, rest: &[&str], prefix: &str) -> Answered {
    let key = |name: &str| format!("{prefix}providers/microsoft.network/networksecuritygroups/{name}");
    match (call.method.clone(), rest) {
        (Method::GET, []) => {
            let keys: Vec<String> =
                cloud.security_groups.keys().filter(|key| key.starts_with(prefix)).cloned().collect();
            page(cloud, call, &keys, |key| cloud.security_groups.get(key).map(|group| document(cloud, group)))
        }
        (Method::GET, [name]) => Ok(Answer::ok(document(cloud, find(cloud, call, &key(name))?))),
        (Method::PUT, [name]) => put(cloud, call, &key(name)),
        (Method::DELETE, [name]) => delete(cloud, call, &key(name)),
        (Method::GET, [name, "securityrules"]) => {
            let group = find(cloud, call, &key(name))?;
            let keys: Vec<String> = group.rules.keys().cloned().collect();
            page(cloud, call, &keys, |rule| group.rules.get(rule).map(|rule| group.rule_document(rule)))
        }
        (Method::GET, [name, "securityrules", rule]) => {
            let group = find(cloud, call, &key(name))?;
            let rule = group.rules.get(*rule).ok_or_else(|| errors::sub_resource_not_found(call))?;
            Ok(Answer::ok(group.rule_document(rule)))
        }
        (Method::PUT, [name, "securityrules", rule]) => put_rule(cloud, call, &key(name), rule),
        (Method::DELETE, [name, "securityrules", rule]) => delete_rule(cloud, call, &key(name), rule),
        _ => Err(Answer::no_route(&call.path)),
    }
}

fn find<'a>(cloud: &'a Cloud, call: &Call, key: &str) -> Result<&'a SecurityGroup, Answer> {
    cloud.security_groups.get(key).ok_or_else(|| errors::resource_not_found(call))
}

fn document(cloud: &Cloud, group: &SecurityGroup) -> Value {
    let (interfaces, subnets) = attached(cloud, group);
    group.document(&interfaces, &subnets)
}

/// The ids of the interfaces and of the subnets that have this group.
fn attached(cloud: &Cloud, group: &SecurityGroup) -> (Vec<String>, Vec<String>) {
    let key = group.id.key();
    let is_it = |named: Option<ResourceId>| named.is_some_and(|id| id.key() == key);
    let interfaces = cloud.interfaces.values().filter(|interface| is_it(interface.group()));
    let subnets = cloud.subnets.values().filter(|subnet| is_it(subnet.group.clone()));
    (
        interfaces.map(|interface| interface.id.to_string()).collect(),
        subnets.map(|subnet| subnet.id.to_string()).collect(),
    )
}

fn put(cloud: &mut Cloud, call: &Call, key: &str) -> Answered {
    let body = call.json();
    let existing = cloud.security_groups.get(key);
    errors::check_etag(call, existing.map_or("", |group| group.etag.as_str()))?;
    let Some(location) = body.get("location").and_then(Value::as_str).map(str::to_owned) else {
        return Err(Answer::bad_request(
            "LocationRequired",
            "The location property is required for this definition.",
        ));
    };
    if let Some(existing) = existing {
        errors::check_operation(cloud, existing.operation.as_ref())?;
    }
    let is_new = existing.is_none();
    let id = existing.map_or_else(|| ResourceId::new(call.id_up_to(8)), |group| group.id.clone());
    let before = existing.map(|group| group.rules.clone()).unwrap_or_default();
    check_name(id.name())?;
    let mut rules = std::collections::BTreeMap::new();
    let listed = body.pointer("/properties/securityRules").and_then(Value::as_array);
    for entry in listed.into_iter().flatten() {
        let name = entry.get("name").and_then(Value::as_str).unwrap_or_default();
        check_name(name)?;
        let properties = rule_properties(entry, name)?;
        check_conflict(&rules, name, &properties)?;
        let in_force = before.get(&name.to_lowercase()).and_then(|rule| rule.in_force.clone());
        let rule = Rule {
            name: name.to_owned(),
            etag: cloud.fresh_etag(),
            properties,
            provisioning: "Updating".to_owned(),
            in_force,
        };
        rules.insert(name.to_lowercase(), rule);
    }
    let etag = cloud.fresh_etag();
    let operation = cloud.begin(call, Provider::Network, &location, Work::SecurityGroup(key.to_owned()));
    let tags = body.get("tags").and_then(Value::as_object).cloned().unwrap_or_default();
    let group = SecurityGroup {
        id,
        etag,
        location,
        tags,
        provisioning: "Updating".to_owned(),
        rules,
        operation: Some(operation.clone()),
    };
    let answer = Answer::json(if is_new { 201 } else { 200 }, document(cloud, &group));
    cloud.security_groups.insert(key.to_owned(), group);
    Ok(cloud.started(answer, &operation))
}

fn delete(cloud: &mut Cloud, call: &Call, key: &str) -> Answered {
    let Some(group) = cloud.security_groups.get(key) else { return Ok(Answer::empty(204)) };
    let (interfaces, subnets) = attached(cloud, group);
    if let Some(user) = interfaces.iter().chain(&subnets).next() {
        return Err(Answer::bad_request(
            "InUseNetworkSecurityGroupCannotBeDeleted",
            format!(
                "Network security group {} cannot be deleted because it is in use by the following resources: {user}. \
                 In order to delete the Network security group, remove the association with the resource(s).",
                group.id
            ),
        ));
    }
    errors::check_operation(cloud, group.operation.as_ref())?;
    let location = group.location.clone();
    let operation =
        cloud.begin(call, Provider::Network, &location, Work::DeleteSecurityGroup(key.to_owned()));
    if let Some(group) = cloud.security_groups.get_mut(key) {
        "Deleting".clone_into(&mut group.provisioning);
        group.operation = Some(operation.clone());
    }
    Ok(cloud.started(Answer::empty(202), &operation))
}

fn put_rule(cloud: &mut Cloud, call: &Call, key: &str, rule: &str) -> Answered {
    let name = call.segments.get(9).cloned().unwrap_or_default();
    let Some(group) = cloud.security_groups.get(key) else {
        return Err(errors::parent_not_found(call, "write"));
    };
    check_name(&name)?;
    let properties = rule_properties(call.json(), &name)?;
    let existing = group.rules.get(rule);
    errors::check_etag(call, existing.map_or("", |rule| rule.etag.as_str()))?;
    errors::check_operation(cloud, group.operation.as_ref())?;
    check_conflict(&group.rules, &name, &properties)?;
    let (is_new, in_force) = (existing.is_none(), existing.and_then(|rule| rule.in_force.clone()));
    let name = existing.map_or(name, |rule| rule.name.clone());
    let location = group.location.clone();
    let work = Work::Rule { group: key.to_owned(), rule: rule.to_owned() };
    let operation = cloud.begin(call, Provider::Network, &location, work);
    let new =
        Rule { name, etag: cloud.fresh_etag(), properties, provisioning: "Updating".to_owned(), in_force };
    let etag = cloud.fresh_etag();
    let Some(group) = cloud.security_groups.get_mut(key) else {
        return Err(errors::parent_not_found(call, "write"));
    };
    let answer = Answer::json(if is_new { 201 } else { 200 }, group.rule_document(&new));
    group.rules.insert(rule.to_owned(), new);
    group.etag = etag;
    group.operation = Some(operation.clone());
    "Updating".clone_into(&mut group.provisioning);
    Ok(cloud.started(answer, &operation))
}

fn delete_rule(cloud: &mut Cloud, call: &Call, key: &str, rule: &str) -> Answered {
    let Some(group) = cloud.security_groups.get(key) else {
        return Err(errors::parent_not_found(call, "delete"));
    };
    if !group.rules.contains_key(rule) {
        return Ok(Answer::empty(204));
    }
    errors::check_operation(cloud, group.operation.as_ref())?;
    let location = group.location.clone();
    let work = Work::DeleteRule { group: key.to_owned(), rule: rule.to_owned() };
    let operation = cloud.begin(call, Provider::Network, &location, work);
    let etag = cloud.fresh_etag();
    if let Some(group) = cloud.security_groups.get_mut(key) {
        if let Some(rule) = group.rules.get_mut(rule) {
            "Deleting".clone_into(&mut rule.provisioning);
        }
        group.etag = etag;
        group.operation = Some(operation.clone());
        "Updating".clone_into(&mut group.provisioning);
    }
    Ok(cloud.started(Answer::empty(202), &operation))
}

/// The required fields of a rule, without those that Azure sets.
fn rule_properties(body: &Value, name: &str) -> Result<Map<String, Value>, Answer> {
    let missing = |field: &str| {
        Answer::bad_request(
            "InvalidRequestFormat",
            format!("Cannot parse the request: security rule {name} must specify {field}."),
        )
    };
    let mut properties =
        body.get("properties").and_then(Value::as_object).cloned().ok_or_else(|| missing("properties"))?;
    properties.remove("provisioningState");
    properties.retain(|_, value| !value.is_null());
    for (field, allowed) in [
        ("direction", &["Inbound", "Outbound"][..]),
        ("access", &["Allow", "Deny"]),
        ("protocol", &["*", "Tcp", "Udp", "Icmp", "Esp", "Ah"]),
    ] {
        let value = properties.get(field).and_then(Value::as_str).ok_or_else(|| missing(field))?;
        if !allowed.iter().any(|one| one.eq_ignore_ascii_case(value)) {
            return Err(missing(&format!("{field} as one of {}", allowed.join(", "))));
        }
    }
    for (single, list) in [
        ("sourceAddressPrefix", "sourceAddressPrefixes"),
        ("destinationAddressPrefix", "destinationAddressPrefixes"),
        ("sourcePortRange", "sourcePortRanges"),
        ("destinationPortRange", "destinationPortRanges"),
    ] {
        let filled = |field| match properties.get(field) {
            Some(Value::Array(entries)) => !entries.is_empty(),
            Some(Value::String(text)) => !text.is_empty(),
            _ => false,
        };
        if !filled(single) && !filled(list) {
            return Err(missing(&format!("either {list} or {single}")));
        }
    }
    let priority = properties.get("priority").and_then(Value::as_i64).ok_or_else(|| missing("priority"))?;
    if !(100..=4096).contains(&priority) {
        return Err(Answer::bad_request(
            "SecurityRuleInvalidPriority",
            format!("Security rule has invalid Priority. Value provided: {priority} Allowed range 100-4096."),
        ));
    }
    Ok(properties)
}

fn check_conflict(
    rules: &std::collections::BTreeMap<String, Rule>,
    name: &str,
    properties: &Map<String, Value>,
) -> Result<(), Answer> {
    let place = |properties: &Map<String, Value>| {
        let direction = properties.get("direction").and_then(Value::as_str).map(str::to_lowercase);
        (properties.get("priority").and_then(Value::as_i64), direction)
    };
    let other = rules
        .values()
        .find(|rule| !rule.name.eq_ignore_ascii_case(name) && place(&rule.properties) == place(properties));
    match other {
        None => Ok(()),
        Some(other) => Err(Answer::bad_request(
            "SecurityRuleConflict",
            format!(
                "Security rule {} conflicts with rule {name}. Rules cannot have the same Priority and Direction. To \
                 learn more, see aka.ms/nsgrules.",
                other.name
            ),
        )),
    }
}

fn check_name(name: &str) -> Result<(), Answer> {
    let word = |letter: char| letter.is_ascii_alphanumeric();
    let good = name.len() <= 80
        && name.starts_with(word)
        && name.ends_with(|letter: char| word(letter) || letter == '_')
        && name.chars().all(|letter| word(letter) || "._-".contains(letter));
    if good {
        return Ok(());
    }
    Err(Answer::bad_request(
        "InvalidResourceName",
        format!(
            "Resource name {name} is invalid. The name can be up to 80 characters long. It must begin with a word \
             character, and it must end with a word character or with '_'. The name may contain word characters or \
             '.', '-', '_'."
        ),
    ))
}
