use std::sync::Arc;

use keyward_core::id::{RequestId, SessionId, UserId};
use keyward_core::person::{DisplayName, Email, Person};
use keyward_storage::Tenant;
use keyward_storage::sqlite::SqliteStore;
use tempfile::TempDir;

use super::*;
use crate::ctx::{Door, Request};

/// Seconds after some beginning.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// Somebody who asks the same again and again.
struct Asker {
    store: Arc<dyn Store>,
    user: UserId,
    _folder: TempDir,
}

impl Asker {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("keyward.db")).unwrap());
        Self { store, user: UserId::new(0, [1; 10]), _folder: folder }
    }

    fn claim_of(&self, body: &[u8], seconds: i64) -> NewClaim {
        let asked = Asked { key: "k-1", method: "POST", path: "/api/v1/acme/keys", query: "", body };
        NewClaim {
            id: ClaimId::from_bytes(entropy::bytes().unwrap()),
            actor: PrincipalId::User(self.user),
            tenant: Tenant::person(self.user),
            name: asked.name("in person"),
            fingerprint: asked.fingerprint(),
            started_at: at(seconds),
            expires_at: at(seconds) + LIFE,
        }
    }

    async fn ask(&self, body: &[u8], seconds: i64) -> Result<Claimed, Refusal> {
        take(self.store.as_ref(), &self.claim_of(body, seconds)).await
    }

    #[track_caller]
    fn first(claimed: Result<Claimed, Refusal>) -> ClaimId {
        match claimed {
            Ok(Claimed::First(id)) => id,
            other => panic!("{other:?}"),
        }
    }

    /// Writes something under a claim, as the operations do.
    async fn carry_out(&self, claim: ClaimId) -> Result<(), Refusal> {
        let person = Person {
            id: self.user,
            email: Email::parse("email", "ada@example.com").unwrap(),
            name: DisplayName::parse("name", "Ada").unwrap(),
            suspended_at: None,
            created_at: at(0),
        };
        let ctx = Ctx {
            now: at(0),
            request: Request {
                id: RequestId::new(0, [0; 10]),
                door: Door::Api,
                ip: None,
                user_agent: None,
                session: None,
            },
            caller: Caller::Session { session: SessionId::new(0, [0; 10]), person },
            claim: Some(claim),
        };
        let mut tx = self.store.begin(Tenant::person(self.user)).await.unwrap();
        commit(&ctx, tx.as_mut()).await?;
        tx.commit().await.unwrap();
        Ok(())
    }

    async fn answer(&self, claim: ClaimId, body: &str) -> bool {
        let answer = KeptAnswer { status: 201, etag: None, location: None, body: Some(body.to_owned()) };
        let mut tx = self.store.begin_system(SystemReason::Repeat).await.unwrap();
        let kept = tx.keep_answer(claim, &answer).await.unwrap();
        tx.commit().await.unwrap();
        kept
    }
}

#[track_caller]
fn is_conflict(result: &Result<impl std::fmt::Debug, Refusal>, words: &str) {
    match result {
        Err(Refusal::Conflict(message)) => assert!(message.contains(words), "{message}"),
        other => panic!("{other:?}"),
    }
}

const DAY: i64 = 24 * 60 * 60;

#[tokio::test]
async fn an_answer_is_given_again_for_a_day() {
    let asker = Asker::new();
    let claim = Asker::first(asker.ask(b"{}", 0).await);
    asker.carry_out(claim).await.unwrap();
    assert!(asker.answer(claim, "{\"id\":1}").await);
    match asker.ask(b"{}", DAY - 1).await {
        Ok(Claimed::Again(answer)) => assert_eq!(answer.body.as_deref(), Some("{\"id\":1}")),
        other => panic!("{other:?}"),
    }
    Asker::first(asker.ask(b"{}", DAY).await);
}

#[tokio::test]
async fn a_key_is_not_used_for_something_else() {
    let asker = Asker::new();
    Asker::first(asker.ask(b"{}", 0).await);
    let other = asker.ask(b"{ }", 1).await;
    assert!(matches!(&other, Err(Refusal::Invalid(errors)) if errors[0].field == HEADER), "{other:?}");
    Asker::first(asker.ask(b"{ }", DAY).await);
}

