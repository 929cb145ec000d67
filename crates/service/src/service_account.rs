//! Service accounts that stand alone: several keys may act as one (CVE-6). Those that come with a key are the
//! key's own business.

use keyward_core::field::{FieldCode, FieldError};
use keyward_storage::{ServiceAccountRow, StoreError, Tx, Unique};
use serde_json::{Value, json};

use crate::refusal::Refusal;

pub(crate) const SERVICE_ACCOUNT: &str = "the service account";
/// Most live keys of one service account: deleting it revokes each in one transaction, which others
/// wait for.
pub(crate) const KEYS_MAX: u32 = 1_000;

/// One of the workspace that was entered.
pub(crate) async fn find(tx: &mut dyn Tx, id: &str) -> Result<ServiceAccountRow, Refusal> {
    let id = id.parse().map_err(|_| Refusal::NotFound(SERVICE_ACCOUNT))?;
    tx.service_account(id).await?.ok_or(Refusal::NotFound(SERVICE_ACCOUNT))
}

/// One that stands alone, to be managed.
pub(crate) async fn find_shared(tx: &mut dyn Tx, id: &str) -> Result<ServiceAccountRow, Refusal> {
    let row = find(tx, id).await?;
    if row.account.shared {
        return Ok(row);
    }
    let message = "this service account comes and goes with its key; edit or revoke the key";
    Err(Refusal::Conflict(message.to_owned()))
}

/// The one that a new or edited key is to act as.
pub(crate) async fn to_act_as(tx: &mut dyn Tx, id: &str) -> Result<ServiceAccountRow, Refusal> {
    let complain = |code, message: String| Err(FieldError::new("service_account", code, message).into());
    let found = match id.parse() {
        Ok(id) => tx.service_account(id).await?,
        Err(_) => None,
    };
    match found {
        Some(row) if !row.account.shared => complain(
            FieldCode::Contradiction,
            "this one comes with another key; give one that stands alone".to_owned(),
        ),
        Some(row) if row.keys >= KEYS_MAX => complain(
            FieldCode::TooLarge,
            format!("{KEYS_MAX} live keys act as it already; make another service account"),
        ),
        Some(row) => Ok(row),
        None => complain(
            FieldCode::NotFound,
            "give the identifier of a service account of the workspace, sa_…".to_owned(),
        ),
    }
}

pub(crate) fn name_taken(error: StoreError) -> Refusal {
    match error {
        StoreError::Duplicate(Unique::ServiceAccountName) => {
            let message = "a service account of the workspace has this name already; choose another";
            FieldError::new("name", FieldCode::Duplicate, message).into()
        }
        other => other.into(),
    }
}

/// A service account for the audit log.
pub(crate) fn describe(row: &ServiceAccountRow) -> Value {
    json!({
        "name": row.account.name,
        "description": row.description,
        "disabled": row.account.disabled,
    })
}
