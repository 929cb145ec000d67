use jiff::Timestamp;
use keyward_core::key::PrincipalId;

use super::Bed;
use super::town::{Town, at, unique};
use crate::{Claim, ClaimId, ClaimState, Claims, KeptAnswer, NewClaim, Tenant};

pub(crate) fn claim_id() -> ClaimId {
    let mut bytes = [0; 16];
    bytes[..10].copy_from_slice(&unique());
    ClaimId::from_bytes(bytes)
}

/// A claim of Ada's, made at the beginning.
pub(crate) fn claim_of(town: &Town, name: u8, to_ms: i64) -> NewClaim {
    NewClaim {
        id: claim_id(),
        actor: PrincipalId::User(town.ada.id),
        tenant: Tenant::person(town.ada.id),
        name: [name; 32],
        fingerprint: [7; 32],
        started_at: at(0),
        expires_at: at(to_ms),
    }
}

pub(crate) fn answer(body: &str) -> KeptAnswer {
    KeptAnswer {
        status: 201,
        etag: Some("\"1\"".into()),
        location: Some("/api/v1/acme/keys/key_1".into()),
        body: Some(body.to_owned()),
    }
}

/// Keeps it, for good.
async fn start(town: &Town, claim: &NewClaim) {
    let mut tx = town.system().await;
    assert!(tx.start_claim(claim, None).await.unwrap());
    tx.commit().await.unwrap();
}

async fn state_of(town: &Town, claim: &NewClaim) -> Option<ClaimState> {
    let found = town.system_view().await.claim(claim.actor, &claim.name).await.unwrap();
    found.map(|claim| claim.state)
}

pub(crate) async fn a_claim_is_found_by_its_actor_and_name(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let claim = claim_of(&town, 1, 100);
    start(&town, &claim).await;
    let mut tx = town.system_view().await;
    let found = Claim {
        id: claim.id,
        fingerprint: claim.fingerprint,
        started_at: at(0),
        expires_at: at(100),
        state: ClaimState::Started,
    };
    assert_eq!(tx.claim(claim.actor, &claim.name).await.unwrap(), Some(found));
    assert_eq!(tx.claim(claim.actor, &[2; 32]).await.unwrap(), None, "another name");
    for actor in [PrincipalId::User(town.eve.id), PrincipalId::Operator] {
        assert_eq!(tx.claim(actor, &claim.name).await.unwrap(), None, "another actor");
    }
}

pub(crate) async fn a_claim_is_started_once_and_replaced_by_its_id(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (first, second, third) = (claim_of(&town, 1, 100), claim_of(&town, 1, 200), claim_of(&town, 1, 300));
    start(&town, &first).await;
    let mut tx = town.system().await;
    assert!(!tx.start_claim(&second, None).await.unwrap(), "the name is taken");
    assert!(tx.start_claim(&second, Some(first.id)).await.unwrap());
    assert!(!tx.start_claim(&third, Some(first.id)).await.unwrap(), "the one to be replaced is gone");
    let found = tx.claim(first.actor, &first.name).await.unwrap().unwrap();
    assert_eq!((found.id, found.expires_at), (second.id, at(200)));
    let of_eve = NewClaim { actor: PrincipalId::User(town.eve.id), ..claim_of(&town, 1, 100) };
    assert!(tx.start_claim(&of_eve, None).await.unwrap(), "the same name, of somebody else");
    tx.commit().await.unwrap();
}

