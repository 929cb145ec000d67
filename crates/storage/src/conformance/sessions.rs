use keyward_core::id::{SessionId, UserId};
use keyward_core::secret::SecretDigest;

use super::Bed;
use super::town::{Town, at, unique};
use crate::Session;

pub(crate) fn session(user: UserId, from_ms: i64, to_ms: i64) -> Session {
    let id = unique();
    Session {
        id: SessionId::new(0, id),
        user,
        token: SecretDigest::of(&id),
        created_at: at(from_ms),
        expires_at: at(to_ms),
        ip: Some("2001:db8::7".parse().unwrap()),
        user_agent: Some("Browser/1".into()),
    }
}

pub(crate) async fn a_session_is_found_until_it_ends(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let session = session(town.ada.id, 0, 100);
    let mut tx = town.system().await;
    tx.insert_session(&session).await.unwrap();
    let found = tx.session(&session.token, at(99)).await.unwrap();
    assert_eq!(found, Some((session.clone(), town.ada.clone())));
    assert_eq!(tx.session(&session.token, at(100)).await.unwrap(), None, "its time is over");
    assert_eq!(tx.session(&SecretDigest::of(b"another"), at(1)).await.unwrap(), None);
    tx.delete_session(session.id).await.unwrap();
    tx.delete_session(session.id).await.unwrap();
    assert_eq!(tx.session(&session.token, at(1)).await.unwrap(), None);
}

pub(crate) async fn a_new_session_forgets_those_that_have_ended(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (ended, open, others) =
        (session(town.ada.id, 0, 50), session(town.ada.id, 0, 51), session(town.eve.id, 0, 50));
    let mut tx = town.system().await;
    for session in [&ended, &open, &others, &session(town.ada.id, 50, 90)] {
        tx.insert_session(session).await.unwrap();
    }
    // Asked about a time when all three were open.
    assert_eq!(tx.session(&ended.token, at(1)).await.unwrap(), None);
    assert!(tx.session(&open.token, at(1)).await.unwrap().is_some());
    assert!(tx.session(&others.token, at(1)).await.unwrap().is_some());
}
