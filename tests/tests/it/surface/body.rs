//! Bodies: from a small table where only somebody who knows the product can write one, else from the schema.

use keyward_tests::{Value, json, seconds_from_now, sha256, taker_url, unique};

use super::{Document, Operation, Targets};

impl Document {
    #[track_caller]
    pub(super) fn body(&self, operation: &Operation, schema: &Value, on: &Targets) -> Value {
        if let Some(body) = known(&operation.id, on) {
            return body;
        }
        let body = self.generate(schema).unwrap_or_else(|why| {
            panic!(
                "no body for {}: {why}. Add one to `known` of tests/tests/it/surface/body.rs",
                operation.name()
            )
        });
        // A change of nothing would be refused by nobody and prove nothing.
        let says_something = operation.method == "POST" || body != json!({});
        assert!(
            says_something,
            "the body generated for {} says nothing. Add one to `known` of tests/tests/it/surface/body.rs",
            operation.name()
        );
        body
    }

    /// A value that the schema allows: its example, or the least of it.
    fn generate(&self, schema: &Value) -> Result<Value, String> {
        let schema = self.resolve(substance(schema));
        for given in ["example", "default", "const"] {
            if let Some(value) = schema.get(given) {
                return Ok(value.clone());
            }
        }
        if let Some(first) = schema.pointer("/enum/0") {
            return Ok(first.clone());
        }
        match type_of(schema) {
            "object" => self.generate_object(schema),
            "array" => self.generate_array(schema),
            "string" => generate_text(schema),
            "integer" | "number" => Ok(schema.get("minimum").cloned().unwrap_or(json!(1))),
            "boolean" => Ok(json!(false)),
            other => Err(format!("a value of type `{other}` cannot be made up")),
        }
    }

    fn generate_object(&self, schema: &Value) -> Result<Value, String> {
        let mut object = json!({});
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let made = self.generate(&schema["properties"][name]);
            object[name] = made.map_err(|why| format!("{name}: {why}"))?;
        }
        Ok(object)
    }

    fn generate_array(&self, schema: &Value) -> Result<Value, String> {
        let count = schema["minItems"].as_u64().unwrap_or(0);
        (0..count).map(|_| self.generate(&schema["items"])).collect()
    }
}

/// Of a schema that allows something or nothing, the something.
pub(super) fn substance(schema: &Value) -> &Value {
    let choices = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
    let something = choices.and_then(|choices| choices.iter().find(|choice| choice["type"] != "null"));
    something.unwrap_or(schema)
}

/// Of several types, the one that is something.
fn type_of(schema: &Value) -> &str {
    let among = |types: &'_ Vec<Value>| types.iter().position(|one| one != "null");
    match &schema["type"] {
        Value::Array(types) => among(types).and_then(|at| types[at].as_str()).unwrap_or_default(),
        one => one.as_str().unwrap_or_default(),
    }
}

fn generate_text(schema: &Value) -> Result<Value, String> {
    match (schema["format"].as_str(), schema["pattern"].as_str()) {
        (Some("date-time"), _) => Ok(json!(seconds_from_now(3600))),
        (Some("password"), _) => Ok(json!("a passphrase that nobody has")),
        (Some(other), _) => Err(format!("a text of format `{other}` without an example")),
        (None, Some(pattern)) => Err(format!("a text of the pattern `{pattern}` without an example")),
        (None, None) => Ok(json!(unique("text"))),
    }
}

/// Bodies of operations whose schema does not say what would do.
fn known(operation: &str, on: &Targets) -> Option<Value> {
    Some(match operation {
        "create_workspace_key" | "create_personal_key" => {
            json!({"name": unique("made"), "scopes": [on.scope]})
        }
        "update_workspace_key"
        | "update_personal_key"
        | "update_role"
        | "update_service_account"
        | "update_vault"
        | "update_webhook" => {
            json!({"description": unique("changed")})
        }
        "bulk_revoke_workspace_keys" => json!({"ids": [on.key]}),
        "bulk_revoke_personal_keys" => json!({"ids": [on.personal_key]}),
        "create_workspace" => json!({"name": unique("Made")}),
        "update_workspace" => json!({"name": unique("Renamed")}),
        "invite_member" => json!({"email": format!("{}@example.com", unique("eve")), "role": on.role}),
        "update_member" => json!({"role": on.role}),
        "create_role" => json!({"name": unique("role"), "scopes": [on.scope]}),
        "create_service_account" => json!({"name": unique("bot")}),
        // Nothing: what people are called is seen by others.
        "update_me" => json!({}),
        "create_vault" => json!({"name": unique("vault")}),
        "store_vault_secret" => json!({"name": unique("kept"), "secret": unique("a secret")}),
        "create_webhook" => json!({"url": taker_url()}),
        "update_user" => json!({"suspended": false}),
        "import_keys" => {
            let digest = sha256(&unique("secret")).1;
            json!({"keys": [{"sha256": digest, "name": unique("foreign"), "scopes": [on.scope]}]})
        }
        "set_plan" => json!({"plan": on.plan}),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(schemas: &Value) -> Document {
        Document(json!({"components": {"schemas": schemas}}))
    }

    #[test]
    fn a_body_has_all_that_is_required_and_nothing_else() {
        let document = document(&json!({
            "Vault": {"type": "object", "required": ["name", "entries", "role", "lock"], "properties": {
                "name": {"type": "string"}, "colour": {"type": "string"}, "role": {"type": "string", "example": "admin"},
                "entries": {"type": "array", "minItems": 2, "items": {"type": ["null", "integer"], "minimum": 7}},
                "lock": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Lock"}]},
            }},
            "Lock": {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": ["round", "flat"]}}},
        }));
        let mut body = document.generate(&json!({"$ref": "#/components/schemas/Vault"})).expect("a body");
        assert!(body["name"].take().is_string());
        let expected = json!({"name": null, "entries": [7, 7], "role": "admin", "lock": {"kind": "round"}});
        assert_eq!(body, expected);
    }

    #[test]
    fn what_cannot_be_made_up_is_named() {
        let schema = json!({"type": "object", "required": ["digest"],
            "properties": {"digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"}}});
        let why = document(&json!({})).generate(&schema).expect_err("a pattern without an example");
        assert_eq!(why, "digest: a text of the pattern `^[0-9a-f]{64}$` without an example");
    }
}
