//! The expiry of the credentials that sign calls.

use std::{
    env,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_credential_types::{
    Credentials,
    credential_feature::AwsCredentialFeature,
    provider::{self, ProvideCredentials, SharedCredentialsProvider, future},
};
use chaos_core::{Error, ErrorKind, Result};
use jiff::{SignedDuration, Timestamp};

use crate::client::error::without_credentials;

/// The expiry that some tools put into the environment together with credentials, and that the SDK does not read.
const EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";

/// Credentials that remember the expiry of the latest ones.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    source: SharedCredentialsProvider,
    last: Arc<Mutex<Option<End>>>,
}

/// The expiry of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Never, or at an unknown time, or their source renews them before that.
    None,
    At(Timestamp),
}

impl Watched {
    pub(crate) fn over(source: SharedCredentialsProvider) -> Self {
        Self { source, last: Arc::default() }
    }

    /// Checks that they are valid for this long from now.
    ///
    /// # Errors
    /// `Denied` with both times if they expire before, because a fault might then not be undone. Other kinds if there
    /// are no credentials.
    pub(crate) async fn outlast(&self, within: Duration, now: Timestamp) -> Result<()> {
        let needed = now.saturating_add(SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX));
        let needed = needed.unwrap_or(Timestamp::MAX);
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(end) = last
            && end.is_after(needed)
        {
            return Ok(());
        }
        // Their source may have newer ones by now.
        match end_of(&self.ask().await?) {
            End::At(end) if end < needed => {
                let what = "the AWS credentials expire before the fault is certainly undone; get new ones, or shorten \
                    the hold";
                let error = Error::new(ErrorKind::Denied, what);
                Err(error.with("they_end", end).with("undone_by", needed))
            }
            _ => Ok(()),
        }
    }

    async fn ask(&self) -> Result<Credentials> {
        self.provide_credentials().await.map_err(|error| {
            let (kind, what) = without_credentials(&error);
            Error::new(kind, what).caused_by(error)
        })
    }

    async fn remember(&self) -> provider::Result {
        let given = self.source.provide_credentials().await?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(end_of(&given));
        Ok(given)
    }
}

impl ProvideCredentials for Watched {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.remember())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.source.fallback_on_interrupt()
    }
}

impl End {
    fn is_after(self, needed: Timestamp) -> bool {
        match self {
            Self::None => true,
            Self::At(end) => end >= needed,
        }
    }
}

fn end_of(given: &Credentials) -> End {
    let features = given.get_property::<Vec<AwsCredentialFeature>>().map(Vec::as_slice).unwrap_or_default();
    if features.iter().any(renews) {
        return End::None;
    }
    let is_of_environment = features.contains(&AwsCredentialFeature::CredentialsEnvVars);
    let told = || env::var(EXPIRATION).ok()?.trim().parse().ok();
    let end = given.expiry().and_then(|end| Timestamp::try_from(end).ok());
    end.or_else(|| if is_of_environment { told() } else { None }).map_or(End::None, End::At)
}

/// Whether their source renews them: instance metadata, containers, assumed roles, a lasting login.
fn renews(feature: &AwsCredentialFeature) -> bool {
    use AwsCredentialFeature::{
        CredentialsHttp, CredentialsImds, CredentialsLogin, CredentialsSso, CredentialsStsAssumeRole,
        CredentialsStsAssumeRoleWebId,
    };
    matches!(
        feature,
        CredentialsHttp
            | CredentialsImds
            | CredentialsLogin
            | CredentialsSso
            | CredentialsStsAssumeRole
            | CredentialsStsAssumeRoleWebId
    )
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    const NOW: &str = "2026-03-02T09:00:00Z";

    fn credentials(ends_in: Option<i64>) -> Credentials {
        let now: Timestamp = NOW.parse().unwrap();
        let end = ends_in.map(|seconds| (now + SignedDuration::from_secs(seconds)).into());
        Credentials::new("key", "secret", None, end, "test")
    }

    /// Gives credentials that end this many seconds from now, and a minute later each time.
    #[derive(Debug)]
    struct Later(AtomicI64);

    impl ProvideCredentials for Later {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::ready(Ok(credentials(Some(self.0.fetch_add(60, Ordering::SeqCst)))))
        }
    }

    async fn lasts(watched: &Watched, seconds: u64) -> Result<()> {
        watched.outlast(Duration::from_secs(seconds), NOW.parse().unwrap()).await
    }

    #[tokio::test]
    async fn credentials_that_end_too_soon_are_a_doubt_that_names_both_times() {
        let ending = Watched::over(SharedCredentialsProvider::new(credentials(Some(600))));
        lasts(&ending, 600).await.unwrap();
        let error = lasts(&ending, 601).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        let text = error.to_string();
        assert!(text.contains("2026-03-02T09:10:00Z") && text.contains("2026-03-02T09:10:01Z"), "{text}");
        let endless = Watched::over(SharedCredentialsProvider::new(credentials(None)));
        lasts(&endless, u64::MAX).await.unwrap();
        assert!(lasts(&ending, u64::MAX).await.is_err());
    }

    #[tokio::test]
    async fn a_source_is_asked_whether_it_has_later_ones() {
        let watched = Watched::over(SharedCredentialsProvider::new(Later(AtomicI64::new(60))));
        watched.provide_credentials().await.unwrap();
        lasts(&watched, 100).await.unwrap();
        assert!(lasts(&watched, 1_000).await.is_err());
    }

    #[test]
    fn what_renews_itself_has_no_end() {
        let of = |feature| {
            let mut given = credentials(Some(1));
            given.set_property(vec![feature]);
            end_of(&given)
        };
        for renewing in [
            AwsCredentialFeature::CredentialsImds,
            AwsCredentialFeature::CredentialsHttp,
            AwsCredentialFeature::CredentialsSso,
            AwsCredentialFeature::CredentialsStsAssumeRole,
            AwsCredentialFeature::CredentialsStsAssumeRoleWebId,
        ] {
            assert_eq!(of(renewing.clone()), End::None, "{renewing:?}");
        }
        for ending in [AwsCredentialFeature::CredentialsCode, AwsCredentialFeature::CredentialsEnvVars] {
            assert!(matches!(of(ending.clone()), End::At(_)), "{ending:?}");
        }
    }
}
