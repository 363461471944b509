use crate::{
    group::Member,
    plan::{FailureDomain, Reason},
};

/// A member must have a label for its failure domain, if a run is kept within one.
pub(crate) fn domain_of<'a>(domain: &FailureDomain, member: &'a Member) -> Result<&'a str, Reason> {
    let unknown = || Reason::unknown_domain(domain.label());
    domain.of(member.target.labels()).ok_or_else(unknown)
}

/// A group must keep a sound failure domain besides the one that is hit.
pub(crate) fn leaves_another(domain: &FailureDomain, hit: &str, is_spared: bool) -> Result<(), Reason> {
    if is_spared { Ok(()) } else { Err(Reason::no_other_domain(domain.label(), hit)) }
}
