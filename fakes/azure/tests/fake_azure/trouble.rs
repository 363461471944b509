use std::time::Duration;

use fake_azure::{FakeArm, NewAvailabilitySet, Pace, PowerState, Trouble};

use crate::client::{get, machine, post, send};

fn world() -> (FakeArm, String) {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    fake.configure(|settings| settings.pace = Pace::Milliseconds(0));
    (fake, machine("shop", "web-0"))
}

#[test]
fn trouble_meets_the_requests_that_it_is_for() {
    let (fake, web) = world();
    fake.trouble(Trouble::throttle(3).on("POST", "*/web-0/powerOff").nth(2).times(2));
    let off = format!("{web}/powerOff");
    let statuses: Vec<u16> = (0..4).map(|_| post(&fake, &off).status).collect();
    assert_eq!(statuses, [202, 429, 429, 202]);
    assert_eq!(post(&fake, &format!("{}/powerOff", machine("shop", "web-1"))).status, 202);
    fake.trouble(Trouble::throttle(3).on("GET", "*/POWEROFF"));
    assert_eq!(post(&fake, &off).status, 202);
    fake.trouble(Trouble::throttle(3));
    let throttled = get(&fake, &web);
    assert_eq!(
        (throttled.status, throttled.header("Retry-After"), throttled.code()),
        (429, Some("3"), "TooManyRequests")
    );
}

#[test]
fn trouble_for_ever_lasts_until_it_is_ended() {
    let (fake, web) = world();
    fake.trouble(Trouble::unavailable().on("GET", "*").for_ever());
    assert!((0..5).all(|_| get(&fake, &web).status == 503));
    fake.end_trouble();
    assert_eq!(get(&fake, &web).status, 200);
}

#[test]
fn errors_are_told_and_nothing_happens() {
    let (fake, web) = world();
    for (trouble, status, code) in [
        (Trouble::internal_error(), 500, "InternalServerError"),
        (Trouble::unavailable(), 503, "ServiceUnavailable"),
        (Trouble::forbid(), 403, "AuthorizationFailed"),
        (Trouble::expire_token(), 401, "ExpiredAuthenticationToken"),
        (Trouble::error(409, "AllocationFailed", "no room"), 409, "AllocationFailed"),
    ] {
        fake.trouble(trouble.on("POST", "*/powerOff"));
        let refused = post(&fake, &format!("{web}/powerOff"));
        assert_eq!((refused.status, refused.code()), (status, code));
        assert_eq!(fake.power_state(&web), Some(PowerState::Running));
    }
}

#[test]
fn a_cut_comes_before_or_after_it_happens() {
    let (fake, web) = world();
    let off = format!("{web}/powerOff");
    fake.trouble(Trouble::cut_before().on("POST", "*"));
    assert!(send(&fake, "POST", &off, &[], None).is_none());
    assert_eq!(fake.power_state(&web), Some(PowerState::Running));
    fake.trouble(Trouble::cut_after().on("POST", "*"));
    assert!(send(&fake, "POST", &off, &[], None).is_none());
    assert_eq!(fake.power_state(&web), Some(PowerState::Stopped));
    let requests = fake.requests();
    assert_eq!(requests.iter().map(|request| request.status).collect::<Vec<_>>(), [None, None]);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test measures the time of an answer")]
fn a_delay_holds_the_answer_back_and_not_what_happens() {
    let (fake, web) = world();
    fake.trouble(Trouble::delay(300).on("POST", "*"));
    let begun = std::time::Instant::now();
    assert_eq!(post(&fake, &format!("{web}/powerOff")).status, 202);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(get(&fake, &web).status, 200);
}
