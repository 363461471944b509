//! Functions in a real interpreter: what they get and yield, and what those that mean harm come to.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
    time::Duration,
};

use chaos_core::clock::{Clock, SystemClock};
use chaos_lab::{
    experiment::{Provider, PythonProvider, ReadOptions},
    run::Lab,
    runner::{Runner, Trouble, TroubleKind},
    substitution::Names,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::soon;

/// What the functions of the tests are made of.
const PARTS: &str = r#"
import decimal, os, signal, subprocess, sys, threading, time, datetime, uuid

calls = 0

def count():
    global calls
    calls += 1
    return calls

def echo(**arguments):
    return arguments

def names(configuration, secrets, more=None):
    return {"configuration": configuration, "secrets": secrets, "more": more}

def raises(text):
    raise ValueError(text)

def leaves():
    sys.exit("for good")

def exits(status):
    print("the last words of", status, file=sys.stderr)
    os._exit(status)

def dies():
    os.kill(os.getpid(), signal.SIGKILL)

def hangs(ready=None):
    subprocess.Popen(["sleep", "600"])
    if ready:
        open(ready, "w").close()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT])
    time.sleep(600)

def yields(what):
    return {
        "set": {1}, "nan": float("nan"), "huge": "x" * (1 << 21), "wide": "é" * (1 << 20), "bytes": b"x",
        "circle": circle(), "deep": deep(), "function": yields, "types": [
            datetime.date(2020, 1, 2), decimal.Decimal("1.50"), uuid.UUID(int=1), (1, 2), {1: 2}, "\ud800"],
    }[what]

def circle():
    around = []
    around.append(around)
    return around

def deep():
    inner = []
    for _ in range(100000):
        inner = [inner]
    return inner

def meddles():
    print('{"id":1,"value":"forged"}')
    os.write(1, b'{"id":2,"value":"forged"}\n')
    subprocess.run(["sh", "-c", "cat; echo '{\"id\":3,\"value\":\"forged\"}'"])
    assert sys.stdin.read() == ""
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    return "honest"

def forks():
    return os.fork() > 0

def prints(megabytes):
    line = "x" * 1023
    for _ in range(megabytes * 1024):
        print(line)
    sys.stdout.write("y" * (1 << 20))
    return megabytes

def is_main():
    return threading.current_thread() is threading.main_thread()
"#;

struct Place {
    folder: TempDir,
    runner: Runner,
}

impl Place {
    fn new() -> Self {
        Self::with("python3")
    }

    fn with(program: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("parts.py"), PARTS).unwrap();
        let runner = Runner::start().unwrap().with_python(program).in_directory(folder.path());
        Self { folder, runner }
    }

    async fn call(&self, function: &str, arguments: Value) -> Result<Value, Trouble> {
        self.call_with(&python(function, arguments), &Names::default()).await
    }

    async fn call_with(&self, python: &Provider, names: &Names) -> Result<Value, Trouble> {
        soon(self.runner.carry_out(python, names)).await
    }
}

fn python(function: &str, arguments: Value) -> Provider {
    let mut python = PythonProvider::new("parts", function);
    python.arguments = arguments.as_object().unwrap().clone();
    Provider::Python(python)
}

fn with_limit(function: &str, arguments: Value, limit: Duration) -> Provider {
    let Provider::Python(mut python) = python(function, arguments) else { unreachable!() };
    python.timeout = Some(limit);
    Provider::Python(python)
}

/// The processes that were started in a folder.
fn within(folder: &TempDir) -> Vec<String> {
    let pids = fs::read_dir("/proc").unwrap();
    let pids = pids.filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    let is_there = |pid: &String| {
        fs::read_link(format!("/proc/{pid}/cwd"))
            .is_ok_and(|found| found == folder.path().canonicalize().unwrap())
    };
    pids.filter(|pid| pid.bytes().all(|byte| byte.is_ascii_digit())).filter(is_there).collect()
}

