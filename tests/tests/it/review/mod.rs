//! What a hostile reader of the code found on the real binary: each test shows one thing that must not be so.

mod in_flight;
mod load;
mod rights;
