//! What a role may do beyond what a server needs. Row-level security holds for those alone who cannot step around it.

use super::address::Address;
use super::link::Link;
use super::row::{many, one, only};
use super::value::params;
use crate::StoreError;

/// What a role may be or do, each with what it would allow. The parameters are the other role's name and its own.
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
         'may read or write files of the server, or run programs there'),
        (EXISTS (SELECT 1 FROM pg_roles o WHERE (o.rolsuper OR o.rolbypassrls) AND o.oid <> r.oid
                 AND NOT r.rolsuper AND pg_has_role(r.oid, o.oid, 'MEMBER')),
         'is a member of a role that is a superuser or has BYPASSRLS'),
        (EXISTS (SELECT 1 FROM pg_roles o WHERE o.rolname IN ('pg_read_all_data', 'pg_write_all_data')
                 AND NOT r.rolsuper AND pg_has_role(r.oid, o.oid, 'MEMBER')),
         'may read or write all tables of the database')
    ) AS powers (has, what)
    WHERE r.rolname = $2 AND has";
/// What the owner of the tables must not be: some of its functions answer for whoever asks them.
const OWNERS_POWERS: &str = "SELECT CASE WHEN rolsuper THEN 'is a superuser' ELSE 'has BYPASSRLS' END
    FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)";

/// Refuses a connection as a role that has more power than a server needs, and says which.
pub(super) async fn check(link: &Link, address: &Address, other: &str) -> Result<(), StoreError> {
    check_role(link, address.user(), other).await?;
    // A pool may let a session in as another role than it says.
    let user = one(link, "pg_roles", "SELECT current_user::text", params![], only::<String>);
    match user.await? {
        Some(user) if user == address.user() => Ok(()),
        _ => Err(StoreError::Unsafe(format!("{address} leads to another role than it names"))),
    }
}

/// Refuses a role that has more power than a server needs, and says which.
pub(super) async fn check_role(link: &Link, role: &str, other: &str) -> Result<(), StoreError> {
    let powers = many(link, "pg_roles", POWERS, params![other, role], only::<String>).await?;
    if powers.is_empty() {
        Ok(())
    } else {
        Err(StoreError::Unsafe(format!("the role {role} {}", powers.join("; it "))))
    }
}

/// Refuses an owner of the tables that could step around row-level security.
pub(super) async fn check_owner(link: &Link, owner: &Address) -> Result<(), StoreError> {
    match one(link, "pg_roles", OWNERS_POWERS, params![], only::<String>).await? {
        Some(power) => {
            Err(StoreError::Unsafe(format!("the role {}, which is to own the tables, {power}", owner.user())))
        }
        None => Ok(()),
    }
}
