//! Vaults of a workspace: what the operations on them share.

use jiff::Timestamp;
use keyward_core::field::{Complaints, FieldCode, FieldError};
use keyward_core::id::{VaultId, VaultSecretId, WorkspaceId};
use keyward_core::key::{KeyStatus, Which};
use keyward_core::person::DisplayName;
use keyward_storage::{Opens, SealedSecret, SecretOfKey, Tx, Vault, VaultSecret};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::refusal::Refusal;
use crate::sealing::{CannotOpen, Place, Sealing};

/// Most vaults of a workspace: they stand in one menu.
pub const VAULTS_MAX: u32 = 100;
/// Most secrets of a vault: a list that somebody still finds something in, and ten megabytes at the most.
pub const SECRETS_MAX: u32 = 1_000;
/// Longest secret: a certificate's key of 8,192 bits, or the credentials of a cloud's account.
pub const SECRET_LEN_MAX: usize = 8 * 1024;

/// What the key is at `now` that a secret is of.
pub fn status_of_key(key: &SecretOfKey, now: Timestamp) -> KeyStatus {
    match (key.revoked_at, key.expires_at) {
        (Some(_), _) => KeyStatus::Revoked,
        (None, Some(end)) if end <= now => KeyStatus::Expired,
        (None, _) => KeyStatus::Active,
    }
}

/// Which secret of its key it is at `now`. `None`: it was rotated away.
pub fn which_of_key(key: &SecretOfKey, now: Timestamp) -> Option<Which> {
    match key.opens {
        Opens::Present => Some(Which::Current),
        Opens::Until(end) if now < end => Some(Which::Previous),
        Opens::Until(_) | Opens::Nothing => None,
    }
}

pub(crate) const VAULT: &str = "the vault";
pub(crate) const SECRET: &str = "the secret";

pub(crate) async fn find(tx: &mut dyn Tx, id: &str) -> Result<Vault, Refusal> {
    let id: VaultId = id.parse().map_err(|_| Refusal::NotFound(VAULT))?;
    tx.vault(id).await?.ok_or(Refusal::NotFound(VAULT))
}

/// A secret of a vault, but for itself.
pub(crate) async fn find_secret(tx: &mut dyn Tx, vault: &Vault, id: &str) -> Result<VaultSecret, Refusal> {
    let id: VaultSecretId = id.parse().map_err(|_| Refusal::NotFound(SECRET))?;
    let found = tx.vault_secret(id).await?.filter(|secret| secret.vault == vault.id);
    found.ok_or(Refusal::NotFound(SECRET))
}

pub(crate) fn name_taken(name: &DisplayName) -> Refusal {
    let message = format!("there is a vault called \"{name}\" already; choose another name");
    FieldError::new("name", FieldCode::Taken, message).into()
}

/// The secret that somebody wrote, as it is: any text that is not empty.
pub(crate) fn parse_secret(complaints: &mut Complaints, secret: &str) {
    if secret.is_empty() {
        complaints.add(FieldError::new("secret", FieldCode::Required, "give the secret itself"));
    }
    if secret.len() > SECRET_LEN_MAX {
        let message = format!("a secret has at most {SECRET_LEN_MAX} bytes");
        complaints.add(FieldError::new("secret", FieldCode::TooLarge, message));
    }
}

pub(crate) fn check_room(vault: &Vault) -> Result<(), Refusal> {
    if vault.secrets < SECRETS_MAX {
        return Ok(());
    }
    let message = format!("the vault \"{}\" holds {SECRETS_MAX} secrets; delete one first", vault.name);
    Err(Refusal::Conflict(message))
}

/// A vault for the audit log.
pub(crate) fn describe(vault: &Vault) -> Value {
    json!({ "name": vault.name.as_str(), "description": vault.description })
}

/// A secret for the audit log: all but itself.
pub(crate) fn describe_secret(vault: &Vault, secret: &VaultSecret) -> Value {
    json!({
        "vault_id": vault.id.to_string(),
        "vault": vault.name.as_str(),
        "name": secret.name.as_str(),
        "key_id": secret.of_key.as_ref().map(|of_key| of_key.id.to_string()),
    })
}

/// The place that a secret of a vault is sealed for.
pub(crate) fn row(id: VaultSecretId) -> String {
    format!("vault_secret:{id}")
}

pub(crate) fn seal(
    sealing: &Sealing,
    workspace: WorkspaceId,
    id: VaultSecretId,
    secret: &str,
) -> Result<SealedSecret, Refusal> {
    sealing.seal(Place { workspace, row: &row(id) }, secret.as_bytes())
}

pub(crate) fn open(
    sealing: &Sealing,
    workspace: WorkspaceId,
    id: VaultSecretId,
    sealed: &SealedSecret,
) -> Result<Zeroizing<String>, CannotOpen> {
    let mut opened = sealing.open(Place { workspace, row: &row(id) }, sealed)?;
    // What was sealed was a text; the bytes move, and are not copied.
    String::from_utf8(std::mem::take(&mut *opened)).map(Zeroizing::new).map_err(|_| CannotOpen::Changed)
}
