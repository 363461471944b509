use std::borrow::Cow;

use crate::{
    error::{Error, Result},
    group::{Labels, Member},
};

/// A part of a system that fails as a whole: an availability zone, a rack, one fault domain of an availability set.
///
/// A label of each target names its domain. The provider discovers the label.
///
/// ```
/// use chaos_core::{BlastRadius, Quota, plan::FailureDomain};
///
/// // All of one rack, whichever the seed draws; and all of this one.
/// let any = BlastRadius::default().within(FailureDomain::by_label("rack")).targets_per_group(Quota::ALL);
/// let this = BlastRadius::default().within(FailureDomain::by_label("rack").named("b4"));
/// # let _ = (any, this);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureDomain {
    label: Cow<'static, str>,
    name: Option<Cow<'static, str>>,
}

impl FailureDomain {
    /// One of the domains that this label tells apart, drawn with the seed.
    pub fn by_label(label: impl Into<Cow<'static, str>>) -> Self {
        Self { label: label.into(), name: None }
    }

    /// The domain of this name: the value of the label.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.label.is_empty() {
            return Err(Error::invalid(
                "failure domain",
                "a label without a name",
                "the label that tells it",
            ));
        }
        if self.name.as_deref() == Some("") {
            return Err(Error::invalid("failure domain", "\"\"", "a name, or none for any"));
        }
        Ok(())
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// The requested domain; `None` if it is drawn.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The domain of a target with these labels.
    pub(crate) fn of<'a>(&self, labels: &'a Labels) -> Option<&'a str> {
        labels.get(&*self.label).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// Whether a sound domain would be left if all of `hit` were gone: one with a healthy member and without any fault.
    pub(crate) fn spares_another(
        &self,
        hit: &str,
        members: &[Member],
        is_under_fault: impl Fn(&Member) -> bool,
    ) -> bool {
        let is_elsewhere = |name: &&str| *name != hit;
        let of = |member: &Member| self.of(member.target.labels()).map(str::to_owned);
        let touched: Vec<String> =
            members.iter().filter(|member| is_under_fault(member)).filter_map(of).collect();
        let mut healthy = members
            .iter()
            .filter(|member| member.is_healthy())
            .filter_map(|member| self.of(member.target.labels()))
            .filter(is_elsewhere);
        healthy.any(|name| !touched.iter().any(|touched| touched == name))
    }
}
