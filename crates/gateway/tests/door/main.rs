//! The data plane over real sockets.

#[cfg(test)]
mod authorize;
#[cfg(test)]
mod product;
#[cfg(test)]
mod server;
#[cfg(test)]
mod verify;
#[cfg(test)]
mod wire;
