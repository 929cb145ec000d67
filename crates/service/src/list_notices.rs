//! Look at the notices that were given of a key, and what became of their mails.

use keyward_core::permission;
use keyward_storage::{GivenNotice, Mail, Tenant};

use crate::Service;
use crate::access::{self, Mode};
use crate::ctx::Ctx;
use crate::get_key::{KEY, Whose, check_paid, of_person, of_workspace, owner_or_itself};
use crate::refusal::Refusal;

/// A notice with its mails.
pub type NoticeRow = (GivenNotice, Vec<Mail>);

/// The notices of a key, by those who may look at the key.
pub async fn list_notices(
    service: &Service,
    ctx: &Ctx,
    whose: Whose<'_>,
    id: &str,
) -> Result<Vec<NoticeRow>, Refusal> {
    let (mut tx, row) = match whose {
        Whose::Workspace(slug) => {
            let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
            access.require(permission::KEYS_READ)?;
            let row = of_workspace(tx.as_mut(), &access.workspace.id, id).await?;
            (tx, row)
        }
        Whose::Personal => {
            let id = id.parse().map_err(|_| Refusal::NotFound(KEY))?;
            let person = owner_or_itself(service, ctx, Some(id))?;
            check_paid(service, ctx).await?;
            let mut tx = service.store.view(Tenant::person(person)).await?;
            let row = of_person(tx.as_mut(), id).await?;
            (tx, row)
        }
    };
    let (notices, mails) = (tx.notices(row.key.id).await?, tx.mails_of(row.key.id).await?);
    let with_mails = |given: GivenNotice| {
        let is_of = |mail: &&Mail| mail.expires_at == given.expires_at && mail.notice == given.notice;
        (given, mails.iter().filter(is_of).cloned().collect())
    };
    Ok(notices.into_iter().map(with_mails).collect())
}
