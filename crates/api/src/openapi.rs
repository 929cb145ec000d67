//! The OpenAPI document of the control plane, generated from the handlers.

mod conventions;
mod limits;

use std::collections::BTreeMap;

use keyward_web::COOKIE_NAME;
use keyward_wire::problem::{PROBLEM_JSON, Problem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, Modify, OpenApi, ToSchema as _};

const DESCRIPTION: &str = "Create, list and revoke API keys, and manage the workspaces that they belong to.\n\n\
    Authenticate with an API key (`Authorization: Bearer …` or `X-API-Key`) or with the session cookie that \
    `POST /api/v1/session` sets. A request that changes something with a session cookie must be a same-origin one \
    (`Sec-Fetch-Site` or `Origin`).\n\n\
    Errors are `application/problem+json` (RFC 9457) with a stable `code`.";

#[derive(OpenApi)]
#[openapi(
    info(title = "Keyward", description = DESCRIPTION),
    modifiers(&Security),
    components(schemas(Problem)),
    tags(
        (name = "keys", description = "API keys, personal and of workspaces"),
        (name = "usage", description = "What became of each use of a key, and keys that somebody should look at"),
        (name = "workspaces", description = "Workspaces, their members, catalogue and plan"),
        (name = "roles", description = "What members may do: the roles that every workspace has, and its own"),
        (name = "service accounts", description = "What workspace keys act as"),
        (name = "vaults", description = "Secrets that people keep here to be shown again"),
        (name = "webhooks", description = "Addresses that are told what happens, and what was sent to them"),
        (name = "audit", description = "What happened, and the proof that nothing of it was changed"),
        (name = "operator", description = "For whoever runs this deployment"),
        (name = "session", description = "Signing in, and who one is"),
        (name = "billing", description = "What the payment provider tells"),
    )
)]
struct Root;

/// The document, complete.
pub fn document() -> Document {
    let mut document = Root::openapi();
    document.merge(crate::v1::routes().split_for_parts().1);
    limits::describe(&mut document);
    conventions::describe(&mut document);
    document
}

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut Document) {
        let bearer =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API key")).build();
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let header = ApiKeyValue::with_description("X-API-Key", "An API key");
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(header)));
        let cookie = ApiKeyValue::with_description(COOKIE_NAME, "A session");
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// What any request may be answered with.
pub(crate) struct ReadProblems;

/// What a request that changes something may be answered with.
pub(crate) struct WriteProblems;

impl IntoResponses for ReadProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = problems(&[
            (
                "400",
                "The request cannot be understood, or brings two different keys, or a key in its address",
            ),
            ("401", "No credentials, or a key that is not valid"),
            ("403", "The caller lacks a right, or the plan lacks the feature"),
            ("404", "Not there, or out of the caller's reach"),
            ("422", "Some parameters will not do; `errors` names them"),
            ("431", "The headers are too long"),
            ("500", "A mistake of Keyward's own; the logs have it under the request's identifier"),
            ("503", "The store is unavailable, or too much comes at once"),
        ]);
        all.insert("429".to_owned(), RefOr::T(limits::too_often()));
        all
    }
}

impl IntoResponses for WriteProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = ReadProblems::responses();
        all.extend(problems(&[
            ("408", "The body took too long"),
            ("409", "It contradicts what is there"),
            ("412", "It was changed since the `ETag` in `If-Match`"),
            ("413", "The body is longer than 1 MiB"),
            ("415", "The body is not `application/json`"),
            ("422", "Some fields will not do; `errors` names them"),
        ]));
        all
    }
}

/// What a request may be answered with whose signature says who sent it.
pub(crate) struct SignedProblems;

impl IntoResponses for SignedProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = WriteProblems::responses();
        for of_others in ["401", "403", "409", "412"] {
            all.remove(of_others);
        }
        all.extend(problems(&[
            ("400", "The signature is missing, does not fit or is too old, or the body is no JSON"),
            ("404", "No payment provider is configured"),
            (
                "422",
                "The event cannot be applied: its workspace, price or status is unknown; `errors` says which",
            ),
        ]));
        all
    }
}

pub(super) fn problems(list: &[(&str, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let schema = Ref::from_schema_name(Problem::name());
    list.iter()
        .map(|(status, description)| {
            let content = ContentBuilder::new().schema(Some(schema.clone())).build();
            let response =
                ResponseBuilder::new().description(*description).content(PROBLEM_JSON, content).build();
            ((*status).to_owned(), RefOr::T(response))
        })
        .collect()
}
