//! An audit log, or those of its entries that are wanted, streamed: a part at a time, so that its length costs no memory.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use keyward_service::ctx::Ctx;
use keyward_service::list::{AuditFilter, AuditLine};
use keyward_service::read_audit::{Exported, export_audit};
use keyward_service::refusal::Refusal;
use keyward_wire::audit::AuditEntry;

use super::{shape, whose};
use crate::problem::Failure;
use crate::state::Api;

const CSV_HEADER: &str = "n,id,at,actor_type,actor_id,actor_name,action,target,before,after,ip,user_agent,request_id,prev,hash\r\n";

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Each entry as it was hashed, and its hash (<https://github.com/ndjson/ndjson-spec>).
    Ndjson,
    /// For spreadsheets (RFC 4180).
    Csv,
}

impl Form {
    /// What a request asks for by `Accept`: the first kind of export that it would rather have than JSON (RFC 9110, section
    /// 12.5.1). `None`: a page of the list.
    pub(super) fn wanted(headers: &HeaderMap) -> Option<Self> {
        let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let accepted: Vec<(&str, f32)> = accepted.flat_map(|value| value.split(',')).map(weighed).collect();
        let weight = |kind: &str| {
            let named = accepted.iter().filter(|(one, _)| one.eq_ignore_ascii_case(kind));
            named.map(|(_, weight)| *weight).fold(0.0, f32::max)
        };
        let json = weight("application/json");
        let kinds = accepted.iter().filter(|(_, weight)| *weight > 0.0 && *weight >= json);
        let kinds = kinds.filter_map(|(kind, weight)| {
            let forms = [("application/x-ndjson", Self::Ndjson), ("text/csv", Self::Csv)];
            let form = forms.into_iter().find(|(name, _)| kind.eq_ignore_ascii_case(name))?;
            Some((form.1, *weight))
        });
        // Of several with the same weight, the first.
        kinds.reduce(|best, one| if one.1 > best.1 { one } else { best }).map(|(form, _)| form)
    }

    const fn content_type(self) -> HeaderValue {
        match self {
            Self::Ndjson => HeaderValue::from_static("application/x-ndjson"),
            Self::Csv => HeaderValue::from_static("text/csv; charset=utf-8; header=present"),
        }
    }

    const fn disposition(self) -> HeaderValue {
        match self {
            Self::Ndjson => HeaderValue::from_static("attachment; filename=\"audit.ndjson\""),
            Self::Csv => HeaderValue::from_static("attachment; filename=\"audit.csv\""),
        }
    }

    const fn beginning(self) -> &'static str {
        match self {
            Self::Ndjson => "",
            Self::Csv => CSV_HEADER,
        }
    }

    fn line(self, line: &AuditLine) -> Result<String, Refusal> {
        match self {
            Self::Ndjson => Ok(format!("{}\n", line.json())),
            Self::Csv => shape(line).map(|entry| csv_row(&entry)),
        }
    }
}

/// A kind of media, and how much it is wanted. A weight that is none counts as nothing.
fn weighed(one: &str) -> (&str, f32) {
    let mut parts = one.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    (kind, weight.map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0)))
}

/// An export on its way.
struct Export {
    api: Arc<Api>,
    ctx: Ctx,
    slug: Option<String>,
    filter: AuditFilter,
    part: Exported,
}

/// Begins an export. Its first part is read before anything is answered, so that a refusal is one.
pub(super) async fn answer(
    api: Arc<Api>,
    ctx: Ctx,
    slug: Option<String>,
    filter: AuditFilter,
    form: Form,
) -> Result<Response, Failure> {
    let mut export = Export { api, ctx, slug, filter, part: Exported::default() };
    export.part = export.read(0).await?;
    let beginning = form.beginning().to_owned();
    let parts = stream::try_unfold((export, Some(beginning)), move |(mut export, text)| async move {
        let mut text = text.unwrap_or_default();
        loop {
            for line in std::mem::take(&mut export.part.lines) {
                text.push_str(&form.line(&line)?);
            }
            let Some(after) = export.part.next else { break };
            export.part = export.read(after).await?;
            // A part without any that is wanted is nothing to send.
            if !text.is_empty() {
                break;
            }
        }
        Ok::<_, Refusal>((!text.is_empty()).then_some((text, (export, None))))
    });
    let headers = [
        (CONTENT_TYPE, form.content_type()),
        (CONTENT_DISPOSITION, form.disposition()),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}

impl Export {
    async fn read(&self, after: u64) -> Result<Exported, Refusal> {
        let whose = whose(self.slug.as_deref());
        export_audit(&self.api.service, &self.ctx, whose, &self.filter, after).await
    }
}

fn csv_row(entry: &AuditEntry) -> String {
    let json = |value: &serde_json::Value| if value.is_null() { String::new() } else { value.to_string() };
    let cells = [
        entry.n.to_string(),
        entry.id.clone(),
        entry.at.to_string(),
        entry.actor.type_.clone(),
        entry.actor.id.clone(),
        entry.actor.name.clone(),
        entry.action.clone(),
        entry.target.clone(),
        json(&entry.before),
        json(&entry.after),
        entry.ip.clone().unwrap_or_default(),
        entry.user_agent.clone().unwrap_or_default(),
        entry.request_id.clone(),
        entry.prev.clone(),
        entry.hash.clone(),
    ];
    let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell. What a spreadsheet would take for a formula gets an apostrophe in front: people choose names.
fn csv_cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{guard}{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_and_never_a_formula() {
        for (text, cell) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "'=1+1"),
            ("@a\nb", "\"'@a\nb\""),
        ] {
            assert_eq!(csv_cell(text), cell);
        }
    }

    #[test]
    fn an_export_is_asked_for_by_accept() {
        let wanted = |value: &'static str| {
            Form::wanted(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(value))]))
        };
        assert_eq!(wanted("application/x-ndjson"), Some(Form::Ndjson));
        assert_eq!(wanted("text/html, text/csv;q=0.9"), Some(Form::Csv));
        assert_eq!(wanted("Application/X-NDJSON; charset=utf-8"), Some(Form::Ndjson));
        assert_eq!(wanted("text/csv, application/x-ndjson"), Some(Form::Csv));
        assert_eq!(wanted("text/csv;q=0.5, application/x-ndjson;q=0.8, */*;q=0.1"), Some(Form::Ndjson));
        assert_eq!(wanted("application/json, application/x-ndjson"), Some(Form::Ndjson));
        assert_eq!(wanted("application/json, application/x-ndjson;q=0.5"), None);
        for none in ["application/json, */*", "application/x-ndjson;q=0", "application/x-ndjson;q=much", ""] {
            assert_eq!(wanted(none), None, "{none}");
        }
    }
}
