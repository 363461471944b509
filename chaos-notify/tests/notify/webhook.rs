use std::{env, time::Duration};

use chaos_core::{
    ErrorKind, MemoryJournal, Monkey, Outcome, Registry,
    clock::{Clock, SystemClock},
    event::Hold,
    testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
};
use chaos_notify::{
    Channel, Notifier, Settings,
    webhook::{Style, Webhook},
};
use ring::hmac;
use serde_json::Value;

use crate::{
    http_server::{Server, Then, status},
    said,
    tale::{Fast, HOSTILE, LONG, announce, fixture, recover},
};

fn notifier(webhook: Webhook) -> Notifier {
    Notifier::over(webhook, Settings::default())
}

#[tokio::test]
async fn our_own_json_is_delivered_and_its_signature_is_right() {
    let server = Server::with([]).await;
    let now = "2026-03-02T09:00:07Z".parse().unwrap();
    let webhook = Webhook::to(server.url("/chaos?a=b")).secret("correct horse");
    let webhook = webhook.clock(ManualClock::starting_at(now)).build().unwrap();
    let notifier = notifier(webhook);
    announce(&notifier, 1, "x:web/1").await.unwrap();
    recover(&notifier, 1, "x:web/1");
    let sent = notifier.flush(LONG).await;
    assert!(sent.is_complete() && sent.delivered == 2, "{sent}");
    let received = server.received();
    assert_eq!(received[0].path, "/chaos?a=b");
    assert_eq!(received[0].header("content-type"), "application/json");
    let message = received[0].json();
    assert_eq!((&message["kind"], &message["fault"]), (&"announced".into(), &"0000000000000001".into()));
    assert_eq!(received[0].header("chaos-message-id"), message["id"].as_str().unwrap());
    assert_eq!(received[1].json()["kind"], "recovered");
    for request in &received {
        let signature = request.header("chaos-signature");
        let hex = signature.strip_prefix("t=1772442007,v1=").unwrap_or_else(|| panic!("{signature}"));
        let tag = |from: usize| u8::from_str_radix(&hex[from..from + 2], 16).unwrap();
        let tag: Vec<u8> = (0..hex.len()).step_by(2).map(tag).collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"correct horse");
        let signed = format!("1772442007.{}", request.body);
        hmac::verify(&key, signed.as_bytes(), &tag).unwrap();
        hmac::verify(&key, signed.replace("web", "db").as_bytes(), &tag).unwrap_err();
    }
}

/// Everything that is text in a card.
fn runs(card: &Value) -> Vec<String> {
    let card = &card["attachments"][0]["content"];
    assert_eq!((&card["type"], &card["version"]), (&"AdaptiveCard".into(), &"1.4".into()));
    let elements = card["body"].as_array().unwrap().iter();
    let run = |element: &Value| {
        assert_eq!(element["type"], "RichTextBlock", "Markdown is only in a TextBlock and in facts");
        let inlines = element["inlines"].as_array().unwrap();
        assert_eq!((inlines.len(), &inlines[0]["type"]), (1, &"TextRun".into()));
        assert!(inlines[0].get("selectAction").is_none());
        inlines[0]["text"].as_str().unwrap().to_owned()
    };
    elements.map(run).collect()
}

#[tokio::test]
async fn hostile_names_mention_link_and_forge_nothing() {
    let server = Server::with([]).await;
    for style in [Style::Slack, Style::Teams] {
        let notifier = notifier(Webhook::to(server.url("/")).style(style).build().unwrap());
        for (number, target) in HOSTILE.iter().enumerate() {
            announce(&notifier, number, target).await.unwrap();
        }
        assert!(notifier.flush(LONG).await.is_complete());
    }
    let (slack, teams) = (&server.received()[..HOSTILE.len()], &server.received()[HOSTILE.len()..]);
    for request in slack {
        let payload = request.json();
        assert_eq!((&payload["mrkdwn"], &payload["parse"]), (&false.into(), &"none".into()));
        assert_eq!((&payload["link_names"], &payload["unfurl_links"]), (&false.into(), &false.into()));
        assert!(payload.get("blocks").is_none() && payload.get("attachments").is_none());
        let text = payload["text"].as_str().unwrap();
        assert!(!text.contains(['<', '>']), "{text}");
        assert!(text.contains("start it &amp; &lt;see&gt; [x](http://y)"), "{text}");
        let unescaped = text.replace("&lt;", "").replace("&gt;", "").replace("&amp;", "");
        assert!(!unescaped.contains('&'), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("Target: ")).count(), 1, "{text}");
    }
    assert!(slack[0].json()["text"].as_str().unwrap().contains("Target: x:web/&lt;!channel&gt;\n"));
    for (request, target) in teams.iter().zip(HOSTILE) {
        let message = request.json();
        assert_eq!(message["type"], "message");
        let attachment = &message["attachments"][0];
        assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
        // A mention needs an entity beside the text.
        assert!(attachment["content"]["msteams"].get("entities").is_none());
        let runs = runs(&message);
        assert!(runs.iter().all(|run| !run.contains(['\n', '\r', '\u{2028}'])), "{runs:?}");
        let shown = format!("Target: {}", chaos_core::text::escaped(target));
        assert_eq!(runs.iter().filter(|run| run.starts_with("Target: ")).collect::<Vec<_>>(), [&shown]);
    }
}

