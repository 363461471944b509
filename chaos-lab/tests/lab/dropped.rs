//! A run that nobody waits for any more: its rollbacks are played, now or by a recovery, and nothing of it is left.

use std::{path::Path, sync::Arc};

use chaos_core::{Journal, MemoryJournal, Monkey, async_trait, fault::FaultState};
use chaos_lab::{
    experiment::Experiment,
    run::{Approve, ExperimentProvider, ExperimentVerdict, Lab, registry},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::unix::pipe::Receiver,
    runtime::{Builder, Runtime},
};

use crate::{
    processes::{Fifo, begun, gone},
    soon,
};

/// Holds the pipe of a test, and has a grandchild that does.
fn stubborn(fifo: &Fifo) -> Value {
    let script = format!(
        "trap '' HUP INT TERM; exec 3>'{}'; sleep 600 & echo begun >&3; sleep 600; wait",
        fifo.path.display()
    );
    json!({ "type": "process", "path": "sh", "arguments": ["-c", script.replace('$', "$$")] })
}

/// A method that does not end by itself, and a rollback that says when it is played.
fn experiment(folder: &Path, fifo: &Fifo, played: &Fifo, asked: bool) -> Experiment {
    let mut method =
        vec![json!({ "type": "action", "name": "stays", "provider": stubborn(fifo), "background": asked })];
    if asked {
        method.push(json!({
            "type": "action", "name": "asks", "approval": "Now?", "provider": { "type": "process", "path": "true" },
        }));
    }
    let script = format!("echo begun >'{}'", played.path.display());
    let data = json!({
        "title": "Dropped", "description": "Nobody waits for it.", "method": method,
        "rollbacks": [{
            "type": "action", "name": "back",
            "provider": { "type": "process", "path": "sh", "arguments": ["-c", script] },
        }],
    });
    let file = folder.join("experiment.json");
    std::fs::write(&file, data.to_string()).unwrap();
    Experiment::read(&file).unwrap()
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

async fn is_begun(pipe: &mut BufReader<Receiver>) {
    soon(begun(pipe)).await;
}

#[tokio::test]
async fn the_rollbacks_of_a_run_that_is_dropped_are_played_by_a_task_of_their_own() {
    let (folder, fifo, played) = (tempfile::tempdir().unwrap(), Fifo::new(), Fifo::new());
    let (mut pipe, mut back) = (fifo.open(), played.open());
    let experiment = experiment(folder.path(), &fifo, &played, false);
    let journal = Arc::new(MemoryJournal::new());
    let path = folder.path().join("journal.json");
    let lab = Lab::new().journal(Arc::clone(&journal)).journal_path(&path);
    tokio::select! {
        report = lab.run(&experiment) => panic!("{report:?}"),
        () = is_begun(&mut pipe) => {}
    }
    is_begun(&mut back).await;
    gone(pipe).await;
    soon(async {
        while !journal.pending().await.unwrap().faults.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // The thread that writes this ends by itself.
    soon(async {
        while threads() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let written: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(written["run"][0]["activity"]["name"], "stays", "{written}");
    assert_eq!(written["rollbacks"][0]["status"], "succeeded", "{written}");
}

/// How many threads of this process write journals.
fn threads() -> usize {
    let all = std::fs::read_dir("/proc/self/task").unwrap();
    let names = all.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|name| name.starts_with("chaos-lab-journ")).count()
}

#[derive(Debug)]
struct Panics(tokio::sync::Mutex<BufReader<Receiver>>);

#[async_trait]
impl Approve for Panics {
    #[expect(clippy::panic, reason = "the point of it")]
    async fn approve(&self, _: &str) -> bool {
        is_begun(&mut *self.0.lock().await).await;
        panic!("who asks?");
    }
}

#[tokio::test]
async fn after_a_panic_in_the_method_everything_is_undone() {
    let (folder, fifo, played) = (tempfile::tempdir().unwrap(), Fifo::new(), Fifo::new());
    let experiment = experiment(folder.path(), &fifo, &played, true);
    let mut back = played.open();
    let journal = Arc::new(MemoryJournal::new());
    let panics = Arc::new(Panics(tokio::sync::Mutex::new(fifo.open())));
    let lab = Lab::new().journal(Arc::clone(&journal)).approved_by(Shared(Arc::clone(&panics)));
    let report = soon(lab.run(&experiment)).await.unwrap();
    assert_eq!(report.verdict, ExperimentVerdict::Failed, "{report}");
    assert!(report.to_string().contains("who asks?"), "{report}");
    is_begun(&mut back).await;
    drop(lab);
    gone(Arc::into_inner(panics).unwrap().0.into_inner()).await;
    assert!(journal.pending().await.unwrap().faults.is_empty());
}

#[derive(Debug)]
struct Shared(Arc<Panics>);

#[async_trait]
impl Approve for Shared {
    async fn approve(&self, question: &str) -> bool {
        self.0.approve(question).await
    }
}

#[test]
fn at_the_end_of_a_runtime_nothing_runs_on_and_the_fault_can_be_recovered() {
    let (folder, fifo, played) = (tempfile::tempdir().unwrap(), Fifo::new(), Fifo::new());
    let journal = Arc::new(MemoryJournal::new());
    let first = runtime();
    let experiment = experiment(folder.path(), &fifo, &played, false);
    let lab = Lab::new().journal(Arc::clone(&journal));
    first.spawn(async move { lab.run(&experiment).await });
    let second = runtime();
    second.block_on(async {
        let (mut pipe, mut back) = (fifo.open(), played.open());
        is_begun(&mut pipe).await;
        first.shutdown_background();
        gone(pipe).await;
        let pending = journal.pending().await.unwrap().faults;
        assert_eq!(pending.len(), 1, "{pending:?}");
        assert_eq!(pending[0].state, FaultState::Injecting);
        let monkey = Monkey::builder().provider(ExperimentProvider::default());
        let monkey = monkey.unleash(Arc::clone(&journal), registry()).build().unwrap();
        let recovered = soon(monkey.take_over_pending()).await.unwrap().faults;
        assert_eq!(recovered[0].state, FaultState::Recovered, "{recovered:?}");
        let mut line = String::new();
        soon(back.read_line(&mut line)).await.unwrap();
        assert!(journal.pending().await.unwrap().faults.is_empty());
    });
}
