//! Decisions in process beside the least that any of them needs: a digest of the same bytes, and a look-up by it.
//!
//! `cargo xtask bench verify` runs this; it is no part of the test run.

#[cfg(test)]
mod bare;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod crowd;
#[cfg(test)]
mod instructions;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod rounds;
#[cfg(test)]
mod snapshot;
#[cfg(test)]
mod table;
#[cfg(test)]
mod verify;
