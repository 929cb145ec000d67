use keyward_core::id::{SessionId, UserId};
use keyward_core::secret::SecretDigest;

use super::Bed;
use super::town::{Town, at, unique};
use crate::{SESSIONS_MAX, Session};

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
        last_used_at: None,
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

pub(crate) async fn a_persons_sessions_are_listed_used_and_ended(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (ada, eve) = (town.ada.id, town.eve.id);
    let [old, new, over] = [(0, 100), (1, 101), (0, 50)].map(|(from, to)| session(ada, from, to));
    let others = session(eve, 0, 100);
    let mut tx = town.system().await;
    for session in [&old, &over, &new, &others] {
        tx.insert_session(session).await.unwrap();
    }
    assert_eq!(tx.sessions(ada, at(50)).await.unwrap(), [new.clone(), old.clone()]);
    tx.touch_session(old.id, at(60)).await.unwrap();
    let used = Session { last_used_at: Some(at(60)), ..old.clone() };
    assert_eq!(tx.sessions(ada, at(60)).await.unwrap(), [new.clone(), used.clone()]);
    assert_eq!(tx.session(&old.token, at(60)).await.unwrap().unwrap().0, used);
    assert!(!tx.end_session(eve, old.id).await.unwrap(), "it is another's");
    assert!(tx.end_session(ada, old.id).await.unwrap());
    assert!(!tx.end_session(ada, old.id).await.unwrap());
    tx.insert_session(&old).await.unwrap();
    assert_eq!(tx.end_other_sessions(ada, new.id).await.unwrap(), 2, "the one whose time is over goes too");
    assert_eq!(tx.sessions(ada, at(1)).await.unwrap(), [new]);
    assert_eq!(tx.sessions(eve, at(1)).await.unwrap(), [others]);
}

pub(crate) async fn the_session_unused_for_longest_ends_where_there_are_too_many(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let all: Vec<Session> =
        (0..=i64::from(SESSIONS_MAX)).map(|from| session(town.ada.id, from, from + 1_000)).collect();
    let mut tx = town.system().await;
    tx.insert_session(&all[0]).await.unwrap();
    tx.touch_session(all[0].id, at(900)).await.unwrap();
    for session in &all[1..] {
        tx.insert_session(session).await.unwrap();
    }
    assert!(tx.session(&all[0].token, at(1)).await.unwrap().is_some(), "it is in use");
    assert_eq!(tx.session(&all[1].token, at(1)).await.unwrap(), None);
    assert!(tx.session(&all[2].token, at(1)).await.unwrap().is_some());
    assert_eq!(tx.sessions(town.ada.id, at(1)).await.unwrap().len(), SESSIONS_MAX as usize);
}
