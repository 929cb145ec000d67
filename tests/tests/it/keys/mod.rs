//! `/api/v1/{slug}/keys` and `/api/v1/me/keys`.

mod bounds;
mod bulk_revoke;
mod create;
mod get;
mod list;
mod networks;
mod revoke;
mod rotate;
mod shapes;
mod update;
