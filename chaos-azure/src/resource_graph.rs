use std::sync::Arc;

use chaos_core::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::{
    ClientBuilder,
    client::{
        arm::Arm,
        resource_graph::{Row, rows},
    },
    model::resource_id::ResourceId,
};

/// Finds resources of one subscription with queries of Azure Resource Graph, which are written in the language Kusto.
///
/// A query only reads. It goes to Azure as data in a JSON document, so its text cannot change another part of the
/// request. Resource Graph itself refuses everything but queries.
///
/// **A result is never a shorter one.** All pages are read. If Azure truncates a result that has no further pages, or
/// if the pages have fewer resources than Azure has counted, that is an error.
///
/// **A result is not the current state.** Resource Graph lags behind the resources by seconds to minutes, so look at a
/// resource before you act on it; the providers of this crate do. It also leaves out, without a word, every resource
/// that the credentials may not read. The role needs the action `read` of the kinds of resources that you look for,
/// such as `Microsoft.Compute/virtualMachines/read`, and no other one.
///
/// [`resource_id_of`](crate::resource_id_of) tells which target of a provider a found machine is. A machine that
/// belongs to no set is not a target of any provider. Clones share their connection.
///
/// ```no_run
/// use chaos_azure::ResourceGraph;
///
/// # async fn example() -> chaos_core::Result<()> {
/// let graph = ResourceGraph::builder()
///     .subscription("11111111-1111-4111-8111-111111111111")
///     .client_secret("22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333", "secret")
///     .build()?;
/// let filter = "where resourceGroup == 'shop' and name startswith 'web' | sample 2";
/// for machine in graph.resources_of_type("Microsoft.Compute/virtualMachines", Some(filter)).await? {
///     println!("{}", machine["id"]);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ResourceGraph {
    arm: Arc<Arm>,
    subscription: String,
}

impl ResourceGraph {
    /// Starts with the credentials of the environment, and with Azure's public cloud.
    pub fn builder() -> ClientBuilder<Self> {
        ClientBuilder::new()
    }

    /// The rows of the result of a query, each as a JSON object with the names of its columns. In the table
    /// `Resources`, these are `id`, `name`, `type` and `resourceGroup` (both in lower case), `location`, `tags`,
    /// `properties` and more.
    ///
    /// End a query with `order by id asc` unless it says how many rows it wants: Resource Graph sorts nothing by
    /// itself, so a resource could move from one page to another while you read.
    ///
    /// # Errors
    /// `InvalidInput` if the query is empty, if Resource Graph does not understand it, and if it asks for more rows
    /// than an answer without further pages may have, which are fewer than 1,000 with `take`, `limit` or `sample`.
    /// `Denied` if the credentials have no access to the subscription. `Unavailable`, `Throttled` or `Timeout` if Azure
    /// does not answer completely, even after retries.
    ///
    /// # Cancel safety
    /// It only reads, so its future may be dropped at any time.
    pub async fn resources(&self, query: &str) -> Result<Vec<Value>> {
        Ok(self.rows(query).await?.into_iter().map(Value::Object).collect())
    }

    /// The resources of a type that pass a filter, in the order of their ids. A filter is what follows the first `|` of
    /// a query, such as `where resourceGroup == 'shop'` or `where name startswith 'web' | sample 2`.
    ///
    /// Every row must be a resource of that type in the subscription. A filter that adds other resources with `union`,
    /// or leaves out the column `id`, is refused: whoever acts on the result would act on something else.
    ///
    /// # Errors
    /// As [`resources`](Self::resources), and `InvalidInput` if `kind` is not a type like
    /// `Microsoft.Compute/virtualMachines`, or if a row is not such a resource.
    ///
    /// # Cancel safety
    /// As [`resources`](Self::resources).
    pub async fn resources_of_type(&self, kind: &str, filter: Option<&str>) -> Result<Vec<Value>> {
        if !is_kind(kind) {
            let expected = "a type like Microsoft.Compute/virtualMachines";
            return Err(Error::invalid("type of resources", format!("{kind:?}"), expected));
        }
        let rows = self.rows(&query_of(kind, filter)).await?;
        for row in &rows {
            self.check(row, kind)?;
        }
        Ok(rows.into_iter().map(Value::Object).collect())
    }

