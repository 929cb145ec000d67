use keyward_core::id::{VaultId, VaultSecretId, WorkspaceId};
use keyward_core::key::{Key, OldSecret, Principal, PrincipalId};

use super::Bed;
use super::town::{Town, another_secret, at, display, unique, workspace_key};
use crate::{
    NewVaultSecret, Opens, Page, Position, SealedSecret, SecretOfKey, SortValue, StoreError, Unique, Vault,
    VaultSecret,
};

const PAGE: Page = Page { limit: 100, after: None };

pub(crate) fn vault(workspace: WorkspaceId, name: &str) -> Vault {
    Vault {
        id: VaultId::new(0, unique()),
        workspace,
        name: display(name),
        description: Some("what it is for".into()),
        created_at: at(1),
        created_by: Principal { id: PrincipalId::System, name: "keyward".into() },
        secrets: 0,
        version: 1,
    }
}

pub(crate) fn vault_secret(vault: &Vault, name: &str) -> NewVaultSecret {
    NewVaultSecret {
        id: VaultSecretId::new(0, unique()),
        vault: vault.id,
        workspace: vault.workspace,
        name: display(name),
        sealed: SealedSecret([1, 2, 3].into()),
        of_key: None,
        created_at: at(2),
        created_by: vault.created_by.clone(),
    }
}

/// As it comes back.
fn shown(secret: &NewVaultSecret, of_key: Option<SecretOfKey>) -> VaultSecret {
    let NewVaultSecret { id, vault, name, created_at, created_by, .. } = secret.clone();
    VaultSecret { id, vault, name, created_at, created_by, of_key }
}

pub(crate) async fn a_vault_is_kept_edited_and_deleted(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let first = vault(town.acme.id, "Production");
    let mut tx = town.begin().await;
    tx.insert_vault(&first).await.unwrap();
    assert_eq!(tx.vault(first.id).await.unwrap().as_ref(), Some(&first));
    let edited = Vault { name: display("PRODUCTION"), description: None, version: 2, ..first.clone() };
    tx.update_vault(&edited).await.unwrap();
    assert!(matches!(tx.update_vault(&edited).await, Err(StoreError::Changed)), "its version is taken");
    assert_eq!(tx.vault(first.id).await.unwrap(), Some(edited));
    assert!(tx.delete_vault(first.id).await.unwrap());
    assert!(!tx.delete_vault(first.id).await.unwrap());
    assert_eq!(tx.vault(first.id).await.unwrap(), None);
}

pub(crate) async fn vaults_of_a_workspace_differ_in_more_than_case(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let mut tx = town.system().await;
    tx.insert_vault(&vault(town.acme.id, "Production")).await.unwrap();
    tx.insert_vault(&vault(town.globex.id, "Production")).await.unwrap();
    let taken = tx.insert_vault(&vault(town.acme.id, "production")).await;
    assert!(matches!(taken, Err(StoreError::Duplicate(Unique::VaultName))), "{taken:?}");
    let other = vault(town.acme.id, "Staging");
    tx.insert_vault(&other).await.unwrap();
    let taken = tx.update_vault(&Vault { name: display("PRODUCTION"), version: 2, ..other }).await;
    assert!(matches!(taken, Err(StoreError::Duplicate(Unique::VaultName))), "{taken:?}");
}

pub(crate) async fn vaults_and_secrets_come_page_by_page(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let vaults = [vault(town.acme.id, "a"), vault(town.acme.id, "b"), vault(town.acme.id, "c")];
    let secrets = ["x", "y", "z"].map(|name| vault_secret(&vaults[1], name));
    let mut tx = town.begin().await;
    for vault in &vaults {
        tx.insert_vault(vault).await.unwrap();
    }
    for secret in &secrets {
        tx.insert_vault_secret(secret).await.unwrap();
    }
    let after = |id| Page { limit: 100, after: Some(Position { value: SortValue::Number(0), id }) };
    let filled = Vault { secrets: 3, ..vaults[1].clone() };
    let two = tx.vaults(town.acme.id, &Page { limit: 2, after: None }).await.unwrap();
    assert_eq!(two, [vaults[0].clone(), filled]);
    let rest = tx.vaults(town.acme.id, &after(vaults[1].id.to_bytes())).await.unwrap();
    assert_eq!(rest, [vaults[2].clone()]);
    let two = tx.vault_secrets(vaults[1].id, &Page { limit: 2, after: None }).await.unwrap();
    assert_eq!(two, [shown(&secrets[0], None), shown(&secrets[1], None)]);
    let rest = tx.vault_secrets(vaults[1].id, &after(secrets[1].id.to_bytes())).await.unwrap();
    assert_eq!(rest, [shown(&secrets[2], None)]);
    assert_eq!(tx.vault_secrets(vaults[0].id, &PAGE).await.unwrap(), []);
}

