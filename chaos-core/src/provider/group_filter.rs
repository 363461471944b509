use super::TargetPattern;
use crate::{
    group::{Group, GroupId, Member, Target},
    listing::Consent,
    plan::Reason,
};

/// The groups to look at, and which of them and of their members may be touched. Everything, unless you narrow it.
///
/// A provider lists the groups that [pass](GroupFilter::passes): all of them, or those with a name of a list. The
/// planner and the last look before an injection then ask about each target [whether it is
/// permitted](GroupFilter::permits), and a plan has the reason of each that is not:
///
/// - A [denied](GroupFilter::deny) one is never touched, whatever else is said of it, and neither is one that refuses
///   by the tag [`chaos:enabled`](crate::listing::ENABLED_TAG), or whose group does.
/// - If there are [allow](GroupFilter::allow) patterns, only what fits one of them is touched.
/// - With [`opt_in`](GroupFilter::opt_in), only what has agreed by the tag `chaos:enabled`, or fits an allow pattern.
///
/// ```
/// use chaos_core::provider::GroupFilter;
///
/// let (web, shop) = ("local:web".parse()?, "local:shop".parse()?);
/// assert!(GroupFilter::all().passes(&web));
/// let one = GroupFilter::all().name("web");
/// assert!(one.passes(&web) && !one.passes(&shop));
/// // An empty list means no group, and never all groups.
/// assert!(!GroupFilter::only(Vec::<String>::new()).passes(&web));
///
/// let careful = GroupFilter::all().deny("*/payments-*".parse()?).deny("tag:tier=critical".parse()?);
/// assert!(careful.passes(&web), "it is looked at, and the plan says why it is left alone");
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupFilter {
    /// None: everybody.
    names: Option<Vec<String>>,
    allowed: Vec<TargetPattern>,
    denied: Vec<TargetPattern>,
    opt_in: bool,
}

/// A group that is not denied, for the question about its members.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PermittedGroup<'a> {
    filter: &'a GroupFilter,
    group: &'a Group,
    /// Whether an allow pattern fits the group itself.
    is_allowed: bool,
}

impl GroupFilter {
    /// Every group.
    pub fn all() -> Self {
        Self::default()
    }

    /// These groups and no others, by id or by path: `local:drill` and `drill` name the same group of a provider
    /// `local`. A name that is an id is no path, so `local:drill` does not name a group `memory:local:drill`. An empty
    /// list lets no group pass.
    pub fn only(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { names: Some(names.into_iter().map(Into::into).collect()), ..Self::default() }
    }

