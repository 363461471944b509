use crate::{
    group::Group,
    plan::Reason,
    provider::{GroupFilter, PermittedGroup},
};

/// A group must not be denied. The answer is needed for the question about its members.
pub(crate) fn not_denied<'a>(
    filter: &'a GroupFilter,
    group: &'a Group,
) -> Result<PermittedGroup<'a>, Reason> {
    filter.in_group(group)
}
