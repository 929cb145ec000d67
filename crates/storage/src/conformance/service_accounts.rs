use keyward_core::key::{Belongs, Key, Principal, PrincipalId};

use super::Bed;
use super::town::{Town, at, key_acting_as, service_account_of, shared_account, workspace_key};
use crate::{Page, Position, ServiceAccountRow, SortValue, StoreError, Unique};

pub(crate) async fn a_service_account_is_kept_edited_and_deleted(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (acme, bot) = (town.acme.id, shared_account("bot"));
    let mut tx = town.begin().await;
    tx.insert_service_account(acme, &bot).await.unwrap();
    let again = tx.insert_service_account(acme, &shared_account("bot")).await.unwrap_err();
    assert!(matches!(again, StoreError::Duplicate(Unique::ServiceAccountName)), "{again}");
    assert_eq!(tx.service_account(bot.account.id).await.unwrap(), Some(bot.clone()));
    let mut disabled = ServiceAccountRow { disabled_at: Some(at(5)), version: 2, ..bot.clone() };
    disabled.account.disabled = true;
    tx.update_service_account(&disabled).await.unwrap();
    assert!(matches!(tx.update_service_account(&disabled).await, Err(StoreError::Changed)));
    assert_eq!(tx.service_account(bot.account.id).await.unwrap(), Some(disabled));
    tx.delete_service_account(bot.account.id, at(6)).await.unwrap();
    assert_eq!(tx.service_account(bot.account.id).await.unwrap(), None);
}

pub(crate) async fn several_keys_act_as_one_service_account(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (acme, ada, bot) = (town.acme.id, town.ada.id, shared_account("bot"));
    let mut tx = town.begin().await;
    tx.insert_service_account(acme, &bot).await.unwrap();
    tx.commit().await.unwrap();
    let (one, two) =
        (key_acting_as("one", acme, ada, &bot.account), key_acting_as("two", acme, ada, &bot.account));
    let alone = workspace_key("alone", acme, ada);
    for key in [&one, &two, &alone] {
        town.keep(key).await;
    }
    let mut tx = town.begin().await;
    assert_eq!(tx.key(one.id).await.unwrap().unwrap().key, one);
    assert_eq!(tx.service_account(bot.account.id).await.unwrap().unwrap().keys, 2);
    let by = Principal { id: PrincipalId::User(ada), name: "ada".into() };
    tx.update_key(&one.clone().revoke(at(1), by)).await.unwrap();
    assert_eq!(tx.service_account(bot.account.id).await.unwrap().unwrap().keys, 1);
    assert_eq!(tx.keys_of_service_account(bot.account.id, 10).await.unwrap(), [two.id]);
    // A key may act as another from now on: as one that stands alone.
    let moved = |key: &Key, to: &Key| {
        let mut moved = Key { version: key.version + 1, ..key.clone() };
        if let Belongs::ToWorkspace { acts_as, .. } = &mut moved.belongs {
            *acts_as = service_account_of(to);
        }
        moved
    };
    assert!(matches!(tx.update_key(&moved(&two, &alone)).await, Err(StoreError::Changed)));
    tx.update_key(&moved(&alone, &two)).await.unwrap();
    assert_eq!(tx.service_account(bot.account.id).await.unwrap().unwrap().keys, 2);
}

pub(crate) async fn service_accounts_come_page_by_page(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let acme = town.acme.id;
    let mut tx = town.begin().await;
    let (a, b) = (shared_account("a"), shared_account("b"));
    for row in [&a, &b] {
        tx.insert_service_account(acme, row).await.unwrap();
    }
    let key = workspace_key("ci", acme, town.ada.id);
    tx.insert_key(&key).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = town.view().await;
    let own = service_account_of(&key).id;
    for (shared, expected) in [
        (None, vec![a.account.id, b.account.id, own]),
        (Some(true), vec![a.account.id, b.account.id]),
        (Some(false), vec![own]),
    ] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = Page { limit: 1, after: after.take() };
            let rows = tx.service_accounts(acme, shared, &page).await.unwrap();
            let Some(last) = rows.last() else { break };
            after = Some(Position { value: SortValue::Number(0), id: last.account.id.to_bytes() });
            found.extend(rows.iter().map(|row| row.account.id));
        }
        assert_eq!(found, expected, "{shared:?}");
    }
}
