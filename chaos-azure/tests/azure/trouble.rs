//! Refusals of Azure, with texts that a person can act upon.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    error::ErrorKind as AzureKind,
    http::{AsyncRawResponse, HttpClient, Request, Url, new_http_client},
    time::OffsetDateTime,
};
use chaos_azure::{AvailabilitySets, AzureBuilder};
use chaos_core::{Error, ErrorKind, MemoryJournal, Monkey, Provider};
use chaos_events::Stop;
use fake_azure::{FakeArm, NewAvailabilitySet, NewSubscription, Role, Trouble};

use crate::{
    cloud::{SUBSCRIPTION, count, list, only_group, sets},
    fast_clock::FastClock,
};

const OTHER: &str = "99999999-9999-4999-8999-999999999999";

fn world() -> FakeArm {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    fake
}

/// A credential without a token.
#[derive(Debug)]
struct Nobody;

#[async_trait]
impl TokenCredential for Nobody {
    async fn get_token(
        &self,
        _: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        Err(azure_core::Error::with_message(AzureKind::Credential, "nobody has logged in"))
    }
}

/// Sends requests for the authority to the fake, which has no certificate.
#[derive(Debug)]
struct ToFake {
    fake: Url,
    inner: Arc<dyn HttpClient>,
}

#[async_trait]
impl HttpClient for ToFake {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut request = request.clone();
        let url = request.url_mut();
        if url.scheme() == "https" {
            assert_eq!(url.host_str(), Some("login.example"), "tokens are asked for where they should be");
            url.set_scheme("http").unwrap();
            url.set_host(self.fake.host_str()).unwrap();
            url.set_port(self.fake.port()).unwrap();
        }
        self.inner.execute_request(&request).await
    }
}

/// With a service principal.
fn principal(fake: &FakeArm, tenant: &str, secret: &str) -> AzureBuilder<AvailabilitySets> {
    let http = ToFake { fake: Url::parse(fake.endpoint()).unwrap(), inner: new_http_client(None) };
    AvailabilitySets::builder()
        .subscription(SUBSCRIPTION)
        .endpoint(fake.endpoint())
        .authority("https://login.example")
        .client_secret(tenant, FakeArm::CLIENT, secret)
        .http_client(Arc::new(http))
}

