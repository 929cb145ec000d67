//! What a role may do beyond what a server needs. Row-level security holds for those alone who cannot step around it.

use super::address::Address;
use super::link::Link;
use super::row::{each, one, only};
use super::value::params;
use crate::StoreError;

/// What a role may be or do, each with what it would allow. The names of the tables' owner and of the other role are
/// the parameters.
const POWERS: &str = "
    SELECT what FROM pg_roles r, LATERAL (VALUES
        (r.rolsuper, 'is a superuser'),
        (r.rolbypassrls, 'has BYPASSRLS: row-level security does not hold for it'),
        (r.rolcreaterole, 'has CREATEROLE: it could make itself a member of other roles'),
        (r.rolreplication, 'has REPLICATION: it could copy the whole database'),
        (EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = to_regnamespace('keyward') AND c.relowner = r.oid),
         'owns tables of Keyward: it could switch row-level security off'),
        (EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = to_regnamespace('keyward') AND c.relowner <> r.oid
                 AND pg_has_role(r.oid, c.relowner, 'MEMBER')),
         'is a member of the role that owns the tables of Keyward'),
        (coalesce(has_schema_privilege(r.oid, to_regnamespace('keyward'), 'CREATE'), false),
         'may create tables and functions in the schema keyward'),
        (EXISTS (SELECT 1 FROM pg_database d WHERE d.datname = current_database()
                 AND pg_has_role(r.oid, d.datdba, 'MEMBER')),
         'owns the database'),
        (EXISTS (SELECT 1 FROM pg_roles o WHERE o.rolname = $1 AND pg_has_role(r.oid, o.oid, 'MEMBER')),
         'is a member of the other role'),
        (EXISTS (SELECT 1 FROM pg_roles o
                 WHERE o.rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')
                   AND pg_has_role(r.oid, o.oid, 'MEMBER')),
         'may read or write files of the server, or run programs there')
    ) AS powers (has, what)
    WHERE r.rolname = current_user AND has";

/// Refuses a role that has more power than a server needs, and says which.
pub(super) async fn check(link: &Link, address: &Address, other: &str) -> Result<(), StoreError> {
    let mut powers = Vec::new();
    each(link, "pg_roles", POWERS, params![other], |columns| {
        powers.push(columns.take::<String>()?);
        Ok(())
    })
    .await?;
    if !powers.is_empty() {
        return Err(StoreError::Unsafe(format!("the role {} {}", address.user(), powers.join("; it "))));
    }
    // A pool may let a session in as another role than it says.
    let user = one(link, "pg_roles", "SELECT current_user::text", params![], only::<String>);
    match user.await? {
        Some(user) if user == address.user() => Ok(()),
        _ => Err(StoreError::Unsafe(format!("{address} leads to another role than it names"))),
    }
}
