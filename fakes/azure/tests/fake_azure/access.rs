use fake_azure::{AUTHORIZATION_VERSION, FakeArm, NewAvailabilitySet, NewSubscription, Role, Settings};
use serde_json::Value;

use crate::client::{Reply, everywhere, form, get, machine, post, send};

const VMS: &str = "Microsoft.Compute/virtualMachines";

fn refusal(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.code())
}

fn world() -> FakeArm {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(1));
    fake
}

#[test]
fn what_is_not_there_is_refused_in_arms_words() {
    let fake = world();
    let unknown = get(
        &fake,
        "/subscriptions/99999999-9999-4999-8999-999999999999/providers/Microsoft.Compute/virtualMachines",
    );
    assert_eq!(refusal(&unknown), (404, "SubscriptionNotFound"));
    assert_eq!(refusal(&get(&fake, &machine("nowhere", "web-0"))), (404, "ResourceGroupNotFound"));
    let nobody = get(&fake, &machine("shop", "nobody"));
    assert_eq!(refusal(&nobody), (404, "ResourceNotFound"));
    assert!(
        nobody.message().contains("'Microsoft.Compute/virtualMachines/nobody' under resource group 'shop'")
    );
    assert_eq!(refusal(&get(&fake, &format!("{}/frobnicate", machine("shop", "web-0")))), (404, "NotFound"));
    assert_eq!(
        refusal(&get(&fake, &everywhere("Microsoft.Nothing/things"))),
        (404, "InvalidResourceNamespace")
    );
}

#[test]
fn a_version_is_required_and_must_be_known() {
    let fake = world();
    let without =
        send(&fake, "GET", &format!("{}?api-version=", machine("shop", "web-0")), &[], None).unwrap();
    assert_eq!(refusal(&without), (400, "MissingApiVersionParameter"));
    let old = get(&fake, &format!("{}?api-version=2099-01-01", machine("shop", "web-0")));
    assert_eq!(refusal(&old), (400, "NoRegisteredProviderFound"));
    assert!(
        old.message().contains("2099-01-01") && old.message().contains("2024-07-01"),
        "{}",
        old.message()
    );
}

#[test]
fn names_may_be_in_either_case() {
    let fake = world();
    let reply = get(&fake, &machine("SHOP", "WEB-0").replace("resourceGroups", "RESOURCEGROUPS"));
    assert_eq!((reply.status, reply.body["name"].as_str()), (200, Some("web-0")));
    let set = get(&fake, &everywhere("microsoft.compute/availabilitysets?$expand=virtualMachines/$ref"));
    let member = set.body["value"][0]["properties"]["virtualMachines"][0]["id"].as_str().unwrap();
    assert!(member.contains("/resourceGroups/SHOP/") && member.ends_with("/WEB-0"), "{member}");
}

#[test]
fn a_token_must_be_good_for_the_tenant_of_the_subscription() {
    let fake = world();
    let vm = machine("shop", "web-0");
    let with = |header: &str| send(&fake, "GET", &vm, &[("Authorization", header)], None).unwrap();
    assert_eq!(refusal(&with("")), (401, "InvalidAuthenticationToken"));
    assert_eq!(refusal(&with("Bearer nonsense")), (401, "InvalidAuthenticationToken"));
    fake.add(
        NewSubscription::new("77777777-7777-4777-8777-777777777777")
            .of_tenant("88888888-8888-4888-8888-888888888888"),
    );
    let foreign = get(
        &fake,
        "/subscriptions/77777777-7777-4777-8777-777777777777/providers/Microsoft.Compute/virtualMachines",
    );
    assert_eq!(refusal(&foreign), (401, "InvalidAuthenticationTokenTenant"));
    assert!(foreign.header("WWW-Authenticate").unwrap().starts_with("Bearer authorization_uri="));
    fake.expire_tokens();
    assert_eq!(refusal(&get(&fake, &vm)), (401, "ExpiredAuthenticationToken"));
}

#[test]
fn tokens_are_handed_out_for_the_right_secret_of_the_right_tenant() {
    let fake = world();
    let good = [
        ("grant_type", "client_credentials"),
        ("client_id", FakeArm::CLIENT),
        ("client_secret", FakeArm::SECRET),
        ("scope", "https://management.azure.com/.default"),
    ];
    let place = |tenant: &str| format!("/{tenant}/oauth2/v2.0/token");
    let token = form(&fake, &place(FakeArm::TENANT), &good);
    assert_eq!((token.status, &token.body["token_type"]), (200, &Value::from("Bearer")));
    let header = format!("Bearer {}", token.body["access_token"].as_str().unwrap());
    let vm = machine("shop", "web-0");
    assert_eq!(send(&fake, "GET", &vm, &[("Authorization", &header)], None).unwrap().status, 200);

    let wrong = form(&fake, &place("00000000-0000-4000-8000-000000000000"), &good);
    assert_eq!((wrong.status, &wrong.body["error_codes"][0]), (400, &Value::from(90002)));
    assert!(wrong.body["error_description"].as_str().unwrap().starts_with("AADSTS90002: Tenant"));
    let mut bad = good;
    bad[2].1 = "guess";
    let wrong = form(&fake, &place(FakeArm::TENANT), &bad);
    assert_eq!((wrong.status, &wrong.body["error"]), (401, &Value::from("invalid_client")));
    assert!(!wrong.body.to_string().contains("guess"), "a secret is not reported");
    let sent = fake.requests().pop().unwrap().body.unwrap();
    assert_eq!(
        (&sent["client_id"], &sent["client_secret"]),
        (&Value::from(FakeArm::CLIENT), &Value::from("***"))
    );
    let mut stranger = good;
    stranger[1].1 = "00000000-0000-4000-8000-000000000000";
    let wrong = form(&fake, &place(FakeArm::TENANT), &stranger);
    assert_eq!((wrong.status, &wrong.body["error_codes"][0]), (400, &Value::from(700_016)));

    fake.configure(|settings| settings.token_lifetime_seconds = 0);
    let short = form(&fake, &place(FakeArm::TENANT), &good);
    let header = format!("Bearer {}", short.body["access_token"].as_str().unwrap());
    let late = send(&fake, "GET", &vm, &[("Authorization", &header)], None).unwrap();
    assert_eq!(refusal(&late), (401, "ExpiredAuthenticationToken"));
    assert_eq!(Settings::default().token_lifetime_seconds, 3599);
}

