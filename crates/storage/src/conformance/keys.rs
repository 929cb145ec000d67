use keyward_core::audit::AuditHome;
use keyward_core::key::{Belongs, Key, Principal, PrincipalId};
use keyward_core::lifetime::LifetimeDays;
use keyward_core::rate::RequestsPerMinute;
use keyward_core::workspace::Workspace;

use super::Bed;
use super::audit::entry;
use super::town::{
    Town, another_secret, at, display, key_acting_as, personal_key, role, service_account_of, shared_account,
    workspace_key,
};
use crate::{Changed, KnownSecret, StoreError, Tenant, Tx, Unique};

fn by_ada(town: &Town) -> Principal {
    Principal { id: PrincipalId::User(town.ada.id), name: "Ada then".into() }
}

pub(crate) async fn a_key_comes_back_as_it_was_kept(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let plain = Key {
        description: None,
        expires_at: None,
        allowed_cidrs: Vec::new(),
        requests_per_minute: None,
        metadata: std::collections::BTreeMap::new(),
        grant: keyward_core::grant::Grant::default(),
        created_by: Principal { id: PrincipalId::Operator, name: "operator".into() },
        ..personal_key("plain", town.ada.id, None)
    };
    let restricted = personal_key("restricted", town.ada.id, Some(vec![town.acme.id]));
    let of_workspace = workspace_key("ci", town.acme.id, town.ada.id);
    for key in [&plain, &restricted, &of_workspace] {
        town.keep(key).await;
        let row = town.view().await.key(key.id).await.unwrap().unwrap();
        assert_eq!(&row.key, key);
        let owner = row.owner.unwrap();
        assert_eq!((owner.id, &*owner.name), (PrincipalId::User(town.ada.id), "ada"));
        let found = town.system_view().await.key_by_digest(&key.secret.digest).await.unwrap();
        assert_eq!(found.as_ref(), Some(key));
    }
    let mut tx = town.begin().await;
    let slugs = tx.key(restricted.id).await.unwrap().unwrap().workspaces;
    assert_eq!(slugs, Some(vec![town.acme.slug.clone()]));
    let account = service_account_of(&of_workspace);
    assert_eq!(tx.service_account(account.id).await.unwrap().map(|row| row.account), Some(account));
}

pub(crate) async fn a_key_is_written_over_its_previous_version_only(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&key).await;
    let edited = Key { name: display("renamed"), expires_at: None, version: 2, ..key.clone() };
    let mut tx = town.begin().await;
    tx.update_key(&edited).await.unwrap();
    for version in [1, 2, 4, u64::MAX] {
        let stale = Key { version, ..key.clone() };
        assert!(matches!(tx.update_key(&stale).await, Err(StoreError::Changed)), "{version}");
    }
    tx.commit().await.unwrap();
    assert_eq!(town.view().await.key(key.id).await.unwrap().unwrap().key, edited);
}

pub(crate) async fn a_keys_limit_is_set_changed_and_taken_away(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let mut key = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&key).await;
    for number in [1, RequestsPerMinute::MAX, 0, 60] {
        // Zero is no limit.
        key.requests_per_minute = RequestsPerMinute::new(number);
        key.version += 1;
        let mut tx = town.begin().await;
        tx.update_key(&key).await.unwrap();
        tx.commit().await.unwrap();
        let found = town.system_view().await.key_by_digest(&key.secret.digest).await.unwrap();
        assert_eq!(found.as_ref(), Some(&key), "{number}");
    }
}

pub(crate) async fn a_revoked_key_stays_revoked(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&key).await;
    let revoked = key.clone().revoke(at(7), by_ada(&town));
    let mut tx = town.begin().await;
    tx.update_key(&revoked).await.unwrap();
    let alive = Key { version: 3, ..key.clone() };
    assert!(matches!(tx.update_key(&alive).await, Err(StoreError::Changed)));
    tx.commit().await.unwrap();
    assert_eq!(town.view().await.key(key.id).await.unwrap().unwrap().key, revoked);
    let found = town.system_view().await.key_by_digest(&key.secret.digest).await.unwrap();
    assert_eq!(found, Some(revoked), "it never looks unknown");
}

