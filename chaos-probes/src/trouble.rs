use std::{fmt, io, time::Duration};

use chaos_core::{Error, ErrorKind, Result, clock::Clock, steady_state::Reading, text::duration_text};

/// The most of an answer that is read, in bytes.
pub(crate) const LONGEST: usize = 1024 * 1024;

/// Why a look yielded no value.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The system did not answer.
    NoAnswer(String),
    /// Nobody could look.
    Doubt(Error),
}

impl Trouble {
    pub(crate) fn no_answer(why: impl fmt::Display) -> Self {
        Self::NoAnswer(why.to_string())
    }

    /// As a probe tells it.
    pub(crate) fn into_reading(self) -> Result<Reading> {
        match self {
            Self::NoAnswer(why) => Ok(Reading::no_answer(why)),
            Self::Doubt(error) => Err(error),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Doubt(error)
    }
}

/// A look with a time limit, after which the system has not answered.
pub(crate) async fn answered_within<T>(
    limit: Duration,
    clock: &dyn Clock,
    looking: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    tokio::select! {
        biased;
        looked = looking => looked,
        () = clock.sleep(limit) => Err(Trouble::no_answer(silent_for(limit))),
    }
}

pub(crate) fn silent_for(limit: Duration) -> String {
    format!("silent for {}", duration_text(limit))
}

/// Refuses a time limit of zero.
pub(crate) fn check_limit(limit: Duration) -> Result<()> {
    if limit.is_zero() {
        return Err(Error::invalid("answering_within", "0s", "more than zero"));
    }
    Ok(())
}

/// The doubt that an error of the operating system means, if it is about this machine and not about the other side.
pub(crate) fn local_trouble(error: &io::Error) -> Option<Error> {
    let scarce = scarcity(error)?;
    // An `io::Error` cannot be cloned.
    let copy = error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
    let what = format!("a probe could not look for lack of {scarce}");
    Some(Error::new(ErrorKind::Unavailable, what).caused_by(copy))
}

#[cfg(unix)]
fn scarcity(error: &io::Error) -> Option<&'static str> {
    use rustix::io::Errno;

    Some(match Errno::from_io_error(error)? {
        Errno::NOMEM | Errno::NOBUFS => "memory",
        Errno::MFILE => "file descriptors of this process: see `ulimit -n`",
        Errno::NFILE => "file descriptors of this machine: see /proc/sys/fs/file-max",
        Errno::ADDRNOTAVAIL => "free local ports",
        _ => return None,
    })
}

#[cfg(not(unix))]
fn scarcity(error: &io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        io::ErrorKind::OutOfMemory => "memory",
        io::ErrorKind::AddrNotAvailable => "free local ports",
        _ => return None,
    })
}
