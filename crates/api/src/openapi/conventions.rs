//! What holds for many operations alike, described once: `Idempotency-Key` and `fields`.

use keyward_wire::SECRET_ALREADY_SHOWN;
use keyward_wire::key::CreatedKey;
use keyward_wire::member::CreatedInvitation;
use keyward_wire::webhook::CreatedWebhook;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{OpenApi as Document, RefOr, Required};

use super::problems;
use crate::fields::{FIELDS, FIELDS_LEN_MAX};
use crate::idempotency;

/// Answers that hold a secret, and in which of their members.
const WITH_SECRETS: [(&str, &[&str]); 3] = [
    ("CreatedKey", CreatedKey::SECRETS),
    ("CreatedInvitation", CreatedInvitation::SECRETS),
    ("CreatedWebhook", CreatedWebhook::SECRETS),
];

/// Completes the document.
pub(super) fn describe(document: &mut Document) {
    let repeatable: Vec<String> = idempotency::routes(document).map(str::to_owned).collect();
    for (path, item) in &mut document.paths.paths {
        if let Some(get) = &mut item.get
            && answers_json(get)
        {
            get.parameters.get_or_insert_default().push(RefOr::T(fields()));
        }
        if let Some(post) = &mut item.post
            && repeatable.contains(path)
        {
            describe_repeatable(post);
        }
    }
    let schemas = document.components.iter_mut().flat_map(|components| &mut components.schemas);
    for (name, schema) in schemas {
        if let Some((_, secrets)) = WITH_SECRETS.iter().find(|(of, _)| of == name)
            && let RefOr::T(schema) = schema
        {
            describe_answered_again(schema, secrets);
        }
    }
}

fn answers_json(operation: &Operation) -> bool {
    match operation.responses.responses.get("200") {
        Some(RefOr::T(response)) => response.content.contains_key("application/json"),
        Some(RefOr::Ref(_)) | None => false,
    }
}

fn fields() -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String).max_length(Some(FIELDS_LEN_MAX)).build();
    let description = "Only these members of the answer (of a list: of each item): names with commas between them, \
                       `owner.name` for a member of a member";
    ParameterBuilder::new()
        .name(FIELDS)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

fn describe_repeatable(operation: &mut Operation) {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(idempotency::KEY_LEN_MAX))
        .pattern(Some("^[!-~]+$"))
        .build();
    let description = "A key of your choice, such as a random UUID. The same request with the same key within 24 hours \
                       is not carried out again: it is answered as the first one was, with the header \
                       `Idempotency-Replayed: true`, and without a secret";
    let header = ParameterBuilder::new()
        .name(keyward_service::idempotency::HEADER)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build();
    operation.parameters.get_or_insert_default().push(RefOr::T(header));
    let answers = problems(&[
        (
            "409",
            "It contradicts what is there, or the first request with this `Idempotency-Key` is not answered yet",
        ),
        (
            "422",
            "Some fields will not do, or the `Idempotency-Key` came with another request before; `errors` names them",
        ),
        ("429", "Too much is remembered under an `Idempotency-Key`; `Retry-After` says how long to wait"),
    ]);
    for (status, answer) in answers {
        match status.as_str() {
            // What else may be too many, the operation says itself.
            "429" => _ = operation.responses.responses.entry(status).or_insert(answer),
            _ => _ = operation.responses.responses.insert(status, answer),
        }
    }
}

/// What held a secret is `null` when the answer is given again.
fn describe_answered_again(schema: &mut Schema, secrets: &[&str]) {
    match schema {
        Schema::Object(object) => {
            for name in secrets {
                if let Some(property) = object.properties.get_mut(*name) {
                    *property = RefOr::T(nullable(property));
                }
            }
            if secrets.iter().any(|name| object.properties.contains_key(*name)) {
                object.properties.insert(SECRET_ALREADY_SHOWN.to_owned(), RefOr::T(already_shown()));
            }
        }
        Schema::AllOf(all) => {
            for part in &mut all.items {
                if let RefOr::T(part) = part {
                    describe_answered_again(part, secrets);
                }
            }
        }
        _ => {}
    }
}

fn nullable(property: &RefOr<Schema>) -> Schema {
    let description = match property {
        RefOr::T(Schema::Object(Object { description, .. })) => description.clone(),
        RefOr::T(_) | RefOr::Ref(_) => None,
    };
    let description = format!("{} `null` when the answer is given again.", description.unwrap_or_default());
    let types = SchemaType::Array(vec![Type::String, Type::Null]);
    ObjectBuilder::new().schema_type(types).description(Some(description)).build().into()
}

fn already_shown() -> Schema {
    let description = "`true` when the answer is given again, since its request came again with the same \
                       `Idempotency-Key`. It is not there the first time.";
    ObjectBuilder::new().schema_type(Type::Boolean).description(Some(description)).build().into()
}

#[cfg(test)]
mod tests;
