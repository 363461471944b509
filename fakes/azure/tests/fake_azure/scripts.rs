use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use chaos_core::clock::{Clock, SystemClock};
use fake_azure::{
    FakeArm, NETWORK_VERSION, NewAvailabilitySet, OperatingSystem, PowerState, SecurityGroups, Trouble,
};
use serde_json::{Value, json};

use crate::client::{Reply, get, machine, post, rule_of, send};

fn world() -> (FakeArm, String) {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    (fake, machine("shop", "web-0"))
}

fn order(fake: &FakeArm, machine: &str, script: &str) -> Reply {
    let lines: Vec<&str> = script.lines().collect();
    let body = json!({ "commandId": "RunShellScript", "script": lines });
    send(fake, "POST", &format!("{machine}/runCommand"), &[], Some(&body)).unwrap()
}

/// The document of an operation once it has ended.
async fn ended(fake: &FakeArm, accepted: &Reply) -> Value {
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let place = accepted.header("Azure-AsyncOperation").unwrap().to_owned();
    for _ in 0..1000 {
        let document = send(fake, "GET", &place, &[], None).unwrap().body;
        if document["status"] != "InProgress" {
            return document;
        }
        SystemClock::default().sleep(Duration::from_millis(10)).await;
    }
    panic!("the script does not end");
}

async fn ran(fake: &FakeArm, machine: &str, script: &str) -> String {
    let document = ended(fake, &order(fake, machine, script)).await;
    assert_eq!(document["status"], "Succeeded", "{document}");
    document["properties"]["output"]["value"][0]["message"].as_str().unwrap().to_owned()
}

/// Waits for a file that a script creates.
async fn appears(path: &Path) {
    for _ in 0..1000 {
        if path.exists() {
            return;
        }
        SystemClock::default().sleep(Duration::from_millis(10)).await;
    }
    panic!("{} does not appear", path.display());
}

/// The files of a machine, as soon as its script has begun.
async fn files(fake: &FakeArm, machine: &str) -> PathBuf {
    for _ in 0..1000 {
        if let Some(directory) = fake.directory(machine) {
            return directory;
        }
        SystemClock::default().sleep(Duration::from_millis(10)).await;
    }
    panic!("the script does not begin");
}

fn exists(process: i32) -> bool {
    // A zombie has no environment: it has ended.
    fs::read(format!("/proc/{process}/environ")).is_ok_and(|environment| !environment.is_empty())
}

#[tokio::test]
async fn a_script_runs_and_its_reply_is_azures() {
    let (fake, web) = world();
    assert_eq!(
        ran(&fake, &web, "echo hello\necho trouble >&2\nexit 7").await,
        "Enable succeeded: \n[stdout]\nhello\n\n[stderr]\ntrouble\n"
    );
    assert_eq!(ran(&fake, &web, "#!/bin/sh\n").await, "Enable succeeded: \n[stdout]\n\n[stderr]\n");
    let long = ran(&fake, &web, "seq 1 5000; seq 1 5000 >&2").await;
    let (stdout, stderr) =
        long.strip_prefix("Enable succeeded: \n[stdout]\n").unwrap().split_once("\n[stderr]\n").unwrap();
    assert_eq!((stdout.len(), stderr.len()), (4096, 4096), "the last of each");
    assert!(stdout.ends_with("4999\n5000\n"));
    let own = fake.directory(&web).unwrap();
    assert!(ran(&fake, &web, "pwd").await.contains(&format!("{}/run-command/download/3\n", own.display())));
    assert_eq!(fake.directory(&machine("shop", "web-1")), None, "each has a directory of its own");
}

#[tokio::test]
async fn what_a_script_leaves_behind_does_not_hold_it_up() {
    let (fake, web) = world();
    ran(&fake, &web, "sleep 600 &\necho started").await;
    assert_eq!(fake.processes(&web).len(), 1);
}

