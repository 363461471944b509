use chaos_core::ErrorKind;
use chaos_notify::{
    Channel, Notifier, Settings,
    email::{Email, EmailBuilder},
};
use serde_json::json;

use crate::{
    said,
    smtp_server::{MailServer, Mode, PASSWORD, USER, header},
    tale::{Fast, HOSTILE, LONG, announce, fault, fixture, recover, tell},
};

fn addressed(builder: EmailBuilder, port: u16) -> EmailBuilder {
    builder.port(port).from("Chaos Monkey <chaos@example.com>").to("on-call@example.com")
}

fn starttls(port: u16) -> EmailBuilder {
    addressed(Email::starttls("localhost"), port).trusting(fixture("authority.pem")).login(USER, PASSWORD)
}

fn notifier(email: EmailBuilder) -> Notifier {
    Notifier::over(email.build().unwrap(), Settings::default())
}

#[tokio::test]
async fn mails_of_one_fault_are_one_thread_through_each_kind_of_server() {
    for mode in [Mode::StartTls, Mode::Tls, Mode::Plain] {
        let Some(mut server) = MailServer::with(mode, &[]).await else { return };
        let email = match mode {
            Mode::StartTls => starttls(server.port),
            Mode::Tls => addressed(Email::tls("localhost"), server.port)
                .trusting(fixture("authority.pem"))
                .login(USER, PASSWORD),
            Mode::Plain => addressed(Email::unencrypted("127.0.0.1"), server.port),
        };
        let notifier = notifier(email.to("Two <b@example.com>"));
        announce(&notifier, 1, "x:web/1").await.unwrap();
        let begun =
            json!({ "activity": "injection-failed", "failure": { "kind": "timeout", "message": "?" } });
        tell(&notifier, 1, "x:web/1", begun);
        recover(&notifier, 1, "x:web/1");
        let sent = notifier.flush(LONG).await;
        assert!(sent.is_complete() && sent.delivered == 3, "{sent}");
        let mails = [server.mail().await, server.mail().await, server.mail().await];
        let is_safe = !matches!(mode, Mode::Plain);
        for mail in &mails {
            assert_eq!((&mail["encrypted"], &mail["authenticated"]), (&json!(is_safe), &json!(is_safe)));
            assert_eq!(mail["sender"], "chaos@example.com");
            assert_eq!(mail["recipients"], json!(["on-call@example.com", "b@example.com"]));
            assert_eq!(header(mail, "from"), ["Chaos Monkey <chaos@example.com>"]);
            assert_eq!(header(mail, "to"), ["on-call@example.com, Two <b@example.com>"]);
            assert_eq!(header(mail, "auto-submitted"), ["auto-generated"]);
            assert_eq!(header(mail, "date"), ["Mon, 02 Mar 2026 09:00:00 +0000"]);
        }
        let thread = format!("<fault-{}@example.com>", fault(1));
        assert_eq!(header(&mails[0], "message-id"), [thread.as_str()]);
        assert_eq!(header(&mails[0], "subject"), ["Chaos: x:web/1: stop begins"]);
        assert_eq!(header(&mails[0], "references"), [""; 0]);
        for (mail, kind) in mails[1..].iter().zip(["injection-failed", "recovered"]) {
            assert_eq!(header(mail, "chaos-kind"), [kind]);
            assert_eq!(header(mail, "in-reply-to"), [thread.as_str()]);
            assert_eq!(header(mail, "references"), [thread.as_str()]);
            let id = format!("<{}-{kind}-1772442000000000000@example.com>", fault(1));
            assert_eq!(header(mail, "message-id"), [id]);
        }
        let body = mails[0]["body"].as_str().unwrap();
        assert!(body.contains("Target: x:web/1\n") && body.contains("HOW TO UNDO IT BY HAND\n"), "{body}");
    }
}

#[tokio::test]
async fn hostile_names_forge_no_header() {
    let Some(mut server) = MailServer::with(Mode::StartTls, &[]).await else { return };
    let notifier = notifier(starttls(server.port));
    for (number, target) in HOSTILE.iter().enumerate() {
        announce(&notifier, number, target).await.unwrap();
        let mail = server.mail().await;
        let expected = ["Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted", "Chaos-Kind"];
        let expected =
            expected.iter().copied().chain(["MIME-Version", "Content-Type", "Content-Transfer-Encoding"]);
        let mut expected: Vec<String> = expected.map(str::to_lowercase).collect();
        let headers = mail["headers"].as_array().unwrap().iter();
        let mut names: Vec<String> =
            headers.map(|header| header[0].as_str().unwrap().to_lowercase()).collect();
        expected.sort();
        names.sort();
        assert_eq!(names, expected);
        assert_eq!(mail["recipients"], json!(["on-call@example.com"]));
        let body = mail["body"].as_str().unwrap();
        let shown = format!("Target: {}", chaos_core::text::escaped(target));
        assert_eq!(body.lines().filter(|line| line.starts_with("Target: ")).collect::<Vec<_>>(), [shown]);
    }
}

#[tokio::test]
async fn what_is_refused_for_now_or_cut_off_is_delivered_in_the_end() {
    let script = ["451 4.7.1 greylisted", "421 4.3.2 shutting down", "cut"];
    let Some(mut server) = MailServer::with(Mode::StartTls, &script).await else { return };
    let notifier = notifier(starttls(server.port));
    announce(&notifier, 1, "x:web/1").await.unwrap();
    let sent = notifier.flush(LONG).await;
    assert!(sent.is_complete() && sent.delivered == 1, "{sent}");
    for step in script {
        assert_eq!(server.next().await["tried"], step);
    }
    assert_eq!(server.next().await["tried"], "take");
    assert_eq!(header(&server.mail().await, "chaos-kind"), ["announced"]);
}

