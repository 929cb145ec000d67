//! How every change of a key that is shown afterwards ends, once the key is written: the audit entry, the
//! numbered change, the commit, and this process's own data plane.

use keyward_core::id::KeyId;
use keyward_storage::{Changed, KeyRow, Tx};

use crate::Service;
use crate::audit::{self, Deed};
use crate::ctx::Ctx;
use crate::get_key;
use crate::refusal::Refusal;

/// Ends a change of `key`. The row is the key as the transaction that wrote it sees it.
pub(crate) async fn settle(
    service: &Service,
    ctx: &Ctx,
    mut tx: Box<dyn Tx>,
    key: KeyId,
    deed: Deed,
) -> Result<KeyRow, Refusal> {
    let action = deed.action;
    audit::write(ctx, tx.as_mut(), deed).await?;
    tx.record_change(Changed::Key(key)).await?;
    let row = get_key::reload(tx.as_mut(), key).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    tracing::info!(%key, action = action.as_str(), kind = row.key.kind().as_str(), "key changed");
    Ok(row)
}