pub(crate) async fn a_restriction_to_no_workspace_is_not_no_restriction(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let steps = [Some(vec![]), None, Some(vec![town.acme.id]), Some(vec![])];
    let mut key = personal_key("mine", town.ada.id, steps[0].clone());
    town.keep(&key).await;
    for workspaces in steps {
        key.belongs = Belongs::ToPerson { owner: town.ada.id, workspaces };
        key.version += 1;
        let mut tx = town.begin().await;
        tx.update_key(&key).await.unwrap();
        assert_eq!(tx.key(key.id).await.unwrap().unwrap().key, key);
        tx.commit().await.unwrap();
    }
}

pub(crate) async fn a_key_is_restricted_only_to_workspaces_of_its_owner(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let mut tx = town.begin().await;
    let foreign = personal_key("nosy", town.ada.id, Some(vec![town.acme.id, town.globex.id]));
    assert!(matches!(tx.insert_key(&foreign).await, Err(StoreError::Changed)));
    assert_eq!(tx.key(foreign.id).await.unwrap(), None, "it is whole or not there");

    let mut key = personal_key("mine", town.ada.id, Some(vec![town.acme.id]));
    tx.insert_key(&key).await.unwrap();
    tx.delete_membership(town.acme.id, town.ada.id).await.unwrap();
    key.name = display("renamed");
    key.version = 2;
    tx.update_key(&key).await.unwrap();
    assert_eq!(tx.key(key.id).await.unwrap().unwrap().key, key, "what was there before may stay");
    tx.commit().await.unwrap();

    // So it does beside another that comes, in another place.
    let mut tx = town.system().await;
    tx.insert_membership(town.globex.id, town.ada.id, &role("viewer"), at(1)).await.unwrap();
    tx.commit().await.unwrap();
    for workspaces in
        [vec![town.globex.id, town.acme.id], vec![town.acme.id, town.globex.id], vec![town.globex.id]]
    {
        key.belongs = Belongs::ToPerson { owner: town.ada.id, workspaces: Some(workspaces) };
        key.version += 1;
        let mut tx = town.begin().await;
        tx.update_key(&key).await.unwrap();
        assert_eq!(tx.key(key.id).await.unwrap().unwrap().key, key);
        tx.commit().await.unwrap();
    }
}

pub(crate) async fn the_shortest_lifetime_of_a_key_counts_workspaces_that_its_owner_has_left(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let days = |days| LifetimeDays::new(days);
    let mut tx = town.system().await;
    tx.insert_membership(town.globex.id, town.ada.id, &role("viewer"), at(0)).await.unwrap();
    for (workspace, most) in [(&town.acme, days(30)), (&town.globex, days(7))] {
        let bounded = Workspace { key_lifetime_max: most, version: 2, ..workspace.clone() };
        tx.update_workspace(&bounded).await.unwrap();
    }
    tx.commit().await.unwrap();
    let both = personal_key("both", town.ada.id, Some(vec![town.acme.id, town.globex.id]));
    let one = personal_key("one", town.ada.id, Some(vec![town.acme.id]));
    let [none, free] = [Some(vec![]), None].map(|places| personal_key("other", town.ada.id, places));
    for key in [&both, &one, &none, &free] {
        town.keep(key).await;
    }
    let mut tx = town.system().await;
    tx.delete_membership(town.globex.id, town.ada.id).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = town.store.view(Tenant::person(town.ada.id)).await.unwrap();
    for (key, most) in [(&both, days(7)), (&one, days(30)), (&none, None), (&free, None)] {
        assert_eq!(tx.shortest_lifetime(key.id).await.unwrap(), most);
    }
    let mut tx = town.store.view(Tenant::person(town.eve.id)).await.unwrap();
    assert_eq!(tx.shortest_lifetime(both.id).await.unwrap(), None, "nobody else is told");
}

pub(crate) async fn secrets_and_service_accounts_are_unique(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&key).await;
    let mut tx = town.begin().await;
    assert!(is_name_taken(&mut tx, "api_ci").await);
    assert!(!is_name_taken(&mut tx, "api_cd").await);
    let error = tx.insert_key(&workspace_key("ci", town.acme.id, town.ada.id)).await.unwrap_err();
    assert!(matches!(error, StoreError::Duplicate(Unique::ServiceAccountName)), "{error}");
    let copy = Key { secret: key.secret.clone(), ..workspace_key("cd", town.acme.id, town.ada.id) };
    let error = tx.insert_key(&copy).await.unwrap_err();
    assert!(matches!(error, StoreError::Duplicate(Unique::SecretDigest)), "{error}");
    drop(tx);
    // Another workspace has names of its own.
    let mut tx = town.store.begin(town.outside()).await.unwrap();
    assert!(!is_name_taken(&mut tx, "api_ci").await);
    tx.insert_key(&workspace_key("ci", town.globex.id, town.eve.id)).await.unwrap();
}

