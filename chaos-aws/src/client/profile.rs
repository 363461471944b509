//! The credential process of the chosen profile, if it has one.

use std::env;

use aws_config::profile::{Profile, ProfileSet};
use aws_types::os_shim_internal::{Env, Fs};

/// A program that provides credentials, and the roles that are assumed with them, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProcessChain {
    pub(crate) command: String,
    pub(crate) roles: Vec<ProfileRole>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProfileRole {
    pub(crate) arn: String,
    pub(crate) external_id: Option<String>,
    pub(crate) session_name: Option<String>,
}

/// The program of the named profile, or of the one in the environment. `None` if the SDK would run no program, or if it
/// is better at reporting the error.
pub(crate) async fn process_chain(profile: Option<String>) -> Option<ProcessChain> {
    let is_set = |name: &str| env::var(name).is_ok_and(|value| !value.trim().is_empty());
    if is_set("AWS_ACCESS_KEY_ID") && (is_set("AWS_SECRET_ACCESS_KEY") || is_set("SECRET_ACCESS_KEY")) {
        return None;
    }
    let (files, environment, places) = (Fs::real(), Env::real(), Default::default());
    let loading = aws_config::profile::load(&files, &environment, &places, profile.map(Into::into));
    let profiles = Box::pin(loading).await.ok()?;
    chain_of(&profiles)
}

/// Goes from profile to profile as the SDK does.
fn chain_of(profiles: &ProfileSet) -> Option<ProcessChain> {
    let mut roles = Vec::new();
    let mut visited = Vec::new();
    let mut name = profiles.selected_profile();
    loop {
        let profile = profiles.get_profile(name)?;
        if visited.contains(&name) {
            return None;
        }
        visited.push(name);
        if visited.len() > 1 && profile.get("aws_access_key_id").is_some() {
            return None;
        }
        let role = profile.get("role_arn").filter(|_| profile.get("web_identity_token_file").is_none());
        let Some(arn) = role else { break };
        let source = profile.get("source_profile").filter(|_| profile.get("credential_source").is_none())?;
        roles.insert(0, role_of(arn, profile));
        if source == name {
            break;
        }
        name = source;
    }
    let base = profiles.get_profile(name)?;
    let is_other = ["credential_source", "web_identity_token_file", "login_session"]
        .into_iter()
        .chain(["sso_account_id", "sso_region", "sso_role_name", "sso_start_url", "sso_session"])
        .any(|key| base.get(key).is_some());
    let command = base.get("credential_process").filter(|_| !is_other)?.to_owned();
    Some(ProcessChain { command, roles })
}

fn role_of(arn: &str, profile: &Profile) -> ProfileRole {
    let owned = |key| profile.get(key).map(str::to_owned);
    ProfileRole {
        arn: arn.to_owned(),
        external_id: owned("external_id"),
        session_name: owned("role_session_name"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn chain(selected: &str, text: &str) -> Option<ProcessChain> {
        let files = Fs::from_map(std::collections::HashMap::from([(
            "/config".to_owned(),
            text.replace('|', "\n").into_bytes(),
        )]));
        let environment = Env::from_slice(&[("AWS_CONFIG_FILE", "/config"), ("HOME", "/nobody")]);
        let selected = Some(selected.to_owned().into());
        let profiles =
            aws_config::profile::load(&files, &environment, &Default::default(), selected).await.unwrap();
        chain_of(&profiles)
    }

    #[tokio::test]
    async fn a_program_is_found_where_the_sdk_finds_it() {
        let base = "[profile base]|credential_process = give me|";
        let role = |rest: &str| format!("{base}[profile ops]|role_arn = arn:1|{rest}|");
        let found = chain("base", base).await.unwrap();
        assert_eq!((found.command.as_str(), found.roles.len()), ("give me", 0));
        let found = chain("ops", &role("source_profile = base|external_id = x")).await.unwrap();
        assert_eq!(found.roles[0].external_id.as_deref(), Some("x"));
        let twice =
            format!("{}[profile top]|role_arn = arn:2|source_profile = ops|", role("source_profile = base"));
        let found = chain("top", &twice).await.unwrap();
        let arns: Vec<_> = found.roles.iter().map(|role| role.arn.as_str()).collect();
        assert_eq!(arns, ["arn:1", "arn:2"], "the first one first");
        let own = "[profile own]|role_arn = arn:1|source_profile = own|credential_process = give me|";
        assert_eq!(chain("own", own).await.unwrap().roles.len(), 1);
        for (selected, text) in [
            ("nobody", base.to_owned()),
            ("ops", role("source_profile = nobody")),
            ("ops", role("source_profile = ops2|[profile ops2]|role_arn = arn:3|source_profile = ops")),
            ("ops", role("credential_source = Ec2InstanceMetadata")),
            ("base", format!("{base}sso_session = dev|")),
            ("base", "[profile base]|aws_access_key_id = x|aws_secret_access_key = y|".to_owned()),
        ] {
            assert_eq!(chain(selected, &text).await, None, "{selected}: {text}");
        }
        let keys = "source_profile = keys|[profile keys]|aws_access_key_id = x|aws_secret_access_key = \
            y|credential_process = give me";
        assert_eq!(chain("ops", &role(keys)).await, None);
    }
}
