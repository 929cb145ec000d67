use super::Bed;
use super::town::{Town, at};
use super::vaults::{vault, vault_secret};
use super::webhooks::webhook;
use crate::{OldSecret, SealedKind, SealedRow, SealedSecret, Webhook};

/// Keeps one of each kind, and one of another tenant's.
async fn fill(town: &Town) -> (Webhook, [SealedRow; 4]) {
    let old = OldSecret { sealed: SealedSecret([4, 5].into()), ends_at: at(9) };
    let hook = Webhook { old_secret: Some(old.clone()), ..webhook(town.acme.id) };
    let (mine, theirs) = (vault(town.acme.id, "a"), vault(town.globex.id, "a"));
    let (first, second) = (vault_secret(&mine, "x"), vault_secret(&theirs, "y"));
    let mut tx = town.system().await;
    tx.insert_webhook(&hook).await.unwrap();
    for (vault, secret) in [(&mine, &first), (&theirs, &second)] {
        tx.insert_vault(vault).await.unwrap();
        tx.insert_vault_secret(secret).await.unwrap();
    }
    tx.commit().await.unwrap();
    let row = |kind, workspace, id, sealed: &SealedSecret| SealedRow {
        kind,
        workspace,
        id,
        sealed: sealed.clone(),
    };
    let rows = [
        row(SealedKind::Webhook, town.acme.id, hook.id.to_bytes(), &hook.secret),
        row(SealedKind::OldOfWebhook, town.acme.id, hook.id.to_bytes(), &old.sealed),
        row(SealedKind::VaultSecret, town.acme.id, first.id.to_bytes(), &first.sealed),
        row(SealedKind::VaultSecret, town.globex.id, second.id.to_bytes(), &second.sealed),
    ];
    (hook, rows)
}

pub(crate) async fn all_that_is_sealed_is_found_in_parts(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (_, rows) = fill(&town).await;
    let mut tx = town.system().await;
    let mut found = Vec::new();
    for kind in SealedKind::ALL {
        let mut after = [0; 16];
        while let Some(row) = tx.sealed_rows(kind, after, 1).await.unwrap().pop() {
            after = row.id;
            found.push(row);
        }
    }
    assert_eq!(found, rows);
}

pub(crate) async fn what_is_sealed_otherwise_is_no_edit(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (hook, rows) = fill(&town).await;
    let new = SealedSecret([7; 40].into());
    let mut tx = town.system().await;
    for row in &rows {
        assert!(tx.reseal(row, &new).await.unwrap());
        assert!(!tx.reseal(row, &new).await.unwrap(), "it is another by now");
        let again = tx.sealed_rows(row.kind, [0; 16], 10).await.unwrap();
        assert!(again.contains(&SealedRow { sealed: new.clone(), ..row.clone() }));
    }
    let kept = tx.webhook(hook.id).await.unwrap().unwrap();
    assert_eq!((kept.secret, kept.version), (new.clone(), hook.version));
    assert_eq!(kept.old_secret.unwrap().sealed, new);
}
