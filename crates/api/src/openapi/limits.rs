//! What the document says of limits: the headers of draft-ietf-httpapi-ratelimit-headers, and 429.

use keyward_wire::problem::{PROBLEM_JSON, Problem};
use utoipa::openapi::path::Operation;
use utoipa::openapi::{
    Components, ContentBuilder, Header, OpenApi as Document, PathItem, Ref, RefOr, Response, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema as _};

const POLICY: &str = "RateLimit-Policy";
const STANDING: &str = "RateLimit";
const RETRY_AFTER: &str = "Retry-After";

/// Describes the headers once, and names them at every success that a key may have.
pub(super) fn describe(document: &mut Document) {
    let components = document.components.get_or_insert_default();
    add(
        components,
        POLICY,
        header::<String>("A limited key's requests a minute, such as `\"key\";q=60;w=60`"),
    );
    add(components, STANDING, header::<String>("What is left of them, such as `\"key\";r=59;t=42`"));
    add(components, RETRY_AFTER, header::<u32>("Seconds until the key may ask again"));
    for operation in
        document.paths.paths.values_mut().flat_map(operations).filter(|operation| takes_keys(operation))
    {
        let successes =
            operation.responses.responses.iter_mut().filter(|(status, _)| status.starts_with('2'));
        for (_, response) in successes {
            if let RefOr::T(response) = response {
                name(response, &[POLICY, STANDING]);
            }
        }
    }
}

/// The answer to a key that asks too often.
pub(super) fn too_often() -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    let mut response =
        ResponseBuilder::new().description("The key asks too often").content(PROBLEM_JSON, content).build();
    name(&mut response, &[POLICY, STANDING, RETRY_AFTER]);
    response
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let methods = [&mut path.get, &mut path.put, &mut path.post, &mut path.patch, &mut path.delete];
    methods.into_iter().flatten()
}

/// Whether the operation may be asked for with a key, and not with the operator's credential alone.
fn takes_keys(operation: &Operation) -> bool {
    let schemes = operation.security.iter().flatten();
    let mut schemes = schemes.filter_map(|scheme| serde_json::to_value(scheme).ok());
    schemes.any(|scheme| scheme.get("api_key").is_some())
}

fn header<T: PartialSchema>(description: &str) -> Header {
    let mut header = Header::new(T::schema());
    header.description = Some(description.to_owned());
    header
}

fn add(components: &mut Components, name: &str, header: Header) {
    components.headers.insert(name.to_owned(), RefOr::T(header));
}

fn name(response: &mut Response, names: &[&str]) {
    for name in names {
        let reference = Ref::new(format!("#/components/headers/{name}"));
        response.headers.insert((*name).to_owned(), RefOr::Ref(reference));
    }
}
