//! Times that can be compared on a machine that is not quiet: in turn, in short rounds, told by their median and spread.

/// What came out of many rounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    low: f64,
    high: f64,
}

impl Spread {
    /// The median, and what the middle half of the rounds lies between.
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |quarter: usize| values[(values.len() - 1) * quarter / 4];
        Self { median: at(2), low: at(1), high: at(3) }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ({:.2}–{:.2})", self.median, self.low, self.high)
    }
}

#[test]
fn a_spread_is_the_middle_half() {
    let spread = Spread::of(vec![9.0, 1.0, 3.0, 2.0, 4.0]);
    assert_eq!(spread.to_string(), "3.00 (2.00–4.00)");
}
