//! No refusal ends a recovery before its budget is spent. The next caller keeps the wait that Azure asks for.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    http::{AsyncRawResponse, HttpClient, Request, Url, new_http_client},
    time::OffsetDateTime,
};
use chaos_azure::{AvailabilitySets, AzureBuilder};
use chaos_core::{BlastRadius, ErrorKind, MemoryJournal, Monkey, Provider, TargetId, clock::Clock};
use chaos_events::Stop;
use fake_azure::{FakeArm, NewAvailabilitySet, PowerState, Trouble};
use jiff::Timestamp;

use crate::{
    cloud::{SUBSCRIPTION, count, list, machine, only_group, sets, until, until_stopped},
    fast_clock::FastClock,
};

fn world() -> FakeArm {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    fake
}

fn web() -> TargetId {
    format!("azure-avset:{SUBSCRIPTION}/shop/web/web-0").parse().unwrap()
}

/// The issuer of tokens, in several states. The fake has no certificate.
#[derive(Debug)]
struct Authority {
    fake: Url,
    inner: Arc<dyn HttpClient>,
    is_behind_a_proxy: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

#[async_trait]
impl HttpClient for Authority {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut request = request.clone();
        if request.url().scheme() == "https" {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.is_behind_a_proxy.load(Ordering::SeqCst) {
                let page = "<html>who are you?</html>";
                return Ok(AsyncRawResponse::from_bytes(407.into(), Default::default(), page));
            }
            let url = request.url_mut();
            url.set_scheme("http").unwrap();
            url.set_host(self.fake.host_str()).unwrap();
            url.set_port(self.fake.port()).unwrap();
        }
        self.inner.execute_request(&request).await
    }
}

fn principal(fake: &FakeArm, authority: Authority) -> AzureBuilder<AvailabilitySets> {
    AvailabilitySets::builder()
        .subscription(SUBSCRIPTION)
        .endpoint(fake.endpoint())
        .authority("https://login.example")
        .client_secret(FakeArm::TENANT, FakeArm::CLIENT, FakeArm::SECRET)
        .http_client(Arc::new(authority))
}

fn authority(fake: &FakeArm) -> Authority {
    Authority {
        fake: Url::parse(fake.endpoint()).unwrap(),
        inner: new_http_client(None),
        is_behind_a_proxy: Arc::default(),
        asked: Arc::default(),
    }
}

