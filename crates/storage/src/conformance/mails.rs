use keyward_core::id::{MailId, UserId};
use keyward_core::key::Key;
use keyward_core::notice::Notice;

use super::Bed;
use super::notices::given;
use super::town::{Town, at, unique, workspace_key};
use crate::{ClaimedMail, GivenNotice, Mail, MailEnd, MailState, NewMail, SendClaim};

/// A mail of a notice to somebody, due when the notice was given.
pub(crate) fn mail_of(notice: &GivenNotice, to: UserId) -> NewMail {
    NewMail {
        id: MailId::new(0, unique()),
        key: notice.key,
        expires_at: notice.expires_at,
        notice: notice.notice,
        to,
        due_at: notice.given_at,
    }
}

/// A claim of the one sender, until then.
pub(crate) fn claim_for(until_ms: i64) -> SendClaim {
    SendClaim { sender: [1; 16], until: at(until_ms) }
}

fn claim_of_another(until_ms: i64) -> SendClaim {
    SendClaim { sender: [2; 16], until: at(until_ms) }
}

/// A key with a mail to Ada for each of the four notices, given and due one millisecond after the other.
async fn with_mails(town: &Town) -> (Key, Vec<NewMail>) {
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&key).await;
    let mut tx = town.system().await;
    let mut mails = Vec::new();
    for (notice, ms) in Notice::ALL.into_iter().zip(1..) {
        let notice = given(&key, notice, ms);
        assert!(tx.give_notice(&notice).await.unwrap());
        let mail = mail_of(&notice, town.ada.id);
        assert!(tx.insert_mail(&mail).await.unwrap());
        mails.push(mail);
    }
    tx.commit().await.unwrap();
    (key, mails)
}

fn claimed(mail: &NewMail, attempts: u32) -> ClaimedMail {
    ClaimedMail {
        id: mail.id,
        key: mail.key,
        notice: mail.notice,
        expires_at: mail.expires_at,
        given_at: mail.due_at,
        to: mail.to,
        attempts,
    }
}

pub(crate) async fn a_mail_is_claimed_by_one_at_a_time(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (_, mails) = with_mails(&town).await;
    assert!(!town.system_view().await.has_mail_due(at(0)).await.unwrap());
    assert!(town.system_view().await.has_mail_due(at(1)).await.unwrap());
    let mut tx = town.system().await;
    assert_eq!(tx.claim_mails(&claim_for(100), at(0), 10).await.unwrap(), []);
    let first = tx.claim_mails(&claim_for(100), at(3), 2).await.unwrap();
    assert_eq!(first, [claimed(&mails[0], 1), claimed(&mails[1], 1)]);
    let second = tx.claim_mails(&claim_of_another(90), at(50), 10).await.unwrap();
    assert_eq!(second, [claimed(&mails[2], 1), claimed(&mails[3], 1)]);
    tx.commit().await.unwrap();
    assert!(!town.system_view().await.has_mail_due(at(89)).await.unwrap());
    // The other's time is over.
    let mut tx = town.system().await;
    let taken = tx.claim_mails(&claim_for(200), at(90), 10).await.unwrap();
    assert_eq!(taken, [claimed(&mails[2], 2), claimed(&mails[3], 2)]);
    assert_eq!(tx.claim_mails(&claim_for(200), at(99), 10).await.unwrap(), []);
}

pub(crate) async fn a_claim_that_was_lost_changes_nothing(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (key, mails) = with_mails(&town).await;
    let (mine, theirs) = (claim_for(100), claim_of_another(200));
    let id = mails[0].id;
    let mut tx = town.system().await;
    assert!(!tx.end_mail(id, &mine, &MailEnd::sent(at(5))).await.unwrap(), "nobody has claimed it");
    assert_eq!(tx.claim_mails(&mine, at(1), 1).await.unwrap().len(), 1);
    assert!(!tx.end_mail(id, &claim_for(101), &MailEnd::sent(at(5))).await.unwrap(), "another claim of mine");
    assert_eq!(tx.claim_mails(&theirs, at(150), 10).await.unwrap().len(), 4);
    assert!(!tx.end_mail(id, &mine, &MailEnd::sent(at(5))).await.unwrap());
    assert!(!tx.retry_mail(id, &mine, at(7), "lost").await.unwrap());
    let unknown = MailId::new(0, unique());
    assert!(!tx.end_mail(unknown, &theirs, &MailEnd::sent(at(5))).await.unwrap());
    assert!(tx.mails_of(key.id).await.unwrap().iter().all(|mail| mail.state == MailState::Waiting));
    // A process that knows that it is alone gives all back.
    tx.release_mails(at(160)).await.unwrap();
    assert!(!tx.end_mail(id, &theirs, &MailEnd::sent(at(5))).await.unwrap());
    assert_eq!(tx.claim_mails(&mine, at(159), 10).await.unwrap(), []);
    let again = tx.claim_mails(&claim_for(300), at(160), 10).await.unwrap();
    assert_eq!(again.len(), 4);
    assert!(tx.end_mail(id, &claim_for(300), &MailEnd::sent(at(170))).await.unwrap());
    tx.release_mails(at(180)).await.unwrap();
    assert_eq!(tx.mails_of(key.id).await.unwrap()[0].state, MailState::Sent, "it has ended");
}

