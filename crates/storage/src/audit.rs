//! The audit log.

use async_trait::async_trait;
use keyward_core::audit::AuditEntry;

use crate::error::StoreError;

/// What a transaction can do with the audit log: add to it. Nothing changes or deletes an entry.
#[async_trait]
pub trait Audit {
    /// Writes an entry down. If it cannot be written, the transaction must not be committed.
    async fn append_audit(&mut self, entry: &AuditEntry) -> Result<(), StoreError>;
}
