use keyward_core::id::InvitationId;
use keyward_core::person::Email;
use keyward_core::secret::SecretDigest;

use super::Bed;
use super::town::{Town, at, role, unique};
use crate::{Invitation, Page, Position, SortValue};

pub(crate) fn invitation(town: &Town, email: &str, to_ms: i64) -> Invitation {
    let id = unique();
    Invitation {
        id: InvitationId::new(0, id),
        workspace: town.acme.id,
        email: Email::parse("email", email).unwrap(),
        role: role("viewer"),
        token: SecretDigest::of(&id),
        created_by: town.ada.id,
        created_at: at(0),
        expires_at: at(to_ms),
    }
}

pub(crate) async fn an_invitation_works_once_and_until_its_time_is_over(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (bob, carol) =
        (invitation(&town, "bob@example.com", 100), invitation(&town, "carol@example.com", 50));
    let mut tx = town.begin().await;
    tx.insert_invitation(&bob).await.unwrap();
    tx.insert_invitation(&carol).await.unwrap();
    assert_eq!(tx.open_invitations(town.acme.id, at(49)).await.unwrap(), 2);
    assert_eq!(tx.open_invitations(town.acme.id, at(50)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let mut tx = town.system().await;
    assert_eq!(tx.invitation_by_token(&bob.token, at(99)).await.unwrap(), Some(bob.clone()));
    assert_eq!(tx.invitation_by_token(&bob.token, at(100)).await.unwrap(), None);
    assert!(tx.use_invitation(bob.id).await.unwrap());
    assert!(!tx.use_invitation(bob.id).await.unwrap());
    assert_eq!(tx.invitation_by_token(&bob.token, at(1)).await.unwrap(), None);
}

pub(crate) async fn open_invitations_are_listed_found_and_taken_back(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let to = |name: &str, end| invitation(&town, &format!("{name}@example.com"), end);
    let (over, first, second, third) = (to("ada", 10), to("bob", 50), to("carol", 50), to("dave", 90));
    let mut tx = town.begin().await;
    for one in [&over, &third, &second, &first] {
        // Each forgets those whose time is over when it is made.
        tx.insert_invitation(one).await.unwrap();
    }
    let acme = town.acme.id;
    let mut tied = [first.clone(), second.clone()];
    tied.sort_by_key(|one| one.id);
    let two = tx.invitations(acme, at(10), &Page { limit: 2, after: None }).await.unwrap();
    assert_eq!(two, tied);
    let value = SortValue::Number(tied[0].expires_at.as_microsecond());
    let after = Some(Position { value, id: tied[0].id.to_bytes() });
    let rest = tx.invitations(acme, at(10), &Page { limit: 10, after }).await.unwrap();
    assert_eq!(rest, [tied[1].clone(), third.clone()]);
    assert_eq!(tx.invitation(third.id, at(89)).await.unwrap().as_ref(), Some(&third));
    assert_eq!(tx.invitation(third.id, at(90)).await.unwrap(), None);
    assert_eq!(tx.invitation_of(acme, &third.email, at(89)).await.unwrap().as_ref(), Some(&third));
    assert_eq!(tx.invitation_of(acme, &third.email, at(90)).await.unwrap(), None);
    assert_eq!(tx.invitation_of(town.globex.id, &third.email, at(1)).await.unwrap(), None);
    assert!(tx.delete_invitation(third.id).await.unwrap());
    assert!(!tx.delete_invitation(third.id).await.unwrap());
    assert_eq!(tx.invitation(third.id, at(1)).await.unwrap(), None);
}

pub(crate) async fn a_second_invitation_replaces_the_first(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (first, second) =
        (invitation(&town, "bob@example.com", 100), invitation(&town, "bob@example.com", 100));
    let mut tx = town.system().await;
    tx.insert_invitation(&first).await.unwrap();
    tx.insert_invitation(&second).await.unwrap();
    assert_eq!(tx.invitation_by_token(&first.token, at(1)).await.unwrap(), None);
    assert_eq!(tx.invitation_by_token(&second.token, at(1)).await.unwrap(), Some(second));
    assert_eq!(tx.open_invitations(town.acme.id, at(1)).await.unwrap(), 1);
}
