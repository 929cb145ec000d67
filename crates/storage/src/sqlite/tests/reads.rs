//! What a list costs does not grow with the keys: ten times as many, and nearly the same work.

use super::many::{Many, all, short_search, sorts};
use super::watch;
use crate::bounds::Bounds;
use crate::sqlite::connection::Guarded;
use crate::sqlite::key_list::key_list;
use crate::{KeyFilter, KeySort, Page, Position};

/// A tenth of the usual bounds, so that a fast test reaches them; but for what is enough for a page, which is as long.
const BOUNDS: Bounds = Bounds { walk_first: 100, walk: 1_000, few: 2_000, few_first: 128 };
/// How much more work there may be with ten times the keys. What lost its index costs ten times as much.
const MORE: u64 = 2;
/// Up to here nothing is compared, in instructions of SQLite: a page of some keys costs less than one of fifty. To
/// pass over all 20,000 keys costs five times as much at the least.
const STEPS_OF_A_PAGE: u64 = 40_000;
/// What a page costs at the most with these bounds.
const STEPS_MAX: u64 = 100_000;

/// The instructions that a page costs.
fn cost(reader: &Guarded, filter: &KeyFilter, sort: KeySort, after: Option<Position>) -> u64 {
    let page = Page { limit: 50, after };
    // Once before, so that all is prepared.
    for _ in 0..2 {
        watch::begin();
        key_list(reader.raw(), BOUNDS, filter, sort, &page).unwrap();
    }
    let runs = watch::end();
    assert!(runs.iter().all(|run| run.scanned == 0 && run.prepared_anew == 0), "{runs:#?}");
    runs.iter().map(|run| run.steps).sum()
}

#[tokio::test]
async fn a_page_costs_the_same_in_a_workspace_of_ten_times_the_keys() {
    let (small, large) = (Many::fill(2_000).await, Many::fill(20_000).await);
    let (in_small, in_large) = (small.reader(), large.reader());
    let mut failed = Vec::new();
    let mut compare = |what: String, few: u64, many: u64, most: u64| {
        if many > (few * MORE).max(most) {
            failed.push(format!("{what}: {few} steps with {} keys, {many} with {}", small.keys, large.keys));
        }
    };
    for (order, sort) in sorts() {
        for percent in [10, 50, 90] {
            let few = cost(&in_small, &all(), sort, Some(small.place(&in_small, sort, percent)));
            let many = cost(&in_large, &all(), sort, Some(large.place(&in_large, sort, percent)));
            compare(format!("{order} behind {percent} %"), few, many, STEPS_OF_A_PAGE);
        }
        let filters = [("all", all())].into_iter().chain(small.filters());
        let same = [("all", all())].into_iter().chain(large.filters());
        for ((what, filter), (_, same)) in filters.zip(same) {
            // The names that hold it stand together: how far away they are, is left to the bound.
            let together = what == "search, 1 of 8" && order.ends_with("name");
            let most = if together { STEPS_MAX } else { STEPS_OF_A_PAGE };
            let (few, many) = (cost(&in_small, &filter, sort, None), cost(&in_large, &same, sort, None));
            compare(format!("{what} by {order}"), few, many, most);
        }
        let (what, filter) = short_search();
        compare(format!("{what} by {order}"), 0, cost(&in_large, &filter, sort, None), STEPS_MAX);
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