#[tokio::test]
async fn a_wrong_password_and_a_refusal_are_not_tried_again_and_the_next_mail_is_told_of() {
    let Some(server) = MailServer::with(Mode::StartTls, &[]).await else { return };
    let wrong = starttls(server.port).login(USER, "T0WRONG").build().unwrap();
    let required = Notifier::over(wrong, Settings::default().required());
    let error = announce(&required, 1, "x:web/1").await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Denied, false), "{}", error.chain());
    assert!(error.chain().contains("535"), "{}", error.chain());

    let Some(mut server) = MailServer::with(Mode::StartTls, &["550 5.7.1 no relay"]).await else { return };
    let notifier = notifier(starttls(server.port));
    announce(&notifier, 1, "x:web/1").await.unwrap();
    recover(&notifier, 1, "x:web/1");
    let sent = notifier.flush(LONG).await;
    assert_eq!((sent.failed, sent.delivered), (1, 2), "{sent}");
    assert_eq!(header(&server.mail().await, "chaos-kind"), ["recovered"]);
    let losses = server.mail().await;
    assert_eq!(header(&losses, "subject"), ["Chaos: 1 message was not delivered"]);
    assert!(losses["body"].as_str().unwrap().contains("Chaos: x:web/1: stop begins"), "{losses:#}");
}

#[tokio::test]
async fn a_server_that_hangs_delays_nothing_and_is_given_up() {
    let Some(mut server) = MailServer::with(Mode::StartTls, &["hang"; 100]).await else { return };
    let notifier =
        Notifier::over(starttls(server.port).build().unwrap(), Settings::default().clock(Fast(20)));
    announce(&notifier, 1, "x:web/1").await.unwrap();
    assert_eq!(notifier.deliveries().waiting, 1, "nothing has waited");
    assert_eq!(server.next().await["tried"], "hang");
    let sent = notifier.flush(LONG * 20).await;
    assert_eq!((sent.failed, sent.waiting), (1, 0), "{sent}");
}

#[tokio::test]
async fn without_encryption_neither_a_password_nor_a_mail_is_sent() {
    let error = addressed(Email::unencrypted("localhost"), 25).login(USER, PASSWORD).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(
        error.to_string().starts_with("invalid login of mail: a password; expected none without"),
        "{error}"
    );
    assert!(!format!("{error:?}").contains(PASSWORD));

    // A server that offers none, or whose certificate is not trusted, gets nothing.
    let Some(mut server) = MailServer::with(Mode::Plain, &[]).await else { return };
    let email = starttls(server.port).build().unwrap();
    let required = Notifier::over(email, Settings::default().required());
    let error = announce(&required, 1, "x:web/1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{}", error.chain());
    let Some(secure) = MailServer::with(Mode::StartTls, &[]).await else { return };
    let distrusting =
        addressed(Email::starttls("localhost"), secure.port).login(USER, PASSWORD).build().unwrap();
    let distrusting = Notifier::over(distrusting, Settings::default().required().clock(Fast(4)));
    let error = announce(&distrusting, 1, "x:web/1").await.unwrap_err();
    assert!(error.chain().contains("UnknownIssuer"), "{}", error.chain());

    let plain = notifier(addressed(Email::unencrypted("localhost"), server.port));
    announce(&plain, 2, "x:web/2").await.unwrap();
    assert!(plain.flush(LONG).await.is_complete());
    assert_eq!(header(&server.mail().await, "message-id"), [format!("<fault-{}@example.com>", fault(2))]);
}

#[tokio::test]
async fn a_bad_setting_is_refused_by_name() {
    let email = || Email::starttls("smtp.example.com").from("chaos@example.com");
    for (builder, expected) in [
        (Email::tls(" ").from("a@example.com"), "invalid host of mail: \"\""),
        (Email::tls("smtp.example.com:25 x"), "invalid host of mail: "),
        (Email::tls("smtp.example.com").to("b@example.com"), "invalid sender: \"\""),
        (email().to("on-call"), "invalid recipient: \"on-call\""),
        (email().to("a@example.com\r\nBcc: b@example.com"), "invalid recipient: \"a@example.com\\r\\nBcc"),
        (email(), "invalid number of recipients: 0"),
        (email().to("a@example.com").trusting("/no/such/file"), "invalid trusting: \"/no/such/file\""),
    ] {
        let error = builder.build().expect_err(expected);
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

#[tokio::test]
async fn a_password_is_found_nowhere() {
    said::listen();
    let echo = format!("550 5.7.1 what is {PASSWORD}?");
    let script = [echo.as_str(), "451 later", "cut"];
    let Some(server) = MailServer::with(Mode::StartTls, &script).await else { return };
    let mut shown = String::new();
    for password in [PASSWORD, PASSWORD, PASSWORD, "T0WRONGPASSWORD"] {
        let builder = starttls(server.port).login(USER, password);
        shown += &format!("{builder:?}");
        let email = builder.build().unwrap();
        shown += &format!("{email:?} {}", email.name());
        let notifier = Notifier::over(email, Settings::default());
        shown += &format!("{notifier:?}");
        announce(&notifier, 1, "x:web/1").await.unwrap();
        notifier.flush(LONG).await;
    }
    let logged = said::lines_with(&format!("localhost:{}", server.port));
    for words in
        ["a notification could not be delivered", "a notification is tried again", "it holds a secret"]
    {
        assert!(logged.contains(words), "{words:?} is missing: {logged}");
    }
    let secrets = ["T0PASSWORD", "T0WRONGPASSWORD", "VDBQQVNTV09SR", "VDBXUk9OR"];
    for secret in secrets {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    said::assert_is_free_of(&secrets);
}
