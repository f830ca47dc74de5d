//! Which kind of fault it is when a frame is not the one expected, told by those after it.

/// What became of the frame that was expected first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Another came in its place.
    Changed,
    /// It never came; what came is expected at this place, later.
    Missing(usize),
    /// It came, after one that is not expected.
    Extra,
    /// It came, and before it one that is expected at this place, later.
    Reordered(usize),
}

/// Compares so many frames that are expected with so many that came, of which the first ones do not fit each other.
pub(super) fn order(expected: usize, came: usize, fits: impl Fn(usize, usize) -> bool) -> Order {
    let first_is_expected_at = (1..expected).find(|place| fits(*place, 0));
    let expected_first_comes = (1..came).any(|place| fits(0, place));
    // Both hold too where the same frame is expected, or comes, more than once; then their number decides.
    let fits_without_first_came = || came > expected && (0..expected).all(|place| fits(place, place + 1));
    let fits_without_first_expected = || came < expected && (0..came).all(|place| fits(place + 1, place));
    // Frames may be alike; where as many came and all others are in their places, only the first can be another.
    let only_first_differs = || came >= expected && (1..expected).all(|place| fits(place, place));
    match first_is_expected_at {
        Some(_) if !expected_first_comes && only_first_differs() => Order::Changed,
        None if expected_first_comes => Order::Extra,
        None => Order::Changed,
        Some(place) if !expected_first_comes || fits_without_first_expected() => Order::Missing(place),
        Some(_) if fits_without_first_came() => Order::Extra,
        Some(place) => Order::Reordered(place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every letter is a frame.
    fn told(expected: &str, came: &str) -> Order {
        let (expected, came) = (expected.as_bytes(), came.as_bytes());
        order(expected.len(), came.len(), |one, other| expected[one] == came[other])
    }

    #[test]
    fn another_frame_in_the_place_of_the_expected_one_is_changed() {
        assert_eq!(told("a", "x"), Order::Changed);
        assert_eq!(told("abc", "xbc"), Order::Changed);
        assert_eq!(told("abc", "xyz"), Order::Changed);
        assert_eq!(told("ab", "bb"), Order::Changed);
        assert_eq!(told("abcb", "bbcb"), Order::Changed);
    }

    #[test]
    fn an_expected_frame_that_never_comes_is_missing() {
        assert_eq!(told("abc", "bc"), Order::Missing(1));
        assert_eq!(told("abc", "c"), Order::Missing(2));
        assert_eq!(told("aba", "ba"), Order::Missing(1));
    }

    #[test]
    fn a_frame_before_the_expected_one_is_extra() {
        assert_eq!(told("ab", "xab"), Order::Extra);
        assert_eq!(told("a", "xya"), Order::Extra);
        assert_eq!(told("ab", "bab"), Order::Extra);
    }

    #[test]
    fn frames_in_another_order_are_reordered() {
        assert_eq!(told("ab", "ba"), Order::Reordered(1));
        assert_eq!(told("abc", "cba"), Order::Reordered(2));
        assert_eq!(told("abc", "bca"), Order::Reordered(1));
        assert_eq!(told("abcd", "bacd"), Order::Reordered(1));
    }
}