async fn refused(builder: AzureBuilder<AvailabilitySets>) -> Error {
    let provider = builder.build().unwrap();
    let error = list(&provider).await.unwrap_err();
    let monkey = Monkey::builder()
        .provider(provider)
        .event(Stop::default())
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert!(report.faults.is_empty() && !report.plan.doubts.is_empty(), "{report:?}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_principal_gets_one_token_for_many_requests() {
    let fake = world();
    let provider = principal(&fake, FakeArm::TENANT, FakeArm::SECRET).build().unwrap();
    assert_eq!(only_group(&provider).await.healthy(), 2);
    assert_eq!(only_group(&provider).await.healthy(), 2);
    assert_eq!(count(&fake, "POST", "/oauth2/v2.0/token"), 1);
    let token = fake.requests().into_iter().find(|request| request.path.ends_with("/token")).unwrap();
    let form = token.body.unwrap().to_string();
    assert!(form.contains("management.azure.com") && form.contains(".default"), "{form}");
}

/// A credential whose first token is no longer valid.
#[derive(Debug, Default)]
struct Renewed(AtomicUsize);

#[async_trait]
impl TokenCredential for Renewed {
    async fn get_token(
        &self,
        _: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let is_first = self.0.fetch_add(1, Ordering::SeqCst) == 0;
        let token = if is_first { "revoked" } else { FakeArm::TOKEN };
        Ok(AccessToken::new(token, OffsetDateTime::now_utc() + azure_core::time::Duration::hours(1)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_before_its_time_is_asked_for_again_once() {
    let fake = world();
    let credential = Arc::new(Renewed::default());
    let provider = sets(&fake).credential(Arc::clone(&credential) as Arc<_>).build().unwrap();
    assert_eq!(only_group(&provider).await.healthy(), 2);
    assert_eq!(credential.0.load(Ordering::SeqCst), 2);
    fake.trouble(Trouble::expire_token().for_ever());
    fake.forget_requests();
    let error = list(&provider).await.unwrap_err();
    assert_eq!((error.kind(), fake.requests().len()), (ErrorKind::Denied, 2));
    assert!(error.to_string().contains("refresh them"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_credentials_or_with_wrong_ones_the_error_says_so_and_nothing_is_injected() {
    let fake = world();
    let error = refused(sets(&fake).credential(Arc::new(Nobody))).await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert!(error.to_string().starts_with("the Azure credentials could not be fetched"), "{error}");
    assert!(error.chain().contains("nobody has logged in"), "{}", error.chain());

    let error = refused(principal(&fake, FakeArm::TENANT, "wrong secret")).await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert!(error.chain().contains("AADSTS7000215"), "{}", error.chain());
    assert!(!format!("{error:?}").contains("wrong secret"), "{error:?}");

    let error = refused(principal(&fake, OTHER, FakeArm::SECRET)).await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert!(error.chain().contains("AADSTS90002"), "{}", error.chain());
    assert!(!format!("{error:?}").contains(FakeArm::SECRET), "{error:?}");
    assert!(!error.is_retryable());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_cannot_be_seen_is_no_empty_one() {
    let fake = world();
    let error = refused(sets(&fake).subscription(OTHER)).await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert!(error.to_string().contains("assign them a role in it"), "{error}");

    fake.add(NewSubscription::new(OTHER).of_tenant("88888888-8888-4888-8888-888888888888"));
    let error = refused(sets(&fake).subscription(OTHER)).await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert!(error.to_string().contains("a different tenant"), "{error}");

    fake.assign(Role::owner().within([format!("/subscriptions/{OTHER}")]));
    let error = refused(sets(&fake)).await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert!(error.to_string().contains("missing=\"Microsoft.Compute/availabilitySets/read\""), "{error}");
    assert!(error.to_string().contains(&format!("scope=\"/subscriptions/{SUBSCRIPTION}\"")), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_breaks_off_is_an_error_and_no_shorter_list() {
    let fake = world();
    fake.add(NewAvailabilitySet::new("shop", "db").machines(7));
    fake.configure(|settings| settings.page_size = 2);
    let provider = sets(&fake).clock(FastClock::start()).build().unwrap();
    for (path, nth) in [("*/availabilitySets", 1), ("*/virtualMachines", 1), ("*/virtualMachines", 6)] {
        for (trouble, kind) in [
            (Trouble::internal_error(), ErrorKind::Unavailable),
            (Trouble::throttle(0), ErrorKind::Throttled),
            (Trouble::cut_before(), ErrorKind::Unavailable),
            (Trouble::forbid(), ErrorKind::Denied),
        ] {
            fake.trouble(trouble.clone().on("GET", path).nth(nth).for_ever());
            let error = list(&provider).await.expect_err(path);
            assert_eq!(error.kind(), kind, "{trouble:?}: {error:?}");
            assert!(error.context().any(|(key, _)| key == "action"), "{error}");
            fake.end_trouble();
            assert_eq!(list(&provider).await.unwrap().len(), 2);
        }
    }
    // Temporary failures are retried.
    fake.trouble(Trouble::throttle(1).on("GET", "*/virtualMachines").nth(2));
    fake.trouble(Trouble::internal_error().on("GET", "*/availabilitySets"));
    fake.trouble(Trouble::cut_after().on("GET", "*/virtualMachines").nth(4));
    assert_eq!(list(&provider).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_throttled_is_given_again_and_one_that_fails_in_passing_is_not() {
    for (trouble, orders, is_hurt) in [
        (Trouble::throttle(1), 2, false),
        (Trouble::internal_error(), 1, true),
        (Trouble::unavailable(), 1, true),
    ] {
        let fake = world();
        fake.trouble(trouble.on("POST", "*/powerOff"));
        let provider = sets(&fake).build().unwrap();
        let target = only_group(&provider).await.members[0].target.id().clone();
        let monkey = Monkey::builder()
            .provider(provider)
            .unleash(MemoryJournal::new(), chaos_events::registry())
            .build()
            .unwrap();
        let stop = Stop::lasting(Duration::from_secs(10)).unwrap();
        let report = monkey.inject(stop, &target).await.unwrap();
        assert!(report.is_recovered(), "{report:?}");
        assert_eq!(report.faults[0].failure.is_some(), is_hurt, "{report:?}");
        assert_eq!(count(&fake, "POST", "/powerOff"), orders);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_nobody_answers_at_is_no_empty_list() {
    let fake = world();
    let builder = sets(&fake);
    drop(fake);
    let error = list(&builder.build().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.is_retryable());
}

/// Answers one request, with an address elsewhere.
#[derive(Debug)]
struct LeadsAway(&'static str);

#[async_trait]
impl HttpClient for LeadsAway {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        assert_eq!(request.url().host_str(), Some("arm.example"), "a token was sent away");
        let body = format!(r#"{{"value":[],"nextLink":"{}"}}"#, self.0);
        Ok(AsyncRawResponse::from_bytes(200.into(), Default::default(), body))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_at_another_host_is_not_followed_and_neither_is_a_circle() {
    for (address, words) in [
        ("https://evil.example/subscriptions/x", "another host"),
        ("http://arm.example/subscriptions/x", "another host"),
        ("https://arm.example:8443/subscriptions/x", "another host"),
        ("https://arm.example/again", "returned to an earlier page"),
    ] {
        let provider = AvailabilitySets::builder()
            .subscription(SUBSCRIPTION)
            .endpoint("https://arm.example")
            .credential(Arc::new(crate::cloud::KnownToken))
            .http_client(Arc::new(LeadsAway(address)))
            .build()
            .unwrap();
        let error = list(&provider).await.unwrap_err();
        assert!(error.to_string().contains(words), "{address}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_certain_to_be_gone_is_an_error() {
    let fake = world();
    let provider = sets(&fake).build().unwrap();
    let machine = format!("azure-avset:{SUBSCRIPTION}/shop/web/web-9").parse().unwrap();
    assert!(provider.resolve(&machine).await.unwrap().is_none());
    let group = format!("azure-avset:{SUBSCRIPTION}/nowhere/web/web-9").parse().unwrap();
    assert!(provider.resolve(&group).await.unwrap().is_none(), "gone with its resource group");
    let elsewhere = format!("azure-avset:{OTHER}/shop/web/web-0").parse().unwrap();
    assert_eq!(provider.resolve(&elsewhere).await.unwrap_err().kind(), ErrorKind::Denied);
    for trouble in [Trouble::forbid(), Trouble::internal_error(), Trouble::cut_before()] {
        fake.trouble(trouble.for_ever());
        assert!(provider.resolve(&machine).await.is_err());
        fake.end_trouble();
    }
}
