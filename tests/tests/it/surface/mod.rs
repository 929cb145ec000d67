//! The control plane as its `OpenAPI` document lists it, for tests that ask about all of it: what there is to ask, and
//! how to ask so that the rightful asker would get it. A new operation is among them from the day it is documented.

mod body;
pub(crate) mod ghost;
mod targets;

use keyward_tests::{Caller, Keyward, Value};

pub(crate) use self::targets::{Place, Targets};

/// What a running binary says of itself.
#[derive(Debug)]
pub(crate) struct Document(Value);

/// One operation of the document.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    /// Its path, with `{names}` for what varies.
    pub(crate) template: String,
    /// Nobody has to say who they are.
    pub(crate) is_public: bool,
    /// People with a session may ask.
    pub(crate) is_for_people: bool,
    /// What the `{names}` stand for.
    pub(crate) places: Vec<(String, Place)>,
    /// The names of the query's parameters.
    pub(crate) queries: Vec<String>,
    body: Option<Value>,
}

/// A request that is ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
}

impl Document {
    pub(crate) fn of(keyward: &Keyward) -> Self {
        Self(keyward.anonymous().get("/api/docs/openapi.json").expect(200).body)
    }

    /// Every operation; the one that ends the asker's own session comes last.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        let mut operations = Vec::new();
        for (template, of_path) in self.0["paths"].as_object().expect("paths") {
            for (method, operation) in of_path.as_object().expect("operations of a path") {
                if ["get", "post", "put", "patch", "delete"].contains(&method.as_str()) {
                    operations.push(self.operation(template, method, operation));
                }
            }
        }
        assert!(operations.len() > 30, "the document lists {} operations", operations.len());
        operations.sort_by_key(|of| (of.id == "sign_out", of.template.clone(), of.method.clone()));
        operations
    }

    fn operation(&self, template: &str, method: &str, operation: &Value) -> Operation {
        let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        let in_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
        let name = |parameter: &Value| parameter["name"].as_str().unwrap_or_default().to_owned();
        let security = operation["security"].as_array().or_else(|| self.0["security"].as_array());
        let security = security.map_or(&[][..], Vec::as_slice);
        Operation {
            id: operation["operationId"].as_str().expect("an operationId").to_owned(),
            method: method.to_uppercase(),
            template: template.to_owned(),
            is_public: security.is_empty(),
            is_for_people: security.iter().any(|scheme| scheme.get("session").is_some()),
            places: targets::places(template),
            queries: in_query.map(name).collect(),
            body: operation.pointer("/requestBody/content/application~1json/schema").cloned(),
        }
    }

    /// What a schema is, once its reference is followed.
    pub(crate) fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let Some(reference) = schema["$ref"].as_str() else { return schema };
        let pointer = reference.strip_prefix('#').expect("a reference within the document");
        self.resolve(self.0.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere")))
    }

    /// The fields that the operation's body may have.
    pub(crate) fn fields(&self, operation: &Operation) -> Vec<String> {
        let Some(schema) = &operation.body else { return Vec::new() };
        let properties = self.resolve(body::substance(schema))["properties"].as_object();
        properties.map(|properties| properties.keys().cloned().collect()).unwrap_or_default()
    }

    /// The operation as the rightful asker would ask for it.
    #[track_caller]
    pub(crate) fn request(&self, operation: &Operation, on: &Targets) -> Request {
        let mut path = operation.template.clone();
        for (name, place) in &operation.places {
            path = path.replace(&format!("{{{name}}}"), on.at(*place));
        }
        let body = operation.body.as_ref().map(|schema| self.body(operation, schema, on));
        Request { method: operation.method.clone(), path, body }
    }
}

impl Operation {
    /// Such as `GET /api/v1/{slug}`.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    /// It changes nothing.
    pub(crate) fn is_safe(&self) -> bool {
        self.method == "GET"
    }

    /// It tells of wrong passwords too, which anybody may have written down for anybody's address.
    pub(crate) fn tells_of_the_door(&self) -> bool {
        self.template.contains("/audit")
    }

    /// It tells of uses of keys, also of those that were refused: asking with a key that is dead changes what it answers.
    pub(crate) fn tells_of_use(&self) -> bool {
        self.template.contains("/usage") || self.template.ends_with("/keys/stale")
    }

    /// It tells how far nodes have come: what anybody changes anywhere changes what it answers.
    pub(crate) fn tells_of_nodes(&self) -> bool {
        self.template.ends_with("/nodes")
    }

    pub(crate) fn has(&self, place: Place) -> bool {
        self.places.iter().any(|(_, of)| *of == place)
    }
}

impl Request {
    #[track_caller]
    pub(crate) fn ask(&self, caller: &Caller) -> keyward_tests::Answer {
        let answer = caller.try_send(&self.method, &self.path, self.body.as_ref());
        answer.unwrap_or_else(|| panic!("no answer to {} {}", self.method, self.path))
    }
}
