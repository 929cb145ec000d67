//! Gateway nodes: data planes of their own, which follow a control plane elsewhere.

mod access;
mod copy;
mod doors;
mod flood;
mod following;
mod grace;
mod outage;
mod receipts;
mod several;
mod snapshot;
mod spool;
