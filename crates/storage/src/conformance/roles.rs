use keyward_core::role::{CustomRole, RoleName, RoleRef};
use keyward_core::secret::SecretDigest;

use super::Bed;
use super::town::{Town, at, custom_role, role, unique};
use crate::{Invitation, StoreError, Unique};

pub(crate) async fn a_role_is_kept_edited_and_deleted(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (acme, deployer) = (town.acme.id, custom_role("Deployer"));
    let mut tx = town.begin().await;
    tx.insert_role(acme, &custom_role("auditor")).await.unwrap();
    tx.insert_role(acme, &deployer).await.unwrap();
    let again = tx.insert_role(acme, &custom_role("deployer")).await.unwrap_err();
    assert!(matches!(again, StoreError::Duplicate(Unique::RoleName)), "{again}");
    assert_eq!(tx.role(deployer.id).await.unwrap(), Some(deployer.clone()));
    let names = |roles: Vec<CustomRole>| roles.iter().map(|role| role.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(tx.roles(acme, 10).await.unwrap()), ["auditor", "Deployer"]);
    assert_eq!(names(tx.roles(acme, 1).await.unwrap()), ["auditor"]);
    let edited = CustomRole { name: RoleName::new("releaser"), version: 2, ..deployer.clone() };
    tx.update_role(&edited).await.unwrap();
    assert!(matches!(tx.update_role(&edited).await, Err(StoreError::Changed)), "its version is taken");
    assert_eq!(tx.role(deployer.id).await.unwrap(), Some(edited));
    assert!(tx.delete_role(deployer.id, at(1)).await.unwrap());
    assert!(!tx.delete_role(deployer.id, at(1)).await.unwrap());
    assert_eq!(tx.role(deployer.id).await.unwrap(), None);
    tx.insert_role(acme, &custom_role("releaser")).await.unwrap();
}

pub(crate) async fn a_deleted_role_keeps_its_name_and_holds_nothing(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (acme, bob, deployer) = (town.acme.id, town.settle("bob").await, custom_role("deployer"));
    let which = RoleRef::Custom(deployer.id);
    let mut tx = town.begin().await;
    tx.insert_role(acme, &deployer).await.unwrap();
    tx.commit().await.unwrap();
    town.let_in(bob.id, &which, at(1)).await;
    let mut tx = town.begin().await;
    let held = tx.member(acme, bob.id).await.unwrap().unwrap().role;
    assert_eq!(
        (held.which, held.name, held.grant),
        (which.clone(), deployer.name.clone(), Some(deployer.grant))
    );
    let invitation = |role: &RoleRef, name: &str| Invitation {
        id: keyward_core::id::InvitationId::new(0, unique()),
        workspace: acme,
        email: keyward_core::person::Email::parse("email", &format!("{name}@example.com")).unwrap(),
        role: role.clone(),
        token: SecretDigest::of(name.as_bytes()),
        created_by: town.ada.id,
        created_at: at(0),
        expires_at: at(100),
    };
    tx.insert_invitation(&invitation(&which, "eric")).await.unwrap();
    tx.insert_invitation(&invitation(&role("viewer"), "olga")).await.unwrap();
    tx.delete_role(deployer.id, at(2)).await.unwrap();
    // A new one of the same name is another.
    tx.insert_role(acme, &custom_role("deployer")).await.unwrap();
    let held = tx.member(acme, bob.id).await.unwrap().unwrap().role;
    assert_eq!((held.which, held.name, held.grant), (which, deployer.name, None));
    assert_eq!(tx.open_invitations(acme, at(3)).await.unwrap(), 1, "invitations to it have ended");
}