#[tokio::test]
async fn what_is_refused_for_now_is_delivered_in_the_end() {
    let later = Then::Answer(429, Some(("retry-after", "1".to_owned())), "slow down".to_owned());
    let server = Server::with([later, status(503)]).await;
    let notifier = notifier(Webhook::to(server.url("/")).build().unwrap());
    let clock = SystemClock::default();
    let begun = clock.monotonic();
    announce(&notifier, 1, "x:web/1").await.unwrap();
    let sent = notifier.flush(LONG).await;
    assert!(sent.is_complete() && sent.delivered == 1, "{sent}");
    // A second that was asked for, and two of the back-off.
    assert!(clock.monotonic() - begun >= Duration::from_secs(3));
    let received = server.received();
    assert_eq!(received.len(), 3);
    let ids: Vec<_> = received.iter().map(|request| request.header("chaos-message-id")).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn an_answer_says_whether_to_try_again() {
    let answer =
        |code, header: Option<(&'static str, String)>| Then::Answer(code, header, "b".repeat(1 << 20));
    let elsewhere = Server::with([]).await;
    for (then, kind, is_retryable) in [
        (answer(400, None), ErrorKind::Refused, false),
        (answer(401, None), ErrorKind::Denied, false),
        (answer(404, None), ErrorKind::NotFound, false),
        (answer(308, Some(("location", elsewhere.url("/")))), ErrorKind::Refused, false),
        (answer(408, None), ErrorKind::Unavailable, true),
        (answer(429, None), ErrorKind::Throttled, true),
        (answer(502, None), ErrorKind::Unavailable, true),
        (Then::Cut, ErrorKind::Unavailable, true),
    ] {
        let said = format!("{then:.20?}");
        let server = Server::with([then]).await;
        let webhook = Webhook::to(server.url("/")).build().unwrap();
        let notifier = Notifier::over(webhook, Settings::default().required());
        // The second attempt of what is tried again is taken.
        let sent = announce(&notifier, 1, "x:web/1").await;
        assert_eq!(sent.is_ok(), is_retryable, "{said}");
        if let Err(error) = sent {
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().len() < 600, "an answer is not told as a whole: {error}");
        }
    }
    assert!(elsewhere.received().is_empty(), "a redirect is not followed");
}

/// A monkey in a hurry, over a provider in memory.
async fn run(notifier: &Notifier) -> Outcome {
    let monkey = Monkey::builder()
        .provider(MemoryProvider::default().with_group("web", 5).unwrap())
        .event(PowerOff::lasting(Hold::lasting(Duration::from_secs(1)).unwrap()))
        .observer(notifier.clone())
        .clock(Fast(60))
        .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
        .build()
        .unwrap();
    monkey.run_once().await.unwrap().outcome()
}

#[tokio::test]
async fn neither_an_injection_nor_a_recovery_waits_for_a_server_that_hangs_or_is_gone() {
    let hanging = Server::with((0..1_000).map(|_| Then::Hang)).await;
    // Nothing listens there any more.
    let gone = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    tokio::join!(nothing_waits_for(hanging.url("/")), nothing_waits_for(gone));
}

async fn nothing_waits_for(url: String) {
    let webhook = || Webhook::to(&url).build().unwrap();
    let notifier = Notifier::over(webhook(), Settings::default().clock(Fast(60)));
    assert_eq!(run(&notifier).await, Outcome::Completed);
    let now = notifier.deliveries();
    assert_eq!(
        (now.delivered, now.failed, now.waiting),
        (0, 0, 2),
        "the run is over, and nothing sent: {now}"
    );
    // After ten minutes each they are given up.
    let sent = notifier.flush(LONG * 60).await;
    assert_eq!((sent.delivered, sent.failed, sent.waiting), (0, 2, 0), "{sent}");
    // If it must be announced, nothing is injected.
    let required = Notifier::over(webhook(), Settings::default().required().clock(Fast(60)));
    assert_eq!(run(&required).await, Outcome::Skipped);
    assert_eq!(required.deliveries().failed, 1);
}

/// Names the URL that a child of a test sends to.
const SENDS_TO: &str = "CHAOS_NOTIFY_SENDS_TO";

#[tokio::test]
async fn child_that_sends_through_its_environment() {
    let Ok(url) = env::var(SENDS_TO) else { return };
    said::listen();
    let notifier = notifier(Webhook::to(url).build().unwrap());
    announce(&notifier, 1, "x:web/1").await.unwrap();
    assert!(notifier.flush(LONG).await.is_complete());
    assert!(said::text().contains("intercepts"), "it goes through a proxy");
    said::assert_is_free_of(&["T0PROXYSECRET", "VDBQUk9YWVNFQ1JFV", "T0HOOK"]);
}

#[tokio::test]
async fn proxies_are_those_of_the_environment() {
    let proxy = Server::with([]).await;
    let url = "http://hooks.invalid/T0HOOK";
    let mut child = tokio::process::Command::new(env::current_exe().unwrap());
    child.args(["--exact", "webhook::child_that_sends_through_its_environment", "--nocapture"]);
    child.env(SENDS_TO, url).env("HTTP_PROXY", format!("http://user:T0PROXYSECRET@127.0.0.1:{}", proxy.port));
    let ended = child.output().await.unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}");
    let received = proxy.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].path, url);
    assert!(received[0].header("proxy-authorization").starts_with("Basic "));
}

