//! What many rounds come to on a machine that is not quiet.

/// Median and middle half.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Spread {
    /// Of no rounds it is zero.
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let last = values.len().saturating_sub(1);
        let at = |quarter: usize| values.get(last * quarter / 4).copied().unwrap_or_default();
        Self { median: at(2), low: at(1), high: at(3) }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ({:.2}–{:.2})", self.median, self.low, self.high)
    }
}

/// All of them with their numbers, each round from another one on.
pub(crate) fn rotated<T>(all: &[T], round: usize) -> impl Iterator<Item = (usize, &T)> {
    all.iter().enumerate().cycle().skip(round).take(all.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_everybody_has_a_turn_from_another_one_on() {
        let turns = |round| rotated(&["a", "b", "c"], round).map(|(n, one)| (n, *one)).collect::<Vec<_>>();
        assert_eq!(turns(0), [(0, "a"), (1, "b"), (2, "c")]);
        assert_eq!(turns(1), [(1, "b"), (2, "c"), (0, "a")]);
        assert_eq!(turns(3), turns(0));
        assert_eq!(rotated::<u8>(&[], 1).count(), 0);
    }

    #[test]
    fn a_spread_is_the_middle_half() {
        assert_eq!(Spread::of(vec![9.0, 1.0, 3.0, 2.0, 4.0]).to_string(), "3.00 (2.00–4.00)");
        assert_eq!(Spread::of(vec![]).to_string(), "0.00 (0.00–0.00)");
    }
}
