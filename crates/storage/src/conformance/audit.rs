use keyward_core::audit::{AuditAction, AuditEntry, AuditHome};
use keyward_core::id::{AuditId, RequestId, ServiceAccountId};
use keyward_core::key::{Principal, PrincipalId};

use super::Bed;
use super::town::{Town, at, unique};
use crate::{AuditFilter, AuditHead, CHAIN_LEN_MAX, Changed, FIRST_PREV, Page, Position, SortValue};

pub(crate) fn entry(home: AuditHome, actor: PrincipalId) -> AuditEntry {
    AuditEntry {
        id: AuditId::new(0, unique()),
        home,
        at: at(1),
        actor: Principal { id: actor, name: "Somebody".into() },
        action: AuditAction::KeyCreated,
        target: "key_1".to_owned(),
        before: None,
        after: Some("{}".to_owned()),
        ip: Some("192.0.2.1".parse().unwrap()),
        user_agent: Some("Browser/1".into()),
        request_id: RequestId::new(0, unique()),
    }
}

pub(crate) async fn entries_are_chained_in_each_log(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (acme, ada) = (AuditHome::Workspace(town.acme.id), AuditHome::Person(town.ada.id));
    let actor = PrincipalId::User(town.ada.id);
    let mut tx = town.begin().await;
    assert_eq!(tx.audit_head(acme).await.unwrap(), None);
    let mut written = Vec::new();
    for home in [acme, ada, acme, acme] {
        let entry = entry(home, actor);
        tx.append_audit(&entry).await.unwrap();
        written.push(entry);
    }
    tx.commit().await.unwrap();
    let mut tx = town.view().await;
    let chain = tx.audit_chain(acme, 0, 10).await.unwrap();
    assert_eq!(chain.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(
        chain.iter().map(|line| line.id).collect::<Vec<_>>(),
        [written[0].id, written[2].id, written[3].id]
    );
    assert!(chain.iter().all(crate::AuditLine::is_sound));
    assert_eq!(chain[0].prev, FIRST_PREV);
    assert_eq!((chain[1].prev, chain[2].prev), (chain[0].hash, chain[1].hash));
    let head = AuditHead { entries: 3, hash: chain[2].hash };
    assert_eq!(tx.audit_head(acme).await.unwrap(), Some(head));
    assert_eq!(tx.audit_chain(acme, 1, 1).await.unwrap(), chain[1..2]);
    assert_eq!(tx.audit_chain(acme, 3, 10).await.unwrap(), []);
    assert_eq!(tx.audit_chain(ada, 0, 10).await.unwrap().len(), 1);
}

pub(crate) async fn many_entries_and_changes_of_one_transaction_keep_their_order(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let home = AuditHome::Workspace(town.acme.id);
    let before = town.system_view().await.last_epoch().await.unwrap();
    let mut tx = town.begin().await;
    let mut written = Vec::new();
    for n in 0..700 {
        let entry = entry(home, PrincipalId::User(town.ada.id));
        tx.append_audit(&entry).await.unwrap();
        written.push(entry.id);
        let changed = if n == 699 { Changed::Person(town.ada.id) } else { Changed::Workspace(town.acme.id) };
        tx.record_change(changed).await.unwrap();
    }
    let epoch = tx.commit().await.unwrap();
    assert_eq!(epoch.0, before.0 + 700);
    let chain = town.view().await.audit_chain(home, 0, 1_000).await.unwrap();
    assert_eq!(chain.iter().map(|line| line.id).collect::<Vec<_>>(), written);
    let mut parts = Vec::new();
    let mut tx = town.system_view().await;
    tx.changes_since(before, 1, &mut |part| parts.push((part.up_to, part.states.len()))).await.unwrap();
    // The workspace is told with its first change, the person with hers, which is the last.
    assert_eq!(parts.iter().map(|(_, states)| states).sum::<usize>(), 2, "{parts:?}");
    assert_eq!(parts.last().map(|(up_to, _)| *up_to), Some(epoch));
}

pub(crate) async fn a_part_of_a_chain_is_as_long_as_memory_allows(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let home = AuditHome::Workspace(town.acme.id);
    let long = |len: usize| AuditEntry {
        after: Some(format!("\"{}\"", "x".repeat(len))),
        ..entry(home, PrincipalId::User(town.ada.id))
    };
    let mut tx = town.begin().await;
    for len in [CHAIN_LEN_MAX / 2, CHAIN_LEN_MAX / 4, CHAIN_LEN_MAX / 4, 1, CHAIN_LEN_MAX, CHAIN_LEN_MAX, 1] {
        tx.append_audit(&long(len)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = town.view().await;
    let mut parts = Vec::new();
    loop {
        let after = parts.iter().sum::<usize>();
        let part = tx.audit_chain(home, u64::try_from(after).unwrap(), 100).await.unwrap();
        if part.is_empty() {
            break;
        }
        assert_eq!(usize::try_from(part[0].number).unwrap(), after + 1);
        parts.push(part.len());
    }
    assert_eq!(parts, [3, 2, 2], "two at least");
}

pub(crate) async fn an_undone_operation_leaves_the_chain_whole(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let home = AuditHome::Workspace(town.acme.id);
    let entry = || entry(home, PrincipalId::User(town.ada.id));
    let mut tx = town.begin().await;
    tx.append_audit(&entry()).await.unwrap();
    drop(tx);
    for _ in 0..2 {
        let mut tx = town.begin().await;
        tx.append_audit(&entry()).await.unwrap();
        tx.commit().await.unwrap();
    }
    let chain = town.view().await.audit_chain(home, 0, 10).await.unwrap();
    assert_eq!(chain.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((chain[0].prev, chain[1].prev), (FIRST_PREV, chain[0].hash));
}

pub(crate) async fn entries_are_found_by_each_filter_newest_first(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let home = AuditHome::Workspace(town.acme.id);
    let (ada, bot) =
        (PrincipalId::User(town.ada.id), PrincipalId::ServiceAccount(ServiceAccountId::new(0, unique())));
    let made = |ms, actor, action, target: &str| AuditEntry {
        at: at(ms),
        actor: Principal { id: actor, name: "Somebody".into() },
        action,
        target: target.to_owned(),
        ..entry(home, ada)
    };
    let all = [
        made(1, ada, AuditAction::KeyCreated, "key_1"),
        made(2, bot, AuditAction::KeyCreated, "key_2"),
        made(2, PrincipalId::Operator, AuditAction::PlanChanged, "ws_1"),
        made(3, ada, AuditAction::KeyRevoked, "key_1"),
    ];
    let mut tx = town.system().await;
    for entry in &all {
        tx.append_audit(entry).await.unwrap();
    }
    tx.commit().await.unwrap();
    let none = AuditFilter::default();
    for (filter, expected) in [
        (none.clone(), vec![3, 2, 1, 0]),
        (AuditFilter { actor: Some(ada), ..none.clone() }, vec![3, 0]),
        (AuditFilter { actor: Some(bot), ..none.clone() }, vec![1]),
        (AuditFilter { actor: Some(PrincipalId::Operator), ..none.clone() }, vec![2]),
        (AuditFilter { actor: Some(PrincipalId::Billing), ..none.clone() }, vec![]),
        (AuditFilter { action: Some("key.created".to_owned()), ..none.clone() }, vec![1, 0]),
        (AuditFilter { target: Some("key_1".to_owned()), ..none.clone() }, vec![3, 0]),
        (AuditFilter { from: Some(at(2)), ..none.clone() }, vec![3, 2, 1]),
        (AuditFilter { to: Some(at(2)), ..none.clone() }, vec![0]),
        (AuditFilter { from: Some(at(2)), to: Some(at(3)), actor: Some(ada), ..none }, vec![]),
    ] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = Page { limit: 1, after: after.take() };
            let lines = town.view().await.audit_entries(home, &filter, &page).await.unwrap();
            let Some(last) = lines.last() else { break };
            let mut id = [0; 16];
            id[8..].copy_from_slice(&last.number.to_be_bytes());
            after = Some(Position { value: SortValue::Number(last.at.as_microsecond()), id });
            found.extend(lines.iter().map(|line| line.id));
        }
        let expected: Vec<_> = expected.into_iter().map(|at: usize| all[at].id).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

pub(crate) async fn an_entry_is_kept(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let actor = PrincipalId::User(town.ada.id);
    let mut tx = town.begin().await;
    tx.append_audit(&entry(AuditHome::Workspace(town.acme.id), actor)).await.unwrap();
    tx.append_audit(&entry(AuditHome::Person(town.ada.id), actor)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = town.system().await;
    tx.append_audit(&entry(AuditHome::Workspace(town.acme.id), PrincipalId::Operator)).await.unwrap();
    tx.commit().await.unwrap();
}