#[test]
fn a_managed_identity_is_handed_a_token_for_its_secret() {
    let fake = world();
    let place = "/msi/token?resource=https%3A%2F%2Fmanagement.azure.com&api-version=2019-08-01";
    let token = send(&fake, "GET", place, &[("X-IDENTITY-HEADER", FakeArm::SECRET)], None).unwrap();
    assert!(token.body["expires_on"].as_str().unwrap().parse::<i64>().is_ok(), "{token:?}");
    let header = format!("Bearer {}", token.body["access_token"].as_str().unwrap());
    let vm = machine("shop", "web-0");
    assert_eq!(send(&fake, "GET", &vm, &[("Authorization", &header)], None).unwrap().status, 200);
    assert_eq!(send(&fake, "GET", place, &[("X-IDENTITY-HEADER", "guess")], None).unwrap().status, 401);
    assert_eq!(send(&fake, "GET", "/msi/token?api-version=1", &[], None).unwrap().status, 400);
}

#[test]
fn a_role_lets_no_more_through_than_it_says() {
    let fake = world();
    let vm = machine("shop", "web-0");
    fake.assign(Role::new([format!("{VMS}/read")]));
    assert_eq!(get(&fake, &vm).status, 200);
    let refused = post(&fake, &format!("{vm}/powerOff"));
    assert_eq!(refusal(&refused), (403, "AuthorizationFailed"));
    let message = refused.message();
    assert!(message.contains(&format!("'{VMS}/powerOff/action' over scope '{vm}'")), "{message}");
    assert_eq!(fake.boots(&vm), Some(1));
    // A caller without any right in a subscription does not see it.
    assert!(get(&fake, "/subscriptions").body["value"].as_array().unwrap().is_empty());
    fake.assign(Role::owner());
    assert_eq!(get(&fake, "/subscriptions").body["value"][0]["subscriptionId"], FakeArm::SUBSCRIPTION);
    let groups = get(&fake, &format!("/subscriptions/{}/resourcegroups", FakeArm::SUBSCRIPTION));
    assert_eq!(groups.names(), ["shop"]);
    let actions: Vec<Option<String>> = fake.requests().into_iter().map(|request| request.action).collect();
    assert_eq!(actions[0].as_deref(), Some("Microsoft.Compute/virtualMachines/read"));
    assert_eq!(actions[2], None);
    assert_eq!(actions[4].as_deref(), Some("Microsoft.Resources/subscriptions/resourceGroups/read"));
}

#[test]
fn the_permissions_api_tells_the_rights_that_are_enforced() {
    let fake = world();
    let vm = machine("shop", "web-0");
    let at = |scope: &str| {
        get(
            &fake,
            &format!(
                "{scope}/providers/Microsoft.Authorization/permissions?api-version={AUTHORIZATION_VERSION}"
            ),
        )
    };
    let owner = at(&vm);
    assert_eq!((owner.status, &owner.body["value"][0]["actions"][0]), (200, &Value::from("*")));
    let group = format!("/subscriptions/{}/resourceGroups/Shop", FakeArm::SUBSCRIPTION);
    let start = format!("{VMS}/start/action");
    fake.assign(Role::new(["*/read", "Microsoft.Compute/*"]).without(&start).within([group.clone()]));
    for scope in [&vm, &group] {
        let held = at(scope).body["value"][0].clone();
        assert_eq!(held["actions"].as_array().unwrap().len(), 2, "{held}");
        assert_eq!(held["notActions"][0], Value::from(start.as_str()), "{held}");
    }
    assert_eq!(refusal(&post(&fake, &format!("{vm}/start"))), (403, "AuthorizationFailed"));
    // Above the scope of the assignment, the caller has no right, not even the right to ask.
    let above = at(&format!("/subscriptions/{}", FakeArm::SUBSCRIPTION));
    assert_eq!(refusal(&above), (403, "AuthorizationFailed"));
    assert_eq!(refusal(&at(&group.replace("Shop", "nowhere"))), (403, "AuthorizationFailed"));
    let action = fake.requests().pop().unwrap().action.unwrap();
    assert_eq!(action, "Microsoft.Authorization/permissions/read");
}