    async fn rows(&self, query: &str) -> Result<Vec<Row>> {
        if query.trim().is_empty() {
            return Err(Error::invalid("query", format!("{query:?}"), "a query like \"Resources | take 5\""));
        }
        let found = rows(&self.arm, &self.subscription, query).await;
        found.map_err(|error| advised(error).with("subscription", &self.subscription))
    }

    fn check(&self, row: &Row, kind: &str) -> Result<()> {
        let id = row.get("id").and_then(Value::as_str);
        let parsed = id.and_then(|id| ResourceId::parse(id).ok());
        let is_right = parsed.is_some_and(|id| {
            id.kind() == kind.to_lowercase() && id.subscription().eq_ignore_ascii_case(&self.subscription)
        });
        if is_right {
            return Ok(());
        }
        let what = "the filter yields something other than resources of this type: do not add others, and keep the \
            column `id`";
        let shown = id.map_or_else(|| "none".to_owned(), |id| format!("{id:?}"));
        Err(Error::new(ErrorKind::InvalidInput, what)
            .with("type", kind)
            .with("id", shown)
            .with("subscription", &self.subscription))
    }
}

impl ClientBuilder<ResourceGraph> {
    /// Chooses the subscription, by its id. Default: `AZURE_SUBSCRIPTION_ID`.
    ///
    /// It is one, because Resource Graph says nothing about those of several that the credentials have no access to.
    pub fn subscription(mut self, id: impl Into<String>) -> Self {
        self.subscription = Some(id.into());
        self
    }

    /// Checks the settings. This makes no call; credentials are first requested by the first query.
    ///
    /// # Errors
    /// `InvalidInput` for an invalid subscription or endpoint, for invalid credentials, and if no subscription is
    /// configured.
    pub fn build(self) -> Result<ResourceGraph> {
        let subscription = self.chosen_subscription()?;
        let (arm, _) = self.open()?;
        Ok(ResourceGraph { arm: Arc::new(arm), subscription })
    }
}

/// The end is on a line of its own, because a filter may end in a comment.
fn query_of(kind: &str, filter: Option<&str>) -> String {
    let filter = filter.filter(|filter| !filter.trim().is_empty());
    let filter = filter.map(|filter| format!("| {filter}")).unwrap_or_default();
    format!("Resources | where type=~'{kind}'{filter}\n| order by id asc")
}

fn is_kind(kind: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && part.chars().all(|it| it.is_ascii_alphanumeric() || it == '.');
    kind.contains('/') && kind.split('/').all(is_part)
}

/// Adds what a person can do about it.
fn advised(error: Error) -> Error {
    let is_of_azure = error.context().any(|(key, _)| key == "action");
    if error.kind() == ErrorKind::InvalidInput && is_of_azure {
        let what =
            "Resource Graph refuses the query: check its filter, which is a text in the language Kusto";
        return Error::new(ErrorKind::InvalidInput, what).caused_by(error);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_no_text_that_could_end_its_quotes() {
        assert!(is_kind("Microsoft.Compute/virtualMachines") && is_kind("Microsoft.Sql/servers/databases"));
        for kind in ["", "virtualMachines", "a/", "/a", "a/b' or 'x'=='x", "a/b c", "a//b"] {
            assert!(!is_kind(kind), "{kind}");
        }
    }

    #[test]
    fn a_filter_goes_between_the_type_and_the_order() {
        let base = "Resources | where type=~'A.B/c'";
        for filter in [None, Some(""), Some(" ")] {
            assert_eq!(query_of("A.B/c", filter), format!("{base}\n| order by id asc"));
        }
        let commented = query_of("A.B/c", Some("where name=='a' // not b"));
        assert_eq!(commented, format!("{base}| where name=='a' // not b\n| order by id asc"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let graph = || ResourceGraph::builder().subscription("11111111-1111-4111-8111-111111111111");
        for (builder, expected) in [
            (graph().subscription("mine"), "invalid subscription: \"mine\""),
            (graph().endpoint("http://arm.example"), "invalid endpoint"),
            (graph().authority("http://login.example"), "invalid authority"),
            (graph().access_token("Bearer hush"), "invalid access token: one with other characters"),
        ] {
            let error = builder.build().expect_err(expected).to_string();
            assert!(error.starts_with(expected) && !error.contains("hush"), "{error}");
        }
        let built = graph().access_token("hush").build().unwrap();
        let builder = graph().client_secret("22222222-2222-4222-8222-222222222222", "client", "hush");
        assert!(!format!("{built:?} {builder:?}").contains("hush"));
    }
}
