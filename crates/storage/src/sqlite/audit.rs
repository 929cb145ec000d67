//! The audit log.

use std::net::IpAddr;

use async_trait::async_trait;
use keyward_core::audit::{AuditEntry, AuditHome};
use rusqlite::params;

use super::SqliteTx;
use super::row::{principal_columns, run_one};
use crate::{Audit, StoreError};

#[async_trait]
impl Audit for SqliteTx {
    async fn append_audit(&mut self, entry: &AuditEntry) -> Result<(), StoreError> {
        let sql = "INSERT INTO audit_entries
                       (id, home_type, home_id, at, actor_type, actor_id, actor_name, action, target, before,
                        after, ip, user_agent, request_id)
                   SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14
                   WHERE is_system() OR (?2 = 'workspace' AND ?3 = tenant_workspace())
                      OR (?2 = 'person' AND ?3 = tenant_person())";
        let (home_type, home_id) = match entry.home {
            AuditHome::Workspace(id) => ("workspace", id.to_bytes()),
            AuditHome::Person(id) => ("person", id.to_bytes()),
        };
        let (actor_type, actor_id, actor_name) = principal_columns(&entry.actor);
        let params = params![
            entry.id.to_bytes(),
            home_type,
            home_id,
            entry.at.as_microsecond(),
            actor_type,
            actor_id,
            actor_name,
            entry.action.as_str(),
            entry.target,
            entry.before,
            entry.after,
            entry.ip.as_ref().map(IpAddr::to_string),
            entry.user_agent,
            entry.request_id.to_bytes(),
        ];
        run_one(self.write()?, sql, params)
    }
}
