use crate::model::identity::ProcessIdentity;

/// With more processes than this, nobody would type the command, and a shell may not accept it.
const MOST: usize = 64;

/// A shell command that continues these processes on this machine. It continues each only if it still is the process
/// that started at that time, because a process id may belong to another process by the time somebody reads this.
/// `None` without any process, and for too many.
pub(crate) fn continued(processes: &[ProcessIdentity]) -> Option<String> {
    if processes.is_empty() || processes.len() > MOST {
        return None;
    }
    let all: Vec<String> = processes.iter().map(ToString::to_string).collect();
    // The process chooses its name in `stat`, which stands in parentheses: the fields begin after the last parenthesis,
    // on the last line.
    let started = r#"$(LC_ALL=C sed -n '$s/.*) //p' "/proc/${p%.*}/stat" | cut -d ' ' -f 20)"#;
    let all = all.join(" ");
    Some(format!(r#"for p in {all}; do [ "{started}" = "${{p#*.}}" ] && kill -CONT "${{p%.*}}"; done"#))
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::PermissionsExt,
        process::{Child, Command},
        time::Duration,
    };

    use chaos_core::clock::{Clock, SystemClock};
    use rustix::process::{Signal, kill_process};

    use super::*;
    use crate::model::identity::{AsProcess, ProcessStat};

    /// It ends with the test, even if the test fails.
    struct Stopped(Child);

    impl Stopped {
        async fn new(program: &str) -> Self {
            let child = Self(Command::new(program).arg("600").spawn().unwrap());
            kill_process(child.identity().raw_pid().unwrap(), Signal::STOP).unwrap();
            while !child.is_stopped() {
                SystemClock::default().sleep(Duration::from_millis(1)).await;
            }
            child
        }

        fn identity(&self) -> ProcessIdentity {
            self.0.identity().unwrap()
        }

        fn is_stopped(&self) -> bool {
            ProcessStat::read(self.0.id()).unwrap().unwrap().is_stopped()
        }
    }

    impl Drop for Stopped {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn run(command: &str) {
        Command::new("/bin/sh")
            .args(["-c", command])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .status()
            .unwrap();
    }

    #[tokio::test]
    async fn it_continues_who_is_named_whatever_they_call_themselves() {
        let directory = tempfile::tempdir().unwrap();
        let hostile = directory.path().join("x) S 1 (\n) T 2");
        fs::copy("/bin/sleep", &hostile).unwrap();
        fs::set_permissions(&hostile, fs::Permissions::from_mode(0o755)).unwrap();
        let named = [Stopped::new("sleep").await, Stopped::new(hostile.to_str().unwrap()).await];
        let other = Stopped::new("sleep").await;
        run(&continued(&named.each_ref().map(Stopped::identity)).unwrap());
        assert_eq!(named.each_ref().map(Stopped::is_stopped), [false; 2]);
        assert!(other.is_stopped());
    }

    #[tokio::test]
    async fn it_touches_nobody_who_has_the_process_id_of_another() {
        let later = Stopped::new("sleep").await;
        let identity = later.identity();
        let before = format!("{}.{}", identity.pid(), identity.start_time() - 1).parse().unwrap();
        run(&continued(&[before]).unwrap());
        assert!(later.is_stopped());
    }

    #[test]
    fn it_is_one_line_of_a_shell() {
        let processes = ["4711.158125".parse().unwrap(), "4712.158130".parse().unwrap()];
        let command = continued(&processes).unwrap();
        assert!(command.starts_with("for p in 4711.158125 4712.158130; do "), "{command}");
        assert!(!command.contains('\n'));
        assert_eq!(continued(&[]), None);
        assert_eq!(continued(&[processes[0]; MOST + 1]), None);
    }
}
