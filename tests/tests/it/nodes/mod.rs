//! Gateway nodes: data planes of their own, which follow a control plane elsewhere.

mod access;
mod following;
mod outage;
mod receipts;
