//! One script, run as the extension `RunCommandLinux` runs it.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// How many bytes of the end of each output are told.
const MAX_OUTPUT: u64 = 4096;

/// A script that has been started. Dropping it leaves it alone.
#[derive(Debug)]
pub(crate) struct Script {
    directory: PathBuf,
    ended: Arc<AtomicBool>,
}

impl Script {
    /// `command` is a shell with the environment of the machine.
    pub(super) fn start(mut command: Command, directory: &Path, text: &str) -> io::Result<Self> {
        let shell = if Path::new("/bin/bash").exists() { "/bin/bash" } else { "/bin/sh" };
        // The shell writes the file itself: were it open for writing in this process, a child that another thread
        // starts just then would hold a copy, and nobody could run the script.
        let prologue = "cat >script.sh && chmod 500 script.sh && exec \"$1\" -c \"$PWD/script.sh\" </dev/null >stdout 2>stderr";
        let mut child = command
            .args(["-c", prologue, "run-command", shell])
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let ended = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&ended);
        let text = text.to_owned();
        std::thread::Builder::new().name("run-command".to_owned()).spawn(move || {
            if let Some(mut stdin) = child.stdin.take() {
                let _ = stdin.write_all(text.as_bytes());
            }
            // Its end is the end of the command, whatever it leaves behind: outputs go to files.
            let _ = child.wait();
            over.store(true, Ordering::Release);
        })?;
        Ok(Self { directory: directory.to_owned(), ended })
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// What the extension reports, whatever the script's exit status: that is not told.
    pub(crate) fn message(&self) -> String {
        format!("Enable succeeded: \n[stdout]\n{}\n[stderr]\n{}", self.tail("stdout"), self.tail("stderr"))
    }

    fn tail(&self, name: &str) -> String {
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(self.directory.join(name))?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(MAX_OUTPUT)))?;
            let mut bytes = Vec::new();
            file.take(MAX_OUTPUT).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        // One whose file is not there printed nothing.
        String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
    }
}
