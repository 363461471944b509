//! Drills on auto-scaling groups, end to end: the programs against the stand-in for AWS.

use std::collections::BTreeSet;

use crate::aws_account::Account;
use crate::support::{
    DRILL, Ended, HISTORY, RECOVER, Watched, command, end, pending, terminal::OnTerminal, text,
};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::process::Command;

impl Account {
    fn drill(&self, arguments: &[&str]) -> Command {
        self.program(DRILL, &[&["--provider", "aws"], arguments].concat())
    }

    async fn drilled(&self, arguments: &[&str]) -> Ended {
        end(self.drill(arguments).spawn().unwrap()).await
    }
}

#[tokio::test]
async fn one_of_twenty_is_terminated_and_replaced() {
    let Some(account) = Account::with_web(20) else { return };
    let json = account.drilled(&["--yes", "--seed", "42", "--json"]).await.with_code(0).json();
    assert_eq!(json["outcome"], "completed", "{json:#}");
    assert_eq!(json["faults"].as_array().unwrap().len(), 1);
    assert_eq!(json["faults"][0]["state"], "recovered");
    assert_eq!(json["group"], json!({ "desired": 20, "healthy_before": 20, "healthy_after": 20 }));
    assert!(
        json["faults"][0]["target"].as_str().unwrap().starts_with("aws-asg:123456789012/eu-west-1/web/i-"),
        "{json:#}"
    );
    assert_eq!(account.mutations(), ["TerminateInstances"]);
    let journal = account.place.path().join(".local/state/chaos/drill.journal");
    assert!(journal.exists(), "the recovery is in a journal that outlives the drill");

    let again = account.drilled(&["--yes", "--tag", "team=shop"]).await.with_code(5);
    assert!(
        again.stderr.contains("the provider has no such group (asked=\"--tag 'team=shop'\")"),
        "{again:#?}"
    );
}

#[tokio::test]
async fn a_person_is_asked_how_many() {
    let Some(account) = Account::with_web(6) else { return };
    let mut drill = OnTerminal::of(account.drill(&["--json"]));
    drill.is_asked("How many of the 6? At most 3, 0 stops here. [1]").await;
    drill.answers("4").await;
    drill.is_asked("How many").await;
    assert!(drill.seen.contains("at least half of the 6 members must stay healthy"), "{}", drill.seen);
    drill.answers("2").await;
    drill.is_asked("Inject? [y/N]").await;
    assert!(
        drill.seen.matches("terminate into aws-asg:123456789012/eu-west-1/web/i-").count() == 2,
        "{}",
        drill.seen
    );
    drill.answers("y").await;
    let json = drill.end().await.with_code(0).json();
    assert_eq!(json["faults"].as_array().unwrap().len(), 2, "{json:#}");
    assert_eq!(account.mutations(), ["TerminateInstances", "TerminateInstances"]);

    // If nobody can be asked, that is not a yes.
    account.cloud.forget_calls();
    let silent = account.drilled(&[]).await.with_code(2);
    assert!(silent.stderr.contains("pass --yes"), "{silent:#?}");
    assert!(account.mutations().is_empty());
}

#[tokio::test]
async fn a_dry_run_looks_and_touches_nothing() {
    let Some(account) = Account::with_web(3) else { return };
    let shown = account.drilled(&["--dry-run", "--seed", "7"]).await.with_code(0);
    assert!(shown.stdout.contains("terminate (seed 7)") && shown.stdout.contains("not drawn"), "{shown:#?}");
    assert!(shown.stdout.contains("cargo aws-drill --event terminate --seed 7"), "{shown:#?}");
    assert!(account.mutations().is_empty());
}

