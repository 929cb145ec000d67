//! What a store in PostgreSQL has of its own: row-level security, several servers, a database that goes away.

mod outage;
mod roles;
mod security;
mod servers;
