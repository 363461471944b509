use std::sync::atomic::{AtomicBool, Ordering};

use super::{PatternRole, UnmatchedPattern};
use crate::{group::Group, monkey::AllTerms, provider::GroupFilter, provider::TargetPattern};

/// Finds the patterns of a monkey that fit nothing, while its groups go by.
#[derive(Debug)]
pub(crate) struct Fits<'a> {
    terms: &'a AllTerms,
    patterns: Vec<Watched<'a>>,
}

#[derive(Debug)]
struct Watched<'a> {
    role: PatternRole,
    /// Of a rule: its position among the terms.
    rule: usize,
    pattern: &'a TargetPattern,
    has_fitted: AtomicBool,
}

impl<'a> Fits<'a> {
    pub(crate) fn of(filter: &'a GroupFilter, terms: &'a AllTerms) -> Self {
        let allowed = filter.allowed().iter().map(|pattern| (PatternRole::Allow, 0, pattern));
        let denied = filter.denied().iter().map(|pattern| (PatternRole::Deny, 0, pattern));
        let rules = terms.patterns().map(|(rule, pattern)| (PatternRole::GroupRule, rule, pattern));
        let watched =
            |(role, rule, pattern)| Watched { role, rule, pattern, has_fitted: AtomicBool::new(false) };
        Self { terms, patterns: allowed.chain(denied).chain(rules).map(watched).collect() }
    }

    /// Looks at one group.
    pub(crate) fn see(&self, group: &Group) {
        for watched in &self.patterns {
            if !watched.has_fitted.load(Ordering::Relaxed) && self.is_fit(watched, group) {
                watched.has_fitted.store(true, Ordering::Relaxed);
            }
        }
    }

    fn is_fit(&self, watched: &Watched<'_>, group: &Group) -> bool {
        let fits_group = watched.pattern.fits_group(group);
        if watched.role == PatternRole::GroupRule {
            return fits_group && self.terms.for_group(group).index == watched.rule;
        }
        fits_group || group.members.iter().any(|member| watched.pattern.fits_target(member.target.as_ref()))
    }

    /// The patterns that have fitted nothing so far.
    pub(crate) fn unmatched(&self) -> Vec<UnmatchedPattern> {
        let unmatched = self.patterns.iter().filter(|watched| !watched.has_fitted.load(Ordering::Relaxed));
        unmatched.map(|watched| UnmatchedPattern::new(watched.role, watched.pattern.to_string())).collect()
    }
}
