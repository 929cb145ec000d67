use keyward_core::person::Person;

use super::Bed;
use super::town::{Town, at, role, workspace, workspace_key};
use crate::{Page, Position, SortValue, StoreError, Unique};

pub(crate) async fn a_member_joins_changes_role_and_leaves(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (acme, bob) = (town.acme.id, town.settle("bob").await);
    let mut tx = town.begin().await;
    assert_eq!(tx.person(bob.id).await.unwrap(), None, "not before he is a member");
    tx.insert_membership(acme, bob.id, &role("viewer"), at(5)).await.unwrap_err();
    drop(tx);
    town.let_in(bob.id, &role("viewer"), at(5)).await;
    let mut tx = town.system().await;
    let twice = tx.insert_membership(acme, bob.id, &role("viewer"), at(6)).await.unwrap_err();
    assert!(matches!(twice, StoreError::Duplicate(Unique::Membership)), "{twice}");
    drop(tx);
    let mut tx = town.begin().await;
    let member = tx.member(acme, bob.id).await.unwrap().unwrap();
    assert_eq!((member.role.which, member.joined_at, member.name), (role("viewer"), at(5), bob.name.clone()));
    assert_eq!(tx.person(bob.id).await.unwrap(), Some(bob.clone()));
    let same = tx.member_by_email(acme, &bob.email).await.unwrap().unwrap();
    assert_eq!(same.user, bob.id);
    assert_eq!(tx.member_by_email(acme, &town.eve.email).await.unwrap(), None);
    assert!(tx.update_membership(acme, bob.id, &role("owner")).await.unwrap());
    assert_eq!(tx.members_with_role(acme, &role("owner"), 10).await.unwrap(), 2);
    assert_eq!(tx.members_with_role(acme, &role("owner"), 1).await.unwrap(), 1);
    assert_eq!(tx.members_with_role(acme, &role("viewer"), 10).await.unwrap(), 0);
    let holders = tx.holders(acme, &role("owner"), 10).await.unwrap();
    assert_eq!(holders.iter().map(|member| member.user).collect::<Vec<_>>(), [town.ada.id, bob.id]);
    assert_eq!(tx.holders(acme, &role("owner"), 1).await.unwrap(), holders[..1]);
    assert!(tx.suspend_membership(acme, bob.id, Some(at(7))).await.unwrap());
    assert_eq!(tx.holders(acme, &role("owner"), 10).await.unwrap(), holders[..1]);
    assert!(tx.suspend_membership(acme, bob.id, None).await.unwrap());
    assert!(tx.delete_membership(acme, bob.id).await.unwrap());
    assert!(!tx.delete_membership(acme, bob.id).await.unwrap());
    assert!(!tx.update_membership(acme, bob.id, &role("owner")).await.unwrap());
    assert_eq!(tx.member(acme, bob.id).await.unwrap(), None);
}

pub(crate) async fn members_come_in_the_order_they_joined_page_by_page(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let mut expected = vec![(at(0), town.ada.id)];
    for (index, name) in ["f", "b", "d", "c", "e"].into_iter().enumerate() {
        let Person { id, .. } = town.settle(name).await;
        // Two of them at the same time: then their identifiers decide.
        let joined_at = at(10 - i64::try_from(index / 2).unwrap());
        town.let_in(id, &role("viewer"), joined_at).await;
        expected.push((joined_at, id));
    }
    expected.sort_unstable();
    let mut tx = town.view().await;
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = tx.members(town.acme.id, &Page { limit: 2, after: after.take() }).await.unwrap();
        let Some(last) = page.last() else { break };
        let value = SortValue::Number(last.joined_at.as_microsecond());
        after = Some(Position { value, id: last.user.to_bytes() });
        found.extend(page.into_iter().map(|member| (member.joined_at, member.user)));
    }
    assert_eq!(found, expected);
}

pub(crate) async fn service_accounts_are_never_among_members(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    town.keep(&workspace_key("ci", town.acme.id, town.ada.id)).await;
    let mut tx = town.begin().await;
    let members = tx.members(town.acme.id, &Page { limit: 10, after: None }).await.unwrap();
    assert_eq!(members.iter().map(|member| member.user).collect::<Vec<_>>(), [town.ada.id]);
    assert_eq!(tx.members_with_role(town.acme.id, &role(""), 10).await.unwrap(), 0);
}

pub(crate) async fn a_suspended_member_is_no_place_and_not_counted(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (acme, bob) = (town.acme.id, town.settle("bob").await);
    let mut tx = town.system().await;
    tx.insert_membership(acme, bob.id, &role("owner"), at(1)).await.unwrap();
    for (suspend, suspended, count) in [(Some(at(2)), true, 1), (None, false, 2)] {
        assert!(tx.suspend_membership(acme, bob.id, suspend).await.unwrap());
        let member = tx.member(acme, bob.id).await.unwrap().unwrap();
        assert_eq!((member.suspended_at, member.is_suspended()), (suspend, suspended));
        assert_eq!(tx.members_with_role(acme, &role("owner"), 10).await.unwrap(), count);
        assert_eq!(tx.places(bob.id, 10).await.unwrap().is_empty(), suspended);
    }
    assert!(tx.suspend_person(bob.id, Some(at(3))).await.unwrap());
    let member = tx.member(acme, bob.id).await.unwrap().unwrap();
    assert_eq!((member.suspended_everywhere_at, member.is_suspended()), (Some(at(3)), true));
    assert_eq!(tx.members_with_role(acme, &role("owner"), 10).await.unwrap(), 1);
    assert_eq!(tx.person(bob.id).await.unwrap().unwrap().suspended_at, Some(at(3)));
    assert!(!tx.suspend_membership(acme, town.eve.id, Some(at(4))).await.unwrap());
}

pub(crate) async fn members_are_counted_without_service_accounts(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    town.keep(&workspace_key("ci", town.acme.id, town.ada.id)).await;
    assert_eq!(town.view().await.count_members(town.acme.id).await.unwrap(), 1);
    let bob = town.settle("bob").await;
    town.let_in(bob.id, &role("viewer"), at(1)).await;
    let mut tx = town.begin().await;
    assert_eq!(tx.count_members(town.acme.id).await.unwrap(), 2);
    assert_eq!(tx.count_members(town.globex.id).await.unwrap(), 0, "of another tenant");
    tx.commit().await.unwrap();
    assert_eq!(town.system_view().await.count_members(town.globex.id).await.unwrap(), 1);
}

pub(crate) async fn places_come_by_name(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let mut tx = town.system().await;
    for slug in ["zeta", "abc", "mid"] {
        let workspace = workspace(slug);
        tx.insert_workspace(&workspace).await.unwrap();
        tx.insert_membership(workspace.id, town.ada.id, &role("viewer"), at(1)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = town.view().await;
    let places = tx.places(town.ada.id, 10).await.unwrap();
    let found: Vec<_> =
        places.iter().map(|place| (place.workspace.slug.as_str(), place.role.name.as_str())).collect();
    assert_eq!(found, [("abc", "viewer"), ("acme", "owner"), ("mid", "viewer"), ("zeta", "viewer")]);
    assert_eq!(tx.places(town.ada.id, 2).await.unwrap(), places[..2]);
}