/// A dry run without an answer is no success, however it is requested.
#[tokio::test]
async fn a_dry_run_that_could_look_at_nothing_says_so_and_ends_with_3() {
    let Some(account) = Account::with_web(4) else { return };
    let nothing = "it is unknown which targets would be hit: aws-asg: ";
    for count in ["1", "2"] {
        let line = ["--dry-run", "--count", count];
        let mut bare = account.drill(&line);
        bare.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        let mut nowhere = account.drill(&line);
        nowhere.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
        for mut drill in [bare, nowhere] {
            let ended = end(drill.spawn().unwrap()).await.with_code(3);
            assert!(ended.stderr.contains(nothing), "{ended:#?}");
            assert!(ended.stdout.contains("it is unknown which targets would be hit"), "{ended:#?}");
        }
    }
    for (action, words) in
        [("DescribeAutoScalingGroups", "aws-asg"), ("DescribeInstances", "ec2:DescribeInstances")]
    {
        account.cloud.break_calls(json!({ "do": "access_denied", "action": action, "count": 0 }));
        let json = account.drilled(&["--dry-run", "--json"]).await.with_code(3).json();
        assert!(json["unanswered"].as_str().unwrap().contains(words), "{json:#}");
        account.cloud.page("DELETE", "faults", None);
    }
    // No instance would be hit: that is an answer.
    let json = account.drilled(&["--dry-run", "--zone", "eu-west-1z", "--json"]).await.with_code(0).json();
    assert_eq!(json.get("unanswered"), None, "{json:#}");
}

#[tokio::test]
async fn a_stop_whose_terminal_is_closed_is_recovered() {
    let Some(account) = Account::with_web(4) else { return };
    let journal = account.place.path().join("journal");
    let line = ["--event", "stop", "--duration", "10m", "--yes", "--json", "--journal", text(&journal)];
    let mut drill = Watched::of(account.drill(&line));
    drill.says("inject ").await;
    drill.signal(Signal::HUP);
    let ended = drill.end().await.with_code(5);
    assert_eq!(ended.json()["faults"][0]["state"], "recovered", "{ended:#?}");
    assert_eq!(account.mutations(), ["StopInstances", "StartInstances"]);
    assert!(pending(&journal).await.is_empty());
}

#[tokio::test]
async fn a_group_that_is_deleted_in_the_hold_is_gone_and_not_back() {
    let Some(account) = Account::with_web(4) else { return };
    let journal = account.place.path().join("journal");
    let line = ["--event", "stop", "--duration", "3s", "--yes", "--journal", text(&journal)];
    let mut drill = Watched::of(account.drill(&line));
    drill.says("inject ").await;
    account.cloud.page("DELETE", "world", None);
    let ended = drill.end().await;
    assert!(!ended.stdout.contains("seen to be back") && !ended.stdout.contains("recovered"), "{ended:#?}");
    for words in ["the whole group no longer exists", "of 0 desired, was 4 before; gone: aws-asg:"] {
        assert!(ended.stdout.contains(words), "{words:?} is not in {ended:#?}");
    }
    assert!(ended.stderr.contains("is gone, and not back: "), "{ended:#?}");
    let history = end(command(HISTORY, ["--journal", text(&journal)]).spawn().unwrap()).await.with_code(0);
    assert!(history.stdout.contains("  gone  ") && !history.stdout.contains("  recovered  "), "{history:#?}");
}

