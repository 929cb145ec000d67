use jiff::Timestamp;
use keyward_core::grace::{Grace, GraceSeconds};
use keyward_core::workspace::Workspace;

use super::Bed;
use super::town::{Town, display, workspace};
use crate::{StoreError, Tenant, Unique};

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
    edited.version = 2;
    let mut tx = town.begin().await;
    tx.update_workspace(&edited).await.unwrap();
    let again = tx.update_workspace(&edited).await.unwrap_err();
    assert!(matches!(again, StoreError::Changed));
    tx.commit().await.unwrap();
    assert_eq!(town.view().await.workspace(edited.id).await.unwrap(), Some(edited.clone()));
    let again = Workspace { grace: Grace { seconds: lax, earlier: None }, version: 3, ..edited };
    let mut tx = town.begin().await;
    tx.update_workspace(&again).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(town.view().await.workspace(again.id).await.unwrap(), Some(again));
}