pub(crate) async fn a_known_secret_is_told_of_every_tenant_and_its_key_of_ones_own(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let ours = workspace_key("ci", town.acme.id, town.ada.id);
    let own = personal_key("own", town.ada.id, None);
    let theirs = workspace_key("ci", town.globex.id, town.eve.id);
    let mut tx = town.system().await;
    for key in [&ours, &own, &theirs] {
        tx.insert_key(key).await.unwrap();
    }
    let rotated = ours.clone().rotate(another_secret(), at(1), jiff::SignedDuration::from_hours(1)).unwrap();
    let cancelled = rotated.clone().cancel_rotation(at(2)).unwrap();
    for step in [&rotated, &cancelled] {
        tx.update_key(step).await.unwrap();
    }
    tx.commit().await.unwrap();
    let unknown = another_secret().digest;
    let retired = rotated.secret.digest;
    let asked = [theirs.secret.digest, unknown, ours.secret.digest, retired, own.secret.digest, unknown];
    let known = |at, key| KnownSecret { at, key };
    let expected = [known(0, None), known(2, Some(ours.id)), known(3, Some(ours.id)), known(4, None)];
    assert_eq!(town.view().await.known_secrets(&asked).await.unwrap(), expected);
    let expected = [known(0, Some(theirs.id)), known(2, None), known(3, None), known(4, None)];
    let mut outside = town.store.view(town.outside()).await.unwrap();
    assert_eq!(outside.known_secrets(&asked).await.unwrap(), expected);
    assert_eq!(outside.known_secrets(&[unknown]).await.unwrap(), []);
    let mut nowhere = town.store.view(Tenant::person(town.ada.id)).await.unwrap();
    assert_eq!(nowhere.known_secrets(&asked).await.unwrap(), []);
}

async fn is_name_taken(tx: &mut Box<dyn Tx>, name: &str) -> bool {
    tx.service_account_names_taken(&[name.to_owned()]).await.unwrap() == [name]
}

pub(crate) async fn keys_that_come_together_are_all_kept_or_none(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let keys: Vec<Key> = (0..5)
        .map(|n| match n {
            1 => Key { expires_at: None, ..workspace_key("endless", town.acme.id, town.ada.id) },
            2 => Key { description: None, ..personal_key("own", town.ada.id, Some(vec![town.acme.id])) },
            3 => {
                let key = workspace_key("rotated", town.acme.id, town.ada.id);
                key.rotate(another_secret(), at(1), jiff::SignedDuration::from_hours(1)).unwrap()
            }
            4 => workspace_key("revoked", town.acme.id, town.ada.id).revoke(at(7), by_ada(&town)),
            _ => workspace_key("ci", town.acme.id, town.ada.id),
        })
        .map(|key| Key { version: 1, ..key })
        .collect();
    let mut tx = town.begin().await;
    // One of another tenant, and one whose secret is known, among them.
    let foreign = workspace_key("ci", town.globex.id, town.eve.id);
    let copy = Key { secret: keys[0].secret.clone(), ..workspace_key("copy", town.acme.id, town.ada.id) };
    let among = |odd: &Key| [&keys[..3], std::slice::from_ref(odd), &keys[3..]].concat();
    assert!(matches!(tx.insert_keys(&among(&foreign)).await, Err(StoreError::Changed)));
    let error = tx.insert_keys(&among(&copy)).await.unwrap_err();
    assert!(matches!(error, StoreError::Duplicate(Unique::SecretDigest)), "{error}");
    for key in &keys {
        assert_eq!(tx.key(key.id).await.unwrap(), None);
    }
    tx.insert_keys(&keys).await.unwrap();
    tx.insert_keys(&[]).await.unwrap();
    for key in &keys {
        assert_eq!(&tx.key(key.id).await.unwrap().unwrap().key, key);
    }
    tx.commit().await.unwrap();
    let mut tx = town.system_view().await;
    for key in &keys {
        assert_eq!(tx.key_by_digest(&key.secret.digest).await.unwrap().as_ref(), Some(key));
    }
}

