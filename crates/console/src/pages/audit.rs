//! `/w/{slug}/audit`: what was done in a workspace, the check of its chain, and the whole of it as a file.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use keyward_core::id::{ServiceAccountId, UserId};
use keyward_core::key::PrincipalId;
use keyward_service::ctx::Ctx;
use keyward_service::get_key::Whose;
use keyward_service::list::{AuditFilter, AuditLine, Position, SortValue, hex};
use keyward_service::read_audit::{Exported, export_audit, list_audit};
use keyward_service::refusal::Refusal;
use keyward_service::verify_audit::{Verified, verify_audit};

use super::settings::{allowed, cut, part, slug};
use crate::Console;
use crate::address::encoded;
use crate::deed::Deed;
use crate::position::written;
use crate::respond::page;
use crate::shell::{Shell, Tab};
use crate::stop::{Reason, Stop};
use crate::visitor::{At, Member, Pairs, Query};

/// Longest text that is looked for: longer than any action or identifier.
const TEXT_LEN_MAX: usize = 100;

/// What the list is narrowed to, as it was written.
#[derive(Debug, Default)]
struct Asked {
    actor: String,
    action: String,
    target: String,
    from: String,
    to: String,
    /// What is wrong with it.
    complaint: Option<&'static str>,
}

/// What a check of the chain found.
struct Chain {
    entries: u64,
    head: String,
    broken: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    shell: Shell,
    slug: String,
    asked: Asked,
    deeds: Vec<Deed>,
    next: Option<String>,
    /// The state of the chain, where it was asked for.
    chain: Option<Chain>,
}

/// `GET /w/{slug}/audit`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
    Query(query): Query,
) -> Result<Response, Stop> {
    let slug = slug(at);
    let asked = Asked::read(&query);
    let (asked, filter) = match asked.filter() {
        Ok(filter) => (asked, Some(filter)),
        Err(complaint) => (Asked { complaint: Some(complaint), ..asked }, None),
    };
    let status = if filter.is_some() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(page(status, &list(&console, &member, &slug, &query, asked, filter).await?))
}

/// `GET /w/{slug}/audit/verify`: the same, after a check of the chain from its first entry to its last.
pub(crate) async fn verify(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let slug = slug(at);
    let whose = Whose::Workspace(&slug);
    let found = allowed(&member, verify_audit(&console.service, &member.ctx, whose, None).await)?;
    let Verified { entries, head, broken } = found;
    let chain = Some(Chain { entries, head: hex(&head), broken });
    let all = Some(AuditFilter::default());
    let first = list(&console, &member, &slug, &Pairs::default(), Asked::default(), all).await?;
    Ok(page(StatusCode::OK, &AuditPage { chain, ..first }))
}

/// A part of the log. Without a filter, nothing of it.
async fn list(
    console: &Console,
    member: &Member,
    slug: &str,
    query: &Pairs,
    asked: Asked,
    filter: Option<AuditFilter>,
) -> Result<AuditPage, Stop> {
    let place = member.place(slug)?;
    let mut lines = Vec::new();
    if let Some(filter) = filter {
        let (whose, part) = (Whose::Workspace(slug), part(member, query)?);
        let found = list_audit(&console.service, &member.ctx, whose, &filter, &part).await;
        lines = allowed(member, found)?;
    }
    let next = cut(&mut lines, |line: &AuditLine| Position {
        value: SortValue::Number(line.at.as_microsecond()),
        id: u128::from(line.number).to_be_bytes(),
    });
    Ok(AuditPage {
        shell: member.shell_in(&place.workspace, Tab::Audit),
        slug: slug.to_owned(),
        deeds: lines.iter().map(|line| Deed::of(line, member.ctx.now)).collect(),
        next: next.map(|place| format!("/w/{slug}/audit?{}&after={}", asked.query(), written(&place))),
        asked,
        chain: None,
    })
}

impl Asked {
    fn read(query: &Pairs) -> Self {
        let one = |name: &str| query.one(name).trim().to_owned();
        Self {
            actor: one("actor"),
            action: one("action"),
            target: one("target"),
            from: one("from"),
            to: one("to"),
            complaint: None,
        }
    }

