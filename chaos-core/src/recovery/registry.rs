use std::{collections::BTreeMap, fmt, sync::Arc};

use serde_json::Value;

use super::{BoxRecovery, Recovery, RecoveryRecord};
use crate::error::{Error, ErrorKind, Result};

/// Reads recoveries back from the journal: a map from [`Recovery::KIND`] to a decoder.
///
/// Registration is explicit. Before it injects, a monkey refuses an event if its registry cannot read the event's
/// recovery back.
///
/// ```
/// use chaos_core::{Registry, testing::PowerOn};
///
/// let registry = Registry::default().register::<PowerOn>();
/// assert_eq!(registry.kinds().collect::<Vec<_>>(), ["chaos-core/power-on/1"]);
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    decoders: BTreeMap<&'static str, Decoder>,
}

type Decoder = Arc<dyn Fn(&Value) -> Result<BoxRecovery, serde_json::Error> + Send + Sync>;

impl Registry {
    /// Adds one kind of recovery.
    #[must_use]
    pub fn register<R: Recovery>(self) -> Self {
        self.register_with::<R>(|recovery| recovery)
    }

    /// Adds one kind of recovery that needs more than its data. `equip` receives each recovery that was read back, and
    /// adds the parts that no journal holds, such as the client of an API.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use chaos_core::{FaultId, Permit, Recovery, RecoveryScope, Registry, Result, TargetId, Verdict, async_trait};
    ///
    /// #[derive(Debug, Default)]
    /// struct Client;
    ///
    /// #[derive(Debug, serde::Serialize, serde::Deserialize)]
    /// struct SwitchOn {
    ///     switch: String,
    ///     #[serde(skip)]
    ///     client: Option<Arc<Client>>,
    /// }
    /// # #[async_trait]
    /// # impl Recovery for SwitchOn {
    /// #     const KIND: &'static str = "example/switch-on/1";
    /// #     async fn recover(&self, _: &RecoveryScope, _: &Permit) -> Result<()> { Ok(()) }
    /// #     async fn verify(&self, _: &RecoveryScope) -> Result<Verdict> { Ok(Verdict::Back) }
    /// #     fn by_hand(&self, _: &TargetId, _: FaultId) -> String { String::new() }
    /// # }
    ///
    /// let client = Arc::new(Client);
    /// let registry = Registry::default().register_with::<SwitchOn>(move |mut switch_on| {
    ///     switch_on.client = Some(Arc::clone(&client));
    ///     switch_on
    /// });
    /// assert_eq!(registry.kinds().collect::<Vec<_>>(), ["example/switch-on/1"]);
    /// ```
    #[must_use]
    pub fn register_with<R: Recovery>(mut self, equip: impl Fn(R) -> R + Send + Sync + 'static) -> Self {
        let decode = move |payload: &Value| R::deserialize(payload).map(|read| BoxRecovery::new(equip(read)));
        self.decoders.insert(R::KIND, Arc::new(decode));
        self
    }

    /// Adds everything that `other` knows.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.decoders.extend(other.decoders);
        self
    }

    /// Every kind that can be read, sorted.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.decoders.keys().copied()
    }

    /// Reads a recovery back.
    ///
    /// # Errors
    /// `NotFound` for a kind that was not registered; `Corrupt` for data that is not of that kind.
    pub fn read(&self, record: &RecoveryRecord) -> Result<BoxRecovery> {
        let decode = self.decoders.get(record.kind.as_str()).ok_or_else(|| {
            let known = self.kinds().collect::<Vec<_>>().join(", ");
            Error::new(
                ErrorKind::NotFound,
                "no recovery of this kind is registered: recover with the program that injected the fault, or \
                 register the kind",
            )
            .with("kind", &record.kind)
            .with("registered", known)
        })?;
        decode(&record.payload).map_err(|error| {
            Error::new(ErrorKind::Corrupt, "the recovery in the journal cannot be read")
                .with("kind", &record.kind)
                .caused_by(error)
        })
    }

    /// Encodes `recovery`, reads the text back as a later process would, and proves that both are the same.
    pub(crate) fn round_trip(&self, recovery: &BoxRecovery) -> Result<(RecoveryRecord, BoxRecovery)> {
        let record = recovery.record()?;
        let unreadable = |error: serde_json::Error| {
            Error::new(ErrorKind::Corrupt, "the recovery has no JSON text")
                .with("kind", recovery.kind())
                .caused_by(error)
        };
        let text = serde_json::to_string(&record).map_err(unreadable)?;
        let read_back = self.read(&serde_json::from_str(&text).map_err(unreadable)?)?;
        if read_back.record()? == record {
            Ok((record, read_back))
        } else {
            Err(Error::new(ErrorKind::Corrupt, "the recovery reads back differently from what was written")
                .with("kind", record.kind))
        }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.kinds()).finish()
    }
}