    /// Adds one group, by id or by path, to those that pass. Added to [`all`](GroupFilter::all), only this group
    /// passes.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.names.get_or_insert_default().push(name.into());
        self
    }

    /// Adds a pattern of groups and targets that may be touched. Without any, all may be, unless
    /// [`opt_in`](GroupFilter::opt_in) is set.
    #[must_use]
    pub fn allow(mut self, pattern: TargetPattern) -> Self {
        self.allowed.push(pattern);
        self
    }

    /// Adds a pattern of groups and targets that are never touched. It wins over every other rule.
    #[must_use]
    pub fn deny(mut self, pattern: TargetPattern) -> Self {
        self.denied.push(pattern);
        self
    }

    /// Sets whether only targets are touched that have agreed, whatever their provider: by the tag
    /// [`chaos:enabled`](crate::listing::ENABLED_TAG) of the target or of its group, or by an
    /// [allow](GroupFilter::allow) pattern. Default: no.
    #[must_use]
    pub fn opt_in(mut self, is_required: bool) -> Self {
        self.opt_in = is_required;
        self
    }

    /// The names of the groups that pass, ids or paths. `None` if every group passes.
    pub fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// The patterns that allow.
    pub fn allowed(&self) -> &[TargetPattern] {
        &self.allowed
    }

    /// The patterns that deny.
    pub fn denied(&self) -> &[TargetPattern] {
        &self.denied
    }

    /// The groups of the provider with this scheme that the filter names, by id or by path. `None` if every group
    /// passes. A name that is neither an id of this provider nor a path names nothing.
    ///
    /// ```
    /// use chaos_core::provider::GroupFilter;
    ///
    /// let named = GroupFilter::only(["local:web", "shop", "memory:x"]).ids("local");
    /// assert_eq!(named, Some(vec!["local:web".parse()?, "local:shop".parse()?]));
    /// assert_eq!(GroupFilter::all().ids("local"), None);
    /// # Ok::<(), chaos_core::Error>(())
    /// ```
    pub fn ids(&self, scheme: &str) -> Option<Vec<GroupId>> {
        let id = |name: &String| match name.parse::<GroupId>() {
            Ok(id) => Some(id).filter(|id| id.scheme() == scheme),
            Err(_) => GroupId::new(scheme, name).ok(),
        };
        Some(self.names.as_ref()?.iter().filter_map(id).collect())
    }

    /// Whether a group with this id is looked at: whether it has one of the names, if there are any.
    pub fn passes(&self, id: &GroupId) -> bool {
        self.names.as_ref().is_none_or(|names| names.iter().any(|name| is_name_of(name, id)))
    }

    /// Whether this member may be touched, as far as the patterns and the tags tell.
    ///
    /// ```
    /// use chaos_core::{Provider, plan::Reason, provider::GroupFilter, testing::MemoryProvider};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> chaos_core::Result<()> {
    /// let group = MemoryProvider::default().with_group("web", 2)?.group(&"memory:web".parse()?).await?;
    /// let filter = GroupFilter::all().deny("*/machine-1".parse()?);
    /// assert_eq!(filter.permits(&group, &group.members[0]), Ok(()));
    /// assert_eq!(filter.permits(&group, &group.members[1]), Err(Reason::denied("*/machine-1")));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The reason why not.
    pub fn permits(&self, group: &Group, member: &Member) -> Result<(), Reason> {
        self.in_group(group)?.permits(member.target.as_ref())
    }

    /// The group, if it is not denied.
    pub(crate) fn in_group<'a>(&'a self, group: &'a Group) -> Result<PermittedGroup<'a>, Reason> {
        match self.denied.iter().find(|pattern| pattern.fits_group(group)) {
            Some(pattern) => Err(Reason::denied(pattern.to_string())),
            None => {
                let is_allowed = self.allowed.iter().any(|pattern| pattern.fits_group(group));
                Ok(PermittedGroup { filter: self, group, is_allowed })
            }
        }
    }
}

impl PermittedGroup<'_> {
    /// Its id.
    pub(crate) fn id(&self) -> &GroupId {
        &self.group.id
    }

    /// Whether this member may be touched.
    pub(crate) fn permits(&self, target: &dyn Target) -> Result<(), Reason> {
        let filter = self.filter;
        if let Some(pattern) = filter.denied.iter().find(|pattern| pattern.fits_target(target)) {
            return Err(Reason::denied(pattern.to_string()));
        }
        let said = [("group", &self.group.labels), ("target", target.labels())];
        if let Some(refusal) = Consent::Presumed.refusal(&said) {
            return Err(Reason::excluded(refusal));
        }
        let is_allowed = self.is_allowed || filter.allowed.iter().any(|pattern| pattern.fits_target(target));
        match (is_allowed, filter.opt_in) {
            (true, _) => Ok(()),
            (false, true) if Consent::Required.refusal(&said).is_none() => Ok(()),
            (false, true) => Err(Reason::NotOptedIn),
            (false, false) if filter.allowed.is_empty() => Ok(()),
            (false, false) => Err(Reason::NotAllowed),
        }
    }
}

/// Whether a name in a list is that of the group: its id, or its path unless the name is an id.
pub(crate) fn is_name_of(name: &str, id: &GroupId) -> bool {
    name == id.as_str() || (name == id.path() && name.parse::<GroupId>().is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_no_path() {
        let (local, other) = ("local:web".parse().unwrap(), "memory:local:web".parse().unwrap());
        let by_id = GroupFilter::only(["local:web"]);
        assert!(by_id.passes(&local) && !by_id.passes(&other));
        assert_eq!(by_id.ids("memory"), Some(Vec::new()), "the listing of a provider says the same");
        let by_path = GroupFilter::only(["web"]);
        assert!(by_path.passes(&local) && !by_path.passes(&other));
    }
}
