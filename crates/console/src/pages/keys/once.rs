//! A form that shows a secret does so once: it carries a number drawn for it, under which the service remembers what was
//! done. Sent again (a refresh, a second click, the back button), it does nothing, and leads to the key.

use keyward_core::id::RequestId;
use keyward_service::ctx::Ctx;
use keyward_service::entropy;
use keyward_service::idempotency::{Asked, Claimed, KeptAnswer, claim, keep, release};
use keyward_service::list::hex;
use keyward_service::refusal::Refusal;

use crate::Console;
use crate::stop::{Reason, Stop};
use crate::visitor::Member;

/// The field that carries the number.
pub(crate) const FIELD: &str = "once";
/// Letters of a number: 128 random bits in hex.
const LEN: usize = 32;

/// Draws the number of a form.
pub(crate) fn draw(member: &Member) -> Result<String, Stop> {
    let drawn: [u8; 16] = entropy::bytes().map_err(|refusal: Refusal| member.refused(&refusal))?;
    Ok(hex(&drawn))
}

/// What becomes of a form.
pub(crate) enum Turn {
    /// It comes for the first time: carry it out as this caller.
    First(Box<Ctx>),
    /// It was carried out before: the address that it led to.
    Again(String),
}

/// Takes the turn of a form.
pub(crate) async fn take(console: &Console, member: &Member, path: &str, number: &str) -> Result<Turn, Stop> {
    if number.len() != LEN || !number.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(member.stop(Reason::BadForm(axum::http::StatusCode::BAD_REQUEST)));
    }
    // The number alone tells forms apart: what was typed into one that is sent again does not matter.
    let asked = Asked { key: number, method: "POST", path, query: "", body: b"" };
    let claimed = claim(&console.service, &member.ctx, &asked).await;
    match claimed.map_err(|refusal| member.refused(&refusal))? {
        Claimed::First(claim) => Ok(Turn::First(Box::new(Ctx { claim: Some(claim), ..member.ctx.clone() }))),
        Claimed::Again(answer) => Ok(Turn::Again(answer.location.unwrap_or_default().into())),
    }
}

/// Remembers where a form led to that was carried out.
pub(crate) async fn done(console: &Console, ctx: &Ctx, address: &str) {
    let Some(claim) = ctx.claim else { return };
    let answer = KeptAnswer { status: 303, etag: None, location: Some(address.into()), body: None };
    let kept = keep(&console.service, claim, &answer).await;
    report(kept, ctx.request.id);
}

/// Gives the turn back: nothing was done.
pub(crate) async fn undone(console: &Console, ctx: &Ctx) {
    let Some(claim) = ctx.claim else { return };
    report(release(&console.service, claim).await, ctx.request.id);
}

/// What was done stays done: a form that comes again is then refused instead of led on.
fn report(result: Result<(), Refusal>, request: RequestId) {
    if let Err(error) = result {
        tracing::warn!(%error, request_id = %request, "a form's turn could not be remembered");
    }
}
