//! A question as it was written: its shape, and what the shape cannot say.

use std::net::IpAddr;

use http::StatusCode;
use keyward_core::field::{Complaints, FieldCode, FieldError};
use keyward_core::workspace::Slug;
use keyward_wire::strict::{self, StrictError};
use keyward_wire::text::Text;
use keyward_wire::verify::VerifyRequest;
use serde::Deserialize;

use crate::answer::Trouble;
use crate::bounds::{METHOD_LEN_MAX, NAME_LEN_MAX, PATH_LEN_MAX, RESOURCE_LEN_MAX, SCOPES_ASKED_MAX};

/// Reads the question. The shape alone refuses unknown and repeated fields (it has no maps and no depth), so
/// the strict reader, which explains, is only needed where something is wrong.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Trouble> {
    if let Ok(asked) = serde_json::from_slice(body) {
        return Ok(asked);
    }
    strict::from_slice(body).map_err(|error| match error {
        StrictError::Malformed { .. } => {
            Trouble::new(StatusCode::BAD_REQUEST, "malformed_request", error.to_string())
        }
        StrictError::Field(problem) => Trouble::invalid(vec![problem]),
    })
}

/// Checks what the shape cannot say, and reads the address. Unknown scopes and slugs are no mistakes: they
/// are answered.
pub(super) fn check(asked: &VerifyRequest<'_>) -> Result<Option<IpAddr>, Vec<FieldError>> {
    let mut complaints = Complaints::new();
    if let Some(slug) = &asked.workspace
        && Slug::parse(slug.as_str()).is_none()
    {
        let message = "give the slug of a workspace: 3 to 40 characters of a-z, 0-9 and -";
        complaints.add(FieldError::new("workspace", FieldCode::Invalid, message));
    }
    check_names(&mut complaints, "scopes", asked.scopes.as_deref().unwrap_or_default());
    check_names(&mut complaints, "any_scope", asked.any_scope.as_deref().unwrap_or_default());
    if asked.any_scope.as_ref().is_some_and(Vec::is_empty) {
        let message = "one of none can never be held; give at least one, or leave the field out";
        complaints.add(FieldError::new("any_scope", FieldCode::TooSmall, message));
    }
    let asks_something = asked.action.is_some()
        || [&asked.scopes, &asked.any_scope].into_iter().flatten().any(|names| !names.is_empty());
    if asked.resource.is_some() && !asks_something {
        let message = "say what is to be done to it: give action, scopes or any_scope too";
        complaints.add(FieldError::new("resource", FieldCode::Contradiction, message));
    }
    check_text(&mut complaints, "action", asked.action.as_ref(), 1, NAME_LEN_MAX);
    check_text(&mut complaints, "resource", asked.resource.as_ref(), 1, RESOURCE_LEN_MAX);
    check_text(&mut complaints, "method", asked.method.as_ref(), 0, METHOD_LEN_MAX);
    check_text(&mut complaints, "path", asked.path.as_ref(), 0, PATH_LEN_MAX);
    let ip = asked.ip.as_ref().and_then(|text| {
        complaints.take(text.as_str().parse::<IpAddr>().map_err(|_| {
            let message = "give an IPv4 or IPv6 address such as 203.0.113.7";
            FieldError::new("ip", FieldCode::Invalid, message)
        }))
    });
    complaints.finish().map(|()| ip.map(|ip| ip.to_canonical()))
}

fn check_names(complaints: &mut Complaints, field: &str, names: &[Text<'_>]) {
    if names.len() > SCOPES_ASKED_MAX {
        let message = format!("give at most {SCOPES_ASKED_MAX}");
        complaints.add(FieldError::new(field, FieldCode::TooLarge, message));
        return;
    }
    for (index, name) in names.iter().enumerate() {
        if !(1..=NAME_LEN_MAX).contains(&name.as_str().len()) {
            check_text(complaints, &format!("{field}[{index}]"), Some(name), 1, NAME_LEN_MAX);
        }
    }
}

fn check_text(complaints: &mut Complaints, field: &str, text: Option<&Text<'_>>, least: usize, most: usize) {
    let len = text.map_or(least, |text| text.as_str().len());
    if len < least {
        complaints.add(FieldError::new(field, FieldCode::TooSmall, "give a text that is not empty"));
    } else if len > most {
        complaints.add(FieldError::new(field, FieldCode::TooLarge, format!("give at most {most} bytes")));
    }
}
