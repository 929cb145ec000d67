use keyward_core::audit::AuditHome;
use keyward_core::change::Epoch;
use keyward_core::key::{Key, PrincipalId};
use keyward_core::notice::Notice;
use keyward_core::person::Person;
use keyward_core::role::CustomRole;

use super::Bed;
use super::audit::entry;
use super::idempotency::{answer, claim_of};
use super::invitations::invitation;
use super::lives::restored;
use super::mails::{claim_for, mail_of};
use super::notices::given;
use super::sessions::session;
use super::subscriptions::subscription;
use super::town::{
    Town, at, custom_role, display, key_acting_as, person, personal_key, role, service_account_of,
    shared_account, workspace, workspace_key,
};
use super::usage::used;
use super::vaults::{vault, vault_secret};
use super::webhooks::{attempt, event_for, webhook};
use crate::{
    AuditFilter, Changed, DeliveryFilter, Invitation, KeyFilter, KeyScope, KeySort, KeyUse, LastUse, MailEnd,
    NewVaultSecret, Outcome, Page, SealedKind, SealedRow, SealedSecret, ServiceAccountRow, StoreError,
    SystemReason, Tenant, Tx, Vault, Webhook, WrittenUpTo,
};

const PAGE: Page = Page { limit: 100, after: None };

/// A town in which acme and Ada have one of everything.
pub(crate) struct Full {
    pub(crate) town: Town,
    pub(crate) bob: Person,
    pub(crate) of_acme: Key,
    pub(crate) of_ada: Key,
    role: CustomRole,
    account: ServiceAccountRow,
    hook: Webhook,
    delivery: keyward_core::id::DeliveryId,
    vault: Vault,
    stored: NewVaultSecret,
    invited: Invitation,
}

impl Full {
    pub(crate) async fn found(bed: &impl Bed) -> Self {
        let town = Town::found(bed.open().await).await;
        let bob = town.settle("bob").await;
        let of_acme = workspace_key("ci", town.acme.id, town.ada.id);
        let of_ada = personal_key("own", town.ada.id, None);
        town.keep(&of_acme).await;
        town.keep(&of_ada).await;
        let mut tx = town.system().await;
        tx.insert_membership(town.acme.id, bob.id, &role("viewer"), at(1)).await.unwrap();
        let invited = invitation(&town, "carol@example.com", 100);
        tx.insert_invitation(&invited).await.unwrap();
        let (own_role, account) = (custom_role("deployer"), shared_account("bot"));
        tx.insert_role(town.acme.id, &own_role).await.unwrap();
        tx.insert_service_account(town.acme.id, &account).await.unwrap();
        let hook = webhook(town.acme.id);
        tx.insert_webhook(&hook).await.unwrap();
        let event = event_for(&hook, "key_1", 1);
        assert!(tx.append_delivery(&event, 10).await.unwrap());
        let vault = vault(town.acme.id, "Production");
        let stored = vault_secret(&vault, "database");
        tx.insert_vault(&vault).await.unwrap();
        tx.insert_vault_secret(&stored).await.unwrap();
        for home in [AuditHome::Workspace(town.acme.id), AuditHome::Person(town.ada.id)] {
            tx.append_audit(&entry(home, PrincipalId::User(town.ada.id))).await.unwrap();
        }
        for key in [&of_acme, &of_ada] {
            let notice = given(key, Notice::Ended, 2);
            assert!(tx.give_notice(&notice).await.unwrap());
            assert!(tx.insert_mail(&mail_of(&notice, town.ada.id)).await.unwrap());
        }
        tx.commit().await.unwrap();
        Self {
            town,
            bob,
            of_acme,
            of_ada,
            role: own_role,
            account,
            hook,
            delivery: event.id,
            vault,
            stored,
            invited,
        }
    }

    fn filter(scope: KeyScope) -> KeyFilter {
        KeyFilter { scope, status: None, owner: None, search: None, last_used_before: None, now: at(0) }
    }

