//! What was measured with each store, as multiples of what it was with the smallest.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::store::Filled;
use crate::Failure;
use crate::rounds::Spread;

/// What counts as flat: less than so many times as much with the most keys as with the fewest.
const FLAT: f64 = 2.0;

/// What is measured, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    Verify,
    List,
    SearchFew,
    SearchMany,
    SearchNone,
    Create,
    Start,
    Node,
    Resident,
    Worked,
    NodeResident,
    File,
}

impl What {
    /// What people ask.
    pub(super) const ASKED: [Self; 5] =
        [Self::List, Self::SearchFew, Self::SearchMany, Self::SearchNone, Self::Create];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Verify => "`/v1/verify`, 64 connections: a decision",
            Self::List => "the first page of the list",
            Self::SearchFew => "a search that three keys fit",
            Self::SearchMany => "a search that one key of eight fits",
            Self::SearchNone => "a search that no key fits",
            Self::Create => "creating a key",
            Self::Start => "a start, until it may decide",
            Self::Node => "a node that knows nothing, until it may decide",
            Self::Resident => "memory of the server, after its start",
            Self::Worked => "memory of the server, after all of this",
            Self::NodeResident => "memory of a node, after its start",
            Self::File => "the store's file",
        }
    }

    fn told(self, value: f64) -> String {
        match self {
            Self::Verify => format!("{:.1} µs", value * 1e6),
            Self::Start | Self::Node => format!("{value:.2} s"),
            Self::Resident | Self::Worked | Self::NodeResident | Self::File => format!("{value:.0} MiB"),
            _ => format!("{:.2} ms", value * 1e3),
        }
    }
}

/// Values of each round, by what was measured and by the number of the store.
pub(crate) struct Measured {
    sizes: usize,
    values: BTreeMap<What, Vec<Vec<f64>>>,
}

impl Measured {
    pub(super) fn new(sizes: &[u64]) -> Self {
        Self { sizes: sizes.len(), values: BTreeMap::new() }
    }

    pub(super) fn note(&mut self, what: What, store: usize, value: f64) {
        let stores = self.values.entry(what).or_insert_with(|| vec![Vec::new(); self.sizes]);
        if let Some(values) = stores.get_mut(store) {
            values.push(value);
        }
    }

    fn of(&self, what: What, store: usize) -> &[f64] {
        self.values.get(&what).and_then(|stores| stores.get(store)).map_or(&[], Vec::as_slice)
    }

    fn median(&self, what: What, store: usize) -> f64 {
        Spread::of(self.of(what, store).to_vec()).median
    }

    /// Round by round, to the smallest store.
    fn multiple(&self, what: What, store: usize) -> Spread {
        let pairs = self.of(what, store).iter().zip(self.of(what, 0));
        Spread::of(pairs.map(|(one, smallest)| one / smallest).collect())
    }
}

pub(super) fn table(stores: &[&Filled], measured: &Measured) -> Result<String, Failure> {
    let last = stores.len().checked_sub(1).ok_or("no stores: KEYWARD_BENCH_KEYS leaves all of them out")?;
    let sizes: Vec<String> = stores.iter().map(|store| thousands(store.keys)).collect();
    let (Some(smallest), Some(largest)) = (sizes.first(), sizes.last()) else {
        return Err("no stores".into());
    };
    let mut text = format!("\n| keys | {smallest} |");
    for size in sizes.iter().skip(1) {
        write!(text, " {size}, to {smallest} |")?;
    }
    writeln!(text, " {largest} | |\n|---|--:|{}--:|---|", "--:|".repeat(last))?;
    for what in measured.values.keys() {
        write!(text, "| {} | {} |", what.name(), what.told(measured.median(*what, 0)))?;
        for store in 1..=last {
            write!(text, " {} |", measured.multiple(*what, store))?;
        }
        let verdict = if measured.multiple(*what, last).median < FLAT { "flat" } else { "grows" };
        writeln!(text, " {} | {verdict} |", what.told(measured.median(*what, last)))?;
    }
    if let (Some(fewest), Some(most)) = (stores.first(), stores.last()) {
        for (who, what) in [("the server", What::Resident), ("a node", What::NodeResident)] {
            let more = measured.median(what, last) - measured.median(what, 0);
            let bytes = more * 1024.0 * 1024.0 / count(most.keys - fewest.keys);
            writeln!(text, "\nBytes a key in memory of {who}, from {smallest} to {largest}: {bytes:.0}.")?;
        }
    }
    Ok(text)
}

#[expect(clippy::cast_precision_loss, reason = "some millions")]
fn count(number: u64) -> f64 {
    (number as f64).max(1.0)
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_are_those_of_a_round() {
        let mut measured = Measured::new(&[10, 100]);
        for (small, large) in [(1.0, 3.0), (2.0, 2.0), (1.0, 4.0)] {
            measured.note(What::List, 0, small);
            measured.note(What::List, 1, large);
        }
        assert_eq!(measured.multiple(What::List, 1).to_string(), "3.00 (1.00–3.00)");
        assert_eq!(thousands(10_000_000), "10,000,000");
        assert_eq!(thousands(100), "100");
    }
}
