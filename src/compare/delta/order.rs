//! The order of the bindings that a delta makes, said in few words: as runs of the order that they
//! would have anyway.
//!
//! That default order is the parent's without what is removed, a replaced binding in the place of
//! the old one, and then what is new, in the order of the delta.

/// The runs of consecutive numbers in `places`; none when they are 0, 1, 2 and so on.
pub(super) fn runs(places: impl Iterator<Item = u64>) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for place in places {
        match runs.last_mut() {
            Some((start, len)) if *start + *len == place => *len += 1,
            _ => runs.push((place, 1)),
        }
    }
    match runs.as_slice() {
        [(0, _)] => Vec::new(),
        _ => runs,
    }
}

/// `items` in the order of `runs`; `None` when these do not name each place once.
pub(super) fn in_order<T>(items: Vec<T>, runs: &[(u64, u64)]) -> Option<Vec<T>> {
    if runs.is_empty() {
        return Some(items);
    }
    let count = items.len();
    let mut items: Vec<Option<T>> = items.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(count);
    for (start, len) in runs {
        let start = usize::try_from(*start).ok()?;
        let end = start.checked_add(usize::try_from(*len).ok()?)?;
        for item in items.get_mut(start..end)? {
            ordered.push(item.take()?);
        }
    }
    (ordered.len() == count).then_some(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_lead_back() {
        for places in [
            vec![],
            vec![0, 1, 2, 3],
            vec![3, 0, 1, 2],
            vec![2, 1, 0],
            vec![1, 2, 0, 4, 3],
        ] {
            let said = runs(places.iter().copied());
            let items: Vec<u64> = (0..places.len() as u64).collect();
            assert_eq!(in_order(items, &said), Some(places));
        }
        assert!(runs(0..1000).is_empty());
        assert_eq!(runs([5, 0, 1, 2, 3, 4].into_iter()), [(5, 1), (0, 5)]);
    }

    #[test]
    fn runs_that_miss_a_place_or_name_one_twice_are_none() {
        for bad in [
            &[(0, 2)][..],
            &[(0, 3), (0, 1)],
            &[(1, 3)],
            &[(u64::MAX, 2)],
            &[(0, u64::MAX)],
            &[(2, 1), (0, 1), (0, 1)],
        ] {
            assert_eq!(in_order(vec!['a', 'b', 'c'], bad), None, "{bad:?}");
        }
    }
}