pub(crate) async fn only_a_claim_that_stands_is_committed(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (first, second) = (claim_of(&town, 1, 100), claim_of(&town, 1, 100));
    start(&town, &first).await;
    let mut tx = town.begin().await;
    assert!(tx.mark_committed(first.id).await.unwrap());
    assert!(tx.mark_committed(first.id).await.unwrap(), "an operation may write several entries");
    drop(tx);
    assert_eq!(state_of(&town, &first).await, Some(ClaimState::Started), "it was undone with the operation");
    // Somebody else takes it over.
    let mut tx = town.system().await;
    assert!(tx.start_claim(&second, Some(first.id)).await.unwrap());
    tx.commit().await.unwrap();
    let mut tx = town.begin().await;
    assert!(!tx.mark_committed(first.id).await.unwrap());
    assert!(tx.mark_committed(second.id).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(state_of(&town, &second).await, Some(ClaimState::Committed));
    assert!(!town.begin().await.mark_committed(claim_id()).await.unwrap());
    // A claim is marked by its actor's own transactions and by the system's, and by no others.
    let of_acme = NewClaim { tenant: Tenant::workspace(town.acme.id), ..claim_of(&town, 2, 100) };
    let of_nobody = NewClaim { tenant: Tenant::default(), ..claim_of(&town, 3, 100) };
    start(&town, &of_acme).await;
    start(&town, &of_nobody).await;
    let mut outside = town.store.begin(town.outside()).await.unwrap();
    for claim in [&second, &of_acme, &of_nobody] {
        assert!(!outside.mark_committed(claim.id).await.unwrap());
    }
    drop(outside);
    let mut nobodys = town.store.begin(Tenant::default()).await.unwrap();
    assert!(!nobodys.mark_committed(of_nobody.id).await.unwrap());
    drop(nobodys);
    assert!(town.begin().await.mark_committed(of_acme.id).await.unwrap());
    assert!(town.system().await.mark_committed(of_nobody.id).await.unwrap());
}

pub(crate) async fn an_answer_comes_back_as_it_was_kept(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (full, bare) = (claim_of(&town, 1, 100), claim_of(&town, 2, 100));
    start(&town, &full).await;
    start(&town, &bare).await;
    let nothing = KeptAnswer { status: 204, etag: None, location: None, body: None };
    let answer = answer("{\"name\":\"\\\"quoted\\\" ✓\"}");
    let mut tx = town.system().await;
    assert!(tx.mark_committed(full.id).await.unwrap());
    assert!(tx.keep_answer(full.id, &answer).await.unwrap());
    assert!(tx.keep_answer(bare.id, &nothing).await.unwrap(), "nothing had to be written");
    assert!(!tx.keep_answer(full.id, &nothing).await.unwrap(), "the first answer stays");
    assert!(!tx.keep_answer(claim_id(), &nothing).await.unwrap());
    assert!(!tx.mark_committed(full.id).await.unwrap(), "it is answered");
    tx.commit().await.unwrap();
    assert_eq!(state_of(&town, &full).await, Some(ClaimState::Answered(answer)));
    assert_eq!(state_of(&town, &bare).await, Some(ClaimState::Answered(nothing)));
}

pub(crate) async fn a_committed_claim_is_not_released(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let claims = [claim_of(&town, 1, 100), claim_of(&town, 2, 100), claim_of(&town, 3, 100)];
    let [started, committed, answered] = &claims;
    let mut tx = town.system().await;
    for claim in &claims {
        assert!(tx.start_claim(claim, None).await.unwrap());
    }
    assert!(tx.mark_committed(committed.id).await.unwrap());
    assert!(tx.keep_answer(answered.id, &answer("{}")).await.unwrap());
    for claim in &claims {
        tx.release_claim(claim.id).await.unwrap();
    }
    let another = claim_of(&town, 4, 100);
    assert!(tx.start_claim(&another, None).await.unwrap());
    tx.release_claims().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(state_of(&town, started).await, None);
    assert_eq!(state_of(&town, &another).await, None);
    assert_eq!(state_of(&town, committed).await, Some(ClaimState::Committed));
    assert_eq!(state_of(&town, answered).await, Some(ClaimState::Answered(answer("{}"))));
}

fn counted(count: u32, body_len: u64, first_ends_at: Option<Timestamp>) -> Claims {
    Claims { count, body_len, first_ends_at }
}

pub(crate) async fn claims_are_counted_and_forgotten_when_their_time_is_over(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (ada, eve) = (PrincipalId::User(town.ada.id), PrincipalId::User(town.eve.id));
    let claims = [claim_of(&town, 1, 10), claim_of(&town, 2, 20), claim_of(&town, 3, 30)];
    let of_eve = NewClaim { actor: eve, ..claim_of(&town, 1, 15) };
    let mut tx = town.system().await;
    for claim in claims.iter().chain([&of_eve]) {
        assert!(tx.start_claim(claim, None).await.unwrap());
    }
    assert!(tx.keep_answer(claims[0].id, &answer("12")).await.unwrap());
    assert!(tx.keep_answer(claims[2].id, &answer("123")).await.unwrap());
    assert_eq!(tx.claims(ada, at(9)).await.unwrap(), counted(3, 5, Some(at(10))));
    assert_eq!(tx.claims(ada, at(10)).await.unwrap(), counted(2, 3, Some(at(20))));
    assert_eq!(tx.claims(eve, at(10)).await.unwrap(), counted(1, 0, Some(at(15))));
    assert_eq!(tx.claims(PrincipalId::Operator, at(10)).await.unwrap(), counted(0, 0, None));
    // Three have ended by then; two of them go, the oldest first, whoever's they are.
    tx.forget_claims(at(20), 2).await.unwrap();
    assert_eq!(tx.claims(ada, at(0)).await.unwrap(), counted(2, 3, Some(at(20))));
    assert_eq!(tx.claims(eve, at(0)).await.unwrap(), counted(0, 0, None));
    tx.forget_claims(at(20), 100).await.unwrap();
    assert_eq!(tx.claims(ada, at(0)).await.unwrap(), counted(1, 3, Some(at(30))));
    tx.commit().await.unwrap();
}
