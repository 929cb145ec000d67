//! Change what one is called oneself.

use keyward_core::audit::AuditAction;
use keyward_core::person::{DisplayName, Person};
use keyward_storage::{Changed, SystemReason};
use serde_json::json;

use crate::Service;
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::sign_in::write_down_change;

/// Calls the person who is signed in otherwise. `None`: nothing is changed.
pub async fn update_me(service: &Service, ctx: &Ctx, name: Option<&str>) -> Result<Person, Refusal> {
    let before = ctx.signed_in()?.clone();
    let name = name.map(|name| DisplayName::parse("name", name)).transpose()?;
    let Some(name) = name.filter(|name| *name != before.name) else { return Ok(before) };
    let mut tx = service.store.begin_system(SystemReason::Authenticate).await?;
    if !tx.rename_person(before.id, &name).await? {
        return Err(Refusal::Unauthenticated);
    }
    tx.record_change(Changed::Person(before.id)).await?;
    let (old, new) = (json!({ "name": before.name.as_str() }), json!({ "name": name.as_str() }));
    write_down_change(ctx, tx.as_mut(), &before, AuditAction::UserRenamed, Some(old), Some(new)).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    Ok(Person { name, ..before })
}
