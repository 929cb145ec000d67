//! What one page of a list, and one batch of uses, may cost, on every engine alike.

/// Rows of a walk before the filters are asked how many keys they have. A page of 50 is full by then wherever one
/// key of twenty fits.
const WALK_FIRST: u32 = 1_000;
/// Rows of a walk: some tens of milliseconds. Of a key's uses, of keys to look at, and of keys alike. Keys that are
/// revoked or have expired are among those to look at that were never used.
pub(crate) const WALK_MAX: u32 = 10_000;
/// Keys of a filter that are sorted for one page: some tens of milliseconds. What has more is one key of fifty or
/// more, up to a million keys, so that the walk soon fills a page, if they lie evenly.
const FEW_MAX: u32 = 20_000;
/// The first of these keys, in the order of the list, that are held against the filters one by one, before all are: enough
/// for a page of 50, since most keys that an index of texts names hold the text.
const FEW_FIRST: u32 = 128;
/// Writers of uses that are forgotten with each batch that is taken: more than ever become old at that rate.
pub(crate) const BATCHES_FORGOTTEN_AT_ONCE: u32 = 8;

/// What one page of keys may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) walk_first: u32,
    pub(crate) walk: u32,
    pub(crate) few: u32,
    pub(crate) few_first: u32,
}

impl Bounds {
    pub(crate) const USUAL: Self =
        Self { walk_first: WALK_FIRST, walk: WALK_MAX, few: FEW_MAX, few_first: FEW_FIRST };
}
