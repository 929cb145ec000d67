use keyward_core::audit::{AuditAction, AuditEntry, AuditHome};
use keyward_core::id::{AuditId, RequestId};
use keyward_core::key::{Principal, PrincipalId};

use super::Bed;
use super::town::{Town, at, unique};

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
