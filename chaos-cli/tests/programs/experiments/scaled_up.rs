use std::fs;

use serde_json::{Value, json};

use crate::support::{CHAOS, FleetProgram, command, end, text};

/// Succeeds as soon as two replicas answer.
const CLIENT: &str = r#"
import concurrent.futures, socket, sys

def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 3) as connection:
            connection.settimeout(3)
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return bool(connection.recv(1))
    except OSError:
        return False

ports = [int(port) for port in sys.argv[1:]]
pool = concurrent.futures.ThreadPoolExecutor(len(ports))
served = 0
for answered in concurrent.futures.as_completed(pool.submit(answers, port) for port in ports):
    served += answered.result()
    if served == 2:
        break
sys.stdout.flush()
import os
os._exit(0 if served == 2 else 1)
"#;

fn experiment(fleet: &FleetProgram, ports: &[String]) -> Value {
    let client = [vec!["-c".to_owned(), CLIENT.to_owned()], ports.to_vec()].concat();
    json!({
        "title": "How many of five may stop?",
        "description": "The client needs two.",
        "configuration": { "stopped": 1 },
        "scale-up": { "name": "stopped", "values": [1, 3, 4] },
        "steady-state-hypothesis": {
            "title": "The client is served",
            "probes": [{
                "type": "probe", "name": "client", "tolerance": 0,
                "provider": { "type": "process", "path": "python3", "arguments": client },
            }],
        },
        "runtime": { "hypothesis": { "strategy": "continuously" } },
        "method": [{
            "type": "action", "name": "stop",
            "provider": {
                "type": "chaos", "event": "stop", "provider": "local", "attach": text(&fleet.state()),
                "duration": "8s", "targets-per-run": "${stopped}", "targets-per-group": "${stopped}",
                "min-healthy": 0,
            },
        }],
    })
}

/// It holds with one and with three stopped, and not with four. In the end the fleet is whole.
#[tokio::test]
async fn the_largest_number_of_stopped_replicas_that_a_client_bears_is_found() {
    let fleet = FleetProgram::start(5).await;
    let ports: Vec<String> = fleet.endpoints().iter().map(|address| address.port().to_string()).collect();
    let before = fleet.processes();
    fs::write(fleet.place("up.json"), experiment(&fleet, &ports).to_string()).unwrap();
    let (file, journal) = (fleet.place("up.json"), fleet.place("up.journal"));
    let arguments = ["run", text(&file), "--journal", text(&journal), "--json", "--fail-fast"];
    let more = ["--hypothesis-frequency", "0.2"];
    let mut command = command(CHAOS, [&arguments[..], &more[..]].concat());
    let run = end(command.current_dir(fleet.state()).spawn().unwrap()).await.with_code(0);
    let rungs: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
    let told: Vec<_> = rungs.iter().map(|rung| (&rung["rung"], rung["verdict"].as_str().unwrap())).collect();
    assert_eq!(
        told,
        [(&json!(1), "completed"), (&json!(3), "completed"), (&json!(4), "deviated")],
        "{}",
        run.stdout
    );
    assert_eq!(rungs[2]["faults"][0]["faults"].as_array().unwrap().len(), 4);
    assert_eq!((fleet.stopped(), fleet.processes()), (vec![], before));
}