pub(crate) async fn a_mail_ends_as_it_was_said(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (key, mails) = with_mails(&town).await;
    let claim = claim_for(100);
    let mut tx = town.system().await;
    tx.claim_mails(&claim, at(10), 10).await.unwrap();
    assert!(tx.retry_mail(mails[0].id, &claim, at(20), "it was busy").await.unwrap());
    let mut expected = vec![Mail {
        notice: mails[0].notice,
        expires_at: mails[0].expires_at,
        to: town.ada.id,
        state: MailState::Waiting,
        attempts: 1,
        error: Some("it was busy".into()),
        ended_at: None,
    }];
    let ends = [
        MailEnd::sent(at(11)),
        MailEnd { state: MailState::Refused, at: at(12), error: Some("550 no such user".into()) },
        MailEnd { state: MailState::GivenUp, at: at(13), error: Some("\"quoted\"".into()) },
    ];
    for (mail, end) in mails[1..].iter().zip(ends) {
        assert!(tx.end_mail(mail.id, &claim, &end).await.unwrap());
        assert!(!tx.end_mail(mail.id, &claim, &end).await.unwrap(), "it has ended");
        assert!(!tx.retry_mail(mail.id, &claim, at(20), "why").await.unwrap());
        let MailEnd { state, at: ended_at, error } = end;
        let notice = mail.notice;
        let last = expected[0].clone();
        expected.push(Mail { notice, state, error, ended_at: Some(ended_at), ..last });
    }
    assert_eq!(tx.mails_of(key.id).await.unwrap(), expected);
    let again = tx.claim_mails(&claim_for(200), at(1000), 10).await.unwrap();
    assert_eq!(again, [claimed(&mails[0], 2)]);
    let dropped = MailEnd { state: MailState::Dropped, at: at(14), error: None };
    assert!(tx.end_mail(mails[0].id, &claim_for(200), &dropped).await.unwrap());
    assert_eq!(tx.mails_of(key.id).await.unwrap()[0].state, MailState::Dropped);
    tx.commit().await.unwrap();
    assert_eq!(town.view().await.mails_of(key.id).await.unwrap().len(), 4);
}

pub(crate) async fn mails_that_ended_are_forgotten_after_a_while(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (key, mails) = with_mails(&town).await;
    let claim = claim_for(100);
    let mut tx = town.system().await;
    tx.claim_mails(&claim, at(10), 10).await.unwrap();
    for (mail, ms) in mails[..3].iter().zip([30, 20, 10]) {
        assert!(tx.end_mail(mail.id, &claim, &MailEnd::sent(at(ms))).await.unwrap());
    }
    assert_eq!(tx.forget_mails(at(30), 1).await.unwrap(), 1);
    let left: Vec<Notice> = tx.mails_of(key.id).await.unwrap().iter().map(|mail| mail.notice).collect();
    assert_eq!(left, [mails[0].notice, mails[1].notice, mails[3].notice]);
    assert_eq!(tx.forget_mails(at(30), 10).await.unwrap(), 1);
    assert_eq!(tx.forget_mails(at(31), 10).await.unwrap(), 1);
    assert_eq!(tx.forget_mails(at(1000), 10).await.unwrap(), 0, "one waits");
    assert_eq!(tx.notices(key.id).await.unwrap().len(), 4, "what was given is not forgotten");
}

pub(crate) async fn a_notice_makes_one_mail_to_each(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (_, mails) = with_mails(&town).await;
    let notice = GivenNotice {
        key: mails[0].key,
        expires_at: mails[0].expires_at,
        notice: mails[0].notice,
        given_at: at(1),
    };
    let mut tx = town.system().await;
    assert!(!tx.insert_mail(&mail_of(&notice, town.ada.id)).await.unwrap());
    assert!(tx.insert_mail(&mail_of(&notice, town.eve.id)).await.unwrap());
    let not_given = GivenNotice { expires_at: at(1), ..notice };
    assert!(tx.insert_mail(&mail_of(&not_given, town.ada.id)).await.is_err(), "of what was not given");
    assert_eq!(tx.mails_of(notice.key).await.unwrap().len(), 5);
}
