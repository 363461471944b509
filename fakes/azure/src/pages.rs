//! Pages for programs that drive the fake: the methods of [`FakeArm`](super::FakeArm) as pages below `/_fake`.

use hyper::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    access::Role,
    answer::{Answer, Answered},
    build,
    call::Call,
    settings::Settings,
    shared::Shared,
    trouble::Trouble,
    world::New,
};

/// `None` for a request of Azure Resource Manager.
pub(crate) fn answer(shared: &Shared, call: &Call) -> Option<Answer> {
    let (first, rest) = call.segments.split_first()?;
    (first == "_fake").then(|| page(shared, call, rest).unwrap_or_else(|refusal| refusal))
}

fn page(shared: &Shared, call: &Call, path: &[String]) -> Answered {
    let [page] = path else { return Err(Answer::no_route(&call.path)) };
    match (call.method.clone(), page.as_str()) {
        (Method::POST, "world") => {
            let new: Vec<New> = parsed(call.json())?;
            new.iter().for_each(|new| build::add(&mut shared.cloud(), new));
            Ok(Answer::empty(204))
        }
        (Method::POST, "trouble") => {
            let trouble: Vec<Trouble> = parsed(call.json())?;
            trouble.into_iter().for_each(|trouble| shared.cloud().troubles.add(trouble));
            Ok(Answer::empty(204))
        }
        (Method::DELETE, "trouble") => {
            shared.cloud().troubles.clear();
            Ok(Answer::empty(204))
        }
        (Method::GET, "settings") => Ok(Answer::ok(json!(shared.cloud().settings))),
        (Method::PUT, "settings") => {
            let settings: Settings = parsed(call.json())?;
            shared.cloud().settings = settings;
            Ok(Answer::empty(204))
        }
        (Method::PUT, "role") => {
            let role: Role = parsed(call.json())?;
            shared.cloud().role = role;
            Ok(Answer::empty(204))
        }
        (Method::GET, "requests") => Ok(Answer::ok(json!(*shared.requests()))),
        (Method::DELETE, "requests") => {
            shared.requests().clear();
            Ok(Answer::empty(204))
        }
        (Method::GET, "machines") => Ok(Answer::ok(machines(shared))),
        _ => Err(Answer::no_route(&call.path)),
    }
}

fn machines(shared: &Shared) -> Value {
    let cloud = shared.cloud();
    let machines = cloud.machines.values().map(|machine| {
        json!({
            "id": machine.id.as_str(),
            "power_state": machine.power,
            "provisioning_state": machine.provisioning,
            "boots": machine.boots,
            "directory": cloud.guests.directory(&machine.vm_id),
            "namespace": cloud.guests.namespace(&machine.vm_id),
            "processes": cloud.guests.processes(&machine.vm_id),
        })
    });
    Value::Array(machines.collect())
}

/// A body that is not understood must not go unnoticed.
fn parsed<T: DeserializeOwned>(body: &Value) -> Result<T, Answer> {
    T::deserialize(body).map_err(|error| Answer::bad_request("NotUnderstood", error.to_string()))
}