    async fn sees_nothing(&self, tx: &mut Box<dyn Tx>) {
        let Self {
            town,
            bob,
            of_acme,
            of_ada,
            role: own_role,
            account,
            hook,
            delivery,
            vault: strongroom,
            stored,
            invited,
        } = self;
        let (acme, ada) = (town.acme.id, town.ada.id);
        assert_eq!(tx.workspace(acme).await.unwrap(), None);
        assert_eq!(tx.workspace_by_slug(&town.acme.slug).await.unwrap(), None);
        assert_eq!(tx.person(ada).await.unwrap(), None);
        assert_eq!(tx.person(bob.id).await.unwrap(), None);
        assert_eq!(tx.member(acme, ada).await.unwrap(), None);
        assert_eq!(tx.member_by_email(acme, &town.ada.email).await.unwrap(), None);
        assert_eq!(tx.members(acme, &PAGE).await.unwrap(), []);
        assert_eq!(tx.members_with_role(acme, &role("owner"), 10).await.unwrap(), 0);
        assert_eq!(tx.holders(acme, &role("owner"), 10).await.unwrap(), []);
        assert_eq!(tx.count_members(acme).await.unwrap(), 0);
        assert_eq!(tx.places(ada, 10).await.unwrap(), []);
        assert_eq!(tx.open_invitations(acme, at(1)).await.unwrap(), 0);
        assert_eq!(tx.invitations(acme, at(1), &PAGE).await.unwrap(), []);
        assert_eq!(tx.invitation(invited.id, at(1)).await.unwrap(), None);
        assert_eq!(tx.invitation_of(acme, &invited.email, at(1)).await.unwrap(), None);
        assert_eq!(tx.key(of_acme.id).await.unwrap(), None);
        assert_eq!(tx.key(of_ada.id).await.unwrap(), None);
        for scope in [KeyScope::OfWorkspace, KeyScope::OfPerson] {
            let owned = KeyFilter { owner: Some(ada), ..Self::filter(scope) };
            for filter in [Self::filter(scope), owned] {
                let found = tx.keys(&filter, KeySort::DEFAULT, &PAGE).await.unwrap();
                assert_eq!((found.rows, found.next), (vec![], None));
            }
        }
        assert_eq!(tx.live_keys(at(0), 10).await.unwrap(), 0);
        assert_eq!(tx.service_account_names_taken(&["api_ci".to_owned()]).await.unwrap(), [""; 0]);
        assert_eq!(tx.service_account(service_account_of(of_acme).id).await.unwrap(), None);
        assert_eq!(tx.service_account(account.account.id).await.unwrap(), None);
        assert_eq!(tx.service_accounts(acme, None, &PAGE).await.unwrap(), []);
        assert_eq!(tx.keys_of_service_account(service_account_of(of_acme).id, 10).await.unwrap(), []);
        for home in [AuditHome::Workspace(acme), AuditHome::Person(ada)] {
            assert_eq!(tx.audit_head(home).await.unwrap(), None);
            assert_eq!(tx.audit_chain(home, 0, 10).await.unwrap(), []);
            assert_eq!(tx.audit_entries(home, &AuditFilter::default(), &PAGE).await.unwrap(), []);
        }
        assert_eq!(tx.notices(of_acme.id).await.unwrap(), []);
        assert_eq!(tx.notices(of_ada.id).await.unwrap(), []);
        assert_eq!(tx.mails_of(of_acme.id).await.unwrap(), []);
        assert_eq!(tx.mails_of(of_ada.id).await.unwrap(), []);
        assert_eq!(tx.role(own_role.id).await.unwrap(), None);
        assert_eq!(tx.roles(acme, 10).await.unwrap(), []);
        assert_eq!(tx.webhook(hook.id).await.unwrap(), None);
        assert_eq!(tx.webhooks(acme, &PAGE).await.unwrap(), []);
        assert_eq!(tx.subscribers(acme, 10).await.unwrap(), []);
        assert_eq!(tx.deliveries(hook.id, &DeliveryFilter::default(), &PAGE).await.unwrap(), []);
        assert_eq!(tx.delivery(*delivery).await.unwrap(), None);
        assert_eq!(tx.vault(strongroom.id).await.unwrap(), None);
        assert_eq!(tx.vaults(acme, &PAGE).await.unwrap(), []);
        assert_eq!(tx.vault_secret(stored.id).await.unwrap(), None);
        assert_eq!(tx.vault_secrets(strongroom.id, &PAGE).await.unwrap(), []);
        assert_eq!(tx.sealed_vault_secret(stored.id).await.unwrap(), None);
    }

