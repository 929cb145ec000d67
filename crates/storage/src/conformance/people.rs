use keyward_core::id::UserId;

use super::Bed;
use super::town::{Town, display, person, unique};
use crate::{StoreError, SystemReason, Unique};

pub(crate) async fn a_person_is_found_by_id_and_by_address(bed: &impl Bed) {
    let store = bed.open().await;
    let mut tx = store.begin_system(SystemReason::Authenticate).await.unwrap();
    assert!(!tx.has_people().await.unwrap());
    let ada = person("ada");
    tx.insert_person(&ada).await.unwrap();
    assert!(tx.has_people().await.unwrap());
    assert_eq!(tx.person(ada.person.id).await.unwrap().as_ref(), Some(&ada.person));
    assert_eq!(tx.credentials(&ada.person.email).await.unwrap().as_ref(), Some(&ada));
    assert_eq!(tx.credentials(&person("bob").person.email).await.unwrap(), None);
}

pub(crate) async fn two_people_cannot_have_one_address(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let error = town.system().await.insert_person(&person("ada")).await.unwrap_err();
    assert!(matches!(error, StoreError::Duplicate(Unique::PersonEmail)), "{error}");
    assert!(!error.to_string().contains("ada"), "{error}");
}

pub(crate) async fn a_person_gets_another_address_name_and_password(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let mut changed = person("lovelace");
    let unknown = changed.clone();
    changed.person.id = town.ada.id;
    let mut tx = town.system().await;
    assert!(tx.update_person(&changed).await.unwrap());
    assert!(!tx.update_person(&unknown).await.unwrap());
    assert_eq!(tx.credentials(&town.ada.email).await.unwrap(), None);
    assert_eq!(tx.credentials(&changed.person.email).await.unwrap().as_ref(), Some(&changed));
    changed.person.email = town.eve.email.clone();
    let error = tx.update_person(&changed).await.unwrap_err();
    assert!(matches!(error, StoreError::Duplicate(Unique::PersonEmail)), "{error}");
}

pub(crate) async fn a_person_is_renamed_and_their_password_replaced_once(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (ada, email) = (town.ada.id, &town.ada.email);
    let mut tx = town.system().await;
    let before = tx.credentials(email).await.unwrap().unwrap();
    assert!(tx.rename_person(ada, &display("Countess")).await.unwrap());
    assert!(tx.replace_password(ada, &before.password_hash, "$argon2id$new").await.unwrap());
    assert!(!tx.replace_password(ada, &before.password_hash, "$argon2id$late").await.unwrap());
    let after = tx.credentials(email).await.unwrap().unwrap();
    assert_eq!((after.person.name, after.password_hash.as_str()), (display("Countess"), "$argon2id$new"));
    let nobody = UserId::new(0, unique());
    assert!(!tx.rename_person(nobody, &display("x")).await.unwrap());
    assert!(!tx.replace_password(nobody, "$argon2id$new", "x").await.unwrap());
}
