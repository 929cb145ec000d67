//! The replica and the verifier, from outside.

#[cfg(test)]
mod decisions;
mod follower;
#[cfg(test)]
mod grace;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod model;
#[cfg(test)]
mod networks;
#[cfg(test)]
mod support;
#[cfg(test)]
mod web;
