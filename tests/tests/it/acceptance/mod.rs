//! The rows of the five reference systems, one test each.

mod cerby;
mod cveium;
mod cybrium;
mod cysmiq;
