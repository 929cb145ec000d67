//! The rows of the five reference systems, one test each.

mod cerby;
mod cveium;
mod cveium_accounts;
mod cybrium;
mod cycloid;
mod cysmiq;