    fn fields(&self) -> [(&'static str, &String); 5] {
        [
            ("actor", &self.actor),
            ("action", &self.action),
            ("target", &self.target),
            ("from", &self.from),
            ("to", &self.to),
        ]
    }

    fn query(&self) -> String {
        self.fields().map(|(name, text)| format!("{name}={}", encoded(text))).join("&")
    }

    fn filter(&self) -> Result<AuditFilter, &'static str> {
        if self.fields().iter().any(|(_, text)| text.len() > TEXT_LEN_MAX || text.contains('\0')) {
            return Err("Give names as entries have them.");
        }
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Ok(AuditFilter {
            actor: given(&self.actor).map(|text| actor(&text)).transpose()?,
            action: given(&self.action),
            target: given(&self.target),
            from: given(&self.from).map(|text| midnight(&text, 0)).transpose()?,
            // The last day counts to its end.
            to: given(&self.to).map(|text| midnight(&text, 1)).transpose()?,
        })
    }
}

fn actor(text: &str) -> Result<PrincipalId, &'static str> {
    let user = text.parse::<UserId>().ok().map(PrincipalId::User);
    let account = || text.parse::<ServiceAccountId>().ok().map(PrincipalId::ServiceAccount);
    let nobodies = [PrincipalId::Operator, PrincipalId::Billing, PrincipalId::System];
    let others = || nobodies.into_iter().find(|one| one.type_name() == text);
    let complaint = "By: give the identifier of a person (usr_…) or a service account (sa_…), operator, billing or system.";
    user.or_else(account).or_else(others).ok_or(complaint)
}

/// The beginning of a day, or of one so many days after it.
fn midnight(text: &str, later_days: i64) -> Result<Timestamp, &'static str> {
    let day: Option<Date> = text.parse().ok();
    let day = day.and_then(|day| day.checked_add(later_days.days()).ok());
    let zoned = day.and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    zoned.map(|zoned| zoned.timestamp()).ok_or("Give days such as 2027-01-31.")
}

/// An export on its way.
struct Export {
    console: Arc<Console>,
    ctx: Ctx,
    slug: String,
    part: Exported,
}

/// `GET /w/{slug}/audit/export`: the whole log as it was hashed, a line for each entry, as `keyward audit export` has it. A part
/// at a time, so that its length costs no memory; the first is read before anything is answered, so that a refusal is one.
pub(crate) async fn export(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let slug = slug(at);
    let name = format!("attachment; filename=\"audit-{}.ndjson\"", member.place(&slug)?.workspace.slug);
    // Slugs are letters, digits and hyphens.
    let name = HeaderValue::try_from(name).map_err(|_| member.stop(Reason::Missing))?;
    let mut export = Export { console, ctx: member.ctx.clone(), slug, part: Exported::default() };
    export.part = allowed(&member, export.read(0).await)?;
    let parts = stream::try_unfold(export, |mut export| async move {
        let mut text = String::new();
        for line in std::mem::take(&mut export.part.lines) {
            text.push_str(&line.json());
            text.push('\n');
        }
        let Some(after) = export.part.next else { return Ok::<_, Refusal>(None) };
        export.part = export.read(after).await?;
        Ok(Some((text, export)))
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson")),
        (CONTENT_DISPOSITION, name),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff")),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}

impl Export {
    async fn read(&self, after: u64) -> Result<Exported, Refusal> {
        let whose = Whose::Workspace(&self.slug);
        export_audit(&self.console.service, &self.ctx, whose, &AuditFilter::default(), after).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, text: &str) -> Result<AuditFilter, &'static str> {
        Asked::read(&Pairs(vec![(name.to_owned(), text.to_owned())])).filter()
    }

    #[test]
    fn a_day_is_asked_for_from_its_beginning_to_its_end() {
        assert_eq!(asked("from", "2027-01-31").unwrap().from, "2027-01-31T00:00:00Z".parse().ok());
        assert_eq!(asked("to", " 2027-01-31 ").unwrap().to, "2027-02-01T00:00:00Z".parse().ok());
        assert_eq!(asked("from", "").unwrap(), AuditFilter::default());
    }

    #[test]
    fn what_no_entry_can_have_is_complained_of() {
        assert_eq!(asked("actor", "billing").unwrap().actor, Some(PrincipalId::Billing));
        for (name, text) in
            [("actor", "Ada"), ("from", "31.1.2027"), ("to", "9999-12-31"), ("action", "a\0b")]
        {
            assert!(asked(name, text).is_err(), "{name} {text:?}");
        }
    }
}
