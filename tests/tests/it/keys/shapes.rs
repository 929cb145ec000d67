//! Whole answers, so that a field that appears, vanishes or changes its type is seen.

use insta::{assert_json_snapshot, dynamic_redaction};
use keyward_tests::redact::{exactly, id, just_now, number, some_text, sorted};
use keyward_tests::{Keyward, json, shared};

/// The profile of these tests: its secrets are easiest to recognize.
fn keyward() -> &'static Keyward {
    shared("cveium")
}

#[test]
fn a_created_key_with_its_secret() {
    let workspace = keyward().workspace();
    let key = workspace.create_key(json!({"name": "ci-pipeline-prod", "scopes": ["products:read"]}));
    let hint = format!("cvk_…{}", &key.secret[key.secret.len() - 4..]);
    assert_json_snapshot!(sorted(&key.created.body), {
        ".id" => dynamic_redaction(id("key_")),
        ".created_at" => dynamic_redaction(just_now),
        ".created_by.id" => dynamic_redaction(id("usr_")),
        ".created_by.name" => dynamic_redaction(some_text),
        ".owner.id" => dynamic_redaction(id("usr_")),
        ".owner.name" => dynamic_redaction(some_text),
        ".secret" => dynamic_redaction(exactly(&key.secret)),
        ".service_account.id" => dynamic_redaction(id("sa_")),
        ".secret_hint" => dynamic_redaction(exactly(&hint)),
    }, @r#"
    {
      "allowed_cidrs": [],
      "created_at": "[just now]",
      "created_by": {
        "id": "[usr_…]",
        "name": "[text]",
        "type": "user"
      },
      "description": null,
      "expires_at": null,
      "id": "[key_…]",
      "kind": "workspace",
      "last_used_at": null,
      "last_used_ip": null,
      "metadata": {},
      "name": "ci-pipeline-prod",
      "owner": {
        "id": "[usr_…]",
        "name": "[text]",
        "type": "user"
      },
      "requests_per_minute": null,
      "revoked_at": null,
      "revoked_by": null,
      "rotation": null,
      "rules": [],
      "scopes": [
        "products:read"
      ],
      "secret": "[as expected]",
      "secret_hint": "[as expected]",
      "service_account": {
        "id": "[sa_…]",
        "name": "api_ci-pipeline-prod"
      },
      "status": "active",
      "workspaces": null
    }
    "#);
}

#[test]
fn a_key_read_again_is_the_created_one_without_its_secret() {
    let workspace = keyward().workspace();
    let body = json!({"name": "ci", "description": "Builds the shop", "scopes": ["sboms:read", "sboms:write"],
        "expires_in_seconds": 86400, "metadata": {"team": "shop", "cost_centre": "42"}});
    let key = workspace.create_key(body);
    let got = workspace.get_key(&key.id);
    assert_eq!(got.body, key.resource());
    assert_eq!(got.body["description"], "Builds the shop");
    assert_eq!(got.body["metadata"], json!({"team": "shop", "cost_centre": "42"}));
    assert_eq!(workspace.keys(), [got.body]);
}

#[test]
fn a_list_of_keys() {
    let workspace = keyward().workspace();
    let key = workspace.key_with(&["products:read"]);
    let list = workspace.owner().get(&workspace.path("keys")).expect(200);
    assert_json_snapshot!(sorted(&list.body), {
        ".items[0]" => dynamic_redaction(move |value, path| {
            let listed = serde_json::to_value(&value).expect("JSON");
            assert_eq!(listed, key.resource(), "{path}");
            "[the key]"
        }),
    }, @r#"
    {
      "items": [
        "[the key]"
      ],
      "next_cursor": null
    }
    "#);
}

#[test]
fn a_revoked_key() {
    let workspace = keyward().workspace();
    let key = workspace.key_with(&["products:read"]);
    workspace.revoke(&key);
    let revoked = workspace.get_key(&key.id).body;
    assert_json_snapshot!(sorted(&revoked), {
        ".id" => dynamic_redaction(exactly(&key.id)),
        ".name" => dynamic_redaction(exactly(key.name())),
        ".created_at" => dynamic_redaction(just_now),
        ".created_by" => dynamic_redaction(|_, _| "[the owner]"),
        ".owner" => dynamic_redaction(|_, _| "[the owner]"),
        ".revoked_at" => dynamic_redaction(just_now),
        ".revoked_by.id" => dynamic_redaction(id("usr_")),
        ".revoked_by.name" => dynamic_redaction(some_text),
        ".secret_hint" => dynamic_redaction(some_text),
        ".service_account" => dynamic_redaction(|_, _| "[its own]"),
    }, @r#"
    {
      "allowed_cidrs": [],
      "created_at": "[just now]",
      "created_by": "[the owner]",
      "description": null,
      "expires_at": null,
      "id": "[as expected]",
      "kind": "workspace",
      "last_used_at": null,
      "last_used_ip": null,
      "metadata": {},
      "name": "[as expected]",
      "owner": "[the owner]",
      "requests_per_minute": null,
      "revoked_at": "[just now]",
      "revoked_by": {
        "id": "[usr_…]",
        "name": "[text]",
        "type": "user"
      },
      "rotation": null,
      "rules": [],
      "scopes": [
        "products:read"
      ],
      "secret_hint": "[text]",
      "service_account": "[its own]",
      "status": "revoked",
      "workspaces": null
    }
    "#);
}

#[test]
fn whoami_of_a_session() {
    let workspace = keyward().workspace();
    let whoami = workspace.owner().get(&workspace.path("whoami")).expect(200);
    assert_json_snapshot!(sorted(&whoami.body), {
        ".actor.id" => dynamic_redaction(id("usr_")),
        ".actor.name" => dynamic_redaction(some_text),
        ".workspace.id" => dynamic_redaction(id("ws_")),
        ".workspace.name" => dynamic_redaction(exactly(&workspace.name)),
        ".workspace.slug" => dynamic_redaction(exactly(&workspace.slug)),
    }, @r#"
    {
      "actor": {
        "email": "ada@example.com",
        "id": "[usr_…]",
        "name": "[text]",
        "type": "user"
      },
      "key": null,
      "workspace": {
        "id": "[ws_…]",
        "name": "[as expected]",
        "slug": "[as expected]"
      }
    }
    "#);
}

#[test]
fn whoami_of_a_key() {
    let workspace = keyward().workspace();
    let key = workspace.key_with(&["products:read", "vex:read"]);
    let whoami = keyward().with_key(&key.secret).get(&workspace.path("whoami")).expect(200);
    assert_json_snapshot!(sorted(&whoami.body["key"]), {
        ".id" => dynamic_redaction(exactly(&key.id)),
        ".name" => dynamic_redaction(exactly(key.name())),
    }, @r#"
    {
      "expires_at": null,
      "id": "[as expected]",
      "kind": "workspace",
      "name": "[as expected]",
      "rules": [],
      "scopes": [
        "products:read",
        "vex:read"
      ]
    }
    "#);
    assert_eq!(whoami.body["workspace"]["slug"], workspace.slug);
    assert!(whoami.body["actor"]["type"].is_string());
}

#[test]
fn a_verify_that_allows() {
    let workspace = keyward().workspace();
    let key = workspace.key_with(&["products:read"]);
    let question = json!({"key": key.secret, "workspace": workspace.slug, "scopes": ["products:read"]});
    assert_json_snapshot!(sorted(&keyward().verify(question)), {
        ".key.id" => dynamic_redaction(exactly(&key.id)),
        ".key.name" => dynamic_redaction(exactly(key.name())),
        ".workspace.id" => dynamic_redaction(id("ws_")),
        ".workspace.slug" => dynamic_redaction(exactly(&workspace.slug)),
        ".subject.id" => dynamic_redaction(some_text),
        ".subject.name" => dynamic_redaction(some_text),
        ".subject.type" => dynamic_redaction(some_text),
        ".epoch" => dynamic_redaction(number),
    }, @r#"
    {
      "code": "valid",
      "epoch": "[number]",
      "expires_at": null,
      "key": {
        "id": "[as expected]",
        "kind": "workspace",
        "name": "[as expected]",
        "secret": "current"
      },
      "missing": null,
      "scopes": [
        "products:read"
      ],
      "subject": {
        "id": "[text]",
        "name": "[text]",
        "type": "[text]"
      },
      "usable_for_ms": 250,
      "valid": true,
      "workspace": {
        "id": "[ws_…]",
        "slug": "[as expected]"
      }
    }
    "#);
}

#[test]
fn a_verify_of_an_unknown_key() {
    let unknown = "cvk_".to_owned() + &"0".repeat(56);
    let unknown = format!("{unknown}{}", keyward_tests::crc32_hex(&unknown));
    assert_json_snapshot!(sorted(&keyward().verify(json!({"key": unknown}))), {
        ".epoch" => dynamic_redaction(number),
    }, @r#"
    {
      "code": "not_found",
      "epoch": "[number]",
      "expires_at": null,
      "key": null,
      "missing": null,
      "scopes": [],
      "subject": null,
      "usable_for_ms": 250,
      "valid": false,
      "workspace": null
    }
    "#);
}

#[test]
fn a_problem() {
    let answer = keyward().anonymous().get("/api/v1/acme/keys").problem(401, "unauthenticated");
    assert_json_snapshot!(sorted(&answer.body), {
        ".detail" => dynamic_redaction(some_text),
        ".request_id" => dynamic_redaction(some_text),
        ".title" => dynamic_redaction(some_text),
        ".type" => dynamic_redaction(some_text),
    }, @r#"
    {
      "code": "unauthenticated",
      "detail": "[text]",
      "request_id": "[text]",
      "status": 401,
      "title": "[text]",
      "type": "[text]"
    }
    "#);
}

#[test]
fn a_problem_with_a_field() {
    let workspace = keyward().workspace();
    let body = json!({"name": "", "scopes": ["products:read"]});
    let answer = workspace.owner().post(&workspace.path("keys"), body).problem(422, "validation_failed");
    assert_json_snapshot!(sorted(&answer.body), {
        ".detail" => dynamic_redaction(some_text),
        ".errors[].code" => dynamic_redaction(some_text),
        ".errors[].message" => dynamic_redaction(some_text),
        ".request_id" => dynamic_redaction(some_text),
        ".title" => dynamic_redaction(some_text),
        ".type" => dynamic_redaction(some_text),
    }, @r#"
    {
      "code": "validation_failed",
      "detail": "[text]",
      "errors": [
        {
          "code": "[text]",
          "field": "name",
          "message": "[text]"
        }
      ],
      "request_id": "[text]",
      "status": 422,
      "title": "[text]",
      "type": "[text]"
    }
    "#);
}