    async fn writes_nothing(&self, tx: &mut Box<dyn Tx>) {
        let Self {
            town,
            bob,
            of_acme,
            of_ada,
            role: own_role,
            account,
            hook,
            delivery,
            vault: strongroom,
            stored,
            invited,
        } = self;
        let (acme, ada) = (&town.acme, town.ada.id);
        let mut renamed = acme.clone();
        renamed.name = display("taken over");
        renamed.version = 2;
        refused(&tx.update_workspace(&renamed).await);
        refused(&tx.insert_membership(acme.id, town.eve.id, &role("owner"), at(1)).await);
        assert!(!tx.update_membership(acme.id, bob.id, &role("owner")).await.unwrap());
        assert!(!tx.delete_membership(acme.id, bob.id).await.unwrap());
        refused(&tx.insert_invitation(&invitation(town, "mallory@example.com", 100)).await);
        assert!(!tx.delete_invitation(invited.id).await.unwrap());
        refused(&tx.insert_key(&workspace_key("new", acme.id, town.eve.id)).await);
        refused(&tx.insert_key(&personal_key("new", ada, None)).await);
        for key in [of_acme, of_ada] {
            refused(&tx.update_key(&Key { name: display("taken over"), version: 2, ..key.clone() }).await);
            refused(&tx.record_change(Changed::Key(key.id)).await);
        }
        refused(&tx.delete_service_account(service_account_of(of_acme).id, at(1)).await);
        refused(&tx.delete_service_account(account.account.id, at(1)).await);
        refused(&tx.insert_service_account(acme.id, &shared_account("new")).await);
        refused(&tx.update_service_account(&ServiceAccountRow { version: 2, ..account.clone() }).await);
        refused(&tx.insert_key(&key_acting_as("new", town.globex.id, town.eve.id, &account.account)).await);
        refused(&tx.insert_role(acme.id, &custom_role("new")).await);
        refused(&tx.update_role(&CustomRole { version: 2, ..own_role.clone() }).await);
        assert!(!tx.delete_role(own_role.id, at(1)).await.unwrap());
        refused(&tx.record_change(Changed::Role(own_role.id)).await);
        refused(&tx.record_change(Changed::ServiceAccount(account.account.id)).await);
        assert!(!tx.suspend_membership(acme.id, bob.id, Some(at(1))).await.unwrap());
        assert_eq!(tx.disown_keys(acme.id, ada).await.unwrap(), []);
        refused(&tx.record_change(Changed::Workspace(acme.id)).await);
        refused(&tx.record_change(Changed::Membership(acme.id, bob.id)).await);
        refused(&tx.record_change(Changed::Person(bob.id)).await);
        let actor = PrincipalId::User(town.eve.id);
        refused(&tx.append_audit(&entry(AuditHome::Workspace(acme.id), actor)).await);
        refused(&tx.append_audit(&entry(AuditHome::Person(ada), actor)).await);
        refused(&tx.insert_webhook(&webhook(acme.id)).await);
        refused(&tx.update_webhook(&Webhook { version: 2, ..hook.clone() }, at(1)).await);
        assert!(!tx.delete_webhook(hook.id, at(1)).await.unwrap());
        refused(&tx.append_delivery(&event_for(hook, "key_1", 1), 10).await.map(drop));
        let elsewhere = Webhook { workspace: town.globex.id, ..hook.clone() };
        refused(&tx.append_delivery(&event_for(&elsewhere, "key_1", 1), 10).await.map(drop));
        assert!(tx.delivery(*delivery).await.unwrap().is_none());
        refused(&tx.insert_vault(&vault(acme.id, "new")).await);
        refused(&tx.update_vault(&Vault { version: 2, ..strongroom.clone() }).await);
        assert!(!tx.delete_vault(strongroom.id).await.unwrap());
        refused(&tx.insert_vault_secret(&vault_secret(strongroom, "new")).await);
        let elsewhere = Vault { workspace: town.globex.id, ..strongroom.clone() };
        refused(&tx.insert_vault_secret(&vault_secret(&elsewhere, "new")).await);
        assert!(!tx.delete_vault_secret(stored.id).await.unwrap());
    }