pub(crate) async fn a_refused_key_leaves_nothing_behind(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&key).await;
    let copy = Key { secret: key.secret.clone(), ..workspace_key("cd", town.acme.id, town.ada.id) };
    let mut tx = town.begin().await;
    tx.insert_key(&copy).await.unwrap_err();
    tx.commit().await.unwrap();
    let mut tx = town.view().await;
    assert_eq!(tx.key(copy.id).await.unwrap(), None);
    assert!(!is_name_taken(&mut tx, "api_cd").await);
}

pub(crate) async fn a_key_that_nobody_waited_for_is_kept_like_any_other(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let account = shared_account("robot");
    let mut tx = town.begin().await;
    tx.insert_service_account(town.acme.id, &account).await.unwrap();
    tx.commit().await.unwrap();
    let bare = Key {
        description: None,
        expires_at: None,
        allowed_cidrs: Vec::new(),
        requests_per_minute: None,
        metadata: std::collections::BTreeMap::new(),
        ..personal_key("bare", town.ada.id, None)
    };
    let rotated = workspace_key("rotated", town.acme.id, town.ada.id)
        .rotate(another_secret(), at(1), jiff::SignedDuration::from_hours(1))
        .unwrap();
    let keys = [
        workspace_key("ci", town.acme.id, town.ada.id),
        bare,
        personal_key("restricted", town.ada.id, Some(vec![town.acme.id])),
        key_acting_as("robotic", town.acme.id, town.ada.id, &account.account),
        rotated,
        workspace_key("revoked", town.acme.id, town.ada.id).revoke(at(7), by_ada(&town)),
    ]
    .map(|key| Key { version: 1, ..key });
    for key in &keys {
        let mut tx = town.begin().await;
        tx.insert_key_ahead(key).await.unwrap();
        assert_eq!(&tx.key(key.id).await.unwrap().unwrap().key, key, "it is seen at once");
        tx.commit().await.unwrap();
        assert_eq!(&town.view().await.key(key.id).await.unwrap().unwrap().key, key);
        let found = town.system_view().await.key_by_digest(&key.secret.digest).await.unwrap();
        assert_eq!(found.as_ref(), Some(key));
    }
    let mut tx = town.begin().await;
    for name in ["one", "other"] {
        tx.insert_key_ahead(&workspace_key(name, town.acme.id, town.ada.id)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = town.view().await;
    assert!(is_name_taken(&mut tx, "api_one").await && is_name_taken(&mut tx, "api_other").await);
}

pub(crate) async fn what_is_wrong_with_a_key_that_nobody_waited_for_is_told_by_the_commit_at_the_latest(
    bed: &impl Bed,
) {
    let town = Town::found(bed.open().await).await;
    let kept = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&kept).await;
    let wrong = [
        (workspace_key("ci", town.acme.id, town.ada.id), Some(Unique::ServiceAccountName)),
        (
            Key { secret: kept.secret.clone(), ..workspace_key("cd", town.acme.id, town.ada.id) },
            Some(Unique::SecretDigest),
        ),
        (workspace_key("foreign", town.globex.id, town.eve.id), None),
        (personal_key("foreign", town.eve.id, None), None),
        (personal_key("nosy", town.ada.id, Some(vec![town.globex.id])), None),
    ];
    let home = AuditHome::Workspace(town.acme.id);
    let last = async || {
        let head = town.view().await.audit_head(home).await.unwrap();
        (town.system_view().await.last_epoch().await.unwrap(), head.map_or(0, |head| head.entries))
    };
    let before = last().await;
    for (key, duplicate) in &wrong {
        for asks_before in [false, true] {
            let mut tx = town.begin().await;
            let work = async {
                tx.insert_key_ahead(key).await?;
                if asks_before {
                    tx.key(kept.id).await?;
                }
                tx.append_audit(&entry(home, PrincipalId::User(town.ada.id))).await?;
                tx.record_change(Changed::Workspace(town.acme.id)).await?;
                tx.commit().await
            };
            match (work.await.unwrap_err(), duplicate) {
                (StoreError::Changed, None) => {}
                (StoreError::Duplicate(found), Some(expected)) if found == *expected => {}
                (error, _) => panic!("{}: {error}", key.name.as_str()),
            }
        }
        let found = town.system_view().await.key_by_digest(&key.secret.digest).await.unwrap();
        assert_eq!(
            found.map(|found| found.id),
            (*duplicate == Some(Unique::SecretDigest)).then_some(kept.id)
        );
    }
    assert_eq!(last().await, before, "nothing of it is kept");
}

pub(crate) async fn a_deleted_service_account_leaves_its_name_free(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&key).await;
    let account = service_account_of(&key);
    let mut tx = town.begin().await;
    let revoked = key.clone().revoke(at(7), by_ada(&town));
    tx.update_key(&revoked).await.unwrap();
    tx.delete_service_account(account.id, at(7)).await.unwrap();
    assert!(matches!(tx.delete_service_account(account.id, at(8)).await, Err(StoreError::Changed)));
    assert_eq!(tx.service_account(account.id).await.unwrap(), None);
    assert!(!is_name_taken(&mut tx, "api_ci").await);
    tx.insert_key(&workspace_key("ci", town.acme.id, town.ada.id)).await.unwrap();
    let row = tx.key(key.id).await.unwrap().unwrap();
    assert_eq!(service_account_of(&row.key), account, "its name is still known");
}