#[tokio::test]
async fn one_script_at_a_time() {
    let (fake, web) = world();
    let first = order(&fake, &web, "until [ -e ../../../go ]; do sleep 0.01; done; echo gone");
    let second = order(&fake, &web, "true");
    assert_eq!((second.status, second.code()), (409, "Conflict"));
    assert_eq!(order(&fake, &machine("shop", "web-1"), "true").status, 202);
    let state = || get(&fake, &web).body["properties"]["provisioningState"].as_str().unwrap().to_owned();
    assert_eq!(state(), "Updating");
    fs::write(files(&fake, &web).await.join("go"), "").unwrap();
    assert_eq!(ended(&fake, &first).await["status"], "Succeeded");
    assert_eq!(state(), "Succeeded");
    ran(&fake, &web, "true").await;
}

#[tokio::test]
async fn stopping_a_machine_ends_what_runs_on_it_and_takes_over() {
    let (fake, web) = world();
    let script = order(&fake, &web, "touch ../../../begun\nsleep 600");
    appears(&files(&fake, &web).await.join("begun")).await;
    let processes = fake.processes(&web);
    assert!(!processes.is_empty());
    let off = ended(&fake, &post(&fake, &format!("{web}/powerOff"))).await;
    assert_eq!(off["status"], "Succeeded");
    assert_eq!(fake.processes(&web), Vec::<i32>::new());
    assert!(!processes.into_iter().any(exists));
    let script = ended(&fake, &script).await;
    assert_eq!(
        (&script["status"], &script["error"]["code"]),
        (&json!("Canceled"), &json!("OperationPreempted"))
    );
    let refused = order(&fake, &web, "true");
    assert_eq!((refused.status, refused.code()), (409, "OperationNotAllowed"));
    assert!(fake.directory(&web).unwrap().join("begun").exists(), "files stay");
    fake.delete_machine(&web);
    assert_eq!(fake.directory(&web), None);
}

#[tokio::test]
async fn without_an_agent_or_a_way_out_a_script_is_not_heard_of() {
    let (fake, web) = world();
    fake.configure(|settings| settings.script_limit_milliseconds = 300);
    fake.set_agent_ready(&web, false);
    let unheard = ended(&fake, &order(&fake, &web, "touch ../../../ran")).await;
    assert_eq!(unheard["error"]["code"], "VMExtensionProvisioningTimeout");
    assert_eq!(fake.directory(&web), None, "it never ran");
    assert_eq!(get(&fake, &web).body["properties"]["provisioningState"], "Failed");

    fake.set_agent_ready(&web, true);
    fake.configure(|settings| settings.script_limit_milliseconds = 2000);
    let deny = json!({ "properties": {
        "priority": 100, "direction": "Outbound", "access": "Deny", "protocol": "*",
        "sourceAddressPrefix": "*", "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "*",
    } });
    let rule = format!("{}?api-version={NETWORK_VERSION}", rule_of("shop", "web-0-nsg", "deny"));
    ended_rule(&fake, &send(&fake, "PUT", &rule, &[], Some(&deny)).unwrap()).await;
    let unheard = ended(&fake, &order(&fake, &web, "touch ../../../ran")).await;
    assert_eq!(unheard["error"]["code"], "VMExtensionProvisioningTimeout");
    assert!(fake.directory(&web).unwrap().join("ran").exists(), "it ran, but its result did not arrive");
}

