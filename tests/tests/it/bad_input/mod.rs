//! What is wrong is answered by the contract's problem, and leaves the store untouched.

mod bodies;
mod credentials;
mod limits;
mod parameters;
mod requests;
mod values;