/// All three programs show the last real answer, the command to recover and the instructions by hand.
#[tokio::test]
async fn a_refusal_is_told_once_and_what_is_not_back_outweighs_everything() {
    let Some(account) = Account::with_web(4) else { return };
    let journal = account.place.path().join("journal");
    let line = ["--event", "stop", "--duration", "1s", "--yes", "--journal", text(&journal)];
    account.cloud.break_calls(json!({ "do": "access_denied", "action": "StartInstances", "count": 2 }));
    let ended = account.drilled(&line).await.with_code(0);
    assert_eq!(ended.stderr.matches("refused so far: ").count(), 1, "{ended:#?}");
    assert!(ended.stderr.contains("; retrying until "), "{ended:#?}");

    account.cloud.break_calls(json!({ "do": "access_denied", "action": "StartInstances", "count": 0 }));
    let failing = [&line[..], &["--recovery-budget", "3s", "--json"]].concat();
    let json = account.drilled(&failing).await.with_code(4).json();
    let recover = format!("recover --journal {}", text(&journal));
    let tells = |fault: &Value| {
        assert!(fault["failure"]["message"].as_str().unwrap().contains("ec2:StartInstances"), "{fault:#}");
        assert!(fault["recover_with"].as_str().unwrap().contains(&recover), "{fault:#}");
        assert!(fault["by_hand"].as_str().unwrap().starts_with("Start aws-asg:"), "{fault:#}");
    };
    tells(&json["faults"][0]);
    let history =
        |more: &[&str]| command(HISTORY, [&["--journal", text(&journal)], more].concat()).spawn().unwrap();
    let json = end(history(&["--json"])).await.with_code(0).json();
    tells(&json["faults"][1]);
    assert_eq!(json["faults"][0].get("by_hand"), None, "{json:#}");
    let shown = end(history(&[])).await.with_code(0).stdout;
    for words in ["ec2:StartInstances", &recover, " by hand: Start aws-asg:"] {
        assert!(shown.contains(words), "{words:?} is not in {shown}");
    }

    // A replay that fails, and an invalid argument.
    let nobody = ["--group", "nobody", "--yes", "--recovery-budget", "2s", "--journal", text(&journal)];
    let ended = account.drilled(&nobody).await.with_code(4);
    assert!(ended.stdout.contains(&recover) && ended.stdout.contains("NOT EVERYTHING IS BACK"), "{ended:#?}");
    account.cloud.page("DELETE", "faults", None);
    let program = account.program(RECOVER, &["--journal", text(&journal), "--json"]).spawn().unwrap();
    let json = end(program).await.with_code(0).json();
    assert_eq!(json["faults"][0]["state"], "recovered", "{json:#}");
}

#[tokio::test]
async fn a_zone_fails_and_the_others_stay() {
    let groups = json!([
        { "name": "web", "region": "eu-west-1", "size": 6, "zones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"] },
        { "name": "alone", "region": "eu-west-1", "size": 4, "zones": ["eu-west-1a"] },
    ]);
    let Some(account) = Account::with(groups) else { return };
    let line = ["--zone", "eu-west-1a", "--count", "3", "--dry-run", "--json"];
    let json = account.drilled(&line).await.with_code(0).json();
    let group = |index: usize| json["plan"]["groups"][index].clone();
    assert_eq!(group(0)["id"], "aws-asg:123456789012/eu-west-1/alone");
    assert_eq!(group(0)["reason"]["kind"], "no-other-domain", "{json:#}");
    let decisions = group(1)["targets"].clone();
    let decisions: Vec<_> =
        decisions.as_array().unwrap().iter().map(|target| target["decision"].to_string()).collect();
    let with = |word: &str| decisions.iter().filter(|decision| decision.contains(word)).count();
    assert_eq!((with("terminate"), with("outside-domain")), (2, 4), "{decisions:#?}");

    let any = account.drilled(&["--zone", "any", "--count", "2", "--group", "web", "--yes", "--json"]).await;
    let json = any.with_code(0).json();
    let hit: Vec<_> =
        json["faults"].as_array().unwrap().iter().map(|fault| fault["target"].clone()).collect();
    assert_eq!(hit.len(), 2, "{json:#}");
}

