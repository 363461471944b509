use std::sync::Arc;

use azure_core::http::{Method, Url};
use chaos_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::{Interface, Rule, SecurityGroup};
use crate::{
    client::{
        arm::{Arm, Progress, Request},
        error::unless_gone,
    },
    model::resource_id::ResourceId,
};

const API_VERSION: &str = "2024-05-01";

/// For interfaces of instances of uniform scale sets, which `Microsoft.Compute` shows but does not let change.
const INSTANCE_API_VERSION: &str = "2018-10-01";

/// The requests of `Microsoft.Network` that this crate makes.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    arm: Arc<Arm>,
}

impl Network {
    pub(crate) fn new(arm: Arc<Arm>) -> Self {
        Self { arm }
    }

    /// `None` if it does not exist.
    pub(crate) async fn interface(&self, id: &ResourceId) -> Result<Option<Interface>> {
        let version = if Interface::is_of_instance(id) { INSTANCE_API_VERSION } else { API_VERSION };
        self.get(id, version).await?.map(Interface::read).transpose()
    }

    /// Writes an interface back with another security group, unless somebody else has changed it since it was read.
    pub(crate) async fn put_interface(
        &self,
        interface: &Interface,
        group: Option<&ResourceId>,
    ) -> Result<()> {
        let request = Request::new(Method::Put, self.url(interface.id()))
            .body(interface.with_group(group).to_string())
            .if_match(interface.version());
        self.carry_out(request).await
    }

    /// `None` if it does not exist.
    pub(crate) async fn security_group(&self, id: &ResourceId) -> Result<Option<SecurityGroup>> {
        self.get(id, API_VERSION).await?.map(SecurityGroup::read).transpose()
    }

    pub(crate) async fn put_security_group(
        &self,
        id: &ResourceId,
        location: &str,
        tag: (&str, String),
        rules: &[Rule],
    ) -> Result<()> {
        let rules: Vec<Value> = rules.iter().map(Rule::document).collect();
        let (key, value) = tag;
        let body = json!({
            "location": location,
            "tags": { key: value },
            "properties": { "securityRules": rules },
        });
        self.carry_out(Request::new(Method::Put, self.url(id)).body(body.to_string())).await
    }

    /// Writes a group back without the rules with these names, unless somebody else has changed it since it was read. A
    /// lock that forbids deleting a rule allows this.
    pub(crate) async fn put_without_rules(
        &self,
        group: &SecurityGroup,
        are_to_go: impl Fn(&str) -> bool,
    ) -> Result<()> {
        let request = Request::new(Method::Put, self.url(&group.id))
            .body(group.without_rules(are_to_go).to_string())
            .if_match(group.version());
        self.carry_out(request).await
    }

    /// Does nothing if it does not exist.
    pub(crate) async fn delete_security_group(&self, id: &ResourceId) -> Result<()> {
        unless_gone(self.carry_out(Request::new(Method::Delete, self.url(id))).await).map(|_| ())
    }

    pub(crate) async fn put_rule(&self, group: &ResourceId, rule: &Rule) -> Result<()> {
        let body = json!({ "properties": rule.document()["properties"] });
        self.carry_out(Request::new(Method::Put, self.rule(group, &rule.name)).body(body.to_string())).await
    }

    /// Does nothing if it or its group does not exist.
    pub(crate) async fn delete_rule(&self, group: &ResourceId, name: &str) -> Result<()> {
        unless_gone(self.carry_out(Request::new(Method::Delete, self.rule(group, name))).await).map(|_| ())
    }

    async fn get(&self, id: &ResourceId, version: &str) -> Result<Option<Value>> {
        match unless_gone(self.arm.get(self.arm.at(id.as_str(), version)).await)? {
            Some(answer) => answer.read().map(Some),
            None => Ok(None),
        }
    }

    /// Waits until it is done, because a group or an interface that still changes is not reliable.
    async fn carry_out(&self, request: Request) -> Result<()> {
        match self.arm.order(&request).await? {
            Progress::Over(_) => Ok(()),
            Progress::UnderWay => {
                let what =
                    "Azure takes very long to change the network; it is unknown whether it has changed";
                Err(Error::new(ErrorKind::Timeout, what).with("resource", request.url.path()))
            }
        }
    }

    fn url(&self, id: &ResourceId) -> Url {
        self.arm.at(id.as_str(), API_VERSION)
    }

    fn rule(&self, group: &ResourceId, name: &str) -> Url {
        self.arm.at(&format!("{}/securityRules/{name}", group.as_str()), API_VERSION)
    }
}