async fn ended_rule(fake: &FakeArm, reply: &Reply) {
    let place = reply.header("Azure-AsyncOperation").unwrap().to_owned();
    while send(fake, "GET", &place, &[], None).unwrap().body["status"] == "InProgress" {
        SystemClock::default().sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn an_operation_of_a_script_can_fail_or_hang_on_request() {
    let (fake, web) = world();
    fake.trouble(
        Trouble::fail_operation("VMAgentStatusCommunicationError", "no news").on("POST", "*/runCommand"),
    );
    let failed = ended(&fake, &order(&fake, &web, "true")).await;
    assert_eq!(failed["error"]["code"], "VMAgentStatusCommunicationError");
    fake.trouble(Trouble::hang_operation().on("POST", "*/runCommand"));
    let hung = order(&fake, &web, "touch ../../../done");
    appears(&files(&fake, &web).await.join("done")).await;
    let place = hung.header("Azure-AsyncOperation").unwrap();
    assert_eq!(send(&fake, "GET", place, &[], None).unwrap().body["status"], "InProgress");
}

#[tokio::test]
async fn windows_takes_no_shell_script() {
    let fake = FakeArm::start().unwrap();
    let set = NewAvailabilitySet::new("shop", "win").machines(1).system(OperatingSystem::Windows);
    fake.add(set.security_groups(SecurityGroups::None));
    let refused = order(&fake, &machine("shop", "win-0"), "true");
    assert_eq!((refused.status, refused.code()), (400, "InvalidParameter"));
}

#[tokio::test]
async fn dropping_the_fake_ends_and_removes_everything() {
    let (fake, web) = world();
    ran(&fake, &web, "setsid sleep 600 &\nnohup sleep 600 >/dev/null &").await;
    let (processes, directory) = (fake.processes(&web), fake.directory(&web).unwrap());
    assert_eq!(processes.len(), 2);
    fake.set_power_state(&web, PowerState::Stopped);
    assert!(processes.iter().copied().all(exists), "a state set from outside ends no process");
    drop(fake);
    assert!(!processes.into_iter().any(exists));
    assert!(!directory.exists());
}

/// Only root has namespaces; the checks run as root.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[tokio::test]
async fn a_machine_has_a_network_of_its_own() {
    if !is_root() {
        return tell_skip();
    }
    let (fake, web) = world();
    let told = ran(&fake, &web, "ip -brief address show dev eth0; cat < /dev/tcp/10.0.0.2/80").await;
    assert!(told.contains(&format!("{}/8", fake.address(&web).unwrap())), "{told}");
    assert!(told.contains(&format!("\n{}\n", FakeArm::PEER)), "{told}");
    let told =
        ran(&fake, &web, "cat < /dev/tcp/169.254.169.254/80; ip -oneline link | wc -l; ps -e | wc -l").await;
    assert!(told.contains("169.254.169.254\n2\n"), "{told}");
    let other = machine("shop", "web-1");
    ran(&fake, &other, "true").await;
    // Nothing listens there, and only an existing machine can refuse a connection.
    let beside =
        format!("(: < /dev/tcp/{}/9) 2>&1 | grep -q refused && echo reached", fake.address(&other).unwrap());
    assert!(ran(&fake, &web, &beside).await.contains("reached"));
    let host = fs::read_to_string("/proc/net/dev").unwrap();
    assert!(!host.contains("bridge0"), "{host}");
}

#[tokio::test]
async fn a_machine_that_cuts_itself_off_from_azure_is_not_heard_of_until_it_restarts() {
    if !is_root() {
        return tell_skip();
    }
    let (fake, web) = world();
    fake.configure(|settings| settings.script_limit_milliseconds = 2000);
    let cut = "nft 'add table inet cut; add chain inet cut out { type filter hook output priority 0; policy drop; \
        }'\necho cut";
    let unheard = ended(&fake, &order(&fake, &web, cut)).await;
    assert_eq!(unheard["error"]["code"], "VMExtensionProvisioningTimeout");
    let namespace = fake.namespace(&web).unwrap();
    ended(&fake, &post(&fake, &format!("{web}/restart"))).await;
    assert_eq!(fake.namespace(&web), None);
    assert!(!Path::new("/run/netns").join(namespace).exists());
    assert!(ran(&fake, &web, "nft list tables; echo back").await.contains("[stdout]\nback\n"));
}

#[tokio::test]
async fn a_script_begins_after_its_delay_and_not_on_a_machine_that_has_stopped() {
    let (fake, web) = world();
    ran(&fake, &web, "true").await;
    fake.configure(|settings| settings.script_delay_milliseconds = 200);
    let late = order(&fake, &web, "touch ../../../late");
    ended(&fake, &post(&fake, &format!("{web}/powerOff"))).await;
    assert_eq!(ended(&fake, &late).await["status"], "Canceled");
    ended(&fake, &post(&fake, &format!("{web}/start"))).await;
    SystemClock::default().sleep(Duration::from_millis(400)).await;
    assert!(!fake.directory(&web).unwrap().join("late").exists());
    ran(&fake, &web, "touch ../../../later").await;
    assert!(fake.directory(&web).unwrap().join("later").exists());
}

fn tell_skip() {
    use std::io::Write;
    // Past the capture of what tests print, at the beginning of a line.
    let _ =
        writeln!(std::io::stderr(), "\nskipped: namespaces of the fake's machines: only root can make them");
}