#[tokio::test]
async fn groups_go_by_name_pattern_id_tag_and_region() {
    let groups = json!([
        { "name": "web-1", "region": "eu-west-1", "size": 2, "tags": { "team": "shop" } },
        { "name": "web-2", "region": "eu-west-1", "size": 2 },
        { "name": "db", "region": "us-east-1", "size": 2, "tags": { "team": "shop" } },
    ]);
    let Some(account) = Account::with(groups) else { return };
    for (line, expected) in [
        (&["--group", "web-1"][..], &["aws-asg:123456789012/eu-west-1/web-1"][..]),
        (
            &["--group", "web-*"],
            &["aws-asg:123456789012/eu-west-1/web-1", "aws-asg:123456789012/eu-west-1/web-2"],
        ),
        (&["--group", "aws-asg:123456789012/us-east-1/db"], &["aws-asg:123456789012/us-east-1/db"]),
        (
            &["--region", "eu-west-1,us-east-1", "--tag", "team=shop"],
            &["aws-asg:123456789012/eu-west-1/web-1", "aws-asg:123456789012/us-east-1/db"],
        ),
        (&["--region", "us-east-1"], &["aws-asg:123456789012/us-east-1/db"]),
    ] {
        let json = account.drilled(&[line, &["--dry-run", "--json"]].concat()).await.with_code(0).json();
        let found: BTreeSet<_> = json["plan"]["groups"]
            .as_array()
            .unwrap()
            .iter()
            .map(|group| group["id"].as_str().unwrap())
            .collect();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), expected, "{line:?}");
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_said_and_nothing_is_injected() {
    let Some(account) = Account::with_web(4) else { return };
    for (line, code, words) in [
        (&["--group", "nobody", "--yes"][..], 2, "invalid --group: \"nobody\""),
        (&["--group", "x*", "--yes"], 2, "invalid --group: \"x*\""),
        (&["--count", "3", "--yes"], 2, "invalid --count: 3; expected from 1 to 2: at least half of the 4"),
        (&["--count", "0", "--yes"], 2, "invalid --count: 0"),
        (
            &["--region", "us-east-1", "--group", "aws-asg:123456789012/eu-west-1/web", "--yes"],
            2,
            "invalid --region: us-east-1; expected eu-west-1, the region of the group",
        ),
        (&["--region", "Dublin", "--yes"], 2, "invalid region: \"Dublin\""),
        (
            &["--region", "eu-west-2", "--yes"],
            5,
            "the provider has no such group (asked=\"--region eu-west-2\")",
        ),
        (&["--attach", "/tmp", "--yes"], 2, "invalid --attach: /tmp; expected none with --provider aws"),
        (&["--tag", "team", "--yes"], 2, "KEY=VALUE"),
        (&["--zone", "eu-west-1z", "--yes"], 3, "only aws:availability-zone eu-west-1z is hit"),
    ] {
        let ended = account.drilled(line).await.with_code(code);
        assert!(format!("{}{}", ended.stdout, ended.stderr).contains(words), "{words}: {ended:#?}");
    }
    let local = end(command(DRILL, ["--region", "eu-west-1"]).spawn().unwrap()).await.with_code(2);
    assert!(
        local.stderr.contains("invalid --region: eu-west-1; expected none with --provider local"),
        "{local:#?}"
    );
    assert!(account.mutations().is_empty());
}

#[tokio::test]
async fn credentials_that_are_missing_expired_or_too_weak_are_said() {
    let Some(account) = Account::with_web(4) else { return };
    let mut bare = account.drill(&["--yes"]);
    bare.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let ended = end(bare.spawn().unwrap()).await.with_code(3);
    assert!(
        ended.stdout.contains("the credential chain has no AWS credentials: set AWS_ACCESS_KEY_ID"),
        "{ended:#?}"
    );

    let mut nowhere = account.drill(&["--yes"]);
    nowhere.env_remove("AWS_REGION");
    let ended = end(nowhere.spawn().unwrap()).await.with_code(2);
    assert!(ended.stderr.contains("invalid region: none"), "{ended:#?}");

    for (fault, action, words) in [
        ("expired_token", "DescribeAutoScalingGroups", "the AWS credentials are expired"),
        ("access_denied", "DescribeInstances", "missing=\"ec2:DescribeInstances\""),
    ] {
        account.cloud.break_calls(json!({ "do": fault, "action": action, "count": 0 }));
        let ended = account.drilled(&["--yes"]).await.with_code(3);
        assert!(ended.stdout.contains(words), "{ended:#?}");
        account.cloud.page("DELETE", "faults", None);
    }
    assert!(account.mutations().is_empty());
    // Denied in the injection: the armed fault is recovered, and reported as failed.
    account.cloud.break_calls(json!({ "do": "access_denied", "action": "TerminateInstances", "count": 0 }));
    let ended = account.drilled(&["--yes", "--json"]).await.with_code(5);
    let json = ended.json();
    assert_eq!(json["faults"][0]["state"], "recovered", "{json:#}");
    assert!(ended.stderr.contains("missing=\"ec2:TerminateInstances\""), "{ended:#?}");
}

