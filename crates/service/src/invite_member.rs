//! Invite somebody into a workspace, by a link.

use jiff::{SignedDuration, Timestamp};
use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::Complaints;
use keyward_core::id::{InvitationId, WorkspaceId};
use keyward_core::permission;
use keyward_core::person::Email;
use keyward_core::role::RoleName;
use keyward_core::secret::PlainSecret;
use keyward_core::workspace::Workspace;
use keyward_storage::{Invitation, Tx};
use serde_json::json;

use crate::Service;
use crate::access::{self, Access, Mode};
use crate::audit::{self, Deed};
use crate::ctx::Ctx;
use crate::entropy;
use crate::refusal::Refusal;
use crate::role::{self, Role};
use crate::upgrade;
use crate::withdraw_invitation::check_may_touch;

/// What tokens of invitations start with.
pub(crate) const TOKEN_PREFIX: &str = "kwinvite_";
/// How long a link works: time for a weekend and a holiday.
const LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Most open invitations of a workspace: a leaked session must not be able to send thousands.
const OPEN_MAX: u32 = 200;

/// An invitation that was just made.
#[derive(Debug)]
pub struct Invited {
    /// Its identifier.
    pub id: InvitationId,
    /// Whom.
    pub email: Email,
    /// As what.
    pub role: RoleName,
    /// What accepts it, this once.
    pub token: PlainSecret,
    /// Until when it works.
    pub expires_at: Timestamp,
}

/// Invites somebody.
pub async fn invite_member(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    email: &str,
    role: &str,
) -> Result<Invited, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::MEMBERS_INVITE)?;
    // Never a key: whoever joins stays when a leaked key is long revoked.
    let by = ctx.signed_in()?.id;
    let workspace = access.workspace.id;
    let (email, role) = parse(service, tx.as_mut(), workspace, email, role).await?;
    role::check_may_give(&access, &role)?;
    check_room(service, ctx, tx.as_mut(), &access).await?;
    check_not_member(tx.as_mut(), access.workspace.id, &email).await?;
    if let Some(open) = tx.invitation_of(access.workspace.id, &email, ctx.now).await? {
        // The new one would take its place.
        check_may_touch(service, tx.as_mut(), &access, &open).await?;
    }
    let token = entropy::token(TOKEN_PREFIX)?;
    let (ms, random) = ctx.id_parts()?;
    let invitation = Invitation {
        id: InvitationId::new(ms, random),
        workspace: access.workspace.id,
        email,
        role: role.which,
        token: token.digest(),
        created_by: by,
        created_at: ctx.now,
        expires_at: ctx.now + LIFE,
    };
    tx.insert_invitation(&invitation).await?;
    let deed = Deed {
        home: AuditHome::Workspace(access.workspace.id),
        action: AuditAction::MemberInvited,
        target: invitation.id.to_string(),
        before: None,
        after: Some(json!({ "email": invitation.email.as_str(), "role": role.name.as_str() })),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    tx.commit().await?;
    let Invitation { id, email, expires_at, .. } = invitation;
    Ok(Invited { id, email, role: role.name, token, expires_at })
}

async fn parse(
    service: &Service,
    tx: &mut dyn Tx,
    workspace: WorkspaceId,
    email: &str,
    role: &str,
) -> Result<(Email, Role), Refusal> {
    let mut complaints = Complaints::new();
    let email = complaints.take(Email::parse("email", email));
    let role = complaints.take(role::named(&service.profile, tx, workspace, role).await?);
    complaints.finish().map_err(Refusal::Invalid)?;
    match (email, role) {
        (Some(email), Some(role)) => Ok((email, role)),
        _ => Err(Refusal::Internal("a field without a complaint is missing".to_owned())),
    }
}

async fn check_room(service: &Service, ctx: &Ctx, tx: &mut dyn Tx, access: &Access) -> Result<(), Refusal> {
    let open = tx.open_invitations(access.workspace.id, ctx.now).await?;
    if open >= OPEN_MAX {
        return Err(Refusal::Conflict(format!(
            "{open} invitations are open already; withdraw some, or wait until some are accepted"
        )));
    }
    check_seats(service, tx, &access.workspace, open).await
}

/// Whether the plan has a seat left, beside `promised` ones. Service accounts take none.
pub(crate) async fn check_seats(
    service: &Service,
    tx: &mut dyn Tx,
    workspace: &Workspace,
    promised: u32,
) -> Result<(), Refusal> {
    // A plan that the profile does not have (any more) has nothing: fail closed.
    let seats_max = service.profile.plan(&workspace.plan).map_or(Some(0), |plan| plan.seats_max);
    let Some(seats_max) = seats_max else { return Ok(()) };
    let taken = tx.count_members(workspace.id).await?;
    if taken.saturating_add(promised) < seats_max {
        return Ok(());
    }
    Err(upgrade::plan_lacks_seats(service, workspace, seats_max, taken, promised))
}

/// Somebody who is a member already needs no link.
async fn check_not_member(tx: &mut dyn Tx, workspace: WorkspaceId, email: &Email) -> Result<(), Refusal> {
    if tx.member_by_email(workspace, email).await?.is_some() {
        return Err(Refusal::Conflict("somebody with this address is a member already".to_owned()));
    }
    Ok(())
}