pub(crate) async fn keys_are_left_without_an_owner_who_goes(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let bob = town.settle("bob").await;
    let (mine, his) =
        (workspace_key("mine", town.acme.id, town.ada.id), workspace_key("his", town.acme.id, bob.id));
    let his_own = personal_key("own", bob.id, None);
    let mut tx = town.system().await;
    tx.insert_membership(town.acme.id, bob.id, &role("viewer"), at(0)).await.unwrap();
    for key in [&mine, &his, &his_own] {
        tx.insert_key(key).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = town.begin().await;
    assert_eq!(tx.disown_keys(town.acme.id, bob.id).await.unwrap(), [his.id]);
    assert_eq!(tx.disown_keys(town.acme.id, bob.id).await.unwrap(), []);
    tx.commit().await.unwrap();
    let mut tx = town.system_view().await;
    let row = tx.key(his.id).await.unwrap().unwrap();
    assert_eq!((row.owner, row.key.version), (None, 2));
    assert_eq!(tx.key(mine.id).await.unwrap().unwrap().key, mine);
    assert_eq!(tx.key(his_own.id).await.unwrap().unwrap().key, his_own);
}

pub(crate) async fn live_keys_are_neither_revoked_nor_expired(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let key = |name: &str, expires_at| Key { expires_at, ..workspace_key(name, town.acme.id, town.ada.id) };
    let revoked = key("revoked", None);
    for key in [key("forever", None), key("longer", Some(at(11))), key("over", Some(at(10))), revoked.clone()]
    {
        town.keep(&key).await;
    }
    town.keep(&personal_key("own", town.ada.id, None)).await;
    let mut tx = town.begin().await;
    tx.update_key(&revoked.revoke(at(1), by_ada(&town))).await.unwrap();
    for (at_most, counted) in [(10, 2), (2, 2), (1, 1), (0, 0)] {
        assert_eq!(tx.live_keys(at(10), at_most).await.unwrap(), counted);
    }
}

pub(crate) async fn a_rotation_comes_back_as_it_was_kept(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&key).await;
    let hour = jiff::SignedDuration::from_hours(1);
    let rotated = key.clone().rotate(another_secret(), at(1), hour).unwrap();
    let cancelled = rotated.clone().cancel_rotation(at(2)).unwrap();
    let again = cancelled.clone().rotate(another_secret(), at(3), hour).unwrap();
    let finished = again.clone().finish_rotation(at(4)).unwrap();
    for mut step in [rotated, cancelled, again, finished] {
        let mut tx = town.system().await;
        tx.update_key(&step).await.unwrap();
        tx.commit().await.unwrap();
        let mut kept = town.view().await.key(key.id).await.unwrap().unwrap().key;
        for key in [&mut kept, &mut step] {
            key.retired.sort_by_key(|digest| *digest.as_bytes());
        }
        assert_eq!(kept, step);
        let live = [Some(&step.secret.digest), step.old.as_ref().map(|old| &old.secret.digest)];
        let mut system = town.system().await;
        for digest in live.into_iter().flatten().chain(&step.retired) {
            assert_eq!(system.key_by_digest(digest).await.unwrap().map(|key| key.id), Some(key.id));
        }
    }
}
