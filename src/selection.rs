//! Which bindings a save or a restore takes.

use crate::error::Result;
use crate::finding::{Finding, Outcome};
use crate::name::{nearest, quoted};
use crate::pattern::Patterns;

/// Names to take and names to leave, and which of them were met.
///
/// An exact name beats a pattern; among equals, leaving beats taking.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    only: Option<Patterns>,
    exclude: Patterns,
    /// For every pattern of `only`, then of `exclude`: whether some name matched it.
    met: Vec<bool>,
}

impl Selection {
    /// Takes the names that match one of `only` (all names when there is none), and none of
    /// `exclude`.
    pub(crate) fn new(only: Option<&[String]>, exclude: &[String]) -> Result<Selection> {
        let only = only.map(Patterns::new).transpose()?;
        let exclude = Patterns::new(exclude)?;
        let count = only.as_ref().map_or(0, |only| only.texts().len()) + exclude.texts().len();
        Ok(Selection {
            only,
            exclude,
            met: vec![false; count],
        })
    }

    /// Whether `name` is taken.
    pub(crate) fn takes(&mut self, name: &str) -> bool {
        if self.met.is_empty() {
            // No patterns at all; an empty list of names to take takes nothing.
            return self.only.is_none();
        }
        let split = self.only.as_ref().map_or(0, |only| only.texts().len());
        let (only_met, exclude_met) = self.met.split_at_mut(split);
        let only = self.only.as_ref().map(|only| only.mark(name, only_met));
        let exclude = self.exclude.mark(name, exclude_met);
        if exclude.exact || (exclude.pattern && !only.is_some_and(|only| only.exact)) {
            return false;
        }
        only.is_none_or(|only| only.exact || only.pattern)
    }

    /// A finding for every name and pattern that nothing matched.
    pub(crate) fn unmet<'n>(
        &self,
        names: impl Iterator<Item = &'n str> + Clone,
    ) -> impl Iterator<Item = Finding> {
        let only = self.only.iter().flat_map(Patterns::texts);
        let texts = only.chain(self.exclude.texts());
        texts
            .zip(&self.met)
            .filter(|(_, met)| !**met)
            .map(move |(text, _)| {
                let reason = match nearest(text, names.clone()) {
                    Some(near) => format!("no variable matches; did you mean {}?", quoted(&near)),
                    None => "no variable has this name or matches this pattern".to_owned(),
                };
                Finding::new(text, "", Outcome::Unknown, reason)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(only: Option<&[&str]>, exclude: &[&str]) -> Selection {
        let owned = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| text.to_string())
                .collect::<Vec<_>>()
        };
        Selection::new(only.map(owned).as_deref(), &owned(exclude)).unwrap()
    }

    #[test]
    fn an_exact_name_beats_a_pattern_and_leaving_beats_taking() {
        let mut all = selection(None, &[]);
        assert!(all.takes("a") && all.takes(""));
        let mut some = selection(Some(&["a*", "keep_raw"]), &["*_raw", "ab"]);
        assert!(some.takes("a") && some.takes("keep_raw"));
        assert!(!some.takes("ab") && !some.takes("a_raw") && !some.takes("b"));
        assert!(!selection(Some(&[]), &[]).takes("a"));
        assert!(!selection(Some(&["a"]), &["a"]).takes("a"));
    }

    #[test]
    fn names_that_nothing_matched_are_told_with_the_nearest() {
        let mut some = selection(Some(&["wieghts", "b*"]), &["zz"]);
        assert!(!some.takes("weights") && some.takes("bias"));
        let told: Vec<String> = some
            .unmet(["weights", "bias"].into_iter())
            .map(|finding| finding.to_string())
            .collect();
        assert_eq!(
            told,
            [
                "wieghts is not there: no variable matches; did you mean 'weights'?",
                "zz is not there: no variable has this name or matches this pattern",
            ]
        );
    }
}