fn monkey(provider: impl Provider) -> Monkey {
    Monkey::builder()
        .provider(provider)
        .blast_radius(BlastRadius::default().min_healthy(0))
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_refused_for_a_while_the_machine_comes_back() {
    let refusals = [
        Trouble::forbid(),
        Trouble::error(404, "SubscriptionNotFound", "The subscription could not be found."),
        Trouble::error(400, "SomethingNew", "Nobody knows why."),
        Trouble::error(404, "", "Lost."),
        Trouble::error(404, "no_Route", "no Route matched with those values"),
        Trouble::error(410, "Retired", "This address is no more."),
        Trouble::expire_token(),
    ];
    let cases = refusals.map(|refusal| async move {
        let fake = Arc::new(world());
        let monkey = monkey(sets(&fake).build().unwrap());
        let stop = Stop::lasting(Duration::from_secs(3)).unwrap();
        let holding = tokio::spawn(async move { monkey.inject(stop, &web()).await });
        until_stopped(&fake, "web-0").await;
        fake.forget_requests();
        fake.trouble(refusal.clone().for_ever());
        until("its recovery is refused", || {
            fake.requests().iter().filter(|request| request.status != Some(200)).count() >= 6
        })
        .await;
        assert_eq!(count(&fake, "POST", "/start"), 0, "{refusal:?}");
        fake.end_trouble();
        let report = holding.await.unwrap().unwrap();
        assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{refusal:?}: {report:?}");
        assert_eq!(fake.power_state(&machine("web-0")), Some(PowerState::Running), "{refusal:?}");
    });
    futures_util::future::join_all(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_behind_a_proxy_is_renewed_when_the_proxy_lets_it() {
    let fake = Arc::new(world());
    let authority = authority(&fake);
    let (is_behind, asked) = (Arc::clone(&authority.is_behind_a_proxy), Arc::clone(&authority.asked));
    let provider = principal(&fake, authority).build().unwrap();
    let monkey = monkey(provider.clone());
    let stop = Stop::lasting(Duration::from_secs(3)).unwrap();
    let holding = tokio::spawn(async move { monkey.inject(stop, &web()).await });
    until_stopped(&fake, "web-0").await;
    is_behind.store(true, Ordering::SeqCst);
    fake.expire_tokens();
    let before = asked.load(Ordering::SeqCst);
    until("tokens were asked for in vain", || asked.load(Ordering::SeqCst) >= before + 3).await;
    let error = provider.resolve(&web()).await.unwrap_err();
    assert_eq!((error.kind(), error.is_final()), (ErrorKind::Unavailable, false), "{error:?}");
    assert!(error.to_string().contains("is there a proxy or a login page in between?"), "{error}");
    is_behind.store(false, Ordering::SeqCst);
    let report = holding.await.unwrap().unwrap();
    assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{report:?}");
    assert_eq!(fake.power_state(&machine("web-0")), Some(PowerState::Running));
}

/// The credentials of the SDK cache a token until it is about to expire.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_token_was_refused_a_credential_made_anew_is_asked() {
    let fake = world();
    let provider = principal(&fake, authority(&fake)).build().unwrap();
    assert_eq!(only_group(&provider).await.healthy(), 2);
    fake.expire_tokens();
    assert_eq!(only_group(&provider).await.healthy(), 2, "a new token is asked for");
    assert_eq!(count(&fake, "POST", "/oauth2/v2.0/token"), 2);
}

/// A credential that hangs, like a program that waits for a password.
#[derive(Debug)]
struct Hangs;

#[async_trait]
impl TokenCredential for Hangs {
    async fn get_token(
        &self,
        _: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        std::future::pending::<()>().await;
        Ok(AccessToken::new("never", OffsetDateTime::now_utc()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_not_waited_for_for_ever() {
    let fake = world();
    let provider = sets(&fake).credential(Arc::new(Hangs)).clock(FastClock::start()).build().unwrap();
    let error = list(&provider).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.to_string().contains("did not provide Azure credentials in time"), "{error}");
}

/// A clock that only sleeping advances, and that keeps the time slept.
#[derive(Debug, Default)]
struct Diary(Mutex<Vec<Duration>>);

#[async_trait]
impl Clock for Diary {
    fn now(&self) -> Timestamp {
        "2026-03-02T09:00:00Z".parse::<Timestamp>().unwrap() + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.0.lock().unwrap().iter().sum()
    }

    async fn sleep(&self, duration: Duration) {
        // Time-outs of a minute are not awaited here.
        if duration >= Duration::from_secs(60) {
            return std::future::pending().await;
        }
        self.0.lock().unwrap().push(duration);
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_azure_asks_to_wait_is_kept_by_whoever_asks_next() {
    let fake = world();
    let clock = Arc::new(Diary::default());
    let provider = sets(&fake).clock(Arc::clone(&clock) as Arc<_>).build().unwrap();
    fake.trouble(Trouble::throttle(40));
    let error = provider.resolve(&web()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!(error.asks_to_wait(), Some(Duration::from_secs(40)), "{error}");
    assert_eq!(clock.monotonic(), Duration::ZERO, "whoever asked is told at once, and waits as it sees fit");
    // Bounded, so that a recovery tries before its budget ends.
    assert!(provider.resolve(&web()).await.unwrap().is_some());
    assert_eq!(clock.monotonic(), Duration::from_secs(15));
    assert!(provider.resolve(&web()).await.unwrap().is_some());
    assert_eq!(clock.monotonic(), Duration::from_secs(15), "once it is over, nobody waits");
}

/// The text of a TLS library about a certificate is the reason, at any place in the chain.
#[derive(Debug)]
struct Untrusted;

#[async_trait]
impl HttpClient for Untrusted {
    async fn execute_request(&self, _: &Request) -> azure_core::Result<AsyncRawResponse> {
        let below = std::io::Error::other("invalid peer certificate: UnknownIssuer");
        Err(azure_core::Error::new(azure_core::error::ErrorKind::Connection, below))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_trusted_is_named() {
    let fake = world();
    let provider =
        sets(&fake).http_client(Arc::new(Untrusted)).clock(Arc::new(Diary::default())).build().unwrap();
    let error = provider.resolve(&web()).await.unwrap_err();
    assert!(error.to_string().contains("certificate") && error.is_retryable(), "{error}");
}
