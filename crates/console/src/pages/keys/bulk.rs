//! Ending one or more keys from the list: `GET …/keys/revoke?id=…` asks, `POST` does it, with a result for each.

use std::sync::Arc;
use std::time::Instant;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_service::bulk_revoke::{bulk_revoke, preview_bulk_revoke};
use keyward_service::list::KeyRow;
use keyward_service::refusal::Refusal;

use super::Shelf;
use super::list::under;
use super::revoke;
use crate::Console;
use crate::form::sentence;
use crate::html::Html;
use crate::note::InForce;
use crate::respond::{go_saying, go_to};
use crate::stop::{Reason, Stop};
use crate::visitor::{At, Member, Pairs, Query, Sent};
use crate::when::When;

/// A key that is to be ended.
struct Doomed {
    id: String,
    name: String,
    used: Option<When>,
    ip: Option<String>,
    is_revoked: bool,
}

#[derive(Template)]
#[template(path = "keys/revoke_several.html")]
struct Question {
    base: String,
    token: String,
    word: String,
    keys: Vec<Doomed>,
    /// How many of those that were named are not there.
    missing: usize,
}

/// What became of a key.
struct Ended {
    name: String,
    /// Why it was not ended. `None`: it was.
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "keys/revoked_several.html")]
struct Results {
    base: String,
    keys: Vec<Ended>,
    in_force: InForce,
}

impl Results {
    fn ended(&self) -> usize {
        self.keys.iter().filter(|one| one.problem.is_none()).count()
    }
}

/// `GET …/keys/revoke?id=…&id=…`
pub(crate) async fn ask(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
    Query(pairs): Query,
) -> Result<Response, Stop> {
    let shelf = Shelf::at(&console, &member, &at)?;
    let ids = ids(&pairs);
    if ids.is_empty() {
        return Ok(go_to(&shelf.base));
    }
    let found = preview(&console, &member, &shelf, &ids).await?;
    let missing = found.iter().filter(|one| one.is_none()).count();
    let question = Question {
        base: shelf.base.clone(),
        token: shelf.shell(&member)?.token().to_owned(),
        word: console.service.profile.pages.revoke_word.to_string(),
        keys: found.iter().flatten().map(|row| doomed(row, &member)).collect(),
        missing,
    };
    let dialog = Html::of(&question).map_err(|_| member.stop(Reason::Broken(None)))?;
    under(&console, &member, &shelf, StatusCode::OK, dialog, None).await
}

/// `POST …/keys/revoke`
pub(crate) async fn submit(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let shelf = Shelf::at(&console, &member, &at)?;
    let ids = ids(&form);
    // Their names, before they are ended: who reads the results knows them by these.
    let found = preview(&console, &member, &shelf, &ids).await?;
    if let ([id], [Some(_)]) = (ids.as_slice(), found.as_slice()) {
        let ended = revoke::end(&console, &member, &shelf, id, None).await;
        return Ok(go_saying(ended.map_err(|refusal| member.refused(&refusal))?, &shelf.base));
    }
    let ended = bulk_revoke(&console.service, &member.ctx, shelf.whose(), &ids, None).await;
    let ended = ended.map_err(|refusal| member.refused(&refusal))?;
    let ended_at = Instant::now();
    let nodes = if ended.results.iter().any(Result::is_ok) {
        console.service.nodes.settle(ended.epoch, ended.grace, revoke::WAIT_MAX).await
    } else {
        Vec::new()
    };
    let in_force = InForce::of(&nodes, ended.grace, ended_at.elapsed());
    let results = ids.iter().zip(found).zip(ended.results).map(|((id, row), ended)| Ended {
        name: row.map_or_else(|| id.clone(), |row| row.key.name.to_string()),
        problem: ended.err().map(|refusal| sentence(&refusal.to_string())),
    });
    let results = Results { base: shelf.base.clone(), keys: results.collect(), in_force };
    let dialog = Html::of(&results).map_err(|_| member.stop(Reason::Broken(None)))?;
    under(&console, &member, &shelf, StatusCode::OK, dialog, None).await
}

fn ids(pairs: &Pairs) -> Vec<String> {
    pairs.all("id")
}

async fn preview(
    console: &Console,
    member: &Member,
    shelf: &Shelf,
    ids: &[String],
) -> Result<Vec<Option<KeyRow>>, Stop> {
    let found = preview_bulk_revoke(&console.service, &member.ctx, shelf.whose(), ids, None).await;
    let found = found.map_err(|refusal: Refusal| member.refused(&refusal))?;
    Ok(found.into_iter().map(Result::ok).collect())
}

fn doomed(row: &KeyRow, member: &Member) -> Doomed {
    Doomed {
        id: row.key.id.to_string(),
        name: row.key.name.to_string(),
        used: row.last_use.at.map(|at| When::near(at, member.ctx.now)),
        ip: row.last_use.ip.map(|ip| ip.to_string()),
        is_revoked: row.key.revoked.is_some(),
    }
}