#[tokio::test]
async fn killed_between_arm_and_inject_and_wherever_else_it_is_recovered() {
    let Some(account) = Account::with_web(4) else { return };
    let journal = account.place.path().join("journal");
    for event in [&["--event", "terminate"][..], &["--event", "stop", "--duration", "2s"]] {
        for crash_at in
            ["after:armed", "before:injecting", "after:injecting", "before:active", "after:active"]
        {
            let after = format!("{event:?} killed {crash_at}");
            account.cloud.page("DELETE", "world", None);
            account.cloud.add(json!([{ "name": "web", "region": "eu-west-1", "size": 4 }]));
            let line = [event, &["--yes", "--journal", text(&journal), "--crash-at", crash_at]].concat();
            let drill = account.drilled(&line).await;
            assert!(drill.was_killed(), "{after}: {drill:#?}");
            let left = pending(&journal).await;
            assert_eq!(left.len(), 1, "{after}");
            let is_touched = !account.mutations().is_empty();
            assert_eq!(is_touched, crash_at.ends_with("active"), "{after}: {:?}", account.mutations());

            let recover = account.program(RECOVER, &["--journal", text(&journal), "--json"]).spawn().unwrap();
            let recovered = end(recover).await.with_code(0).json();
            assert_eq!(recovered["faults"][0]["state"], "recovered", "{after}: {recovered:#}");
            assert!(pending(&journal).await.is_empty(), "{after}");
            let json = account.drilled(&["--dry-run", "--json"]).await.with_code(0).json();
            assert_eq!(json["group"]["healthy_after"], 4, "{after}: {json:#}");
        }
    }
}

#[tokio::test]
async fn people_are_told_through_sns_and_ses() {
    let Some(account) = Account::with_web(4) else { return };
    let made = json!({ "region": "eu-west-1", "topic": "chaos", "sender": "chaos@example.com" });
    let topic = account.cloud.page("POST", "notifications", Some(made))["topic"].as_str().unwrap().to_owned();
    let told = ["--sns", &topic, "--ses", "chaos@example.com,a@example.com", "--announce", "--yes", "--json"];
    let json = account.drilled(&told).await.with_code(0).json();
    let fault = json["faults"][0]["id"].as_str().unwrap();
    let sent = account.cloud.page("GET", "notifications", None);
    for channel in ["published", "mailed"] {
        let messages = sent[channel].as_array().unwrap();
        assert_eq!(messages.len(), 2, "before and after: {sent:#}");
        assert!(messages.iter().all(|message| message["body"].as_str().unwrap().contains(fault)), "{sent:#}");
    }

    // No notification arrives: with --announce nothing is injected, and without it the drill goes on.
    account.cloud.forget_calls();
    let unknown = topic.replace(":chaos", ":nobody");
    let refused = account.drilled(&["--sns", &unknown, "--announce", "--yes"]).await.with_code(3);
    assert!(refused.stdout.contains("not announced"), "{refused:#?}");
    assert_eq!(account.cloud.count("TerminateInstances"), 0);
    let untold = account.drilled(&["--sns", &unknown, "--yes"]).await.with_code(0);
    assert!(untold.stderr.contains("notify"), "{untold:#?}");
    let alone = account.drilled(&["--announce", "--yes"]).await.with_code(2);
    assert!(alone.stderr.contains("invalid --announce"), "{alone:#?}");
}

#[tokio::test]
async fn without_a_home_for_the_journal_one_must_be_named() {
    let Some(account) = Account::with_web(4) else { return };
    let mut drill = account.drill(&["--yes"]);
    drill.env_remove("HOME");
    let ended = end(drill.spawn().unwrap()).await.with_code(2);
    assert!(ended.stderr.contains("invalid --journal: none"), "{ended:#?}");
    assert!(account.mutations().is_empty());
}

