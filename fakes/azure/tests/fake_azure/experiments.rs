use std::time::Duration;

use fake_azure::{CHAOS_VERSION, FakeArm, NewExperiment, Pace};

use crate::client::{Reply, experiment, send};

fn ask(fake: &FakeArm, method: &str, path: &str) -> Reply {
    send(fake, method, &format!("{path}?api-version={CHAOS_VERSION}"), &[], None).unwrap()
}

fn status(fake: &FakeArm, experiment: &str) -> String {
    let executions = ask(fake, "GET", &format!("{experiment}/executions"));
    executions.body["value"][0]["properties"]["status"].as_str().unwrap_or_default().to_owned()
}

fn await_status(fake: &FakeArm, experiment: &str, wanted: &str) {
    let found = (0..1000).any(|_| status(fake, experiment) == wanted);
    assert!(found, "{}, not {wanted}", status(fake, experiment));
}

#[test]
fn an_execution_runs_until_it_is_cancelled() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewExperiment::new("shop", "drill").lasting(Duration::from_secs(600)));
    fake.configure(|settings| settings.pace = Pace::Polls(1));
    let drill = experiment("shop", "drill");
    assert_eq!(ask(&fake, "POST", &format!("{drill}/cancel")).status, 409, "nothing runs yet");
    let started = ask(&fake, "POST", &format!("{drill}/start"));
    assert_eq!(started.status, 202);
    assert!(started.header("Location").unwrap().contains("/operationResults/"));
    let place = started.header("Azure-AsyncOperation").unwrap();
    assert!(place.contains("/operationStatuses/"));
    assert_eq!(send(&fake, "GET", place, &[], None).unwrap().body["status"], "Succeeded");
    await_status(&fake, &drill, "Running");
    assert_eq!(ask(&fake, "POST", &format!("{drill}/start")).status, 409, "it runs already");
    let cancelled = ask(&fake, "POST", &format!("{drill}/cancel"));
    assert_eq!(status(&fake, &drill), "Cancelling");
    let place = cancelled.header("Azure-AsyncOperation").unwrap();
    assert_eq!(send(&fake, "GET", place, &[], None).unwrap().body["status"], "Succeeded");
    assert_eq!(status(&fake, &drill), "Cancelled");
}

#[test]
fn executions_end_by_themselves_well_or_not() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewExperiment::new("shop", "well"));
    fake.add(NewExperiment::new("shop", "badly").failing());
    for (name, end) in [("well", "Success"), ("badly", "Failed")] {
        let id = experiment("shop", name);
        assert_eq!(ask(&fake, "POST", &format!("{id}/start")).status, 202);
        await_status(&fake, &id, end);
        // The newest comes first.
        assert_eq!(ask(&fake, "POST", &format!("{id}/start")).status, 202);
        assert_ne!(status(&fake, &id), "");
        let list = ask(&fake, "GET", &format!("{id}/executions"));
        assert_eq!(list.names().len(), 2);
    }
    let nobody = ask(&fake, "POST", &format!("{}/start", experiment("shop", "nobody")));
    assert_eq!((nobody.status, nobody.code()), (404, "ResourceNotFound"));
}