async fn until(is_so: impl Fn() -> bool) {
    let clock = SystemClock::default();
    soon(async {
        while !is_so() {
            clock.sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_function_gets_its_arguments_and_the_names_that_it_takes() {
    let place = Place::new();
    let names = Names::default()
        .with("port", 8080)
        .with_secret("web", "token", "s3cret")
        .with_secret("db", "password", "hidden");
    let echo = python("echo", json!({ "port": "${port}", "text": ":$port", "deep": [{ "t": "${token}" }] }));
    let echoed = place.call_with(&echo, &names).await.unwrap();
    assert_eq!(echoed, json!({ "port": 8080, "text": ":8080", "deep": [{ "t": "s3cret" }] }));
    for (groups, expected) in [
        (vec!["db"], json!({ "password": "hidden" })),
        (vec!["db", "web", "other"], json!({ "password": "hidden", "token": "s3cret" })),
        (vec![], json!({})),
    ] {
        let mut provider = PythonProvider::new("parts", "names");
        provider.secrets = Some(groups.into_iter().map(str::to_owned).collect());
        let given = place.call_with(&Provider::Python(provider), &names).await.unwrap();
        assert_eq!(given, json!({ "configuration": { "port": 8080 }, "secrets": expected, "more": null }));
    }
    let trouble = place.call_with(&python("names", json!({})), &names).await.unwrap_err();
    assert_eq!(trouble.kind(), TroubleKind::Raised);
    assert!(trouble.to_string().contains("missing 1 required positional argument: 'secrets'"), "{trouble}");
}

#[tokio::test]
async fn one_interpreter_keeps_what_its_modules_know() {
    let place = Place::new();
    assert_eq!(place.call("count", json!({})).await.unwrap(), 1);
    assert_eq!(
        place.runner.clone().carry_out(&python("count", json!({})), &Names::default()).await.unwrap(),
        2
    );
    assert_eq!(place.call("is_main", json!({})).await.unwrap(), true);
    // Nothing is under way.
    place.runner.end_all().await;
    assert_eq!(place.call("count", json!({})).await.unwrap(), 3);
    let Place { folder, runner } = place;
    drop(runner);
    until(|| within(&folder).is_empty()).await;
}

#[tokio::test]
async fn what_has_no_json_form_is_told_and_the_rest_is_as_in_a_journal() {
    let place = Place::new();
    let types = place.call("yields", json!({ "what": "types" })).await.unwrap();
    assert_eq!(
        types,
        json!(["2020-01-02", "1.50", "00000000-0000-0000-0000-000000000001", [1, 2], { "1": 2 }, "?"])
    );
    for (what, why) in [
        ("set", "not JSON serializable"),
        ("nan", "has no JSON form"),
        ("bytes", "not JSON serializable"),
        ("function", "not JSON serializable"),
        ("huge", "more than 1 MiB"),
        ("wide", "more than 1 MiB"),
        ("circle", "nested deeper"),
        ("deep", "nested deeper"),
    ] {
        let trouble = place.call("yields", json!({ "what": what })).await.unwrap_err();
        assert_eq!(trouble.kind(), TroubleKind::Refused, "{what}");
        let text = trouble.to_string();
        assert!(text.contains(why) && text.contains("parts.yields") && text.len() < 300, "{what}: {text}");
    }
    assert_eq!(place.call("count", json!({})).await.unwrap(), 1, "the interpreter goes on");
}

#[tokio::test]
async fn what_raises_exits_or_dies_is_told_by_name() {
    let place = Place::new();
    let names = Names::default().with_secret("web", "token", "s3cret-s3cret");
    let raised =
        place.call_with(&python("raises", json!({ "text": "a ${token}" })), &names).await.unwrap_err();
    assert_eq!(
        (raised.kind(), raised.to_string().as_str()),
        (TroubleKind::Raised, "parts.raises raised ValueError: a ********")
    );
    let long = "x".repeat(15_990) + "${token}";
    let raised = place.call_with(&python("raises", json!({ "text": long })), &names).await.unwrap_err();
    assert!(raised.to_string().len() < 2100 && !raised.to_string().contains("s3"), "{raised}");
    let left = place.call("leaves", json!({})).await.unwrap_err();
    assert_eq!(left.to_string(), "parts.leaves raised SystemExit: for good");
    assert_eq!(place.call("count", json!({})).await.unwrap(), 1);

    let exited = place.call("exits", json!({ "status": 3 })).await.unwrap_err();
    assert_eq!(exited.kind(), TroubleKind::Unknown);
    let text = "python3 ended with status 3 during parts.exits: the last words of 3";
    assert!(exited.to_string().ends_with(text), "{exited}");
    assert_eq!(place.call("count", json!({})).await.unwrap(), 1, "another interpreter");
    let died = place.call("dies", json!({})).await.unwrap_err();
    assert!(died.to_string().ends_with("ended by signal 9 during parts.dies"), "{died}");
    assert_eq!(place.call("count", json!({})).await.unwrap(), 1);
}

#[tokio::test]
async fn what_prints_forks_or_closes_everything_does_not_break_the_pipes() {
    let place = Place::new();
    assert_eq!(place.call("forks", json!({})).await.unwrap(), true);
    assert_eq!(place.call("count", json!({})).await.unwrap(), 1);
    assert_eq!(place.call("meddles", json!({})).await.unwrap(), "honest");
    assert_eq!(place.call("count", json!({})).await.unwrap(), 2);
}

#[tokio::test]
async fn what_prints_without_end_takes_little_memory() {
    let place = Place::new();
    assert_eq!(place.call("prints", json!({ "megabytes": 100 })).await.unwrap(), 100);
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 80 * 1024, "{peak} KiB");
}

#[tokio::test]
async fn a_hang_ends_with_its_whole_group() {
    let place = Place::new();
    assert_eq!(place.call("count", json!({})).await.unwrap(), 1);
    let hangs = with_limit("hangs", json!({}), Duration::from_secs(1));
    let trouble = place.call_with(&hangs, &Names::default()).await.unwrap_err();
    assert_eq!(trouble.kind(), TroubleKind::TimedOut);
    assert_eq!(trouble.to_string(), "parts.hangs took longer than 1s and was ended");
    assert_eq!(within(&place.folder), [""; 0]);
    assert_eq!(place.call("count", json!({})).await.unwrap(), 1, "another interpreter");
}

/// Both that whose call is dropped, and that of a call that nobody polls.
#[tokio::test]
async fn a_call_that_is_given_up_ends_the_interpreter() {
    let place = Place::new();
    for is_dropped in [true, false] {
        let ready = place.folder.path().join(format!("ready-{is_dropped}"));
        let hangs = python("hangs", json!({ "ready": ready.to_str().unwrap() }));
        let names = Names::default();
        let mut call = Box::pin(place.runner.carry_out(&hangs, &names));
        soon(async {
            tokio::select! {
                biased;
                result = &mut call => panic!("{result:?}"),
                () = until(|| ready.exists()) => {}
            }
        })
        .await;
        if is_dropped {
            drop(call);
            soon(place.runner.end_all()).await;
        } else {
            soon(place.runner.end_all()).await;
            assert_eq!(soon(call).await.unwrap_err().kind(), TroubleKind::Ended);
        }
        assert_eq!(within(&place.folder), [""; 0]);
    }
    assert_eq!(place.call("count", json!({})).await.unwrap(), 1);
}

#[tokio::test]
async fn a_program_that_is_no_interpreter_is_told() {
    for (program, kind, why) in [
        ("/no/such/python", TroubleKind::NotStarted, "could not be started"),
        ("true", TroubleKind::Unknown, "ended with status 0"),
        ("false", TroubleKind::Unknown, "ended with status 1"),
        ("echo", TroubleKind::Unknown, "during parts.count"),
        ("cat", TroubleKind::Unknown, "ended with status 1"),
    ] {
        let trouble = Place::with(program).call("count", json!({})).await.unwrap_err();
        assert_eq!(trouble.kind(), kind, "{program}: {trouble}");
        let text = trouble.to_string();
        assert!(text.contains(why) && text.contains(program), "{program}: {text}");
    }
    let runner = Runner::start().unwrap();
    let trouble = runner.carry_out(&python("count", json!({})), &Names::default()).await.unwrap_err();
    assert_eq!(trouble.to_string(), "no Python is run, so parts.count cannot be called");
}

/// A file in the working directory must not stand in for a module of Python's own.
#[tokio::test]
async fn modules_of_the_working_directory_come_last() {
    let place = Place::new();
    for module in ["json", "queue", "inspect", "decimal"] {
        fs::write(place.folder.path().join(format!("{module}.py")), "raise RuntimeError('mine')").unwrap();
    }
    assert_eq!(place.call("count", json!({})).await.unwrap(), 1);
}

#[tokio::test]
async fn everything_that_is_wrong_with_the_functions_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("parts.py"), PARTS).unwrap();
    fs::write(folder.path().join("broken.py"), "raise RuntimeError('s3cret-s3cret')").unwrap();
    fs::write(folder.path().join("leaves.py"), "import sys; sys.exit(7)").unwrap();
    fs::write(folder.path().join("refuses.py"), "def validate_control(control): raise ValueError('not so')")
        .unwrap();
    fs::write(folder.path().join("variables.env"), format!("PYTHONPATH={}\n", folder.path().display()))
        .unwrap();
    let step = |module: &str, func: &str, arguments: Value| {
        json!({ "type": "action", "name": "a", "provider": {
            "type": "python", "module": module, "func": func, "arguments": arguments } })
    };
    let mut probe = step("parts", "count", json!({}));
    probe["type"] = "probe".into();
    probe["tolerance"] = json!({ "type": "probe", "name": "t", "provider": {
        "type": "python", "module": "parts", "func": "count" } });
    let document = json!({
        "title": "t", "description": "d", "secrets": { "web": { "token": "s3cret-s3cret" } },
        "configuration": { "c": { "type": "probe", "provider": {
            "type": "python", "module": "parts", "func": "cuont" } } },
        "steady-state-hypothesis": { "title": "h", "probes": [probe] },
        "method": [
            step("part", "count", json!({})),
            step("parts", "cuont", json!({})),
            step("parts", "calls", json!({})),
            step("parts", "raises", json!({ "txet": "${token}" })),
            step("parts", "names", json!({})),
            step("broken", "x", json!({})),
            step("leaves", "x", json!({})),
            step("json", "dumps", json!({ "obj": 1, "anything": 2 })),
            step("time", "sleep", json!({ "seconds": 1 })),
        ],
        "rollbacks": [step("os.pathh", "join", json!({}))],
        "controls": [{ "name": "c", "provider": { "type": "python", "module": "refuses" } },
            { "name": "d", "provider": { "type": "python", "module": "refusse" } }],
    });
    let path = folder.path().join("experiment.json");
    fs::write(&path, document.to_string()).unwrap();
    let options = ReadOptions::default().python("python3").variable_file(folder.path().join("variables.env"));
    let experiment = options.read(&path).unwrap();
    let problems = soon(Lab::new().check(&experiment)).await.unwrap_err();
    assert_eq!(problems.file(), Some(path.as_path()));
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let none = "a module that can be imported: ModuleNotFoundError: No module named";
    let expected = [
        r#"configuration.c.provider.func: "cuont"; expected a function of parts; did you mean "count"?"#.to_owned(),
        "steady-state-hypothesis.probes[0].tolerance.provider.arguments.value: an unknown argument; \
            expected no argument, because parts.count takes none"
            .to_owned(),
        format!(r#"method[0].provider.module: "part"; expected {none} 'part'; did you mean "parts"?"#),
        r#"method[1].provider.func: "cuont"; expected a function of parts; did you mean "count"?"#.to_owned(),
        r#"method[2].provider.func: "calls"; expected a function of parts, and this is none"#.to_owned(),
        "method[3].provider.arguments.txet: an unknown argument; expected a parameter of parts.raises: text; \
            did you mean \"text\"?"
            .to_owned(),
        "method[3].provider.arguments.text: missing; expected a value, which parts.raises needs".to_owned(),
        "method[4].provider.secrets: missing; expected groups of secrets, which parts.names needs".to_owned(),
        r#"method[5].provider.module: "broken"; expected a module that can be imported: RuntimeError: ********"#
            .to_owned(),
        r#"method[6].provider.module: "leaves"; expected a module that can be imported: SystemExit: 7"#.to_owned(),
    ];
    assert_eq!(told[..expected.len()], expected, "{told:#?}");
    let rest = told[expected.len()..].join("\n");
    assert!(rest.contains("rollbacks[0].provider.module: \"os.pathh\"; expected"), "{rest}");
    assert!(
        rest.contains("controls[0]: ValueError: not so; expected what its validate_control accepts"),
        "{rest}"
    );
    assert!(
        rest.contains("controls[1].provider.module: \"refusse\"") && rest.contains("\"refuses\"?"),
        "{rest}"
    );
    // The library does not run it either.
    let error =
        soon(Lab::new().journal(chaos_core::MemoryJournal::new()).run(&experiment)).await.unwrap_err();
    assert!(error.chain().to_string().contains("method[1].provider.func"), "{}", error.chain());
}

/// Set in the program that is killed, and inherited by its interpreter.
const MARK: &str = "CHAOS_LAB_PYTHON_IS_KILLED";
const STAYS: &str = "python::the_program_that_stays";

#[tokio::test]
async fn after_a_kill_of_the_program_nothing_of_its_interpreter_is_left() {
    let clock = SystemClock::default();
    let mark = std::process::id().to_string();
    let mut program = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", STAYS, "--nocapture"])
        .env(MARK, &mark)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.ends_with("begun")));
    assert!(marked(&mark).len() >= 3, "the program, the interpreter and its child");
    program.kill().unwrap();
    let killed = clock.monotonic();
    assert_eq!(program.wait().unwrap().signal(), Some(9));
    until(|| marked(&mark).is_empty()).await;
    // A busy machine gets ten times a second.
    assert!(clock.monotonic() - killed < Duration::from_secs(10));
}

/// If the mark is set, it calls a function that hangs, and says so.
#[tokio::test]
async fn the_program_that_stays() {
    if std::env::var_os(MARK).is_none() {
        return;
    }
    let place = Place::new();
    let ready = place.folder.path().join("ready");
    let hangs = python("hangs", json!({ "ready": ready.to_str().unwrap() }));
    let names = Names::default();
    let telling = async {
        until(|| ready.exists()).await;
        println!("begun");
        std::future::pending::<()>().await;
    };
    tokio::select! {
        result = place.runner.carry_out(&hangs, &names) => panic!("{result:?}"),
        () = telling => {}
    }
}

/// The processes that have inherited the mark.
fn marked(mark: &str) -> Vec<String> {
    let text = format!("{MARK}={mark}");
    let pids = fs::read_dir("/proc").unwrap();
    let pids = pids.filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    let has_it = |pid: &String| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == text.as_bytes())
    };
    pids.filter(|pid| pid.bytes().all(|byte| byte.is_ascii_digit())).filter(has_it).collect()
}