    async fn is_untouched(&self) {
        let Self {
            town,
            bob,
            of_acme,
            of_ada,
            role: own_role,
            account,
            hook,
            delivery,
            vault: strongroom,
            stored,
            invited,
        } = self;
        let mut tx = town.system_view().await;
        assert_eq!(tx.workspace(town.acme.id).await.unwrap().as_ref(), Some(&town.acme));
        assert_eq!(tx.key(of_acme.id).await.unwrap().unwrap().key, *of_acme);
        assert_eq!(tx.key(of_ada.id).await.unwrap().unwrap().key, *of_ada);
        assert_eq!(tx.members(town.acme.id, &PAGE).await.unwrap().len(), 2);
        assert_eq!(tx.member(town.acme.id, bob.id).await.unwrap().unwrap().role.which, role("viewer"));
        assert_eq!(tx.open_invitations(town.acme.id, at(1)).await.unwrap(), 1);
        assert!(tx.invitation(invited.id, at(1)).await.unwrap().is_some());
        assert!(tx.service_account(service_account_of(of_acme).id).await.unwrap().is_some());
        assert_eq!(tx.service_account(account.account.id).await.unwrap().as_ref(), Some(account));
        assert_eq!(tx.role(own_role.id).await.unwrap().as_ref(), Some(own_role));
        let kept = tx.webhook(hook.id).await.unwrap().unwrap();
        assert_eq!((kept.version, kept.health.waiting), (1, 1));
        assert!(tx.delivery(*delivery).await.unwrap().is_some());
        let filled = Vault { secrets: 1, ..strongroom.clone() };
        assert_eq!(tx.vault(strongroom.id).await.unwrap(), Some(filled));
        assert_eq!(tx.sealed_vault_secret(stored.id).await.unwrap().as_ref(), Some(&stored.sealed));
    }
}

fn refused(result: &Result<(), StoreError>) {
    assert!(matches!(result, Err(StoreError::Changed)), "{result:?}");
}

fn misused<T: std::fmt::Debug>(result: &Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Misused(_))), "{result:?}");
}

pub(crate) async fn another_tenant_reads_nothing(bed: &impl Bed) {
    let full = Full::found(bed).await;
    let (outside, eve) = (full.town.outside(), full.town.eve.id);
    for tenant in [outside, Tenant::workspace(full.town.globex.id), Tenant::person(eve)] {
        full.sees_nothing(&mut full.town.store.view(tenant).await.unwrap()).await;
        full.sees_nothing(&mut full.town.store.begin(tenant).await.unwrap()).await;
    }
    // Half a tenant sees its half.
    let mut tx = full.town.store.view(Tenant::workspace(full.town.acme.id)).await.unwrap();
    assert_eq!(tx.key(full.of_ada.id).await.unwrap(), None);
    assert!(tx.key(full.of_acme.id).await.unwrap().is_some());
    let mut tx = full.town.store.view(Tenant::person(full.town.ada.id)).await.unwrap();
    assert!(tx.key(full.of_ada.id).await.unwrap().is_some());
    assert_eq!(tx.key(full.of_acme.id).await.unwrap(), None);
    assert!(tx.member(full.town.acme.id, full.town.ada.id).await.unwrap().is_some());
    assert_eq!(tx.members(full.town.acme.id, &PAGE).await.unwrap(), []);
}

