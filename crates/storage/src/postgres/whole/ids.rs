//! Identifiers: sixteen bytes on SQLite, texts whose prefix tells the kind in the database.

use keyward_core::id::{
    AuditId, DeliveryId, EventId, InvitationId, KeyId, MailId, RequestId, RoleId, ServiceAccountId,
    SessionId, UserId, VaultId, VaultSecretId, WebhookId, WorkspaceId,
};

use crate::whole::{Cell, Row, Table};

/// The bytes of an identifier, of whatever kind it is.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    // All kinds are written alike behind their prefix.
    let (_, body) = text.split_once('_')?;
    let id: KeyId = format!("{}_{body}", KeyId::PREFIX).parse().ok()?;
    Some(id.to_bytes().to_vec())
}

/// The text of an identifier that stands in a column of a row. `None`: nobody knows which kind it is.
pub(super) fn text(table: &Table, row: &Row, column: &str, bytes: &[u8]) -> Option<String> {
    let bytes: [u8; 16] = bytes.try_into().ok()?;
    let text = match prefix(table, row, column)? {
        WorkspaceId::PREFIX => WorkspaceId::from_bytes(bytes).to_string(),
        UserId::PREFIX => UserId::from_bytes(bytes).to_string(),
        ServiceAccountId::PREFIX => ServiceAccountId::from_bytes(bytes).to_string(),
        KeyId::PREFIX => KeyId::from_bytes(bytes).to_string(),
        RoleId::PREFIX => RoleId::from_bytes(bytes).to_string(),
        SessionId::PREFIX => SessionId::from_bytes(bytes).to_string(),
        InvitationId::PREFIX => InvitationId::from_bytes(bytes).to_string(),
        AuditId::PREFIX => AuditId::from_bytes(bytes).to_string(),
        RequestId::PREFIX => RequestId::from_bytes(bytes).to_string(),
        MailId::PREFIX => MailId::from_bytes(bytes).to_string(),
        EventId::PREFIX => EventId::from_bytes(bytes).to_string(),
        WebhookId::PREFIX => WebhookId::from_bytes(bytes).to_string(),
        DeliveryId::PREFIX => DeliveryId::from_bytes(bytes).to_string(),
        VaultId::PREFIX => VaultId::from_bytes(bytes).to_string(),
        VaultSecretId::PREFIX => VaultSecretId::from_bytes(bytes).to_string(),
        _ => return None,
    };
    Some(text)
}

/// Which kind of identifier a column holds: by its name alone, by the table, or by what another column of the row says.
fn prefix(table: &Table, row: &Row, column: &str) -> Option<&'static str> {
    let says = |name: &str| match table.place(name).and_then(|place| row.get(place)) {
        Some(Cell::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    match (table.name.as_str(), column) {
        ("users", "id") | ("keys", "home_id") | ("changes", "subject_id") => by_kind(says("kind")?),
        ("keys" | "vaults" | "vault_secrets", "created_by_id") => by_kind(says("created_by_type")?),
        ("keys", "revoked_by_id") => by_kind(says("revoked_by_type")?),
        ("audit_entries", "actor_id") => by_kind(says("actor_type")?),
        ("audit_entries" | "audit_heads", "home_id") => by_kind(says("home_type")?),
        ("memberships", "user_id") if says("role") == Some("") => Some(ServiceAccountId::PREFIX),
        ("sessions", "id") => Some(SessionId::PREFIX),
        ("invitations", "id") => Some(InvitationId::PREFIX),
        ("audit_entries", "id") => Some(AuditId::PREFIX),
        ("mails", "id") => Some(MailId::PREFIX),
        ("webhooks", "id") | (_, "webhook_id") => Some(WebhookId::PREFIX),
        ("vaults", "id") | (_, "vault_id") => Some(VaultId::PREFIX),
        ("vault_secrets", "id") => Some(VaultSecretId::PREFIX),
        ("webhook_deliveries", "id") => Some(DeliveryId::PREFIX),
        (_, "event_id") => Some(EventId::PREFIX),
        ("workspaces", "id") | (_, "workspace_id") => Some(WorkspaceId::PREFIX),
        ("keys", "id") | (_, "key_id") => Some(KeyId::PREFIX),
        (_, "user_id" | "person_id" | "owner_id" | "created_by") => Some(UserId::PREFIX),
        (_, "service_account_id") => Some(ServiceAccountId::PREFIX),
        (_, "request_id") => Some(RequestId::PREFIX),
        _ => None,
    }
}

/// What is called that, in whichever column.
fn by_kind(kind: &str) -> Option<&'static str> {
    match kind {
        "person" | "personal" | "user" => Some(UserId::PREFIX),
        "workspace" | "membership" => Some(WorkspaceId::PREFIX),
        "service_account" => Some(ServiceAccountId::PREFIX),
        "key" => Some(KeyId::PREFIX),
        "role" => Some(RoleId::PREFIX),
        _ => None,
    }
}
