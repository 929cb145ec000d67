//! The `OpenAPI` document of the data plane, from the doors themselves.

use keyward_wire::introspect::{IntrospectRequest, Introspection};
use keyward_wire::problem::{FieldProblem, Problem};
use keyward_wire::verify::{BatchAnswer, BatchRequest, VerifyAnswer, VerifyRequest};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi as _};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Keyward data plane",
        description = "Decisions on API keys, for products and gateways on a private network."
    ),
    paths(
        crate::verify::verify,
        crate::verify::batch::verify_batch,
        crate::authorize::authorize,
        crate::authorize::envoy::authorize_envoy,
        crate::introspect::introspect,
        crate::probes::livez,
        crate::probes::readyz,
        crate::probes::metrics
    ),
    components(schemas(VerifyRequest, VerifyAnswer, BatchRequest, BatchAnswer, IntrospectRequest, Introspection, Problem, FieldProblem)),
    modifiers(&Security),
    tags(
        (name = "decide", description = "Whether a key may"),
        (name = "node", description = "How the node is doing")
    )
)]
struct Document;

/// What `/oauth2/introspect` asks of its asker.
struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        for (name, scheme) in
            [("introspection", HttpAuthScheme::Bearer), ("introspection_basic", HttpAuthScheme::Basic)]
        {
            components.add_security_scheme(name, SecurityScheme::Http(Http::new(scheme)));
        }
    }
}

/// The document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_door_is_documented_with_its_statuses() {
        let document = serde_json::to_value(openapi()).unwrap();
        for (path, method, statuses) in [
            ("/v1/verify", "post", &["200", "400", "405", "408", "413", "415", "422", "431", "503"][..]),
            ("/v1/verify/batch", "post", &["200", "400", "405", "408", "413", "415", "422", "431", "503"]),
            ("/v1/authorize", "get", &["200", "401", "403", "429", "503"]),
            ("/v1/authorize/envoy/{path}", "get", &["200", "401", "403", "429", "503"]),
            (
                "/oauth2/introspect",
                "post",
                &["200", "400", "401", "405", "408", "413", "415", "422", "431", "503"],
            ),
            ("/livez", "get", &["200", "405", "431"]),
            ("/readyz", "get", &["200", "405", "431", "503"]),
            ("/metrics", "get", &["200", "405", "431"]),
        ] {
            let responses = document["paths"][path][method]["responses"].as_object().unwrap();
            assert_eq!(responses.keys().collect::<Vec<_>>(), statuses, "{path}");
        }
        let answer = &document["components"]["schemas"]["VerifyAnswer"];
        assert_eq!(answer["required"].as_array().unwrap().len(), 10, "{answer}");
    }
}
