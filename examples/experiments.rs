//! In a test: a folder of experiments in files, each of which must complete.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use chaos_core::MemoryJournal;
use chaos_lab::{
    experiment::ReadOptions,
    run::{ExperimentVerdict, Lab},
};

#[tokio::test]
async fn every_experiment_completes() -> Result<(), Box<dyn std::error::Error>> {
    let shop = Shop::open()?;
    let reading = ReadOptions::default().environment(std::env::vars().chain(shop.environment()));
    for file in files_of(&experiments())? {
        let experiment = reading.read(&file)?;
        let report = Lab::new().journal(MemoryJournal::new()).run(&experiment).await?;
        assert_eq!(report.verdict, ExperimentVerdict::Completed, "{}: {report}", file.display());
    }
    Ok(())
}

fn experiments() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments")
}

/// The experiments in a folder, sorted by name.
fn files_of(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let files = std::fs::read_dir(folder)?.map(|file| Ok(file?.path()));
    let mut files = files.collect::<std::io::Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml" || extension == "json"));
    files.sort();
    assert!(!files.is_empty(), "no experiment is in {}", folder.display());
    Ok(files)
}

/// The service that the experiments break. In your own test, that is the one that you have.
struct Shop {
    folder: tempfile::TempDir,
    port: u16,
    process: Child,
}

impl Shop {
    fn open() -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new("python3");
        command.arg(experiments().join("shop.py")).stdout(Stdio::piped());
        let mut shop = Self { process: command.envs(variables(folder.path(), port)).spawn()?, folder, port };
        // It says so when it is open.
        BufReader::new(shop.process.stdout.take().ok_or("no output")?).read_line(&mut String::new())?;
        Ok(shop)
    }

    /// What the experiments take from the environment.
    fn environment(&self) -> Vec<(String, String)> {
        variables(self.folder.path(), self.port)
    }
}

fn variables(folder: &Path, port: u16) -> Vec<(String, String)> {
    let variables = [
        ("SHOP", folder.display().to_string()),
        ("PORT", port.to_string()),
        ("SHOP_TOKEN", "open sesame".to_owned()),
    ];
    variables.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