pub(crate) async fn another_tenant_writes_nothing(bed: &impl Bed) {
    let full = Full::found(bed).await;
    let mut tx = full.town.store.begin(full.town.outside()).await.unwrap();
    full.writes_nothing(&mut tx).await;
    tx.commit().await.unwrap();
    full.is_untouched().await;
}

pub(crate) async fn a_transaction_without_tenant_sees_nothing(bed: &impl Bed) {
    let full = Full::found(bed).await;
    let mut tx = full.town.store.begin(Tenant::default()).await.unwrap();
    full.sees_nothing(&mut tx).await;
    full.writes_nothing(&mut tx).await;
    tx.commit().await.unwrap();
    full.is_untouched().await;
}

pub(crate) async fn a_tenant_does_no_work_of_the_system(bed: &impl Bed) {
    let full = Full::found(bed).await;
    let (town, key) = (&full.town, &full.of_acme);
    let mut tx = town.system().await;
    let claimed = tx.claim_due(at(1), at(2), 1, [0; 16]).await.unwrap().remove(0);
    tx.commit().await.unwrap();
    let mut tx = town.begin().await;
    misused(&tx.insert_person(&person("mallory")).await);
    misused(&tx.update_person(&person("mallory")).await);
    misused(&tx.credentials(&town.ada.email).await);
    misused(&tx.has_people().await);
    misused(&tx.suspend_person(town.ada.id, Some(at(1))).await);
    misused(&tx.insert_workspace(&workspace("new")).await);
    misused(&tx.invitation_by_token(&key.secret.digest, at(1)).await);
    misused(&tx.use_invitation(invitation(town, "carol@example.com", 1).id).await);
    let session = session(town.ada.id, 0, 100);
    misused(&tx.insert_session(&session).await);
    misused(&tx.session(&session.token, at(1)).await);
    misused(&tx.delete_session(session.id).await);
    misused(&tx.sessions(town.ada.id, at(1)).await);
    misused(&tx.touch_session(session.id, at(1)).await);
    misused(&tx.end_session(town.ada.id, session.id).await);
    misused(&tx.end_other_sessions(town.ada.id, session.id).await);
    misused(&tx.rename_person(town.ada.id, &display("x")).await);
    misused(&tx.replace_password(town.ada.id, "x", "y").await);
    misused(&tx.put_subscription(&subscription("sub_1", town.acme.id, Some("pro"))).await);
    misused(&tx.subscription("sub_1").await);
    misused(&tx.paid_plans(town.acme.id).await);
    misused(&tx.forget_ended_subscriptions(at(1)).await);
    misused(&tx.key_by_digest(&key.secret.digest).await);
    let claim = claim_of(town, 1, 100);
    misused(&tx.claim(claim.actor, &claim.name).await);
    misused(&tx.start_claim(&claim, None).await);
    misused(&tx.claims(claim.actor, at(1)).await);
    misused(&tx.forget_claims(at(1), 1).await);
    misused(&tx.keep_answer(claim.id, &answer("{}")).await);
    misused(&tx.release_claim(claim.id).await);
    misused(&tx.record_uses(&[KeyUse { key: key.id, last: LastUse::default(), old_secret_at: None }]).await);
    misused(&tx.claim_due(at(1), at(2), 1, [0; 16]).await);
    misused(&tx.webhook_totals(1).await);
    misused(&tx.sweep_deliveries(at(1), 1).await);
    let attempt = attempt(1, 200);
    misused(&tx.finish_delivery(&claimed, &attempt, Outcome::Delivered, at(1)).await);
    let row = SealedRow {
        kind: SealedKind::VaultSecret,
        workspace: town.acme.id,
        id: full.stored.id.to_bytes(),
        sealed: full.stored.sealed.clone(),
    };
    misused(&tx.sealed_rows(row.kind, [0; 16], 1).await);
    misused(&tx.reseal(&row, &SealedSecret([].into())).await);
    misused(&tx.note_networks(&[]).await);
    misused(&tx.append_usage("node", &[used(key.id, 1, "valid")]).await);
    misused(&tx.note_usage_written("node", WrittenUpTo { at: at(1), is_stopped: false }).await);
    misused(&tx.usage_written("node").await);
    misused(&tx.take_usage_batch("node", 1, at(1), at(0)).await);
    misused(&tx.enrol_server("server", 1, &[]).await);
    misused(&tx.note_nodes("server", 1, 2, &[]).await);
    misused(&tx.strike_nodes("server", &[]).await);
    misused(&tx.strike_server("server", 1).await);
    misused(&tx.nodes_elsewhere("server", 1).await);
    misused(&tx.forget_usage_before(at(1), 1).await);
    misused(&tx.forget_usage_counts_before(at(1), 1).await);
    misused(&tx.usage_beyond(1).await);
    let notice = given(key, Notice::Ahead1, 1);
    misused(&tx.due_notices(at(1), 10).await);
    misused(&tx.give_notice(&notice).await);
    misused(&tx.schedule_notice(key.id, None).await);
    let mail = mail_of(&notice, town.ada.id);
    misused(&tx.insert_mail(&mail).await);
    misused(&tx.has_mail_due(at(1)).await);
    misused(&tx.claim_mails(&claim_for(1), at(1), 1).await);
    misused(&tx.release_mails(at(1)).await);
    misused(&tx.end_mail(mail.id, &claim_for(1), &MailEnd::sent(at(1))).await);
    misused(&tx.retry_mail(mail.id, &claim_for(1), at(1), "why").await);
    misused(&tx.forget_mails(at(1), 1).await);
    misused(&tx.changes_since(Epoch(0), 10, &mut |_| ()).await);
    misused(&tx.last_epoch().await);
    misused(&tx.life().await);
    misused(&tx.live_keys_of_all(at(1)).await);
    misused(&tx.workspaces_after(None, 1).await);
    misused(&tx.begin_life(&restored()).await);
    misused(&tx.confirm_life(restored().incarnation, at(1)).await);
    misused(&tx.snapshot(&mut |_| panic!("nothing is told")).await);
}

