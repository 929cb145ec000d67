//! Seal anew what another than the present key has sealed, so that the other may be thrown away.

use keyward_core::id::{VaultSecretId, WebhookId};
use keyward_storage::{SealedKind, SealedRow, SystemReason};

use crate::Service;
use crate::refusal::Refusal;
use crate::sealing::Place;
use crate::{vault, webhook};

/// Secrets that are sealed anew in one transaction: some milliseconds, which others wait for.
const AT_ONCE: u32 = 100;

/// What was found of what is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resealed {
    /// Secrets that the present key had sealed.
    pub present: u64,
    /// Secrets that it has sealed now in place of another.
    pub anew: u64,
    /// Secrets that no key opens that is there.
    pub lost: u64,
}

/// Looks at all that is sealed, part by part, and seals with the present key what another has sealed.
pub async fn reseal(service: &Service) -> Result<Resealed, Refusal> {
    let mut told = Resealed::default();
    for kind in SealedKind::ALL {
        let mut after = [0; 16];
        loop {
            let mut look = service.store.view_system(SystemReason::Maintain).await?;
            let rows = look.sealed_rows(kind, after, AT_ONCE).await?;
            drop(look);
            let Some(last) = rows.last() else { break };
            after = last.id;
            reseal_part(service, &rows, &mut told).await?;
        }
    }
    Ok(told)
}

async fn reseal_part(service: &Service, rows: &[SealedRow], told: &mut Resealed) -> Result<(), Refusal> {
    let of_others: Vec<&SealedRow> =
        rows.iter().filter(|row| !service.sealing.is_present(&row.sealed)).collect();
    told.present += (rows.len() - of_others.len()) as u64;
    if of_others.is_empty() {
        return Ok(());
    }
    let mut tx = service.store.begin_system(SystemReason::Maintain).await?;
    for row in of_others {
        let name = name(row);
        let place = Place { workspace: row.workspace, row: &name };
        match service.sealing.open(place, &row.sealed) {
            Ok(secret) => {
                let sealed = service.sealing.seal(place, &secret)?;
                // One that was replaced or deleted meanwhile needs nothing any more.
                tx.reseal(row, &sealed).await?;
                told.anew += 1;
            }
            Err(why) => {
                tracing::warn!(row = name, %why, "what is sealed cannot be opened");
                told.lost += 1;
            }
        }
    }
    tx.commit().await?;
    Ok(())
}

fn name(row: &SealedRow) -> String {
    match row.kind {
        SealedKind::Webhook | SealedKind::OldOfWebhook => webhook::row(WebhookId::from_bytes(row.id)),
        SealedKind::VaultSecret => vault::row(VaultSecretId::from_bytes(row.id)),
    }
}
