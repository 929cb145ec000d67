use jiff::Timestamp;
use keyward_core::change::{Epoch, State};
use keyward_core::grace::{Grace, GraceSeconds};
use keyward_core::lifetime::LifetimeDays;
use keyward_core::workspace::Workspace;

use super::Bed;
use super::town::{Town, display, workspace};
use crate::{Changed, StoreError, Tenant, Unique};

pub(crate) async fn a_workspace_is_found_by_id_and_by_slug(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (acme, globex) = (&town.acme, &town.globex);
    // Its own tenant, a member, the system.
    for mut tx in [
        town.store.view(Tenant::workspace(acme.id)).await.unwrap(),
        town.store.view(Tenant::person(town.ada.id)).await.unwrap(),
    ] {
        assert_eq!(tx.workspace(acme.id).await.unwrap().as_ref(), Some(acme));
        assert_eq!(tx.workspace_by_slug(&acme.slug).await.unwrap().as_ref(), Some(acme));
        assert_eq!(tx.workspace(globex.id).await.unwrap(), None);
        assert_eq!(tx.workspace_by_slug(&globex.slug).await.unwrap(), None);
    }
    let mut tx = town.system_view().await;
    assert_eq!(tx.workspace(globex.id).await.unwrap().as_ref(), Some(globex));
    assert_eq!(tx.workspace_by_slug(&workspace("nobody").slug).await.unwrap(), None);
}

pub(crate) async fn two_workspaces_cannot_have_one_slug(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let mut tx = town.system().await;
    let duplicate = |error| matches!(error, StoreError::Duplicate(Unique::WorkspaceSlug));
    assert!(duplicate(tx.insert_workspace(&workspace("acme")).await.unwrap_err()));
    let mut renamed = town.globex.clone();
    renamed.slug = town.acme.slug.clone();
    renamed.version = 2;
    assert!(duplicate(tx.update_workspace(&renamed).await.unwrap_err()));
}

pub(crate) async fn a_workspace_is_written_over_its_previous_version_only(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let mut edited = town.acme.clone();
    edited.name = display("Acme, Inc.");
    let (lax, now) = (GraceSeconds::new(300).unwrap(), Timestamp::from_microsecond(1_234_567).unwrap());
    edited.grace = Grace::NONE.choose(lax, now).choose(GraceSeconds::NONE, now);
    assert!(edited.grace.earlier.is_some());
    edited.allowed_cidrs = vec!["10.1.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    edited.key_lifetime_max = LifetimeDays::new(3_650);
    edited.version = 2;
    let mut tx = town.begin().await;
    tx.update_workspace(&edited).await.unwrap();
    let again = tx.update_workspace(&edited).await.unwrap_err();
    assert!(matches!(again, StoreError::Changed));
    tx.commit().await.unwrap();
    assert_eq!(town.view().await.workspace(edited.id).await.unwrap(), Some(edited.clone()));
    let grace = Grace { seconds: lax, earlier: None };
    let again = Workspace { grace, allowed_cidrs: vec![], key_lifetime_max: None, version: 3, ..edited };
    let mut tx = town.begin().await;
    tx.update_workspace(&again).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(town.view().await.workspace(again.id).await.unwrap(), Some(again));
}

pub(crate) async fn what_bounds_the_keys_of_a_workspace_is_told_to_those_who_follow(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let mut made = workspace("bounded");
    made.allowed_cidrs = vec!["192.0.2.0/24".parse().unwrap()];
    made.key_lifetime_max = LifetimeDays::new(1);
    let mut tx = town.system().await;
    tx.insert_workspace(&made).await.unwrap();
    tx.record_change(Changed::Workspace(made.id)).await.unwrap();
    tx.commit().await.unwrap();
    let mut told = Vec::new();
    let mut tx = town.system_view().await;
    tx.changes_since(Epoch(0), 100, &mut |part| told.extend(part.states)).await.unwrap();
    assert!(told.contains(&State::Workspace(made.clone())), "{told:?}");
    assert_eq!(tx.workspace(made.id).await.unwrap(), Some(made));
}
