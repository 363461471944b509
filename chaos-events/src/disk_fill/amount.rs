use chaos_core::Prepared;

/// How much of a file system is filled.
#[derive(Clone, Copy, Debug)]
pub(super) enum Amount {
    /// In hundredths of a percent.
    UpTo(u32),
    Bytes(u64),
    AllBut(u64),
}

impl Amount {
    /// The form for the script.
    pub(super) fn parameters(self) -> (&'static str, u64) {
        match self {
            Self::UpTo(hundredths) => ("percent", u64::from(hundredths)),
            Self::Bytes(bytes) => ("bytes", bytes),
            Self::AllBut(bytes) => ("all_but", bytes),
        }
    }

    pub(super) fn request(self, prepared: Prepared, free: u64) -> Prepared {
        match self {
            Self::UpTo(hundredths) => prepared.requesting("used_percent", f64::from(hundredths) / 100.0),
            Self::Bytes(bytes) => prepared.requesting("bytes", bytes as f64),
            Self::AllBut(bytes) => prepared.requesting("bytes", free.saturating_sub(bytes) as f64),
        }
    }
}