#[tokio::test]
async fn who_takes_over_keeps_the_slower_one_from_committing() {
    let asker = Asker::new();
    let slow = Asker::first(asker.ask(b"{}", 0).await);
    is_conflict(&asker.ask(b"{}", 59).await, "not answered yet");
    let second = Asker::first(asker.ask(b"{}", 60).await);
    is_conflict(&asker.carry_out(slow).await, "took so long");
    asker.carry_out(second).await.unwrap();
    assert!(!asker.answer(slow, "{\"of\":\"the slow one\"}").await);
    assert!(asker.answer(second, "{\"of\":\"the second\"}").await);
    match asker.ask(b"{}", 61).await {
        Ok(Claimed::Again(answer)) => assert_eq!(answer.body.as_deref(), Some("{\"of\":\"the second\"}")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_was_committed_is_never_done_again_even_if_its_answer_is_lost() {
    let asker = Asker::new();
    let claim = Asker::first(asker.ask(b"{}", 0).await);
    asker.carry_out(claim).await.unwrap();
    is_conflict(&asker.ask(b"{}", 59).await, "not answered yet");
    is_conflict(&asker.ask(b"{}", 60).await, "was carried out");
    is_conflict(&asker.ask(b"{}", DAY - 1).await, "was carried out");
}

#[tokio::test]
async fn an_actor_cannot_fill_the_store() {
    let asker = Asker::new();
    let mut tx = asker.store.begin_system(SystemReason::Repeat).await.unwrap();
    for number in 0..CLAIMS_MAX {
        let body = number.to_be_bytes();
        let claim = NewClaim { name: digest(&[&body]), ..asker.claim_of(&body, 0) };
        assert!(tx.start_claim(&claim, None).await.unwrap());
    }
    tx.commit().await.unwrap();
    match asker.ask(b"{}", DAY - 5).await {
        Err(Refusal::TooMany { retry_after_seconds, .. }) => assert_eq!(retry_after_seconds, 5),
        other => panic!("{other:?}"),
    }
    Asker::first(asker.ask(b"{}", DAY).await);
}

#[tokio::test]
async fn nor_with_long_answers() {
    let asker = Asker::new();
    let long = "x".repeat(ANSWER_LEN_MAX);
    for number in 0..64_u8 {
        let claim = NewClaim { name: digest(&[&[number]]), ..asker.claim_of(&[number], 0) };
        Asker::first(take(asker.store.as_ref(), &claim).await);
        assert!(asker.answer(claim.id, &long).await);
    }
    let full = asker.ask(b"{}", 1).await;
    assert!(matches!(full, Err(Refusal::TooMany { .. })), "{full:?}");
}

#[test]
fn no_two_requests_have_one_fingerprint() {
    let asked = Asked { key: "k", method: "POST", path: "/a", query: "b", body: b"c" };
    for other in [
        Asked { key: "l", ..asked },
        Asked { path: "/ab", query: "", ..asked },
        Asked { query: "bc", body: b"", ..asked },
        Asked { body: b"C", ..asked },
    ] {
        assert_ne!(asked.fingerprint(), other.fingerprint(), "{other:?}");
    }
    assert_eq!(asked.name("a"), Asked { query: "", body: b"", ..asked }.name("a"));
    assert_ne!(asked.name("a"), Asked { path: "/b", ..asked }.name("a"));
}

#[test]
fn secrets_and_tokens_are_found_in_an_answer() {
    let format = SecretFormat::new("kw_", Encoding::Hex).unwrap();
    let json = |text: &str| format!("{{\"a\":[\"x{text}y\"]}}");
    assert!(holds_secret(&format, &json(entropy::secret(&format).unwrap().expose())));
    for prefix in [invite_member::TOKEN_PREFIX, set_up::TOKEN_PREFIX, sign_in::TOKEN_PREFIX] {
        assert!(holds_secret(&format, &json(entropy::token(prefix).unwrap().expose())), "{prefix}");
    }
    assert!(!holds_secret(&format, &json("kw_…9f3a")));
}