pub(crate) async fn a_view_is_only_read(bed: &impl Bed) {
    let full = Full::found(bed).await;
    let (town, key) = (&full.town, &full.of_acme);
    let mut tx = town.view().await;
    misused(&tx.update_workspace(&town.acme).await);
    misused(&tx.insert_key(&workspace_key("new", town.acme.id, town.ada.id)).await);
    misused(&tx.update_key(key).await);
    misused(&tx.disown_keys(town.acme.id, town.ada.id).await);
    misused(&tx.delete_membership(town.acme.id, full.bob.id).await);
    misused(&tx.record_change(Changed::Key(key.id)).await);
    misused(&tx.mark_committed(claim_of(town, 1, 100).id).await);
    misused(&tx.append_audit(&entry(AuditHome::Workspace(town.acme.id), PrincipalId::Operator)).await);
    assert_eq!(tx.key(key.id).await.unwrap().unwrap().key, *key, "it goes on reading");
    let mut tx = town.store.view_system(SystemReason::Feed).await.unwrap();
    misused(&tx.insert_person(&person("mallory")).await);
    misused(&tx.begin_life(&restored()).await);
    misused(&tx.put_subscription(&subscription("sub_1", town.acme.id, None)).await);
    misused(&tx.append_usage("node", &[used(key.id, 1, "valid")]).await);
    misused(&tx.record_uses(&[KeyUse { key: key.id, last: LastUse::default(), old_secret_at: None }]).await);
}