#[tokio::test]
async fn a_certificate_is_checked() {
    let server = Server::secure().await;
    let url = format!("https://localhost:{}/chaos", server.port);
    let trusting = Webhook::to(&url).trusting(fixture("authority.pem")).build().unwrap();
    let trusting = notifier(trusting);
    announce(&trusting, 1, "x:web/1").await.unwrap();
    assert!(trusting.flush(LONG).await.is_complete());
    let distrusting = Webhook::to(&url).build().unwrap();
    let distrusting = Notifier::over(distrusting, Settings::default().required().clock(Fast(4)));
    let error = announce(&distrusting, 1, "x:web/1").await.unwrap_err();
    assert!(error.chain().contains("UnknownIssuer"), "{}", error.chain());
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_bad_setting_is_refused_and_no_secret_is_shown() {
    let webhook = || Webhook::to("https://hooks.example.com/T0SECRET");
    for (builder, expected) in [
        (Webhook::to("T0SECRET"), "invalid URL of webhook: not shown"),
        (Webhook::to("ftp://T0SECRET/"), "invalid URL of webhook: not shown"),
        (Webhook::to("https://[T0SECRET/"), "invalid URL of webhook: not shown"),
        (webhook().style(Style::Slack).secret("T0SECRET"), "invalid secret of webhook: not shown"),
        (webhook().secret(" "), "invalid secret of webhook: none"),
        (webhook().trusting("/dev/null"), "invalid trusting: \"/dev/null\""),
        (webhook().trusting(fixture("key.pem")), "invalid trusting: "),
    ] {
        assert!(!format!("{builder:?}").contains("T0SECRET"), "{builder:?}");
        let error = builder.build().expect_err(expected);
        assert!(error.to_string().starts_with(expected), "{error}");
        assert!(!format!("{error:?}").contains("T0SECRET"), "{error:?}");
    }
    let error = "slak".parse::<Style>().unwrap_err().to_string();
    assert!(error.ends_with("; the nearest is slack"), "{error}");
}

#[tokio::test]
async fn a_secret_is_found_nowhere() {
    const SECRETS: [&str; 4] = ["T0PATHSECRET", "T0QUERYSECRET", "T0HMACSECRET", "T0USERSECRET"];
    said::listen();
    let path = "/services/T0PATHSECRET?key=T0QUERYSECRET";
    // It says what it was asked, as a proxy may.
    let echo = |code| Then::Answer(code, None, format!("no such hook: {path}"));
    let server = Server::with([echo(404), echo(503), Then::Cut, status(200), Then::Hang]).await;
    let url = |port| format!("http://user:T0USERSECRET@127.0.0.1:{port}{path}");
    let mut shown = String::new();
    // The first two see answers; the third hangs, and at the last port nothing listens.
    for (port, fast) in [(server.port, 1), (server.port, 1), (server.port, 60), (9, 60)] {
        let webhook = Webhook::to(url(port)).secret("T0HMACSECRET");
        shown += &format!("{webhook:?}");
        let webhook = webhook.build().unwrap();
        shown += &format!("{webhook:?} {}", webhook.name());
        let required = Notifier::over(webhook, Settings::default().required().clock(Fast(fast)));
        shown += &format!("{required:?}");
        if let Err(error) = announce(&required, 1, "x:web/1").await {
            shown += &format!("{error} {error:?} {}", error.chain());
        }
    }
    // In the background, where what fails is logged.
    let webhook = Webhook::to(url(server.port)).secret("T0HMACSECRET").build().unwrap();
    let server_that_refuses = Server::with([echo(404), echo(503)]).await;
    let refused = Webhook::to(url(server_that_refuses.port)).build().unwrap();
    for webhook in [webhook, refused] {
        let notifier = Notifier::over(webhook, Settings::default());
        announce(&notifier, 1, "x:web/1").await.unwrap();
        recover(&notifier, 1, "x:web/1");
        notifier.flush(LONG).await;
    }
    assert!(shown.contains("not shown: it holds a secret"), "{shown}");
    let logged = said::lines_with(&format!("127.0.0.1:{}", server_that_refuses.port));
    for words in ["a notification could not be delivered", "a notification is tried again", "not shown"] {
        assert!(logged.contains(words), "{words:?} is missing");
    }
    assert!(said::text().contains("reqwest"), "what others log is seen as well");
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    said::assert_is_free_of(&SECRETS);
    // Only the receiver sees it.
    assert!(server.received().iter().all(|request| request.path == path));
}
