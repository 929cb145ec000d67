//! What was settled where the five pages differ, each point by tests of its own.

mod credentials;
mod keys;
mod rights;