pub(crate) async fn a_secret_comes_back_sealed_as_it_was_kept(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let vault = vault(town.acme.id, "Production");
    let secret = vault_secret(&vault, "database");
    let mut tx = town.begin().await;
    tx.insert_vault(&vault).await.unwrap();
    tx.insert_vault_secret(&secret).await.unwrap();
    assert_eq!(tx.vault_secret(secret.id).await.unwrap(), Some(shown(&secret, None)));
    assert_eq!(tx.sealed_vault_secret(secret.id).await.unwrap().as_ref(), Some(&secret.sealed));
    assert!(tx.delete_vault(vault.id).await.is_err(), "there is something in it");
    assert!(tx.delete_vault_secret(secret.id).await.unwrap());
    assert!(!tx.delete_vault_secret(secret.id).await.unwrap());
    assert_eq!(tx.vault_secret(secret.id).await.unwrap(), None);
    assert_eq!(tx.sealed_vault_secret(secret.id).await.unwrap(), None);
    assert!(tx.delete_vault(vault.id).await.unwrap());
    let nowhere = tx.insert_vault_secret(&vault_secret(&vault, "lost")).await;
    assert!(matches!(nowhere, Err(StoreError::Changed)), "{nowhere:?}");
}

pub(crate) async fn a_secret_says_what_it_opens_of_its_key(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let vault = vault(town.acme.id, "Production");
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&key).await;
    let mut secret = vault_secret(&vault, "ci");
    secret.of_key = Some((key.id, key.secret.digest));
    let mut tx = town.begin().await;
    tx.insert_vault(&vault).await.unwrap();
    tx.insert_vault_secret(&secret).await.unwrap();
    let of_key = |opens, revoked_at| {
        let (id, name, expires_at) = (key.id, key.name.clone(), key.expires_at);
        Some(shown(&secret, Some(SecretOfKey { id, name, revoked_at, expires_at, opens })))
    };
    assert_eq!(tx.vault_secret(secret.id).await.unwrap(), of_key(Opens::Present, None));
    let old = Some(OldSecret { secret: key.secret.clone(), rotated_at: at(3), ends_at: at(9) });
    let rotated = Key { secret: another_secret(), old, version: 2, ..key.clone() };
    tx.update_key(&rotated).await.unwrap();
    assert_eq!(tx.vault_secret(secret.id).await.unwrap(), of_key(Opens::Until(at(9)), None));
    let finished = Key { old: None, retired: vec![key.secret.digest], version: 3, ..rotated };
    tx.update_key(&finished).await.unwrap();
    assert_eq!(tx.vault_secret(secret.id).await.unwrap(), of_key(Opens::Nothing, None));
    let revoked = finished.revoke(at(5), vault.created_by.clone());
    tx.update_key(&revoked).await.unwrap();
    let found = tx.vault_secret(secret.id).await.unwrap().unwrap().of_key.unwrap();
    assert_eq!((found.revoked_at, found.opens), (Some(at(5)), Opens::Nothing));
}

pub(crate) async fn a_secret_is_of_no_key_of_another_workspace(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let vault = vault(town.acme.id, "Production");
    let foreign = workspace_key("ci", town.globex.id, town.eve.id);
    let mut tx = town.system().await;
    tx.insert_key(&foreign).await.unwrap();
    tx.insert_vault(&vault).await.unwrap();
    let mut secret = vault_secret(&vault, "theirs");
    secret.of_key = Some((foreign.id, foreign.secret.digest));
    let refused = tx.insert_vault_secret(&secret).await;
    assert!(matches!(refused, Err(StoreError::Changed)), "{refused:?}");
}