/// Notifications through AWS work without any machine there.
#[cfg(feature = "azure")]
#[tokio::test]
async fn people_are_told_of_a_drill_on_azure_too() {
    use fake_azure::{FakeArm, NewAvailabilitySet};

    let Some(account) = Account::with(json!([])) else { return };
    let made = json!({ "region": "eu-west-1", "topic": "chaos", "sender": "chaos@example.com" });
    let topic = account.cloud.page("POST", "notifications", Some(made))["topic"].as_str().unwrap().to_owned();
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(4));
    let told = ["--sns", &topic, "--ses", "chaos@example.com,a@example.com", "--announce"];
    let event = ["--provider", "azure", "--event", "stop", "--duration", "1s", "--yes", "--json"];
    let on_azure = |told: &[&str]| {
        let mut drill = account.program(DRILL, &[&event[..], told].concat());
        drill
            .env("AZURE_RESOURCE_MANAGER_ENDPOINT", fake.endpoint())
            .env("AZURE_SUBSCRIPTION_ID", FakeArm::SUBSCRIPTION)
            .env("IDENTITY_ENDPOINT", format!("{}/msi/token", fake.endpoint()))
            .env("IDENTITY_HEADER", FakeArm::SECRET);
        drill.spawn().unwrap()
    };
    let json = end(on_azure(&told)).await.with_code(0).json();
    let fault = json["faults"][0]["id"].as_str().unwrap();
    assert!(json["faults"][0]["target"].as_str().unwrap().starts_with("azure-avset:"), "{json:#}");
    let sent = account.cloud.page("GET", "notifications", None);
    for channel in ["published", "mailed"] {
        let messages = sent[channel].as_array().unwrap();
        assert_eq!(messages.len(), 2, "before and after: {sent:#}");
        assert!(messages.iter().all(|message| message["body"].as_str().unwrap().contains(fault)), "{sent:#}");
    }
    assert!(account.mutations().iter().all(|call| call == "Publish" || call == "SendEmail"));
    let unknown = topic.replace(":chaos", ":nobody");
    let refused = end(on_azure(&["--sns", &unknown, "--announce"])).await.with_code(3);
    assert!(refused.stdout.contains("not announced"), "{refused:#?}");
}

/// The name of a group is somebody else's text: no program lets it change the direction of a line on the terminal.
#[tokio::test]
async fn the_name_of_a_group_is_cleaned_wherever_it_is_shown() {
    let hostile = "we\u{202e}b\u{200b}";
    let Some(account) = Account::with(json!([{ "name": hostile, "region": "eu-west-1", "size": 4 }])) else {
        return;
    };
    let journal = account.place.path().join("journal");
    let is_clean = |ended: Ended| {
        let shown = format!("{}{}", ended.stdout, ended.stderr);
        assert!(!shown.contains(['\u{202e}', '\u{200b}']), "{ended:#?}");
        assert!(shown.contains("we") && shown.contains("200b"), "the name is shown: {ended:#?}");
    };
    let line = ["--event", "stop", "--duration", "1s", "--yes", "--journal", text(&journal)];
    is_clean(account.drilled(&["--dry-run"]).await.with_code(0));
    let mut logged = account.drill(&line);
    logged.env("RUST_LOG", "chaos_core=debug,chaos_aws=debug,chaos=debug,chaos_cli=debug");
    is_clean(end(logged.spawn().unwrap()).await.with_code(0));
    assert!(account.drilled(&[&line[..], &["--crash-at", "after:active"]].concat()).await.was_killed());
    let history = account.program(HISTORY, &["--journal", text(&journal)]).spawn().unwrap();
    is_clean(end(history).await.with_code(0));
    let recover = account.program(RECOVER, &["--journal", text(&journal)]).spawn().unwrap();
    is_clean(end(recover).await.with_code(0));
}
